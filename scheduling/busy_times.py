"""Reads when somebody is busy out of an iCalendar file (RFC 5545) that anybody may have written.

Only what says when is looked at; titles, people and places are never read, let alone kept. Nothing in
the file decides how much work it makes: rules finer than a day are left out, every rule is looked at
only where it meets the window, and the steps of the whole file are counted. So it is read by hand:
libraries expand what they are told to, until the year 9999 if it says so.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

MOST_BYTES = 1_000_000
MOST_SPANS = 5_000
MOST_STEPS = 100_000
_MOST_OPEN = 20  # components inside one another
_LONGEST = timedelta(days=3660)
_YEARS = range(1900, 2201)

Span = tuple[datetime, datetime]
ZoneOf = Callable[[str], str]  # another program's name of a zone → the zone database's


class Unreadable(ValueError):
    """Nothing of the file is used. `code` says why: not_a_calendar, too_large, too_much."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Odd(ValueError):
    """One entry that is not understood, or not allowed; the others count."""


class Busy(NamedTuple):
    """When somebody is busy, in order and without overlaps; how many entries were not understood."""

    spans: list[Span]
    left_out: int


def read(
    data: bytes, *, zone: ZoneInfo, since: datetime, until: datetime, zone_of: ZoneOf = lambda name: name
) -> Busy:
    """The busy times of the file in [since, until). Times without a zone are meant in `zone`.

    Raises `Unreadable`; never anything else, whatever the file holds.
    """
    if len(data) > MOST_BYTES:
        raise Unreadable("too_large")
    reader = _Reader(zone, since, until, zone_of)
    entries, broken = _entries(data.decode("utf-8-sig", errors="replace"))
    replaced = reader.replaced(entries)
    found: list[Span] = []
    for entry in entries:
        try:
            found += list(reader.spans(entry, replaced))  # an odd entry counts for nothing
        except Odd:
            broken += 1
        if len(found) > MOST_STEPS:
            raise Unreadable("too_much")
    merged = _merged(found)
    if len(merged) > MOST_SPANS:
        raise Unreadable("too_much")
    return Busy(merged, broken)


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


# --- Lines -------------------------------------------------------------------------------------------
class Line(NamedTuple):
    """One property: parameters by their names in capitals, and the value."""

    parameters: dict[str, str]
    value: str


@dataclass
class Entry:
    """A VEVENT or VFREEBUSY with the properties that say when."""

    kind: str
    lines: dict[str, list[Line]] = field(default_factory=dict)

    def one(self, name: str) -> Line | None:
        """The property, if it is there."""
        return self.lines[name][0] if name in self.lines else None

    def text(self, name: str) -> str:
        """Its value in capitals; empty without one."""
        line = self.one(name)
        return line.value.strip().upper() if line else ""


_WANTED = re.compile(
    "(BEGIN|END|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|UID|STATUS|TRANSP|FREEBUSY"
    '|X-MICROSOFT-CDO-BUSYSTATUS)((?:;(?:[^":]|"[^"]*")*)?):(.*)',
    re.IGNORECASE,
)
_ENTRIES = ("VEVENT", "VFREEBUSY")


def _entries(text: str) -> tuple[list[Entry], int]:
    """What the file holds, and how many entries were begun and never ended."""
    lines = re.sub("\r\n?", "\n", text).replace("\n ", "").replace("\n\t", "").split("\n")
    said = [line.strip().upper() for line in lines if line and not line.isspace()]
    # Without its end it was cut on the way: half of somebody's times is worse than those of an hour ago.
    if not said or said[0] != "BEGIN:VCALENDAR" or said[-1] != "END:VCALENDAR":
        raise Unreadable("not_a_calendar")
    done: list[Entry] = []
    begun: list[Entry] = []
    for line in filter(None, map(_WANTED.fullmatch, lines)):
        _take(Line(_parameters(line[2]), line[3]), line[1].upper(), begun, done)
    ended = [entry for entry in done if entry.kind in _ENTRIES]
    return ended, sum(entry.kind in _ENTRIES for entry in begun)


def _take(line: Line, name: str, begun: list[Entry], done: list[Entry]) -> None:
    """One line more, of the innermost component that was begun."""
    if name == "BEGIN":
        begun.append(Entry(line.value.strip().upper()))
        if len(begun) > _MOST_OPEN:
            raise Unreadable("not_a_calendar")
    elif name == "END":
        if begun and begun[-1].kind == line.value.strip().upper():
            done.append(begun.pop())
    elif begun and begun[-1].kind in _ENTRIES:
        begun[-1].lines.setdefault(name, []).append(line)


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";") if part)
    return {name.upper(): value.strip('"') for name, _, value in pairs}


