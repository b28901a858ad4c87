"""Courses, groups and events: entered, changed, called off; their dates added and cancelled.

A course's seats are one slot of format `course` in a session of its own that spans the term; its
dates are the lessons of a series, which reserve the teacher and the room and are never booked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit, neutral, when
from accounts.models import District, Organisation, User
from accounts.roles import Role
from accounts.rows import clock, today
from scheduling import (
    calendars,
    planning,
    resources,
    running,
    seats,
    series,
    sessions,
    slots,
    vacancies,
)
from scheduling.models import (
    AppointmentKind,
    Booking,
    Course,
    HolidayRule,
    Resource,
    Series,
    Session,
    Slot,
    SlotFormat,
)
from scheduling.models.slot import SlotQuerySet
from scheduling.planning import Block, Outline, PreviewDate
from scheduling.problems import Problem, Refused
from scheduling.recurrence import EveryWeeks
from scheduling.series import CannotPlan, NewTemplate
from scheduling.transactions import constraint, tried_again
from scheduling.wall_clock import midnight

# Without an end (a residential group, a language café) the seats last as long as anybody may plan.
_OPEN_ENDED = timedelta(days=3660)

_GROUPS = frozenset({Course.Type.SUPERVISED_GROUP, Course.Type.RESIDENTIAL_GROUP})
_EVENTS = frozenset({Course.Type.INFORMATION, Course.Type.TRAINING})


@dataclass(frozen=True)
class Weekly:
    """Lessons by a weekly pattern; `leave_out` are its exceptions. `until` None: it goes on."""

    rule: EveryWeeks
    start_time: time
    minutes: int
    first_on: date
    until: date | None
    leave_out: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Single:
    """Lessons on single days, all at the same hour."""

    days: tuple[date, ...]
    start_time: time
    minutes: int


# --- Entering --------------------------------------------------------------------------------
@tried_again
def enter(
    *,
    by: User,
    organisation: Organisation,
    type: Course.Type | str,
    capacity: int,
    lessons: Weekly | Single | None = None,
    start_on: date | None = None,
    end_on: date | None = None,
    teacher: Resource | None = None,
    room: Resource | None = None,
    place: str = "",
    **details: Any,
) -> Course:
    """Enter a course with its seats and lessons. `details` are the model's plain fields (title, levels …).

    Without `lessons` (a residential group) `start_on` is needed; else the days follow from them. Raises
    CannotPlan when a lesson cannot be, e.g. because the teacher or the room is in use; nothing is written
    then. NotNeutral when the place tells what it is for.
    """
    neutral.refuse_telling(place, by.district)
    kind = kind_of(by.district, Course.Type(type))
    with transaction.atomic():
        planned = _plan(lessons, kind=kind, teacher=teacher, room=room, place=place, by=by)
        start_on, end_on = _days(lessons, start_on, end_on)
        slot = _seats(by.district, organisation, kind, planned, room, place, capacity, start_on, end_on)
        course = Course.objects.create(
            district=by.district,
            organisation=organisation,
            slot=slot,
            series=planned,
            type=type,
            start_on=start_on,
            end_on=end_on,
            created_by=by,
            **details,
        )
        audit.record("added", course, by=by)
    return course


def kind_of(district: District, type: Course.Type) -> AppointmentKind:
    """The kind of appointment a course counts as: course, group or event; entered on first use."""
    category, name = AppointmentKind.Category.COURSE, "Kurs"
    if type in _GROUPS:
        category, name = AppointmentKind.Category.GROUP, "Gruppe"
    elif type in _EVENTS:
        category, name = AppointmentKind.Category.EVENT, "Veranstaltung"
    kind, _is_new = AppointmentKind.objects.get_or_create(
        district=district,
        code=category.value,
        defaults={
            "name": name,
            "category": category,
            "needs_client": category != AppointmentKind.Category.EVENT,
            "needs_room": False,
        },
    )
    return kind


@transaction.atomic
def ensure_teacher(name: str, organisation: Organisation, *, by: User) -> Resource:
    """The teacher of that name in one's district; entered on first use.

    Who signs in under that name, and runs courses of the organisation, is that teacher.
    """
    people = User.objects.active().with_role(Role.COURSE_STAFF).filter(organisation=organisation, name=name)
    user = people.filter(resource__isnull=True).first()
    teacher, is_new = Resource.objects.get_or_create(
        district=by.district,
        kind=Resource.Kind.STAFF,
        name=name,
        defaults={"organisation": organisation, "user": user},
    )
    if is_new:
        audit.record("added", teacher, by=by)
    return teacher


def _plan(
    lessons: Weekly | Single | None,
    *,
    kind: AppointmentKind,
    teacher: Resource | None,
    room: Resource | None,
    place: str,
    by: User,
) -> Series | None:
    if lessons is None:
        return None
    days = sorted(set(lessons.days)) if isinstance(lessons, Single) else []
    weekly = _first_of(lessons, days) if isinstance(lessons, Single) else lessons
    planned = series.plan(
        by=by,
        district=by.district,
        kind=kind,
        template=NewTemplate((Block(lessons.minutes, SlotFormat.LESSON),)),
        calendar=calendars.of_courses(by.district),
        specialist=teacher,
        room=room,
        place=place,
        rule=weekly.rule,
        first_on=weekly.first_on,
        start_time=weekly.start_time,
        until=weekly.until,
        # School holidays are exceptions of the course; on a public holiday there is no lesson.
        holiday_rule=HolidayRule.SKIP,
        leave_out=weekly.leave_out,
    )
    if days[1:]:
        _make(planned, days[1:], lessons.start_time)
    if not planned.sessions.exists():
        raise CannotPlan([gettext("An diesen Tagen ist Feiertag. Es bleibt kein Termin übrig.")])
    return planned


def _first_of(lessons: Single, days: Sequence[date]) -> Weekly:
    """The first day as a pattern of one date; the others are added to it."""
    if not days:
        raise CannotPlan([gettext("Bitte nennen Sie mindestens einen Tag.")])
    first = days[0]
    return Weekly(EveryWeeks(1, (first.weekday(),)), lessons.start_time, lessons.minutes, first, first)


def _days(
    lessons: Weekly | Single | None, start_on: date | None, end_on: date | None
) -> tuple[date, date | None]:
    if isinstance(lessons, Weekly):
        return lessons.first_on, lessons.until
    if isinstance(lessons, Single):
        return min(lessons.days), max(lessons.days)
    if start_on is None:
        raise ValueError("a course without lessons needs its first day")
    return start_on, end_on


def _seats(
    district: District,
    organisation: Organisation,
    kind: AppointmentKind,
    planned: Series | None,
    room: Resource | None,
    place: str,
    capacity: int,
    start_on: date,
    end_on: date | None,
) -> Slot:
    """The slot that holds the seats. Its session reserves nobody: the lessons do that."""
    start_at, end_at = _term(planned, start_on, end_on, district)
    term = Session.objects.create(
        district=district,
        calendar=calendars.of_courses(district),
        place=room.address if room else place,
        original_start_at=start_at,
        start_at=start_at,
        end_at=end_at,
    )
    searched = slots.searched_by(term) | {"organisation_id": organisation.pk}
    if room is not None:
        searched |= {"municipality_id": room.municipality_id, "is_step_free": room.is_step_free}
    return Slot.objects.create(
        district=district,
        session=term,
        block=0,
        kind=kind,
        format=SlotFormat.COURSE,
        start_at=start_at,
        end_at=end_at,
        capacity=capacity,
        **searched,
    )


def _term(
    planned: Series | None, start_on: date, end_on: date | None, district: District
) -> tuple[datetime, datetime]:
    """From the first lesson (without any: the first midnight) to the end of the last day."""
    first = planned.sessions.taking_place().order_by("start_at").first() if planned else None
    start_at = first.start_at if first else midnight(start_on, district.tz)
    if end_on is None:
        return start_at, start_at + _OPEN_ENDED
    return start_at, midnight(end_on + timedelta(days=1), district.tz)


# --- Changing --------------------------------------------------------------------------------
@tried_again
def change(course: Course, *, by: User, capacity: int, end_on: date | None, **details: Any) -> Course:
    """Change what is said about a course, its seats and its last day. Raises `Refused`.

    Fewer seats than are taken are refused. An earlier end strikes the lessons after it; for a later one
    dates are added.
    """
    with transaction.atomic():
        slot, _now = seats.lock(course.slot_id)
        course = Course.objects.select_related("slot", "series", "district").get(pk=course.pk)
        if course.status == Course.Status.CANCELLED:
            raise Refused([CALLED_OFF])
        if end_on is not None and end_on < course.start_on:
            raise Refused([ENDS_TOO_EARLY])
        _resize(slot, capacity, by)
        changed = sorted(name for name, value in details.items() if getattr(course, name) != value)
        for name, value in details.items():
            setattr(course, name, value)
        if end_on != course.end_on:
            changed.append("end_on")
            course.end_on = end_on
            _end_lessons(course, by)
            _retime(course)
        course.save()
        audit.record("changed", course, by=by, fields=changed)
        seats.touch(slot)
    return course


def _resize(slot: Slot, capacity: int, by: User) -> None:
    """More seats, or fewer as long as nobody sits on them; who sits beyond the last one moves up."""
    if capacity == slot.capacity:
        return
    facts = seats.look(seats.Locked(slot, clock()), by=by)
    if capacity < max(len(facts.on_slot), 1):
        raise Refused([too_few_seats(len(facts.on_slot))])
    seats.clear(facts)
    taken = {booking.seat for booking in facts.on_slot}
    free = iter(seat for seat in range(1, capacity + 1) if seat not in taken)
    for booking in facts.on_slot:
        if booking.seat > capacity:
            Booking.objects.filter(pk=booking.pk).update(seat=next(free))
    Slot.objects.filter(pk=slot.pk).update(capacity=capacity)
    if capacity > slot.capacity:
        vacancies.announce(slot)


def _end_lessons(course: Course, by: User) -> None:
    if course.series is not None and course.end_on is not None:
        series.end(course.series, from_on=course.end_on + timedelta(days=1), by=by)


def _retime(course: Course) -> None:
    """The term's session, slot and seats follow the course's days and lessons. Under the slot's lock."""
    start_at, end_at = _term(course.series, course.start_on, course.end_on, course.district)
    times = {"start_at": start_at, "end_at": end_at}
    Session.objects.filter(slots__course=course).update(**times)
    Slot.objects.filter(course=course).update(**times)
    Booking.objects.filter(slot__course=course).update(**times)


