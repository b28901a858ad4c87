"""What a time zone does in a year, as iCalendar's VTIMEZONE says it: two yearly rules, or none.

Derived from the zone database, so that it follows a change of the law. Calendars that read a list of
dates instead of a rule are an hour wrong all summer (ical.js and others), hence rules.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_YEARS_A_RULE_MUST_HOLD = 5


@dataclass(frozen=True)
class Yearly:
    """Every year on the n-th (-1: last) weekday (0: Monday) of a month."""

    month: int
    weekday: int
    nth: int


@dataclass(frozen=True)
class Observance:
    """From `starts_at` (on the clock that is being left) the offset is `offset_to`."""

    starts_at: datetime
    offset_from: timedelta
    offset_to: timedelta
    name: str
    is_daylight: bool
    yearly: Yearly | None


@cache
def observances(zone: ZoneInfo, year: int) -> tuple[Observance, ...]:
    """What holds in the zone throughout `year`, in order; each begins in the year before it.

    A zone whose clocks do not change has one observance without a rule. So has, for each change, a
    zone whose changes follow no yearly rule.
    """
    before = _changes(zone, year - 1)
    if not before:
        first = datetime(year - 1, 1, 1, tzinfo=UTC)
        steady = _observance(zone, first, _offset(zone, first), None)
        return (steady, *(_observance(zone, *change, None) for change in _changes(zone, year)))
    rules = [_rule(*change) for change in before]
    if all(_rules(zone, year - 1 + n) == rules for n in range(1, _YEARS_A_RULE_MUST_HOLD + 1)):
        return tuple(_observance(zone, *change, _rule(*change)) for change in before)
    return tuple(_observance(zone, *change, None) for change in (*before, *_changes(zone, year)))


def _rules(zone: ZoneInfo, year: int) -> list[Yearly]:
    return [_rule(*change) for change in _changes(zone, year)]


def _changes(zone: ZoneInfo, year: int) -> list[tuple[datetime, timedelta]]:
    """The instants in a year at which the offset changes, each with the offset before it."""
    return list(_found(zone, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)))


def _found(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    day = start
    while day < end:
        if _offset(zone, day) != _offset(zone, day + timedelta(days=1)):
            yield _pinpoint(zone, day, day + timedelta(days=1)), _offset(zone, day)
        day += timedelta(days=1)


def _pinpoint(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second after `before` with the offset of `after`."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    return after


def _rule(at: datetime, offset_before: timedelta) -> Yearly:
    local = at + offset_before
    is_last = local.day + 7 > monthrange(local.year, local.month)[1]
    return Yearly(local.month, local.weekday(), -1 if is_last else (local.day - 1) // 7 + 1)


def _observance(zone: ZoneInfo, at: datetime, offset_before: timedelta, yearly: Yearly | None) -> Observance:
    local = at.astimezone(zone)
    return Observance(
        starts_at=(at + offset_before).replace(tzinfo=None),
        offset_from=offset_before,
        offset_to=_offset(zone, at),
        name=local.tzname() or "",
        is_daylight=_offset(zone, at) > offset_before,
        yearly=yearly,
    )


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
