"""What recurs (consultations, counselling hours, lessons): planned, kept twelve months ahead, ended. The only
door to django-scheduler.

Its `Calendar`, `Event`, `Rule` and `Occurrence` rows hold the rule and its exceptions; they are
templates. What is searched, booked and shown are our own sessions and slots, made from them here,
once per date of the rule. Dates are expanded with dateutil on the district's wall clock: the same
hour all year, whatever the clocks do (django-scheduler's own expansion follows the zone of the
window it is given, and is not used).
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from schedule.models import Calendar as ScheduleCalendar
from schedule.models import Event, Occurrence, Rule

from accounts import audit
from accounts.models import Channel, District, User
from accounts.rows import clock
from scheduling import calendars, planning, recurrence, resources, running, session_templates, slots
from scheduling.models import (
    AppointmentKind,
    Booking,
    Calendar,
    HolidayRule,
    Resource,
    Series,
    Session,
    SessionTemplate,
    Slot,
)
from scheduling.planning import Block, Outcome, Outline, PreviewDate
from scheduling.transactions import constraint, tried_again
from scheduling.wall_clock import midnight

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class NewTemplate:
    """Blocks that become a session template together with the series; called by them without a name."""

    blocks: tuple[Block, ...]
    name: str = ""


class CannotPlan(Exception):
    """The series cannot be planned: `problems` say why, `conflicts` are the dates that are in the way."""

    def __init__(self, problems: Sequence[str], conflicts: Sequence[PreviewDate] = ()) -> None:
        super().__init__(*problems)
        self.problems = list(problems)
        self.conflicts = list(conflicts)


def preview(
    outline: Outline,
    *,
    left_out: Iterable[date] = (),
    now: datetime | None = None,
    besides: QuerySet[Slot] | None = None,
) -> list[PreviewDate]:
    """Every date the series would have (see `planning.dates`); writes nothing. `besides`: slots that
    make room for it."""
    now = now or clock()
    busy = planning.busy(
        outline.resources,
        outline.district,
        since=midnight(outline.first_on, outline.district.tz),
        besides=besides,
    )
    return planning.dates(outline, now=now, busy=busy, left_out=left_out)


@tried_again
def plan(
    *,
    by: User,
    district: District,
    kind: AppointmentKind,
    template: SessionTemplate | NewTemplate,
    calendar: Calendar | None = None,
    specialist: Resource | None,
    room: Resource | None,
    place: str = "",
    capacity: int = 1,
    rule: recurrence.Recurrence,
    first_on: date,
    start_time: time,
    until: date | None,
    holiday_rule: HolidayRule,
    leave_out: Iterable[date] = (),
    now: datetime | None = None,
) -> Series:
    """Store the series and make its sessions and slots up to the horizon; the rest follows by itself.

    `leave_out` are dates of the rule that shall not take place; `capacity` is the seats of each slot;
    `place` where it is when in no room of ours. Without a calendar: the consultation's. Raises
    CannotPlan when something is wrong with the outline, or when the specialist or room is already in
    use on a date that is not left out; then nothing was written.
    """
    now = now or clock()
    blocks = template.blocks if isinstance(template, NewTemplate) else session_templates.blocks_of(template)
    outline = Outline(
        district,
        specialist,
        room,
        blocks,
        rule,
        first_on,
        start_time,
        until,
        HolidayRule(holiday_rule),
        **planning.buffers(kind),
    )
    left_out = frozenset(leave_out)
    if problems := planning.problems(outline, now=now):
        raise CannotPlan(problems)
    try:
        with transaction.atomic():
            resources.lock(outline.resources)
            rows = preview(outline, left_out=left_out, now=now)
            _refuse_conflicts(rows)
            if isinstance(template, NewTemplate):
                template = session_templates.keep(district, template.blocks, name=template.name)
            series = _store(
                outline,
                left_out,
                kind=kind,
                template=template,
                calendar=calendar or calendars.of_consultation(district),
                place=place,
                capacity=capacity,
                created_by=by,
            )
            sessions = _make(series, outline, rows, until=running.reach(outline, now))
            audit.record("planned", series, by=by, sessions=len(sessions))
    except session_templates.NameIsTaken as error:
        raise CannotPlan(
            [gettext("Eine Vorlage dieses Namens gibt es schon, mit anderen Blöcken.")]
        ) from error
    except IntegrityError as error:
        if constraint(error) != "reservation_one_place_at_a_time":
            raise
        # Somebody took the specialist or the room while we were writing: name where.
        _refuse_conflicts(preview(outline, left_out=left_out, now=now))
        raise CannotPlan([_in_the_way()]) from error
    return series


def extend_all(now: datetime) -> int:
    """Make the sessions and slots that came within the horizon, of all running series; returns how many.

    Doing it again changes nothing. A date whose specialist or room is in use elsewhere is left for
    the next day and shown to the coordinator (`running.gaps`). One series that fails does not stop
    the others.
    """
    made = 0
    for pk in Series.objects.running(now).order_by("pk").values_list("pk", flat=True):
        try:
            made += _extend_one(pk, now)
        except (IntegrityError, recurrence.UnusableRule):
            logger.exception("Series %s was not extended.", pk)
    return made


@tried_again
def end(series: Series, *, from_on: date, by: User) -> list[Session]:
    """Let no session of the series take place from that day on, except what is booked or held.

    From today at the earliest: what has begun stays. Sessions nobody has booked are cancelled, free
    slots beside booked ones are closed. Returns the sessions that remain because of bookings; each
    can be cancelled by itself.
    """
    now = clock()
    from_on = max(from_on, now.astimezone(series.district.tz).date())
    with transaction.atomic():
        series = Series.objects.select_for_update(no_key=True, of=("self",)).get(pk=series.pk)
        _end_rule(series, from_on)
        since = max(midnight(from_on, series.district.tz), now)
        sessions = list(series.sessions.taking_place().filter(start_at__gte=since))
        locked = list(
            Slot.objects.select_for_update(no_key=True).filter(session__in=sessions).open().order_by("pk")
        )
        booked = set(Booking.objects.living().filter(slot__in=locked).values_list("slot_id", flat=True))
        slots.close([slot for slot in locked if slot.pk not in booked])
        kept = {slot.session_id for slot in locked if slot.pk in booked}
        empty = [session for session in sessions if session.pk not in kept]
        _cancel_empty(empty, by)
        audit.record("ended", series, by=by, cancelled=len(empty), kept=len(kept), from_on=f"{from_on}")
    return [session for session in sessions if session.pk in kept]


def strike(session: Session) -> None:
    """Note at the stored series that this date does not take place; inside the act's transaction."""
    if session.series is None:
        return
    length = session.end_at - session.start_at
    found = Occurrence.objects.filter(
        event_id=session.series.event_id, original_start=session.original_start_at
    )
    if not found.update(cancelled=True):
        _occurrence(session.series.event, session.original_start_at, length, cancelled=True).save()