@tried_again
def call_off(course: Course, *, reason: str, by: User) -> list[Booking]:
    """Let a course not take place any more; returns the places that were lost and now stand to rebook.

    Its lessons to come are struck, the teacher and the room are free. Called off already is no problem.
    Raises `Refused` when the course is over.
    """
    with transaction.atomic():
        lost = sessions.cancel(course.slot.session, reason=reason, by=by)
        if course.series is not None:
            series.end(course.series, from_on=today(), by=by)
        called_off = Course.objects.filter(pk=course.pk).exclude(status=Course.Status.CANCELLED)
        if called_off.update(status=Course.Status.CANCELLED):
            audit.record("cancelled", course, by=by, bookings=len(lost))
    course.status = Course.Status.CANCELLED
    return lost


# --- Lessons ---------------------------------------------------------------------------------
def lessons(course: Course) -> SlotQuerySet:
    """Its dates in order, cancelled ones too."""
    own = Slot.objects.filter(session__series=course.series_id, format=SlotFormat.LESSON)
    if course.series_id is None:
        own = own.none()
    return own.select_related("session__room", "session__specialist", "district").order_by("start_at")


@tried_again
def add_lessons(course: Course, days: Iterable[date], *, start_time: time, by: User) -> list[Session]:
    """More dates, as long as the others, with the same teacher and room. Raises CannotPlan."""
    wanted = sorted(set(days))
    if course.series is None:
        raise CannotPlan([gettext("Dieser Kurs hat keine Termine.")])
    with transaction.atomic():
        slot, _now = seats.lock(course.slot_id)
        made = _make(course.series, wanted, start_time)
        if course.end_on is not None:
            course.end_on = max(course.end_on, *wanted)
        course.start_on = min(course.start_on, *wanted)
        course.save(update_fields=["start_on", "end_on"])
        _retime(course)
        audit.record("added_dates", course, by=by, number=len(made))
        seats.touch(slot)
    return made


