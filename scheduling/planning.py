"""A series on paper: every date it would have, with holidays, clock changes and conflicts named.

Nothing is written here. `preview` on the planning page, the saving of a series and its daily
extension all ask `dates`, so what was previewed is what is made.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from dateutil.relativedelta import relativedelta
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet
from django.utils.translation import gettext

from accounts import when
from accounts.models import District
from scheduling import public_holidays, recurrence, wall_clock
from scheduling.availability import Availability, Away
from scheduling.availability import read as read_availability
from scheduling.models import (
    AppointmentKind,
    BlockFormat,
    HolidayRule,
    Reservation,
    Resource,
    Slot,
    SlotFormat,
)

HORIZON = relativedelta(months=12)
LONGEST_AHEAD = relativedelta(years=2)
MOST_DATES = 366  # each is a tick box on the preview; a form of 500 fields is refused
_MOVES_REACH = timedelta(days=31)  # how far a date may be moved at most by holidays
_LONGEST_BUFFER = timedelta(hours=4)  # `appointment_kind_buffers_are_sane`


@dataclass(frozen=True)
class Block:
    """One block of a session template; times in minutes."""

    minutes: int
    format: SlotFormat | BlockFormat
    pause_minutes: int = 0
    with_interpreter: bool = False


@dataclass(frozen=True)
class Outline:
    """What decides the dates of a series. `until` None: it goes on."""

    district: District
    specialist: Resource | None
    room: Resource | None
    blocks: tuple[Block, ...]
    rule: recurrence.Recurrence
    first_on: date
    start_time: time
    until: date | None
    holiday_rule: HolidayRule
    # What its kind of appointment reserves before the first block and after the last.
    buffer_before: timedelta = timedelta()
    buffer_after: timedelta = timedelta()

    @property
    def resources(self) -> list[Resource]:
        """Who and what every date needs, and nobody else may have then."""
        return [each for each in (self.specialist, self.room) if each is not None]

    @property
    def length(self) -> timedelta:
        """From the start of the first block to the end of the last."""
        return total_length(self.blocks)


@dataclass(frozen=True)
class PlannedSlot:
    """A block with its times, and what it reserves: with the pause after it; the first and the last one
    of the day with the buffers of the kind."""

    block: int
    format: SlotFormat | BlockFormat
    with_interpreter: bool
    start_at: datetime
    end_at: datetime
    reserved_until: datetime
    reserved_from: datetime | None = None  # None: from its start


@dataclass(frozen=True)
class Conflict:
    """A resource that is somewhere else at that time."""

    resource: Resource
    start_at: datetime
    end_at: datetime

    @property
    def text(self) -> str:
        """Which resource, and when it is in use."""
        return gettext("%(resource)s ist schon belegt: %(span)s") % {
            "resource": self.resource,
            "span": when.span(self.start_at, self.end_at),
        }


class Outcome(StrEnum):
    """What becomes of a date of the rule."""

    TAKES_PLACE = "takes_place"
    MOVED = "moved"
    HOLIDAY = "holiday"
    NO_SUCH_TIME = "no_such_time"
    LEFT_OUT = "left_out"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class PreviewDate:
    """A date of the rule: what becomes of it, and the slots it would have."""

    original_on: date
    original_start_at: datetime  # where the clocks skip it: by the offset before the change
    on: date
    outcome: Outcome
    holiday: str = ""
    slots: tuple[PlannedSlot, ...] = ()
    conflicts: tuple[Conflict | Away, ...] = ()
    is_bookable_later: bool = False

    @property
    def is_made(self) -> bool:
        """Whether a session comes of it."""
        return self.outcome in {Outcome.TAKES_PLACE, Outcome.MOVED}

    @property
    def start_at(self) -> datetime:
        """When the session begins; only where there are slots."""
        return self.slots[0].start_at

    @property
    def end_at(self) -> datetime:
        """When the session ends; only where there are slots."""
        return self.slots[-1].end_at

    def has_begun(self, now: datetime) -> bool:
        """Whether its time has come; by the rule's own, where it has no slots."""
        return (self.start_at if self.slots else self.original_start_at) <= now