def shift(session: Session) -> None:
    """Note at the stored series when this date takes place instead; inside the act's transaction."""
    if session.series is None:
        return
    found = Occurrence.objects.filter(
        event_id=session.series.event_id, original_start=session.original_start_at
    )
    if not found.update(start=session.start_at, end=session.end_at):
        length = session.end_at - session.start_at
        event, original_at = session.series.event, session.original_start_at
        _occurrence(event, original_at, length, start_at=session.start_at).save()


# --- Storing ---------------------------------------------------------------------------------
def _store(outline: Outline, left_out: Iterable[date], *, kind: AppointmentKind, **values: Any) -> Series:
    frequency, params = recurrence.stored(outline.rule)
    district = outline.district
    stored, _ = ScheduleCalendar.objects.get_or_create(
        slug=f"district-{district.uuid}", defaults={"name": district.name}
    )
    first = _first_start(outline)
    event = Event.objects.create(
        calendar=stored,
        creator=values["created_by"],
        title=kind.public_title,
        start=first,
        end=first + outline.length,
        end_recurring_period=_end_of_day(district, outline.until) if outline.until else None,
        rule=Rule.objects.create(name=frequency.lower(), frequency=frequency, params=params),
    )
    Occurrence.objects.bulk_create(
        _occurrence(event, _clock(outline, on), outline.length, cancelled=True) for on in sorted(left_out)
    )
    return Series.objects.create(
        district=district,
        event=event,
        kind=kind,
        specialist=outline.specialist,
        room=outline.room,
        holiday_rule=outline.holiday_rule,
        **values,
    )


