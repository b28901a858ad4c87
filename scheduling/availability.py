"""When a person or room can be had: weekly hours, absences, and the public holidays of their Land.

All on the district's wall clock. Hours and holidays decide where something may be planned; what was
planned before they changed stays. An absence also closes the slots it meets, without overwriting what
is booked there: that is shown beside it (`concerned`), to be moved by a person.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext

from accounts import when
from accounts.models import District
from scheduling import public_holidays
from scheduling.models import Absence, Resource, WeeklyHours

Span = tuple[datetime, datetime]
# A clock cannot say 24:00; who enters 23:59 means the end of the day.
_END_OF_DAY = time(23, 59)
_MINUTES_A_DAY = 24 * 60


class Why(StrEnum):
    """What keeps a resource from being had."""

    HOLIDAY = "holiday"
    HOURS = "hours"
    ABSENCE = "absence"


@dataclass(frozen=True)
class Away:
    """A resource that cannot be had from `start_at` to `end_at`. The reason of an absence is its own."""

    resource: Resource
    start_at: datetime
    end_at: datetime
    why: Why
    holiday: str = ""

    @property
    def text(self) -> str:
        """Who is not there, and why, for those who plan."""
        values = {
            "resource": self.resource,
            "span": when.span(self.start_at, self.end_at),
            "holiday": self.holiday,
        }
        match self.why:
            case Why.HOLIDAY:
                text = gettext("%(resource)s ist an Feiertagen nicht da: %(holiday)s")
            case Why.HOURS:
                text = gettext("%(resource)s ist nach den eigenen Wochenzeiten nicht da: %(span)s")
            case _:
                text = gettext("%(resource)s ist abwesend: %(span)s")
        return text % values


@dataclass(frozen=True)
class Availability:
    """What was read of some resources: by resource, hours by weekday in minutes, and absences in order."""

    district: District
    hours: Mapping[int, Mapping[int, Sequence[tuple[int, int]]]] = field(default_factory=dict)
    absences: Mapping[int, Sequence[Span]] = field(default_factory=dict)

    def away(self, resource: Resource, start_at: datetime, end_at: datetime) -> list[Away]:
        """Every reason why the resource cannot be had in [start_at, end_at); empty: it can."""
        return [
            *self._holidays(resource, start_at, end_at),
            *self._outside_hours(resource, start_at, end_at),
            *(
                Away(resource, since, until, Why.ABSENCE)
                for since, until in self.absences.get(resource.pk, ())
                if since < end_at and until > start_at
            ),
        ]

    def _holidays(self, resource: Resource, start_at: datetime, end_at: datetime) -> Iterator[Away]:
        if not resource.keeps_holidays:
            return
        for on, _since, _until in _days(start_at, end_at, self.district):
            if holiday := public_holidays.name(on, self.district.land):
                yield Away(resource, start_at, end_at, Why.HOLIDAY, holiday)

    def _outside_hours(self, resource: Resource, start_at: datetime, end_at: datetime) -> Iterator[Away]:
        week = self.hours.get(resource.pk)
        if not week:
            return
        for on, since, until in _days(start_at, end_at, self.district):
            if not any(begin <= since and until <= end for begin, end in week.get(on.weekday(), ())):
                yield Away(resource, start_at, end_at, Why.HOURS)
                return


def read(
    resources: Iterable[Resource], district: District, *, since: datetime, until: datetime | None = None
) -> Availability:
    """What decides about the resources in [since, until) (`until` None: from then on). Two queries."""
    keys = {resource.pk for resource in resources}
    hours: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for row in WeeklyHours.objects.filter(resource__in=keys).order_by("weekday", "from_time"):
        day = hours.setdefault(row.resource_id, {}).setdefault(row.weekday, [])
        _append(day, _minute(row.from_time), _minute(row.until_time, is_end=True))
    absences: dict[int, list[Span]] = {}
    found = Absence.objects.filter(resource__in=keys, during__overlap=DateTimeTZRange(since, until))
    for pk, during in found.order_by("during").values_list("resource_id", "during"):
        absences.setdefault(pk, []).append((during.lower, during.upper))
    return Availability(district, hours, absences)


def _append(day: list[tuple[int, int]], begin: int, end: int) -> None:
    """Hours that adjoin are one."""
    if day and day[-1][1] >= begin:
        begin, end = day[-1][0], max(day.pop()[1], end)
    day.append((begin, end))


def _minute(at: time, *, is_end: bool = False) -> int:
    return _MINUTES_A_DAY if is_end and at >= _END_OF_DAY else at.hour * 60 + at.minute


def _days(start_at: datetime, end_at: datetime, district: District) -> Iterator[tuple[date, int, int]]:
    """The days that [start_at, end_at) touches on the wall, each with the minutes from and until."""
    start, end = start_at.astimezone(district.tz), end_at.astimezone(district.tz)
    on = start.date()
    while on <= end.date():
        since = start.hour * 60 + start.minute if on == start.date() else 0
        until = end.hour * 60 + end.minute + (end.second > 0) if on == end.date() else _MINUTES_A_DAY
        if until > since or on == start.date():
            yield on, since, until
        on += timedelta(days=1)