def cancel_lesson(lesson: Slot, *, reason: str, by: User) -> None:
    """Let one date not take place; teacher and room are free. Raises `Refused` when it is over."""
    sessions.cancel(lesson.session, reason=reason, by=by)


def _make(planned: Series, days: Sequence[date], start_time: time) -> list[Session]:
    """A lesson on each of the days, beside the pattern. Raises CannotPlan."""
    outline = running.outline_of(planned)
    if planning.ends_after_midnight(replace(outline, start_time=start_time)):
        raise CannotPlan([gettext("Der Kurs endet dann erst nach Mitternacht.")])
    resources.lock(outline.resources)
    rows = [row for day in days for row in series.preview(_on(outline, day, start_time))]
    if against := [_why_not(row) for row in rows if not row.is_made]:
        raise CannotPlan(against)
    try:
        with transaction.atomic():
            return slots.make(planned, rows)
    except IntegrityError as error:
        match constraint(error):
            case "session_once_per_date":
                raise CannotPlan([gettext("An einem dieser Tage ist schon Kurs.")]) from error
            case "reservation_one_place_at_a_time":
                raise CannotPlan([gettext("Lehrkraft oder Raum sind dann schon belegt.")]) from error
        raise


def _on(outline: Outline, day: date, start_time: time) -> Outline:
    rule = EveryWeeks(1, (day.weekday(),))
    return replace(outline, rule=rule, first_on=day, until=day, start_time=start_time)


def _why_not(row: PreviewDate) -> str:
    if row.conflicts:
        return row.conflicts[0].text
    if row.outcome == planning.Outcome.HOLIDAY:
        return gettext("%(day)s ist Feiertag (%(holiday)s).") % {
            "day": when.day(row.original_on),
            "holiday": row.holiday,
        }
    return gettext("%(day)s geht nicht.") % {"day": when.day(row.original_on)}


# --- The reasons -----------------------------------------------------------------------------
CALLED_OFF = Problem("called_off", _("Dieser Kurs ist abgesagt."), _("Tragen Sie ihn neu ein."))
ENDS_TOO_EARLY = Problem("ends_too_early", _("Das Ende liegt vor dem Beginn."))


def too_few_seats(taken: int) -> Problem:
    """Nobody is put out of a course by a number."""
    return Problem(
        "too_few_seats",
        _("Es sind schon {taken} Plätze vergeben.").format(taken=taken),
        _("Nehmen Sie zuerst jemanden vom Kurs, oder lassen Sie mehr Plätze."),
    )
