"""Times and dates as people read them: "Di 8. Dez., 14:00–15:10".

Staff read times in their district's zone (the one Django has active) and in the language of
their pages. Clients read dates in their own language, as its file says (`accounts.languages`): the
weekday always, then dd.mm.yyyy in all that come with us, Gregorian and in the digits German
offices use, because that is what stands on the letter and on the door.

In the night in which clocks go back an hour comes twice: a time in it says which of the two it is.
"""

from datetime import date, datetime, timedelta, tzinfo
from functools import cache

from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from django.utils.translation import get_language, gettext

from accounts import languages

# The years that pages open and forms take; nobody means another.
YEARS = range(2000, 2100)


def direction(language: str) -> str:
    """ "rtl" or "ltr" for an HTML `dir` attribute; "auto" for a language we do not know (any more)."""
    found = languages.known().get(_code(language))
    return "auto" if found is None else "rtl" if found.is_right_to_left else "ltr"


def html_lang(language: str) -> str:
    """The language's tag for an HTML `lang` attribute, e.g. "fa-AF" for "prs"."""
    found = languages.known().get(_code(language))
    return found.tag if found else language


def long_date(value: date, language: str) -> str:
    """The day for a client, e.g. "Dienstag, 08.12.2026"; an instant is taken in the active zone."""
    dates = languages.get(_code(language)).dates
    on = _on(value, None)
    return dates.date.format(
        weekday=dates.weekdays[on.weekday()],
        day=f"{on:%d}",
        month=f"{on:%m}",
        month_name=dates.months[on.month - 1] if dates.months else "",
        year=f"{on:%Y}",
    )


def time_of_day(value: datetime, language: str, *, zone: tzinfo | None = None) -> str:
    """The time for a client, e.g. "14:00": the 24 hours of German offices, as the language writes them.

    In an hour that comes twice "02:30 (UTC+2)": no language has words of its own for it.
    """
    at = _local(value, zone)
    time = languages.get(_code(language)).dates.time.format(hour=f"{at:%H}", minute=f"{at:%M}")
    return f"{time} ({_offset(at)})" if _comes_twice(at) else time


def day(value: date, *, zone: tzinfo | None = None) -> str:
    """ "Di 8. Dez.", in English "Tue 8 Dec"."""
    on = _on(value, zone)
    pattern = "d MMM" if _locale().language == "en" else "d. MMM"
    return f"{_weekday(on, 'EEE', _locale())} {format_date(on, pattern, locale=_locale())}"


def day_year(value: date, *, zone: tzinfo | None = None) -> str:
    """ "Di 8. Dez. 2026", in English "Tue 8 Dec 2026"."""
    on = _on(value, zone)
    return f"{day(on)} {on.year}"


def month(value: date, *, zone: tzinfo | None = None) -> str:
    """ "Dezember 2026"."""
    return format_skeleton("yMMMM", _on(value, zone), locale=_locale())


def clock(value: datetime, *, zone: tzinfo | None = None) -> str:
    """ "14:00", never "2 pm"."""
    return _clock(_local(value, zone))


def o_clock(value: datetime, *, zone: tzinfo | None = None) -> str:
    """ "14:00 Uhr", in English "14:00": a time in the middle of a sentence."""
    at = _local(value, zone)
    return _clock(at) if _comes_twice(at) else gettext("%(time)s Uhr") % {"time": _clock(at)}


def exact(value: datetime, *, zone: tzinfo | None = None) -> str:
    """ "Di 8. Dez. 2026, 14:00:05"."""
    at = _local(value, zone)
    return f"{day_year(at)}, {_clock(at, '%H:%M:%S')}"


def span(start: datetime, end: datetime, *, now: datetime | None = None, zone: tzinfo | None = None) -> str:
    """ "Di 8. Dez., 14:00–15:10"; with the year when it is neither this one nor close ahead."""
    first, last = _local(start, zone), _local(end, zone)
    text = f"{_near_day(first, now)}, {_clock(first)}"
    if first.date() == last.date():
        return f"{text}–{_clock(last)}"
    return f"{text} – {_near_day(last, now)}, {_clock(last)}"


def moment(value: datetime, *, now: datetime | None = None, zone: tzinfo | None = None) -> str:
    """One instant, "Di 8. Dez., 14:00"; with the year as in `span`."""
    at = _local(value, zone)
    return f"{_near_day(at, now)}, {_clock(at)}"


def ago(value: datetime, *, now: datetime | None = None, zone: tzinfo | None = None) -> str:
    """ "gerade eben", "vor 3 Min.", "vor 2 Std.", from a day on the day and time themselves."""
    passed = (now or timezone.now()) - value
    # A clock that runs a little ahead of ours still means "now".
    if abs(passed) < timedelta(minutes=1):
        return gettext("gerade eben")
    if timedelta(0) < passed < timedelta(days=1):
        size = timedelta(hours=1) if passed >= timedelta(hours=1) else timedelta(minutes=1)
        whole = passed // size * size
        return format_timedelta(-whole, threshold=1, add_direction=True, format="short", locale=_locale())
    return moment(value, now=now, zone=zone)


def _code(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()


def _near_day(local: datetime, now: datetime | None) -> str:
    """The day of a local time, with its year unless that goes without saying."""
    today = _local(now or timezone.now(), local.tzinfo).date()
    on = local.date()
    obvious = on.year == today.year or today <= on <= today + relativedelta(months=9)
    return day(on) if obvious else day_year(on)


def _clock(at: datetime, shape: str = "%H:%M") -> str:
    """A local time; of the two that look alike, which."""
    texts = {"time": f"{at:{shape}}"}
    if not _comes_twice(at):
        return texts["time"]
    if at.replace(fold=0).dst() == at.replace(fold=1).dst():
        # Clocks that were put back for another reason.
        return f"{texts['time']} ({_offset(at)})"
    if at.fold:
        return gettext("%(time)s Uhr (Winterzeit)") % texts
    return gettext("%(time)s Uhr (Sommerzeit)") % texts


def _comes_twice(at: datetime) -> bool:
    """Whether the clocks there show this time twice that day. `at` is a local time there is."""
    return at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()


def _offset(at: datetime) -> str:
    """ "UTC+2"."""
    seconds = int((at.utcoffset() or timedelta()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'-' if seconds < 0 else '+'}{hours}{f':{minutes:02}' if minutes else ''}"


def _local(value: datetime, zone: tzinfo | None) -> datetime:
    if timezone.is_naive(value):
        raise ValueError("A time without a zone could be any time.")
    return value.astimezone(zone or timezone.get_current_timezone())


def _on(value: date, zone: tzinfo | None) -> date:
    return _local(value, zone).date() if isinstance(value, datetime) else value


def _weekday(on: date, width: str, locale: Locale | str) -> str:
    # Not Babel's stand-alone forms ("cccc"): once Pashto has been asked for, Babel 2.18 answers
    # with Pashto weekdays for every language that inherits them.
    return format_date(on, width, locale=locale).rstrip(".")


def _locale() -> Locale:
    return _babel_locale((get_language() or "de").split("-")[0])


@cache
def _babel_locale(language: str) -> Locale:
    return Locale.parse(language)
