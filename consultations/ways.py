"""What the room below asks for: addresses (scheduling/doors.py), and for whom a slot could be
(scheduling/why_not.py)."""

from collections.abc import Iterable, Mapping, Sequence

from django.urls import reverse

from accounts.models import User
from consultations import interpreting, prepared, readiness, steps
from consultations.models import Referral
from consultations.prepared import Prepared
from scheduling.models import BlockFormat, Booking, Slot
from scheduling.problems import NEEDS_REFERRAL, Problem
from scheduling.why_not import Case, Reason


def book_hold(hold: Booking) -> str:
    """Where a held place of the consultation is booked."""
    return reverse("consultations:book_hold", args=[hold.uuid])


def about(bookings: Sequence[Booking]) -> Mapping[int, str]:
    """The referral each booking is about, by booking number. One query."""
    found = Referral.objects.filter(booking__in=bookings).values_list("booking_id", "uuid")
    return {booking: reverse("consultations:referral", args=[uuid]) for booking, uuid in found if booking}


def may_open(referral: Referral, *, by: User) -> bool:
    """Whether the appointment's own pages are theirs, whose referral it is: a case consultation is booked
    without its client, so they are whoever booked it's alone."""
    booking = referral.booking
    return booking is not None and (referral.is_presentation or booking.holder_id == by.pk)


def to_appointment(referral: Referral, against: Iterable[Problem], *, by: User) -> str:
    """Where the appointment is that stands against another one; empty: there is none, or not theirs to see.

    Asks the database only where one does.
    """
    codes = {problem.code for problem in against}
    if not codes.isdisjoint({readiness.BOOKED.code, readiness.HELD.code}):
        found = Booking.objects.filter(referral=referral)
    elif readiness.OTHER_BOOKED.code in codes:
        others = Referral.objects.exclude(pk=referral.pk).filter(
            client=referral.client_id, format=BlockFormat.PRESENTATION
        )
        found = Booking.objects.filter(referral__in=others, status__in=readiness.TAKES_PLACE)
    else:
        return ""
    booking = found.for_user(by).order_by("start_at").first()
    return reverse("scheduling:booking", args=[booking.uuid]) if booking else ""


def lock(booking: Booking) -> None:
    """Nobody changes the booking's referral meanwhile (a consent that is revoked, for one)."""
    list(Referral.objects.select_for_update(no_key=True, of=("self",)).filter(booking=booking).values("pk"))


def against_move(booking: Booking, slots: Sequence[Slot]) -> Mapping[int, list[Problem]]:
    """Why the booking's referral keeps it from each of the slots, by slot number. One query."""
    referral = Referral.objects.select_related("client", "consent").filter(booking=booking).first()
    if referral is None:
        return {slot.pk: [NEEDS_REFERRAL] for slot in slots}
    return {slot.pk: readiness.against_move(referral, slot) for slot in slots}


def cases(user: User, slot: Slot) -> list[Case]:
    """One's own referrals of the slot's format without an appointment, those that are ready first."""
    return [_case(one, slot) for one in prepared.for_slot(user, slot)]


def _case(one: Prepared, slot: Slot) -> Case:
    referral = one.referral
    return Case(
        uuid=referral.uuid,
        name=_name(referral),
        client=referral.client if referral.is_presentation else None,
        need=interpreting.need(referral, slot),
        reasons=tuple(Reason(problem, _address(referral, steps.where(problem))) for problem in one.problems),
    )


def _name(referral: Referral) -> str:
    """By number or pseudonym: the case team knows who that is."""
    return referral.client.case_number if referral.is_presentation and referral.client else referral.pseudonym


def _address(referral: Referral, step: str) -> str:
    return reverse("consultations:referral", args=[referral.uuid, step]) if step else ""
