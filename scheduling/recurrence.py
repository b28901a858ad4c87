"""On which days a series meets: three shapes of a rule, read from and written as what is stored.

Stored rules are django-scheduler's (`Rule.frequency`, `Rule.params`). Its own reader drops what it
does not understand and collapses lists of numbers, so ours is strict: what is not one of the three
shapes, and everything finer than daily, is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from dateutil import rrule
from django.utils.translation import gettext, ngettext, pgettext

_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LAST = -1


class UnusableRule(ValueError):
    """A stored rule that is none of the shapes we plan with."""


@dataclass(frozen=True)
class NthWeekday:
    """The n-th weekday of every month: `nth` 1–4 or `LAST`, `weekday` 0 (Monday) – 6."""

    nth: int
    weekday: int

    def __post_init__(self) -> None:
        _check(self.nth in {1, 2, 3, 4, LAST} and 0 <= self.weekday <= 6)


@dataclass(frozen=True)
class EveryWeeks:
    """Every `every` weeks (1–12), counted from the first date's week, on the weekdays (0–6, sorted)."""

    every: int
    weekdays: tuple[int, ...]

    def __post_init__(self) -> None:
        _check(1 <= self.every <= 12 and bool(self.weekdays))
        _check(self.weekdays == tuple(sorted({day for day in self.weekdays if 0 <= day <= 6})))


@dataclass(frozen=True)
class MonthDay:
    """A day of every month, 1–28 or `LAST`, so that no month goes without."""

    day: int

    def __post_init__(self) -> None:
        _check(self.day == LAST or 1 <= self.day <= 28)


Recurrence = NthWeekday | EveryWeeks | MonthDay


def stored(rule: Recurrence) -> tuple[str, str]:
    """Frequency and params as django-scheduler stores them, e.g. ("MONTHLY", "byweekday:TU;bysetpos:1")."""
    match rule:
        case NthWeekday(nth, weekday):
            return "MONTHLY", f"byweekday:{_CODES[weekday]};bysetpos:{nth}"
        case EveryWeeks(every, weekdays):
            return "WEEKLY", f"interval:{every};byweekday:{','.join(_CODES[day] for day in weekdays)}"
        case MonthDay(day):
            return "MONTHLY", f"bymonthday:{day}"


def read(frequency: str, params: str) -> Recurrence:
    """The rule that was stored so; raises UnusableRule for anything else."""
    try:
        values = dict(part.split(":") for part in params.split(";"))
        match frequency, values:
            case "MONTHLY", {"byweekday": weekday, "bysetpos": nth, **rest} if not rest:
                return NthWeekday(int(nth), _CODES.index(weekday))
            case "WEEKLY", {"interval": every, "byweekday": weekdays, **rest} if not rest:
                return EveryWeeks(int(every), tuple(_CODES.index(day) for day in weekdays.split(",")))
            case "MONTHLY", {"bymonthday": day, **rest} if not rest:
                return MonthDay(int(day))
    except ValueError as error:
        raise UnusableRule(f"{frequency} {params!r} cannot be read.") from error
    raise UnusableRule(f"{frequency} {params!r} is no rule we plan with.")


def dates(rule: Recurrence, first_on: date, until: date) -> Iterator[date]:
    """The rule's days from `first_on` to `until`, both included, in order.

    `EveryWeeks` counts from the first of its weekdays, so that "every second Tuesday from Wednesday
    on" begins six days later, not thirteen.
    """
    if isinstance(rule, EveryWeeks):
        first_on += timedelta(days=min((day - first_on.weekday()) % 7 for day in rule.weekdays))
    start, end = datetime.combine(first_on, time()), datetime.combine(until, time())
    for at in rrule.rrule(dtstart=start, until=end, wkst=rrule.MO, **_arguments(rule)):
        yield at.date()


def words(rule: Recurrence) -> str:
    """The rule as a person says it: "1. Dienstag im Monat"."""
    match rule:
        case NthWeekday(nth, weekday):
            return gettext("%(nth)s %(weekday)s im Monat") % {
                "nth": ordinal(nth),
                "weekday": weekday_name(weekday),
            }
        case EveryWeeks(every, weekdays):
            weeks = ngettext("jede Woche", "alle %(every)s Wochen", every) % {"every": every}
            return f"{weeks}: {', '.join(weekday_name(day) for day in weekdays)}"
        case MonthDay(day):
            return gettext("%(nth)s Tag im Monat") % {"nth": ordinal(day)}


def ordinal(nth: int) -> str:
    """ "1.", "2." …, or the word for the last one."""
    if nth == LAST:
        return pgettext("der … im Monat", "letzter")
    # English says 1st, 2nd, 3rd, but 11th.
    match nth if nth in {11, 12, 13} else nth % 10:
        case 1:
            return pgettext("Ordnungszahl auf 1", "%d.") % nth
        case 2:
            return pgettext("Ordnungszahl auf 2", "%d.") % nth
        case 3:
            return pgettext("Ordnungszahl auf 3", "%d.") % nth
    return pgettext("Ordnungszahl", "%d.") % nth


def weekday_name(weekday: int) -> str:
    """ "Dienstag" for 1."""
    names = (
        gettext("Montag"),
        gettext("Dienstag"),
        gettext("Mittwoch"),
        gettext("Donnerstag"),
        gettext("Freitag"),
        gettext("Samstag"),
        gettext("Sonntag"),
    )
    return names[weekday]


def weekdays() -> list[tuple[int, str]]:
    """All of them to choose from, Monday (0) first, in the reader's language."""
    return [(day, weekday_name(day)) for day in range(7)]


def _arguments(rule: Recurrence) -> dict[str, Any]:
    match rule:
        case NthWeekday(nth, weekday):
            return {"freq": rrule.MONTHLY, "byweekday": weekday, "bysetpos": nth}
        case EveryWeeks(every, weekdays):
            return {"freq": rrule.WEEKLY, "interval": every, "byweekday": weekdays}
        case MonthDay(day):
            return {"freq": rrule.MONTHLY, "bymonthday": day}


def _check(holds: bool) -> None:
    if not holds:
        raise UnusableRule("Outside what a rule may say.")
