"""The list of one date: who comes, as far as whoever looks may know; and who walks in.

A client's name is for the case team and whoever holds the session. A guest's name is also for the
office that manages the calendar, unless the kind is sensitive. Everybody else reads "belegt".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Prefetch

from accounts.bidi import isolated
from accounts.models import User
from accounts.rows import clock
from scheduling import booking as bookings
from scheduling import calendars
from scheduling.models import Booking, Session, Slot
from scheduling.problems import Visit
from scheduling.transactions import tried_again


@dataclass(frozen=True)
class Seat:
    """One booked seat. `name` is empty where it is nobody's business."""

    booking: Booking
    name: str
    is_own: bool


@dataclass(frozen=True)
class Row:
    """One appointment of the date with its seats, and how many are left."""

    slot: Slot
    seats: Sequence[Seat]

    @property
    def left(self) -> int:
        """Seats nobody has."""
        return max(self.slot.capacity - len(self.seats), 0) if self.slot.is_open else 0

    @property
    def empty_lines(self) -> range:
        """Lines to write on, on paper."""
        return range(min(self.left, 20))


def rows(session: Session, *, by: User) -> list[Row]:
    """The date's appointments in order of time. Three queries, however many there are."""
    living = Booking.objects.living().exclude(status=Booking.Status.TENTATIVE).order_by("seat")
    seats = Prefetch("bookings", living.select_related("client"), "living")
    slots = Slot.objects.filter(session=session).select_related("kind").order_by("start_at", "block")
    manages = calendars.managed(by).filter(pk=session.calendar_id).exists()
    holds = session.specialist is not None and session.specialist.user_id == by.pk
    return [
        Row(slot, [_seat(booking, slot, by, holds=holds, manages=manages) for booking in _living(slot)])
        for slot in slots.prefetch_related(seats)
        if slot.is_open or _living(slot)
    ]


def may_add(session: Session, found: Sequence[Row], *, by: User) -> bool:
    """Whether somebody may still be entered who walked in."""
    is_to_come = session.end_at > clock() and session.status == Session.Status.PLANNED
    takes_guests = any(row.left and not row.slot.kind.needs_client for row in found)
    return is_to_come and takes_guests and calendars.managed(by).filter(pk=session.calendar_id).exists()


@tried_again
def walk_in(slot: Slot, *, guest: str = "", by: User) -> Booking:
    """Enter somebody who came without an appointment, also while it runs; then they are there already.

    A name is not needed. Raises `Refused`.
    """
    with transaction.atomic():
        made = bookings.book(slot, client=None, visit=Visit(guest=guest, is_walk_in=True), by=by)
        zone = slot.district.tz
        is_today = made.start_at.astimezone(zone).date() == clock().astimezone(zone).date()
        return bookings.mark_arrived(made, by=by) if is_today else made


def _living(slot: Slot) -> list[Booking]:
    found: list[Booking] = getattr(slot, "living")
    return found


def _seat(booking: Booking, slot: Slot, by: User, *, holds: bool, manages: bool) -> Seat:
    client, is_own = booking.client, booking.is_of(by)
    # Of a consultation the specialist reads the agenda, for as long as they may, and no family name there.
    holds = holds and not slot.kind.needs_referral
    if client is not None:
        return Seat(booking, client.full_name if is_own or holds else "", is_own)
    may_read = is_own or holds or (manages and not slot.kind.is_sensitive)
    return Seat(booking, isolated(booking.guest) if may_read else "", is_own)
