"""Whoever goes along to an authority: reserved by the booking, so that nobody is in two places at once."""

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from scheduling.models import Booking, Reservation, Resource, Slot
from scheduling.problems import COMPANION_ELSEWHERE, Refused, Visit
from scheduling.transactions import constraint


def lock(visit: Visit) -> None:
    """After the slot, as all resources are; inside the transaction that books."""
    if visit.second_person is not None:
        list(Resource.objects.select_for_update(no_key=True).filter(pk=visit.second_person.pk))


def is_free(visit: Visit, slot: Slot, *, moving: Booking | None = None) -> bool:
    """Whether whoever goes along is nowhere else then; asks the database only where somebody does.

    Of an appointment that moves, `company` looks at everybody.
    """
    if visit.second_person is None or moving is not None:
        return True
    at = DateTimeTZRange(slot.start_at, slot.end_at, "[)")
    return not Reservation.objects.filter(resource=visit.second_person, during__overlap=at).exists()


def visit_of(booking: Booking) -> Visit:
    """What a booking is besides slot and client, as it was booked."""
    return Visit(booking.guest, booking.second_person, booking.place, booking.batch)


def reserve(booking: Booking) -> None:
    """Keep them for the booking's time. Raises `Refused` should they be elsewhere after all."""
    if booking.second_person_id is None:
        return
    at = DateTimeTZRange(booking.start_at, booking.end_at, "[)")
    try:
        with transaction.atomic():
            Reservation.objects.create(resource_id=booking.second_person_id, booking=booking, during=at)
    except IntegrityError as error:
        if constraint(error) != "reservation_one_place_at_a_time":
            raise
        raise Refused([COMPANION_ELSEWHERE]) from error


def release(booking: Booking) -> None:
    """They are free again."""
    if booking.second_person_id is not None:
        Reservation.objects.filter(booking=booking, resource=booking.second_person_id).delete()
