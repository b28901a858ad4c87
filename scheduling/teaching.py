"""Who teaches a course and where, changed while it runs: its lessons to come, not those that were held."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts import audit, neutral
from accounts.models import User
from scheduling import courses, feeds, planning, resources, seats, slots
from scheduling.availability import Away
from scheduling.models import Booking, Course, Reservation, Resource, Series, Session, Slot
from scheduling.planning import Busy, Conflict
from scheduling.problems import Problem, Refused
from scheduling.transactions import constraint, tried_again

# More than these are the same news over and over.
_CONFLICTS_SHOWN = 8

NOTHING_CHANGES = Problem("nothing_changes", _("Lehrkraft und Ort sind dieselben wie bisher."))
TAKEN_MEANWHILE = Problem(
    "in_the_way",
    _("Lehrkraft oder Raum sind inzwischen belegt."),
    _("Bitte versuchen Sie es noch einmal; dann steht dabei, wann."),
)


@dataclass(frozen=True)
class Setting:
    """Who teaches, and where: in a room, or at another place."""

    teacher: Resource | None
    room: Resource | None
    place: str = ""

    @property
    def address(self) -> str:
        """What participants read."""
        return self.room.address if self.room else self.place

    @property
    def resources(self) -> list[Resource]:
        """Whom the lessons reserve."""
        return [each for each in (self.teacher, self.room) if each is not None]

    def __str__(self) -> str:
        where = self.room.name if self.room else self.place
        return ", ".join(filter(None, [str(self.teacher or ""), where]))


def of(course: Course) -> Setting:
    """How it is now."""
    if course.series is None:
        return Setting(None, None, course.slot.session.place)
    planned = course.series
    return Setting(planned.specialist, planned.room, "" if planned.room else course.slot.session.place)


@tried_again
def change(course: Course, to: Setting, *, by: User) -> int:
    """Let the lessons to come be taught so; how many they are. What was held stays as it was.

    Another address reaches the calendars of those who entered somebody. Raises `Refused` with every
    lesson at which somebody or the room is not free, and NotNeutral when the place tells what it is for.
    """
    neutral.refuse_telling(to.place, by.district)
    try:
        with transaction.atomic():
            return _change(course, to, by)
    except IntegrityError as error:
        if constraint(error) != "reservation_one_place_at_a_time":
            raise
        raise Refused([TAKEN_MEANWHILE]) from error


def _change(course: Course, to: Setting, by: User) -> int:
    slot, now = seats.lock(course.slot_id)
    stored = Course.objects.select_related("series__specialist", "series__room", "slot__session", "district")
    course = stored.get(pk=course.pk)
    was = of(course)
    if course.status == Course.Status.CANCELLED:
        raise Refused([courses.CALLED_OFF])
    if was == to:
        raise Refused([NOTHING_CHANGES])
    coming = courses.lessons(course).open().filter(start_at__gt=now)
    lessons = list(coming.select_for_update(no_key=True, of=("self",)).order_by("pk"))
    resources.lock([*was.resources, *to.resources])
    if against := list(_against(lessons, [one for one in to.resources if one not in was.resources])):
        raise Refused(against)
    _reserve_anew(lessons, to)
    _write(course, lessons, to)
    if was.address != to.address:
        _tell(course)
    audit.record("taught_otherwise", course, by=by, old=str(was), new=str(to), number=len(lessons))
    seats.touch(slot)
    return len(lessons)


def _against(lessons: Sequence[Slot], new: Sequence[Resource]) -> Iterator[Problem]:
    if not lessons or not new:
        return
    since = min(lesson.start_at for lesson in lessons)
    busy = planning.busy(new, lessons[0].district, since=since)
    found: list[str] = [
        one.text
        for lesson in sorted(lessons, key=lambda each: each.start_at)
        for one in _in_the_way(busy, new, lesson)
    ]
    for text in list(dict.fromkeys(found))[:_CONFLICTS_SHOWN]:
        yield Problem("in_the_way", text)


def _in_the_way(busy: Busy, new: Sequence[Resource], lesson: Slot) -> list[Conflict | Away]:
    start_at, end_at = lesson.start_at, lesson.end_at
    return [*busy.conflicts(new, start_at, end_at), *busy.away(new, start_at, end_at)]


def _reserve_anew(lessons: Iterable[Slot], to: Setting) -> None:
    """The lessons hold the new teacher and room, as long as they held the old ones."""
    held = Reservation.objects.filter(slot__in=[lesson.pk for lesson in lessons])
    during = {one.slot_id: one.during for one in held}
    held.delete()
    Reservation.objects.bulk_create(
        Reservation(
            resource=resource,
            slot=lesson,
            during=during.get(lesson.pk) or DateTimeTZRange(lesson.start_at, lesson.end_at, "[)"),
        )
        for lesson in lessons
        for resource in to.resources
    )


def _write(course: Course, lessons: Sequence[Slot], to: Setting) -> None:
    """Lessons, the rule that makes more of them, and the term with its seats."""
    sessions = [lesson.session for lesson in lessons]
    feeds.sessions_changed(sessions)
    where = {"specialist": to.teacher, "room": to.room, "place": to.place}
    if course.series is not None:
        Series.objects.filter(pk=course.series.pk).update(**where)
    Session.objects.filter(pk__in=[session.pk for session in sessions]).update(**where)
    for session in sessions:
        session.specialist, session.room = to.teacher, to.room
    feeds.sessions_changed(sessions)
    if sessions:
        searched = slots.searched_by(sessions[0])
        Slot.objects.filter(pk__in=[lesson.pk for lesson in lessons]).update(**searched)
    room = to.room
    Session.objects.filter(pk=course.slot.session_id).update(place=to.address)
    Slot.objects.filter(pk=course.slot_id).update(
        municipality=room.municipality_id if room else None, is_step_free=bool(room and room.is_step_free)
    )


def _tell(course: Course) -> None:
    """The calendar entries of those who keep a place name the address, also in the calendars they were
    copied to."""
    places = Booking.objects.filter(slot=course.slot_id, status=Booking.Status.BOOKED).order_by("pk")
    places.update(ical_sequence=F("ical_sequence") + 1)
    for place in places.select_related("client", "holder"):
        feeds.appointment_changed(place)