# --- Times -------------------------------------------------------------------------------------------
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)
_LASTS = re.compile(
    r"\+?P(?:(\d{1,5})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?", re.ASCII
)


class Moment(NamedTuple):
    """A time on a wall; a day when it has no hour."""

    local: datetime  # without a zone
    zone: ZoneInfo | None  # None: UTC
    is_day: bool

    @property
    def at(self) -> datetime:
        """The instant."""
        return self.local.replace(tzinfo=self.zone or UTC).astimezone(UTC)


@cache
def _zone(name: str) -> ZoneInfo | None:
    return ZoneInfo(name) if name in available_timezones() else None


@dataclass
class _Reader:
    zone: ZoneInfo
    since: datetime
    until: datetime
    zone_of: ZoneOf
    steps: int = 0

    def step(self, number: int = 1) -> None:
        """Count the work; a file that makes too much is not read."""
        self.steps += number
        if self.steps > MOST_STEPS:
            raise Unreadable("too_much")

    def replaced(self, entries: Sequence[Entry]) -> set[tuple[str, datetime]]:
        """Which single dates of a series have an entry of their own."""
        found = set()
        for entry in entries:
            line = entry.one("RECURRENCE-ID")
            if line is not None:
                try:
                    found.add((entry.text("UID"), self.moment(line, line.value).at))
                except Odd:
                    continue
        return found

    def spans(self, entry: Entry, replaced: set[tuple[str, datetime]]) -> Iterator[Span]:
        """The entry's busy times in the window."""
        found = self._free_busy(entry) if entry.kind == "VFREEBUSY" else self._event(entry, replaced)
        for start, end in found:
            self.step()
            if start < self.until and end > self.since and start < end:
                yield max(start, self.since), min(end, self.until)

    def moment(self, line: Line, value: str) -> Moment:
        """A date or time as the property means it."""
        found = _TIME.fullmatch(value.strip().upper())
        if found is None:
            raise Odd
        numbers = [int(part or 0) for part in found.groups()[:6]]
        if numbers[0] not in _YEARS:
            raise Odd
        try:
            local = datetime(*numbers[:5], min(numbers[5], 59))  # type: ignore[misc,arg-type]  # noqa: DTZ001
        except ValueError:
            raise Odd from None
        if found[4] is None:
            return Moment(local, self.zone, is_day=True)
        return Moment(local, None if found[7] else self._zone_named(line), is_day=False)

    def _zone_named(self, line: Line) -> ZoneInfo:
        name = line.parameters.get("TZID", "")
        # "/example.org/Europe/Berlin" is how some programs call it; names of no zone mean our own.
        for each in (name, self.zone_of(name), "/".join(name.split("/")[-2:])):
            if found := _zone(each):
                return found
        return self.zone

    def _free_busy(self, entry: Entry) -> Iterator[Span]:
        for line in entry.lines.get("FREEBUSY", []):
            if line.parameters.get("FBTYPE", "").upper() == "FREE":
                continue
            for period in line.value.split(","):
                yield self._period(line, period)

    def _period(self, line: Line, text: str) -> Span:
        first, _, last = text.partition("/")
        start = self.moment(line, first).at
        end = start + _lasts(last) if "P" in last.upper() else self.moment(line, last).at
        return start, end

    def _event(self, entry: Entry, replaced: set[tuple[str, datetime]]) -> Iterator[Span]:
        begins = entry.one("DTSTART")
        if begins is None:
            raise Odd
        if _is_free(entry):
            return
        start = self.moment(begins, begins.value)
        length = self._length(entry, start)
        exceptions = self._exceptions(entry)
        uid = "" if entry.one("RECURRENCE-ID") else entry.text("UID")
        for moment in self._dates(entry, start, length):
            at = moment.at
            if (uid and (uid, at) in replaced) or at in exceptions or moment.local.date() in exceptions:
                continue
            # A day ends at midnight on the wall, also when it has 23 or 25 hours.
            yield at, moment._replace(local=moment.local + length).at if moment.is_day else at + length
        for line in entry.lines.get("RDATE", []):
            for value in line.value.split(","):
                if "/" in value:
                    yield self._period(line, value)
                else:
                    at = self.moment(line, value).at
                    yield at, at + length

    def _length(self, entry: Entry, start: Moment) -> timedelta:
        ends, lasts = entry.one("DTEND"), entry.one("DURATION")
        if ends is not None:
            end = self.moment(ends, ends.value)
            length = end.local - start.local if start.is_day else end.at - start.at
        elif lasts is not None:
            length = _lasts(lasts.value)
        else:
            length = timedelta(days=1) if start.is_day else timedelta(0)
        if not timedelta(0) <= length <= _LONGEST:
            raise Odd
        return length

    def _exceptions(self, entry: Entry) -> set[datetime | date]:
        found: set[datetime | date] = set()
        for line in entry.lines.get("EXDATE", []):
            for value in line.value.split(","):
                self.step()
                moment = self.moment(line, value)
                found.add(moment.local.date() if moment.is_day else moment.at)
        return found

    def _dates(self, entry: Entry, start: Moment, length: timedelta) -> Iterator[Moment]:
        yield start
        rules = entry.lines.get("RRULE", [])
        if len(rules) > 1:
            raise Odd
        for line in rules:
            rule = _rule(line.value, start, self)
            # One day more on both sides, because the window is in UTC and the rule on a wall.
            first = self.since.replace(tzinfo=None) - length - timedelta(days=1)
            last = self.until.replace(tzinfo=None) + timedelta(days=1)
            for local in expand(rule, start.local, first, last, self.step):
                if local != start.local:
                    yield start._replace(local=local)


