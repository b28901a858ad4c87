"""Addresses the room below asks for (scheduling/doors.py)."""

from collections.abc import Mapping, Sequence

from django.urls import reverse

from consultations.models import Referral
from scheduling.models import Booking


def book_hold(hold: Booking) -> str:
    """Where a held place of the consultation is booked."""
    return reverse("consultations:book_hold", args=[hold.uuid])


def about(bookings: Sequence[Booking]) -> Mapping[int, str]:
    """The referral each booking is about, by booking number. One query."""
    found = Referral.objects.filter(booking__in=bookings).values_list("booking_id", "uuid")
    return {booking: reverse("consultations:referral", args=[uuid]) for booking, uuid in found if booking}