@tried_again
def _extend_one(pk: int, now: datetime) -> int:
    with transaction.atomic():
        series = Series.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)
        outline = running.outline_of(series)
        resources.lock(outline.resources)
        busy = planning.busy(outline.resources, outline.district, since=now)
        until = running.reach(outline, now)
        sessions = _make(series, outline, running.missing(series, outline, busy, now), until=until)
        if sessions:
            audit.record(
                "extended",
                series,
                by=None,
                district=series.district,
                channel=Channel.TASK,
                sessions=len(sessions),
            )
    return len(sessions)


def _make(series: Series, outline: Outline, rows: Iterable[PreviewDate], *, until: date) -> list[Session]:
    """Make the sessions of the rows up to a day; under the lock of series and resources."""
    rows = [row for row in rows if row.original_on <= until]
    _note_exceptions(series.event, outline, rows)
    series.extended_until = until
    series.save(update_fields=["extended_until"])
    return slots.make(series, [row for row in rows if row.is_made])


def _note_exceptions(event: Event, outline: Outline, rows: Sequence[PreviewDate]) -> None:
    """Keep the stored series true: dates moved or struck by holidays become its occurrences."""
    noted = set(Occurrence.objects.filter(event=event).values_list("original_start", flat=True))
    exceptions = []
    for row in rows:
        if row.original_start_at in noted:
            continue
        if row.outcome == Outcome.HOLIDAY:
            exceptions.append(_occurrence(event, row.original_start_at, outline.length, cancelled=True))
        elif row.outcome == Outcome.MOVED:
            exceptions.append(
                _occurrence(event, row.original_start_at, outline.length, start_at=row.start_at)
            )
    Occurrence.objects.bulk_create(exceptions)


def _occurrence(
    event: Event,
    original_start_at: datetime,
    length: timedelta,
    *,
    start_at: datetime | None = None,
    cancelled: bool = False,
) -> Occurrence:
    start_at = start_at or original_start_at
    return Occurrence(
        event=event,
        original_start=original_start_at,
        original_end=original_start_at + length,
        start=start_at,
        end=start_at + length,
        cancelled=cancelled,
    )


def _end_rule(series: Series, from_on: date) -> None:
    event = series.event
    last = _end_of_day(series.district, from_on - timedelta(days=1))
    event.end_recurring_period = min(filter(None, [event.end_recurring_period, last]))
    event.save(update_fields=["end_recurring_period", "updated_on"])
    series.ended_at = timezone.now()
    series.save(update_fields=["ended_at"])


def _cancel_empty(sessions: Sequence[Session], by: User) -> None:
    for session in sessions:
        strike(session)
    Session.objects.filter(pk__in=[session.pk for session in sessions]).update(
        status=Session.Status.CANCELLED,
        cancelled_at=clock(),
        cancelled_by=by,
        cancel_reason=gettext("Serie beendet"),
    )


# --- Looking ---------------------------------------------------------------------------------
def _refuse_conflicts(rows: Sequence[PreviewDate]) -> None:
    conflicts = [row for row in rows if row.outcome == Outcome.CONFLICT]
    if conflicts:
        raise CannotPlan([_in_the_way()], conflicts)


def _in_the_way() -> str:
    return gettext("Zu dieser Zeit ist inzwischen eine andere Sprechstunde geplant.")


def _first_start(outline: Outline) -> datetime:
    """The first date of the rule whose clock time exists: all others are counted from it."""
    far = outline.until or outline.first_on + planning.LONGEST_AHEAD
    for on in recurrence.dates(outline.rule, outline.first_on, far):
        start = _clock(outline, on)
        if start.astimezone(outline.district.tz).time() == outline.start_time:
            return start
    raise CannotPlan(
        [gettext("In dieser Zeit liegt kein Termin. Bitte prüfen Sie Rhythmus, Beginn und Ende.")]
    )


def _clock(outline: Outline, on: date) -> datetime:
    return datetime.combine(on, outline.start_time, tzinfo=outline.district.tz).astimezone(UTC)


def _end_of_day(district: District, on: date) -> datetime:
    return datetime.combine(on, time(23, 59, 59), tzinfo=district.tz)