def _is_free(entry: Entry) -> bool:
    return (
        entry.text("STATUS") == "CANCELLED"
        or entry.text("TRANSP") == "TRANSPARENT"
        or entry.text("X-MICROSOFT-CDO-BUSYSTATUS") == "FREE"
    )


def _lasts(text: str) -> timedelta:
    found = _LASTS.fullmatch(text.strip().upper())
    if found is None or not any(found.groups()):
        raise Odd
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if length > _LONGEST:
        raise Odd
    return length


# --- Rules -------------------------------------------------------------------------------------------
class Nth(NamedTuple):
    """A weekday (0: Monday), the n-th of its month or year; 0: each."""

    n: int
    weekday: int


@dataclass(frozen=True)
class Rule:
    """What of RRULE is understood: whole days, in steps of days, weeks, months or years."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None  # on the wall of the entry
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    days: tuple[Nth, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0


_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST"}


def _rule(text: str, start: Moment, reader: _Reader) -> Rule:
    parts = dict(part.upper().split("=", 1) for part in text.strip().split(";") if "=" in part)
    freq = parts.get("FREQ", "")
    if freq not in {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"} or not parts.keys() <= _PARTS:
        raise Odd
    days = tuple(_nth(part) for part in parts["BYDAY"].split(",")) if "BYDAY" in parts else ()
    month_days = _numbers(parts, "BYMONTHDAY", 31)
    if any(day.n for day in days) and (freq in {"DAILY", "WEEKLY"} or month_days):
        raise Odd
    if freq == "WEEKLY" and month_days:
        raise Odd
    week_start = parts.get("WKST", "MO")
    if week_start not in _WEEKDAYS:
        raise Odd
    return Rule(
        freq,
        _number(parts.get("INTERVAL", "1"), 1, 1000),
        _number(parts["COUNT"], 1, 100_000) if "COUNT" in parts else None,
        _until(parts["UNTIL"], start, reader) if "UNTIL" in parts else None,
        tuple(month for month in _numbers(parts, "BYMONTH", 12) if month > 0),
        month_days,
        days,
        _numbers(parts, "BYSETPOS", 366),
        _WEEKDAYS.index(week_start),
    )


def _until(text: str, start: Moment, reader: _Reader) -> datetime:
    moment = reader.moment(Line({}, text), text)
    if moment.is_day:
        return datetime.combine(moment.local.date(), time.max)
    if moment.zone is None and start.zone is not None:
        return moment.at.astimezone(start.zone).replace(tzinfo=None)
    return moment.local


def _number(text: str, least: int, most: int) -> int:
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise Odd
    return int(text)


def _numbers(parts: dict[str, str], name: str, most: int) -> tuple[int, ...]:
    if name not in parts:
        return ()
    numbers = {_number(part, -most, most) for part in parts[name].split(",")}
    if 0 in numbers:
        raise Odd
    return tuple(sorted(numbers))


def _nth(text: str) -> Nth:
    found = _DAY.fullmatch(text)
    if found is None:
        raise Odd
    n = int(found[1] or 0)
    if found[1] and not 1 <= abs(n) <= 53:
        raise Odd
    return Nth(n, _WEEKDAYS.index(found[2]))


def expand(
    rule: Rule, start: datetime, first: datetime, last: datetime, step: Callable[[int], None]
) -> Iterator[datetime]:
    """The dates of the rule from `start` on, in [first, last]; all without a zone.

    `step` is told of the work. Without COUNT, what lies before `first` costs nothing.
    """
    number = 0
    end = min(last, rule.until or last)
    turn = 0 if rule.count else max(0, _turns_before(rule, start, first) - 1)
    while (period := _period_start(rule, start, turn)) is not None and period <= end.date():
        turn += 1
        days = _chosen(_days(rule, period, start), rule.positions)
        step(1 + len(days))
        for day in days:
            at = datetime.combine(day, start.time())
            if at < start:
                continue
            number += 1
            if at > end or (rule.count is not None and number > rule.count):
                return
            if at >= first:
                yield at


def _turns_before(rule: Rule, start: datetime, first: datetime) -> int:
    """How many turns of the rule lie before `first` at least."""
    days = (first - start).days
    long = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}[rule.freq]
    return days // (long * rule.interval)


def _period_start(rule: Rule, start: datetime, turn: int) -> date | None:
    """The first day of the day, week, month or year of this turn; None after all years."""
    on, steps = start.date(), turn * rule.interval
    if rule.freq == "DAILY":
        found: date | None = on + timedelta(days=steps)
    elif rule.freq == "WEEKLY":
        found = on - timedelta(days=(on.weekday() - rule.week_start) % 7) + timedelta(weeks=steps)
    elif rule.freq == "MONTHLY":
        years, month = divmod(on.month - 1 + steps, 12)
        found = date(on.year + years, month + 1, 1) if on.year + years < 9999 else None
    else:
        found = date(on.year + steps, 1, 1) if on.year + steps < 9999 else None
    return found


def _days(rule: Rule, period: date, start: datetime) -> list[date]:
    """The days of one turn, in order."""
    if rule.freq == "DAILY":
        return [period] if _fits(rule, period) else []
    if rule.freq == "WEEKLY":
        wanted = {day.weekday for day in rule.days} or {start.weekday()}
        week = (period + timedelta(days=number) for number in range(7))
        return [day for day in week if day.weekday() in wanted and _in_months(rule, day)]
    if rule.freq == "MONTHLY":
        return _of_month(rule, period, start.day) if _in_months(rule, period) else []
    return _of_year(rule, period.year, start)


def _of_year(rule: Rule, year: int, start: datetime) -> list[date]:
    if rule.days and not rule.months and not rule.month_days:
        return _weekdays(rule.days, date(year, 1, 1), date(year, 12, 31))
    months: Sequence[int] = rule.months or (range(1, 13) if rule.month_days else (start.month,))
    return [day for month in months for day in _of_month(rule, date(year, month, 1), start.day)]


def _of_month(rule: Rule, first: date, usual: int) -> list[date]:
    length = monthrange(first.year, first.month)[1]
    if not rule.days:
        wanted = rule.month_days or (usual,)
        return [first.replace(day=number) for number in _numbered(wanted, length)]
    found = _weekdays(rule.days, first, first.replace(day=length))
    if rule.month_days:
        allowed = set(_numbered(rule.month_days, length))
        found = [day for day in found if day.day in allowed]
    return found


def _numbered(wanted: Sequence[int], length: int) -> list[int]:
    """Days of a month counted from its start or (negative) from its end."""
    counted = {number if number > 0 else length + 1 + number for number in wanted}
    return sorted(number for number in counted if 1 <= number <= length)


def _weekdays(wanted: Sequence[Nth], first: date, last: date) -> list[date]:
    """The n-th (from the end: negative; 0: all) weekdays between two days."""
    found: set[date] = set()
    for n, weekday in wanted:
        day = first + timedelta(days=(weekday - first.weekday()) % 7)
        each = [day + timedelta(weeks=number) for number in range((last - day).days // 7 + 1)]
        if n == 0:
            found.update(each)
        elif abs(n) <= len(each):
            found.add(each[n - 1 if n > 0 else n])
    return sorted(found)


def _in_months(rule: Rule, day: date) -> bool:
    return not rule.months or day.month in rule.months


def _fits(rule: Rule, day: date) -> bool:
    if not _in_months(rule, day) or (rule.days and day.weekday() not in {each.weekday for each in rule.days}):
        return False
    return not rule.month_days or day.day in _numbered(rule.month_days, monthrange(day.year, day.month)[1])


def _chosen(days: list[date], positions: Sequence[int]) -> list[date]:
    """BYSETPOS: the n-th of the turn's days, from the end where negative."""
    if not positions:
        return days
    chosen = {days[n - 1 if n > 0 else n] for n in positions if abs(n) <= len(days)}
    return sorted(chosen)
