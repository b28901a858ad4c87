"""Whoever goes along to an authority: reserved by the booking, so that nobody is in two places at once."""

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from scheduling import availability
from scheduling.models import Booking, Reservation, Resource, Slot
from scheduling.problems import COMPANION_ELSEWHERE, Refused, Visit
from scheduling.transactions import constraint


def lock(visit: Visit) -> None:
    """After the slot, as all resources are; inside the transaction that books."""
    if visit.second_person is not None:
        list(Resource.objects.select_for_update(no_key=True).filter(pk=visit.second_person.pk))


def is_free(visit: Visit, slot: Slot, *, moving: Booking | None = None) -> bool:
    """Whether whoever goes along is there then, and nowhere else; asks the database only where somebody
    does. The slot's district is at hand.

    Of an appointment that moves, `company` looks at everybody.
    """
    if visit.second_person is None or moving is not None:
        return True
    who, start_at, end_at = visit.second_person, slot.start_at, slot.end_at
    if availability.read([who], slot.district, since=start_at, until=end_at).away(who, start_at, end_at):
        return False
    at = DateTimeTZRange(start_at, end_at, "[)")
    return not Reservation.objects.filter(resource=who, during__overlap=at).exists()


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
