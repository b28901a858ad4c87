"""What must be true whoever came through which door: the rows among each other, and what people were told."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import combinations
from typing import Any

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from accounts.models import AuditEvent
from notifications.models import Message
from scheduling.models import Booking, BookingMove, Contingent, Offer, Reservation, Session, Slot
from scheduling.problems import Refused

# Of every contingent in these tests.
FREE_DAYS_BEFORE = 2


def contradictions(found: Sequence[Any] = ()) -> list[str]:
    """What the rows, or what people were told (`found`), say against each other; a sentence each."""
    return [sentence for check in _CHECKS for sentence in check(found)]


def _nobody_met_an_error(found: Sequence[Any]) -> Iterator[str]:
    for one in found:
        if isinstance(one, Exception) and not isinstance(one, Refused):
            yield f"an error instead of an answer: {one!r}"


def _who_was_told_yes_has_it(found: Sequence[Any]) -> Iterator[str]:
    ended = set(
        AuditEvent.objects.filter(verb__in=["hold_ended", "cancelled"]).values_list("target", flat=True)
    )
    stored = {one.pk: one for one in Booking.objects.all()}
    for told in found:
        if not isinstance(told, Booking) or told.uuid in ended:
            continue
        now = stored.get(told.pk)
        if now is None or now.status != told.status:
            yield f"told {told.status}, stored {now and now.status}"


def _seats(_found: Sequence[Any]) -> Iterator[str]:
    for slot in Slot.objects.prefetch_related("bookings"):
        living = [one for one in slot.bookings.all() if one.status != "cancelled"]
        seats = [one.seat for one in living]
        if len(set(seats)) < len(seats) or not set(seats) <= set(range(1, slot.capacity + 1)):
            yield f"{slot.capacity} seats, taken {sorted(seats)}"
        if slot.is_open and slot.has_room != (len(living) < slot.capacity):
            yield f"has_room {slot.has_room} with {len(living)} of {slot.capacity}"
        if not slot.is_open and [one for one in living if one.status in ("tentative", "booked")]:
            yield "somebody has a seat on a closed slot"
        for one in living:
            if (one.start_at, one.end_at) != (slot.start_at, slot.end_at):
                yield f"a booking at {one.start_at} on a slot at {slot.start_at}"
            if not one.during.isempty and one.during != DateTimeTZRange(slot.start_at, slot.end_at, "[)"):
                yield f"a booking during {one.during} on a slot at {slot.start_at}"


def _clients(_found: Sequence[Any]) -> Iterator[str]:
    placed = Booking.objects.exclude(status__in=["cancelled", "noshow"]).filter(client__isnull=False)
    for one, other in combinations(placed, 2):
        if one.client_id != other.client_id:
            continue
        if one.slot_id == other.slot_id:
            yield "a client has two seats of one slot"
        elif not one.during.isempty and not other.during.isempty and _overlap(one.during, other.during):
            yield "a client is in two places"


def _histories(_found: Sequence[Any]) -> Iterator[str]:
    heard = Counter(AuditEvent.objects.values_list("target", "verb"))
    for one in Booking.objects.all():
        if one.booked_at is not None and heard[one.uuid, "booked"] != 1:
            yield f"booked {heard[one.uuid, 'booked']} times by the trail"
        if one.extensions != heard[one.uuid, "hold_extended"]:
            yield f"extended {one.extensions} times, {heard[one.uuid, 'hold_extended']} by the trail"
        if one.moves != BookingMove.objects.filter(booking=one, with_session=False).count():
            yield f"moved {one.moves} times, another number in its history"


# What a message that waits may be about, and which.
_MAY_WAIT = {
    "tentative": {"offer"},
    "booked": {"booked", "moved", "reminder", "course", "please_call"},
    "cancelled": {"cancelled", "dropped"},
}


def _messages(_found: Sequence[Any]) -> Iterator[str]:
    bookings = {str(one.uuid): one for one in Booking.objects.all()}
    for message in Message.objects.filter(status="queued", key__startswith="booking:"):
        about = bookings.get(message.key.split(":")[1])
        if about is None or message.kind not in _MAY_WAIT[about.status]:
            yield f"a message ({message.kind}) waits, the booking is {about and about.status}"
        elif message.context["start_at"] != about.start_at.isoformat():
            yield f"a message waits for {message.context['start_at']}, the booking is at {about.start_at}"


def _offers(_found: Sequence[Any]) -> Iterator[str]:
    for one in Offer.objects.select_related("booking", "entry"):
        if one.ended_at is None and (one.booking is None or one.booking.status != "tentative"):
            yield "an offer stands without its seat"
        if one.outcome == "accepted" and (one.booking is None or one.entry.outcome != "booked"):
            yield "an offer was accepted, and nothing is booked"
        if one.outcome not in ("", "accepted") and one.booking is not None:
            yield f"an offer is {one.outcome}, and its seat is not given back"


def _contingents(_found: Sequence[Any]) -> Iterator[str]:
    for one in Session.objects.filter(contingents__isnull=False, status="planned").distinct():
        shares = list(Contingent.objects.filter(session=one))
        seated = Booking.objects.filter(slot__session=one).exclude(status="cancelled")
        counted = Counter(seated.values_list("contingent", flat=True))
        if seated.living().filter(contingent=None).exists():
            yield "a seat counts against no contingent"
        for each in shares:
            if each.used != counted[each.pk] or each.used > each.seats:
                yield f"a contingent of {each.seats} says {each.used}, {counted[each.pk]} count against it"
            day = timezone.localdate(one.start_at) - timedelta(days=FREE_DAYS_BEFORE)
            if each.free_from_at != timezone.make_aware(datetime.combine(day, time())):
                yield f"free from {each.free_from_at}, the session begins {one.start_at}"
        capacity = sum(slot.capacity for slot in one.slots.all() if slot.is_open)
        if sum(each.seats for each in shares) != capacity:
            yield f"{sum(each.seats for each in shares)} of {capacity} seats are shared out"


def _sessions(_found: Sequence[Any]) -> Iterator[str]:
    for one in Session.objects.prefetch_related("slots__reservations"):
        for slot in one.slots.all():
            if slot.block == 0 and slot.start_at != one.start_at:
                yield f"a session at {one.start_at} with a slot at {slot.start_at}"
            needs = {one.specialist_id, one.room_id} - {None} if slot.is_open else set()
            reserved = {each.resource_id: each.during for each in slot.reservations.all()}
            if set(reserved) != needs:
                yield f"reserved are {set(reserved)}, needed {needs}"
            if {during.lower for during in reserved.values()} - {slot.start_at}:
                yield "reserved for another time"
            if one.status == "cancelled" and slot.is_open:
                yield "an open slot in a session that does not take place"
        if AuditEvent.objects.about(one).filter(verb="cancelled").count() != (one.status == "cancelled"):
            yield "a session was cancelled another number of times than once"


def _reservations(_found: Sequence[Any]) -> Iterator[str]:
    rows = list(Reservation.objects.select_related("booking"))
    for one in rows:
        if one.booking and (one.during.lower, one.during.upper) != (one.booking.start_at, one.booking.end_at):
            yield "somebody is reserved for another time than their appointment's"
    for one, other in combinations(rows, 2):
        if one.resource_id == other.resource_id and _overlap(one.during, other.during):
            yield "somebody or some room is in two places"


def _overlap(one: DateTimeTZRange, other: DateTimeTZRange) -> bool:
    return bool(one.lower < other.upper and other.lower < one.upper)


_CHECKS = (
    _nobody_met_an_error,
    _who_was_told_yes_has_it,
    _seats,
    _clients,
    _histories,
    _messages,
    _offers,
    _contingents,
    _sessions,
    _reservations,
)
