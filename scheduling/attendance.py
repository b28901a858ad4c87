"""Who was there on one date of a course: one tap a person, seen at once in every other window."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, sorting
from accounts.bidi import isolated
from accounts.models import User
from scheduling import seats
from scheduling.models import Attendance, Booking, Course, Slot
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

Status = Attendance.Status


@dataclass(frozen=True)
class Row:
    """One person on the list of one date."""

    place: Booking
    name: str
    mark: str  # empty: not marked yet


@tried_again
def mark(lesson: Slot, place: Booking, status: Status | str, *, by: User) -> None:
    """Note it, change it, or (an empty status) take it back. From the day of the date on. Raises `Refused`.

    The same tap again changes nothing.
    """
    with transaction.atomic():
        slot, now = seats.lock(lesson.pk)
        if not slot.is_open:
            raise Refused([NO_LESSON])
        if now.astimezone(slot.district.tz).date() < slot.start_at.astimezone(slot.district.tz).date():
            raise Refused([NOT_YET])
        if not Course.objects.filter(series__sessions__slots=lesson, slot=place.slot_id).exists():
            raise ValueError("a place of another course")
        found = Attendance.objects.filter(lesson=lesson, booking=place)
        before = found.values_list("status", flat=True).first() or ""
        if before == status:
            return
        if status:
            Attendance.objects.update_or_create(
                lesson=lesson,
                booking=place,
                defaults={"status": Status(status), "marked_at": now, "marked_by": by},
            )
        else:
            found.delete()
        audit.record("attendance_marked", place, by=by, was=before, status=str(status))
        seats.touch(slot)


def roll(lesson: Slot, places: Iterable[Booking]) -> list[Row]:
    """The list of one date by name: those who have a place then, and who was marked. One query."""
    marks = dict(Attendance.objects.filter(lesson=lesson).values_list("booking", "status"))
    on = timezone.localdate(lesson.start_at)
    rows = [
        Row(place, name(place), marks.get(place.pk, ""))
        for place in places
        if place.pk in marks or _has_place_on(place, on)
    ]
    return sorted(rows, key=lambda row: sorting.key(row.name))


def counts(places: Sequence[Booking]) -> dict[int, Counter[str]]:
    """How often each was there, excused and absent, by the place's number. One query."""
    counted: dict[int, Counter[str]] = {place.pk: Counter() for place in places}
    for place, status in Attendance.objects.filter(booking__in=counted).values_list("booking", "status"):
        counted[place][status] += 1
    return counted


def name(place: Booking) -> str:
    """Who it is, for those who may know: family name first, as lists have it."""
    if place.client is None:
        return isolated(place.guest)
    return isolated(f"{place.client.family_name}, {place.client.given_name}".strip(", "))


def _has_place_on(place: Booking, on: date) -> bool:
    ended_on = place.enrolment.ended_on
    return ended_on is None or ended_on >= on


# --- The reasons -----------------------------------------------------------------------------
NO_LESSON = Problem("no_lesson", _("Dieser Kurstermin fällt aus."))
NOT_YET = Problem(
    "not_yet", _("Die Anwesenheit lässt sich ab dem Tag des Kurses eintragen."), _("Kommen Sie dann wieder.")
)
