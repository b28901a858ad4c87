"""When a telephone may ring: quiet hours, days of rest, and the window a client has named.

Everything is meant on the district's clock and compared as instants, so 23 and 25 hours make a day,
too. A span begins when it begins and ends before it ends.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from accounts import public_holidays
from clients.models import Client
from notifications.models import MessageRules

# What has to go out before a night goes out this long before it: not with the last stroke.
LAST_CALL = timedelta(hours=1)
_SUNDAY = 6
_DAY = timedelta(days=1)


def may_ring(rules: MessageRules, client: Client | None, at: datetime) -> bool:
    """Whether an SMS may arrive at this moment."""
    day = at.astimezone(rules.district.tz).date()
    return any(begins <= at < ends for begins, ends in _spans(rules, client, day))


def next_moment(rules: MessageRules, client: Client | None, at: datetime) -> datetime:
    """The first moment from `at` on that an SMS may arrive: for what is told at once."""
    day = at.astimezone(rules.district.tz).date()
    while True:
        for begins, ends in _spans(rules, client, day):
            if at < ends:
                return max(at, begins)
        day += _DAY


def latest_before(rules: MessageRules, client: Client | None, at: datetime) -> datetime:
    """The moment to send what is meant for `at`: that very moment, or an earlier one.

    A day of rest gives way to the same hour of the day before; what falls into quiet hours goes out an
    hour before they begin. Never later, because a reminder must leave time to act on it.
    """
    wanted = at.astimezone(rules.district.tz)
    day = wanted.date()
    while True:
        # The first comparison is with the instant itself: at a clock change its wall time comes twice.
        is_same = day == wanted.date()
        meant = at.astimezone(UTC) if is_same else _instant(rules.district.zone, day, wanted.time())
        spans = _spans(rules, client, day)
        if any(begins <= meant < ends for begins, ends in spans):
            return meant
        for begins, ends in reversed(spans):
            if ends <= at:
                return max(begins, ends - LAST_CALL)
        day -= _DAY


def is_day_of_rest(rules: MessageRules, day: date) -> bool:
    """Whether the district lets its clients' telephones rest all that day."""
    if rules.rests_on_sundays and day.weekday() == _SUNDAY:
        return True
    return rules.rests_on_holidays and public_holidays.is_one(day, rules.district.land)


def _spans(rules: MessageRules, client: Client | None, day: date) -> Sequence[tuple[datetime, datetime]]:
    """When the telephone may ring that day, in order, as instants."""
    if is_day_of_rest(rules, day):
        return ()
    window = None
    if client is not None and client.text_from is not None and client.text_until is not None:
        window = (client.text_from, client.text_until)
    return _loud(day, rules.district.zone, (rules.quiet_from, rules.quiet_until), window)


# Every booking asks for the same few days ahead.
@lru_cache(maxsize=4096)
def _loud(
    day: date, zone: str, quiet: tuple[time, time], window: tuple[time, time] | None
) -> Sequence[tuple[datetime, datetime]]:
    # The day's end is the next one's midnight.
    spans = [
        _span(_both(zone, day, begins), _both(zone, day + _DAY if ends is None else day, ends or time()))
        for begins, ends in _hours(*quiet, window)
    ]
    # At 2 o'clock in March a span may vanish.
    return tuple((begins, ends) for begins, ends in spans if begins < ends)


def _span(begins: set[datetime], ends: set[datetime]) -> tuple[datetime, datetime]:
    """Where a clock shows a time twice, the later one begins and the earlier one ends: nobody is woken."""
    since = max(begins)
    return since, min(ends) if min(ends) > since else max(ends)


def _hours(
    quiet_from: time, quiet_until: time, window: tuple[time, time] | None
) -> list[tuple[time, time | None]]:
    """Loud hours on the wall clock; None ends with the day.

    A client's window narrows the district's; where the two have nothing in common, the client's counts:
    quiet hours are there for the client's sake, and the window was agreed with them.
    """
    awake = _awake(quiet_from, quiet_until)
    if window is None:
        return awake
    shared = [(max(begins, window[0]), min(ends or time.max, window[1])) for begins, ends in awake]
    narrowed = [(begins, ends) for begins, ends in shared if begins < ends]
    return [*narrowed] or [window]


def _awake(quiet_from: time, quiet_until: time) -> list[tuple[time, time | None]]:
    midnight = time()
    if quiet_until < quiet_from:  # quiet across midnight
        return [(quiet_until, quiet_from)]
    before, after = (midnight, quiet_from), (quiet_until, None)
    return [span for span in (before, after) if span[0] != span[1]]


def _instant(zone: str, day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _both(zone: str, day: date, at: time) -> set[datetime]:
    """The instants a clock shows this time at: two where it is put back."""
    return {_instant(zone, day, at), _instant(zone, day, at.replace(fold=1))}
