"""Seats of a slot: lock, look, take. Capacity n is the seats 1 to n.

Locks are taken in one total order, always: person → client → slots (by id) → resources → messages.
`no_key` because a plain FOR UPDATE would block every insert that points at the row.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import DateTimeField, F, Func, Q
from django.db.models.functions import Now

from accounts.models import User
from clients.models import Client
from scheduling.models import Booking, Slot
from scheduling.problems import Facts


class Locked(NamedTuple):
    """A locked slot with its kind, district, session and room, and the database's clock."""

    slot: Slot
    now: datetime


class ClockTimestamp(Func):
    """The database's clock at this very moment, also inside a transaction."""

    function = "CLOCK_TIMESTAMP"
    template = "%(function)s()"
    output_field = DateTimeField()


def lock_person(user: User) -> None:
    """One person's holds follow each other, so that two at once are counted. First of all locks."""
    User.objects.select_for_update(no_key=True, of=("self",)).filter(pk=user.pk).values_list("pk").get()


def lock_client(client: Client) -> None:
    """One client's appointments follow each other. Before any slot."""
    Client.objects.select_for_update(no_key=True).filter(pk=client.pk).values_list("pk").get()


def lock(slot_id: int) -> Locked:
    """Lock the slot and read it as it is now.

    Must run inside a transaction; waits until whoever holds the slot has finished.
    """
    found = (
        Slot.objects.select_for_update(no_key=True, of=("self",))
        .select_related("kind", "district", "session__room")
        .annotate(now=ClockTimestamp())
        .get(pk=slot_id)
    )
    return Locked(found, getattr(found, "now"))


def look(
    locked: Locked,
    *,
    by: User,
    client: Client | None = None,
    form: UUID | None = None,
    to_book: bool = False,
    with_referral: bool = False,
) -> Facts:
    """Everything the checks need about a locked slot, in one query."""
    slot, now = locked
    concerned = Q(slot=slot) & ~Q(status=Booking.Status.CANCELLED)
    concerned |= Q(holder=by, status=Booking.Status.TENTATIVE)
    if client is not None:
        concerned |= (
            Q(client=client)
            & Q(start_at__lt=slot.end_at, end_at__gt=slot.start_at)
            & ~Q(status__in=[Booking.Status.CANCELLED, Booking.Status.NOSHOW])
        )
    if form is not None:
        concerned |= Q(holder=by, idempotency_key=form)
    found = list(Booking.objects.filter(concerned).order_by("seat", "pk"))
    dead = {booking.pk for booking in found if booking.held_until and booking.held_until <= now}
    living = [
        booking for booking in found if booking.pk not in dead and booking.status != Booking.Status.CANCELLED
    ]
    return Facts(
        slot=slot,
        now=now,
        by=by,
        client=client,
        on_slot=tuple(booking for booking in living if booking.slot_id == slot.pk),
        dead=tuple(booking for booking in found if booking.pk in dead and booking.slot_id == slot.pk),
        own_holds=tuple(
            booking
            for booking in living
            if booking.holder_id == by.pk and booking.status == Booking.Status.TENTATIVE
        ),
        elsewhere=tuple(
            booking
            for booking in living
            if client is not None and booking.client_id == client.pk and _overlaps(booking, slot)
        ),
        same_form=next(
            (
                booking
                for booking in found
                if form is not None and booking.idempotency_key == form and booking.holder_id == by.pk
            ),
            None,
        ),
        to_book=to_book,
        with_referral=with_referral,
    )


def _overlaps(booking: Booking, slot: Slot) -> bool:
    return (
        booking.status != Booking.Status.NOSHOW
        and booking.start_at < slot.end_at
        and booking.end_at > slot.start_at
    )


def clear(facts: Facts) -> None:
    """Remove the dead holds of a locked slot."""
    if facts.dead:
        Booking.objects.filter(pk__in=[hold.pk for hold in facts.dead]).delete()


def take(facts: Facts) -> Booking:
    """An unsaved booking on the lowest free seat of a locked slot, after its dead holds are gone.

    The caller has collected the problems: there is a free seat.
    """
    clear(facts)
    slot, seat = facts.slot, facts.free_seat
    if seat is None:
        raise ValueError("no free seat: the problems were not collected first")
    return Booking(
        district_id=slot.district_id,
        slot=slot,
        seat=seat,
        start_at=slot.start_at,
        end_at=slot.end_at,
        during=(slot.start_at, slot.end_at),
        holder=facts.by,
    )


def touch(slot: Slot) -> None:
    """Others can see a change: raise the version of a locked slot, by the database's clock."""
    Slot.objects.filter(pk=slot.pk).update(version=F("version") + 1, changed_at=Now())
    slot.version += 1


def next_free(slot: Slot, *, by: User) -> Slot | None:
    """The first free slot of the same kind and format, for somebody who lost this one."""
    return (
        Slot.objects.for_user(by)
        .free()
        .filter(kind=slot.kind_id, format=slot.format)
        .exclude(pk=slot.pk)
        .order_by("start_at")
        .first()
    )