@dataclass
class Busy:
    """Where the specialist and rooms already are, as `Conflict`s in order of time, by resource; and when
    they can be had at all."""

    by_resource: dict[int, list[Conflict]] = field(default_factory=dict)
    availability: Availability | None = None

    def conflicts(
        self, resources: Iterable[Resource], start_at: datetime, end_at: datetime
    ) -> list[Conflict]:
        """What stands in the way of the resources in [start_at, end_at)."""
        return [entry for resource in resources for entry in self._overlapping(resource, start_at, end_at)]

    def away(self, resources: Iterable[Resource], start_at: datetime, end_at: datetime) -> list[Away]:
        """Which of the resources are not there in [start_at, end_at), and why."""
        known = self.availability
        if known is None:
            return []
        return [entry for resource in resources for entry in known.away(resource, start_at, end_at)]

    def _overlapping(self, resource: Resource, start_at: datetime, end_at: datetime) -> list[Conflict]:
        entries = self.by_resource.get(resource.pk, [])
        # Of one resource they never overlap, so their ends are in order too.
        before = bisect_left(entries, end_at, key=lambda entry: entry.start_at)
        return [entry for entry in entries[:before] if entry.end_at > start_at]


def buffers(kind: AppointmentKind) -> dict[str, timedelta]:
    """The time a kind of appointment asks for before and after, as an `Outline` takes it."""
    return {
        "buffer_before": timedelta(minutes=kind.buffer_before_minutes),
        "buffer_after": timedelta(minutes=kind.buffer_after_minutes),
    }


def total_length(blocks: Sequence[Block]) -> timedelta:
    """From the start of the first block to the end of the last, its pause not counted."""
    minutes = sum(block.minutes + block.pause_minutes for block in blocks)
    return timedelta(minutes=minutes - blocks[-1].pause_minutes if blocks else 0)


def length_in_words(length: timedelta) -> str:
    """ "2 Std. 55 Min.", "35 Min."."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    if not hours:
        return gettext("%(minutes)s Min.") % {"minutes": minutes}
    if not minutes:
        return gettext("%(hours)s Std.") % {"hours": hours}
    return gettext("%(hours)s Std. %(minutes)s Min.") % {"hours": hours, "minutes": minutes}


def horizon(district: District, now: datetime) -> date:
    """The last day that slots reach: twelve months from the district's today."""
    return now.astimezone(district.tz).date() + HORIZON


def problems(outline: Outline, *, now: datetime) -> list[str]:
    """Everything that makes the outline unusable, in the reader's words; empty when it can be planned."""
    found = list(_against_days(outline, now))
    if not outline.blocks:
        found.append(gettext("Die Sprechstunde braucht mindestens einen Block."))
    found.extend(_against_pauses(outline))
    if ends_after_midnight(outline):
        found.append(gettext("Die Sprechstunde endet erst nach Mitternacht."))
    return found


def ends_after_midnight(outline: Outline) -> bool:
    """Whether a date reaches into the next day: what pages show belongs to one day."""
    start = timedelta(hours=outline.start_time.hour, minutes=outline.start_time.minute)
    return start + outline.length > timedelta(days=1)


def _against_pauses(outline: Outline) -> Iterator[str]:
    """Between blocks the template's pauses count; they leave the time that the kind asks for."""
    needed = (outline.buffer_before + outline.buffer_after) // timedelta(minutes=1)
    if any(block.pause_minutes < needed for block in outline.blocks[:-1]):
        yield gettext(
            "Diese Terminart braucht zwischen zwei Terminen %(minutes)s Minuten. "
            "Bitte tragen Sie die Zeit als Pause nach jedem Block ein."
        ) % {"minutes": needed}


def _against_days(outline: Outline, now: datetime) -> Iterator[str]:
    first_on, until = outline.first_on, outline.until
    today = now.astimezone(outline.district.tz).date()
    if first_on < today.replace(day=1):
        yield gettext("Der erste Tag liegt vor dem laufenden Monat.")
    if first_on > today + HORIZON:
        yield gettext("Der erste Tag liegt mehr als zwölf Monate voraus.")
    elif until and until < first_on:
        yield gettext("Das Ende liegt vor dem ersten Tag.")
    elif until and until > first_on + LONGEST_AHEAD:
        yield gettext("Eine Serie wird höchstens für zwei Jahre geplant. Ohne Ende läuft sie weiter.")
    else:
        number = sum(1 for _day in recurrence.dates(outline.rule, first_on, _last_day(outline, now)))
        if not number:
            yield gettext("In dieser Zeit liegt kein Termin. Bitte prüfen Sie Rhythmus, Beginn und Ende.")
        if number > MOST_DATES:
            yield gettext(
                "Das sind %(number)s Termine. Auf einmal lassen sich höchstens %(most)s planen."
            ) % {
                "number": number,
                "most": MOST_DATES,
            }


