"""Places on a course: enrolled, left, finished. A place is a booking on the course's slot.

Doors, locks and refusals are those of every booking; what a course adds stands here.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.rows import today
from clients.models import Client
from scheduling import booking as bookings
from scheduling import course_seats, courses, problems, waiting
from scheduling.models import Booking, CancelReason, Course, Enrolment, Level, WaitingEntry
from scheduling.models.booking import BookingQuerySet
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

Outcome = Enrolment.Outcome
_TAKES_PART = (Booking.Status.BOOKED, Booking.Status.ARRIVED, Booking.Status.FULFILLED)


@tried_again
def enrol(
    course: Course,
    *,
    client: Client | None = None,
    guest: str = "",
    requested_on: date | None = None,
    by: User,
    form: UUID | None = None,
) -> Booking:
    """Take a place for one's own client, or for somebody from elsewhere. Raises `Refused`.

    `requested_on` is the day the course was asked for (today without it, and never after the day they
    began to wait for it): the days until its start are counted from there. The same form acts once.
    """
    if against := list(_against_whom(course, client, guest)):
        raise Refused(against)

    def attach(booking: Booking) -> tuple[()]:
        if guest:
            booking.guest = guest
            booking.save(update_fields=["guest"])
        course_seats.note(booking, asked_on=requested_on)
        return ()

    return bookings.book(course.slot, client=client, by=by, idempotency_key=form, attach=attach)


def wait(course: Course, *, client: Client, by: User) -> WaitingEntry:
    """Put one's own client on the list for this very course. Raises `Refused` when they have a place."""
    taken = client.bookings.living().filter(slot=course.slot_id)
    if taken.exclude(status=Booking.Status.TENTATIVE).exists():
        raise Refused([problems.ENROLLED])
    slot = course.slot
    return waiting.enter(kind=slot.kind, slot=slot, format=slot.format, client=client, by=by)


def _against_whom(course: Course, client: Client | None, guest: str) -> Iterable[Problem]:
    if client is None and not guest:
        yield WHO
    if guest and not course.takes_guests:
        yield NO_GUESTS
    if client is not None and not course.takes_clients:
        yield NO_CLIENTS


@tried_again
def end(
    place: Booking,
    outcome: Outcome | str,
    *,
    by: User,
    ended_on: date | None = None,
    left_reason: Enrolment.LeftReason | str = "",
    certificate_level: Level | str = "",
) -> Enrolment:
    """Note how it ended: finished, with a certificate, or left (then why). Raises `Refused`.

    Whoever leaves frees the seat, and so does whoever is done with a group that goes on; who finishes a
    course keeps it to the end. A wrong note is written again, as long as the seat was kept.
    """
    outcome = Outcome(outcome)
    with transaction.atomic():
        if outcome == Outcome.LEFT or place.slot.course.end_on is None:
            place = bookings.cancel(place, reason=CancelReason.CLIENT, by=by)
        elif place.status != Booking.Status.FULFILLED:
            place = bookings.mark_fulfilled(place, by=by)
        enrolment = Enrolment.objects.select_for_update(no_key=True).get(booking=place)
        enrolment.outcome = outcome
        enrolment.ended_on = ended_on or today()
        enrolment.left_reason = left_reason if outcome == Outcome.LEFT else ""
        enrolment.certificate_level = certificate_level if outcome == Outcome.CERTIFICATE else ""
        enrolment.save()
        audit.record("enrolment_ended", place, by=by, outcome=outcome.value)
    return enrolment


# --- Looking ---------------------------------------------------------------------------------
def of_course(course: Course) -> BookingQuerySet:
    """Everybody who has, or had, a place; not those who were cancelled before anything came of it."""
    took_part = Q(status__in=_TAKES_PART) | ~Q(enrolment__outcome="")
    return (
        Booking.objects.filter(took_part, slot=course.slot_id, enrolment__isnull=False)
        .select_related("client", "enrolment", "holder", "holder__organisation")
        .order_by("seat", "pk")
    )


def visible(course: Course, user: User) -> BookingQuerySet:
    """Of those, the ones this person may know: all for who runs the course, else one's own."""
    everybody = of_course(course)
    if Course.objects.run_by(user).filter(pk=course.pk).exists():
        return everybody
    return everybody.for_user(user)


def of_client(client: Client) -> BookingQuerySet:
    """The client's places, the latest course first."""
    return (
        client.bookings.filter(enrolment__isnull=False)
        .exclude(status=Booking.Status.CANCELLED, enrolment__outcome="")
        .select_related("enrolment", "slot__course", "slot__session")
        .order_by("-start_at")
    )


def days_to_start(place: Booking) -> int:
    """From the day the course was asked for to its first day, or to the day of the place if later."""
    begun = place.slot.course.start_on
    if place.booked_at is not None:
        begun = max(begun, timezone.localdate(place.booked_at))
    return max((begun - place.enrolment.requested_on).days, 0)


def in_the_way(course: Course, client: Client) -> list[Booking]:
    """The client's appointments to come that the lessons overlap: for a warning, never a refusal."""
    coming = courses.lessons(course).open().filter(end_at__gt=Now())
    return course_seats.appointments_over(coming, client)


# --- The reasons -----------------------------------------------------------------------------
WHO = Problem("who", _("Bitte sagen Sie, wer teilnimmt."))
NO_GUESTS = Problem(
    "no_guests",
    _("Dieser Kurs ist für Klientinnen und Klienten."),
    _("Wählen Sie eine Person aus Ihren Fällen."),
)
NO_CLIENTS = Problem(
    "no_clients",
    _("Diese Veranstaltung ist nicht für Klientinnen und Klienten."),
    _("Tragen Sie den Namen ein."),
)
