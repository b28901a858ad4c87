"""Addresses the room below asks for (scheduling/doors.py)."""

from collections.abc import Mapping, Sequence

from django.urls import reverse

from consultations import readiness
from consultations.models import Referral
from scheduling.models import Booking, Slot
from scheduling.problems import NEEDS_REFERRAL, Problem


def book_hold(hold: Booking) -> str:
    """Where a held place of the consultation is booked."""
    return reverse("consultations:book_hold", args=[hold.uuid])


def about(bookings: Sequence[Booking]) -> Mapping[int, str]:
    """The referral each booking is about, by booking number. One query."""
    found = Referral.objects.filter(booking__in=bookings).values_list("booking_id", "uuid")
    return {booking: reverse("consultations:referral", args=[uuid]) for booking, uuid in found if booking}


def lock(booking: Booking) -> None:
    """Nobody changes the booking's referral meanwhile (a consent that is revoked, for one)."""
    list(Referral.objects.select_for_update(no_key=True, of=("self",)).filter(booking=booking).values("pk"))


def against_move(booking: Booking, slots: Sequence[Slot]) -> Mapping[int, list[Problem]]:
    """Why the booking's referral keeps it from each of the slots, by slot number. One query."""
    referral = Referral.objects.select_related("client", "consent").filter(booking=booking).first()
    if referral is None:
        return {slot.pk: [NEEDS_REFERRAL] for slot in slots}
    return {slot.pk: readiness.against_move(referral, slot) for slot in slots}