def dates(
    outline: Outline, *, now: datetime, busy: Busy, left_out: Iterable[date] = (), until: date | None = None
) -> list[PreviewDate]:
    """Every date of the rule with what becomes of it, in order.

    Up to `until`, else to its own end, else to the horizon. `left_out` are dates of the rule that
    shall not take place.
    """
    last = until or _last_day(outline, now)
    regular = list(recurrence.dates(outline.rule, outline.first_on, last))
    beyond = recurrence.dates(outline.rule, outline.first_on, _shortened(outline, last + _MOVES_REACH))
    taken = {*regular, *beyond}
    struck, far = set(left_out), horizon(outline.district, now)
    result = []
    for original_on in regular:
        row = replace(_date(outline, original_on, taken, busy), is_bookable_later=original_on > far)
        taken.add(row.on)
        if original_on in struck:
            row = replace(row, outcome=Outcome.LEFT_OUT)
        result.append(row)
    return result


def busy(
    resources: Iterable[Resource],
    district: District,
    *,
    since: datetime,
    besides: "QuerySet[Slot] | None" = None,
) -> Busy:
    """Where the resources are, and when they are not there at all, for what begins at `since` or later (its
    buffer may reach back from there). Three queries.

    Adjoining slots of one session make one entry. `besides`: slots that are about to go elsewhere.
    """
    known = {resource.pk: resource for resource in resources}
    reach = DateTimeTZRange(since - _LONGEST_BUFFER, None)
    query = Reservation.objects.filter(resource__in=known, during__overlap=reach)
    if besides is not None:
        query = query.exclude(slot__in=besides)
    result = Busy(availability=read_availability(known.values(), district, since=since))
    last: tuple[int, int | None] | None = None
    for pk, session, at in query.order_by("resource_id", "during").values_list(
        "resource_id", "slot__session_id", "during"
    ):
        entries = result.by_resource.setdefault(pk, [])
        if (pk, session) == last and entries[-1].end_at == at.lower:
            entries[-1] = replace(entries[-1], end_at=at.upper)
        else:
            entries.append(Conflict(known[pk], at.lower, at.upper))
        last = (pk, session)
    return result


def during(slot: PlannedSlot) -> DateTimeTZRange:
    """What a slot reserves of its specialist and room: its block, the pause after it, the day's buffers."""
    return DateTimeTZRange(slot.reserved_from or slot.start_at, slot.reserved_until, "[)")


def _date(outline: Outline, original_on: date, taken: set[date], busy: Busy) -> PreviewDate:
    holiday = public_holidays.name(original_on, outline.district.land)
    on: date | None = original_on
    if holiday:
        on = public_holidays.moved(original_on, outline.district.land, outline.holiday_rule)
        if on and (on in taken or (outline.until and on > outline.until)):
            on = None  # there is a session that day already, or the series has ended
    clock = datetime.combine(original_on, outline.start_time, tzinfo=outline.district.tz)
    row = PreviewDate(
        original_on, clock.astimezone(UTC), on or original_on, Outcome.TAKES_PLACE, holiday=holiday
    )
    if on is None:
        return replace(row, outcome=Outcome.HOLIDAY)
    try:
        start_at = wall_clock.instant(on, outline.start_time, outline.district.tz)
    except wall_clock.NoSuchTime:
        return replace(row, outcome=Outcome.NO_SUCH_TIME)
    end_at = start_at + outline.length
    reserved = start_at - outline.buffer_before, end_at + outline.buffer_after
    conflicts: list[Conflict | Away] = [
        *busy.conflicts(outline.resources, *reserved),
        *busy.away(outline.resources, start_at, end_at),
    ]
    outcome = Outcome.CONFLICT if conflicts else Outcome.MOVED if holiday else Outcome.TAKES_PLACE
    return replace(row, outcome=outcome, slots=tuple(_slots(outline, start_at)), conflicts=tuple(conflicts))


def _slots(outline: Outline, start_at: datetime) -> Iterator[PlannedSlot]:
    last = len(outline.blocks) - 1
    for position, block in enumerate(outline.blocks):
        end_at = start_at + timedelta(minutes=block.minutes)
        next_at = end_at + timedelta(minutes=block.pause_minutes)
        yield PlannedSlot(
            position,
            block.format,
            block.with_interpreter,
            start_at,
            end_at,
            reserved_until=end_at + outline.buffer_after if position == last else next_at,
            reserved_from=start_at - outline.buffer_before if position == 0 else None,
        )
        start_at = next_at


def _last_day(outline: Outline, now: datetime) -> date:
    return outline.until or max(horizon(outline.district, now), outline.first_on)


def _shortened(outline: Outline, day: date) -> date:
    return min(day, outline.until) if outline.until else day
