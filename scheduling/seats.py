"""Seats of a slot: lock, look, take. Capacity n is the seats 1 to n.

Locks are taken in one total order, always: person → client → what the upper room locks (a referral) →
slots (by id) → resources → waiting list → messages → feeds → contingent. The contingent comes last, because
everyone of an organisation who books into a session waits for one row: it is locked no longer than the
commit takes.
`no_key` because a plain FOR UPDATE would block every insert that points at the row.
"""

import json
from datetime import datetime, time
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import DateTimeField, Func
from django.db.transaction import TransactionManagementError

from accounts.models import District, User
from accounts.rows import Statement, Write, clock, execute, together
from accounts.saving import Saving
from clients.models import Client
from notifications import rules as message_rules
from notifications.models import MessageRules
from scheduling import calendars, companions, contingents, holds, interpreters, live, problems
from scheduling.interpreters import Found, Need
from scheduling.models import AppointmentKind, Booking, Offer, ReminderRule, Resource, Session, Slot
from scheduling.problems import ALONE, Facts, Refused, Visit

BOOKINGS = Saving(Booking)


class Locked(NamedTuple):
    """A locked slot with its kind, district, session, room, `is_away` and what its messages follow, and the
    database's clock."""

    slot: Slot
    now: datetime


class ClockTimestamp(Func):
    """The database's clock at this very moment, also inside a transaction."""

    function = "CLOCK_TIMESTAMP"
    template = "%(function)s()"
    output_field = DateTimeField()


# Where `slot` and `session` are at hand: whoever holds it, or the room, is absent in its time.
AWAY = """EXISTS (
        SELECT FROM scheduling_absence absence
        WHERE absence.resource_id IN (session.specialist_id, session.room_id)
            AND absence.during && tstzrange(slot.start_at, slot.end_at)
    )"""

_PLACE = f"""
    SELECT {{slot}}, {{kind}}, {{district}}, {{session}}, {{room}}, {{message_rules}},
    clock_timestamp(), EXISTS (
        SELECT FROM scheduling_contingent contingent
        WHERE contingent.session_id = session.id AND contingent.free_from_at > clock_timestamp()
    ), {AWAY}, slot.version <> before.version, (
        SELECT jsonb_agg(jsonb_build_array(rule.days_before, rule.at, rule.with_interpreter))
        FROM scheduling_reminderrule rule WHERE rule.kind_id = kind.id
    )
    FROM scheduling_slot slot
    JOIN scheduling_slot before ON before.id = slot.id
    JOIN scheduling_appointmentkind kind ON kind.id = slot.kind_id
    JOIN accounts_district district ON district.id = slot.district_id
    JOIN scheduling_session session ON session.id = slot.session_id
    LEFT JOIN scheduling_resource room ON room.id = session.room_id
    LEFT JOIN notifications_messagerules message_rules ON message_rules.district_id = district.id
    WHERE slot.id = %(slot)s
    """  # noqa: S608 (constants only)
_READ = {
    "slot": Slot,
    "kind": AppointmentKind,
    "district": District,
    "session": Session,
    "room": Resource,
    "message_rules": MessageRules,
}
_LOCKED = "FOR NO KEY UPDATE OF slot"
_SLOT = Statement(_PLACE + _LOCKED, **_READ)
# A condition on no table is looked at before any is read: the client is locked first, in the same trip.
_CLIENT = "SELECT FROM clients_client WHERE id = %(client)s FOR NO KEY UPDATE"
_SLOT_AFTER_CLIENT = Statement(
    f"WITH client AS MATERIALIZED ({_CLIENT}) {_PLACE} AND (SELECT count(*) FROM client) = 1 {_LOCKED}",  # noqa: S608 (constants only)
    **_READ,
)
_SLOT_UNLOCKED = Statement(_PLACE, **_READ)

# Who lives on the slot; what `by` holds anywhere; where the client is at that time; what this very form
# did. Without client or form the comparison is with NULL, and finds nothing.
_CONCERNED = Statement(
    """
    SELECT {booking}, EXISTS (SELECT FROM scheduling_offer offer WHERE offer.booking_id = booking.id)
    FROM scheduling_booking booking
    WHERE slot_id = %(slot)s AND status <> 'cancelled'
        OR holder_id = %(by)s AND status = 'tentative'
        OR client_id = %(client)s AND start_at < %(end_at)s AND end_at > %(start_at)s
            AND NOT isempty(during) AND status NOT IN ('cancelled', 'noshow')
        OR holder_id = %(by)s AND idempotency_key = %(form)s
    ORDER BY seat, id
    """,
    booking=Booking,
)


_TOUCH = f"""
    UPDATE scheduling_slot slot SET version = version + 1, changed_at = statement_timestamp(),
        has_room = slot.capacity > (
            SELECT count(*) FROM scheduling_booking WHERE slot_id = slot.id AND status <> 'cancelled'
        ) AND slot.format <> 'lesson' AND NOT {AWAY}
    FROM scheduling_session session
    WHERE session.id = slot.session_id AND slot.id = %s
"""  # noqa: S608 (constants only)


def lock_person(user: User) -> None:
    """One person's holds follow each other, so that two at once are counted. First of all locks."""
    _lock("SELECT FROM accounts_user WHERE id = %s FOR NO KEY UPDATE", user.pk)


def lock_client(client_id: int) -> None:
    """One client's appointments follow each other. Before any slot."""
    _lock("SELECT FROM clients_client WHERE id = %s FOR NO KEY UPDATE", client_id)


def lock(slot_id: int, *, client: int | None = None) -> Locked:
    """Lock the slot, the client first if one is given, and read it as it is now.

    Must run inside a transaction; waits until whoever holds the slot has finished. Raises
    `Slot.DoesNotExist`.
    """
    _inside_a_transaction()
    return _place(_SLOT, slot_id) if client is None else _place(_SLOT_AFTER_CLIENT, slot_id, client=client)


def peek(slot_id: int) -> Locked:
    """The slot as it is now, without a lock: for pages that only say how things stand."""
    return _place(_SLOT_UNLOCKED, slot_id)


def _place(statement: Statement, slot_id: int, **also: int) -> Locked:
    found = statement.row(slot=slot_id, **also)
    if found is None:
        raise Slot.DoesNotExist
    slot, slot.kind, slot.district, slot.session, slot.session.room, rules, now, *said = found
    slot.session.has_contingents, slot.is_away, has_changed, plan = said
    if has_changed:
        # Whoever waited for the lock has the slot as it is now, and all around it as it was before the wait.
        return _place(statement, slot_id, **also)
    slot.reminder_rules = [
        ReminderRule(days_before=days, at=at and time.fromisoformat(at), with_interpreter=with_interpreter)
        for days, at, with_interpreter in json.loads(plan or "[]")
    ]
    message_rules.note(slot.district, rules)
    return Locked(slot, now)


def look(
    locked: Locked,
    *,
    by: User,
    client: Client | None = None,
    form: UUID | None = None,
    accepts: Offer | None = None,
    moving: Booking | None = None,
    visit: Visit = ALONE,
    to_book: bool = False,
    with_referral: bool = False,
    interpreter: Found | None = None,
) -> Facts:
    """Everything the checks need about a locked slot, in one query; another where the calendar is of
    another organisation, and where somebody goes along.

    `moving` is the client's appointment that would come here from elsewhere, and so is in nobody's way;
    `interpreter` what the search for one said, where one is needed.
    """
    slot, now = locked
    rows = _CONCERNED.rows(
        slot=slot.pk,
        by=by.pk,
        client=client and client.pk,
        start_at=slot.start_at,
        end_at=slot.end_at,
        form=form,
    )
    found: list[Booking] = []
    for booking, is_offer in rows:
        booking.is_offer = is_offer
        found.append(booking)
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
            if booking.holder_id == by.pk
            and booking.status == Booking.Status.TENTATIVE
            and not booking.is_offer
        ),
        elsewhere=tuple(
            booking
            for booking in living
            if client is not None and booking.client_id == client.pk and _overlaps(booking, slot)
            if booking != moving
        ),
        same_form=next(
            (
                booking
                for booking in found
                if form is not None and booking.idempotency_key == form and booking.holder_id == by.pk
            ),
            None,
        ),
        contingents=contingents.look(slot.session, now) if slot.session.has_contingents else (),
        accepts=accepts,
        to_book=to_book,
        with_referral=with_referral,
        visit=visit,
        may_book=calendars.may_book(slot, by),
        companion_is_free=companions.is_free(visit, slot, moving=moving),
        against_interpreter=interpreter.problems if interpreter else (),
    )


def _overlaps(booking: Booking, slot: Slot) -> bool:
    return (
        booking.status != Booking.Status.NOSHOW
        and not booking.during.isempty
        and booking.start_at < slot.end_at
        and booking.end_at > slot.start_at
    )


def clear(facts: Facts) -> None:
    """Remove the dead holds of a locked slot."""
    holds.remove(facts.dead)


def take(facts: Facts) -> Booking:
    """An unsaved booking on the lowest free seat of a locked slot, after its dead holds are gone.

    The caller has collected the problems: there is a free seat. Before the transaction ends, it is
    counted (`count`).
    """
    clear(facts)
    slot, seat = facts.slot, facts.free_seat
    if seat is None:
        raise ValueError("no free seat: the problems were not collected first")
    booking: Booking = BOOKINGS.new(
        district_id=slot.district_id,
        slot_id=slot.pk,
        seat=seat,
        start_at=slot.start_at,
        end_at=slot.end_at,
        # A place on a course is no one-to-one appointment: it excludes nothing.
        during=DateTimeTZRange(empty=True) if slot.is_course else (slot.start_at, slot.end_at),
        holder_id=facts.by.pk,
        contingent_id=contingents.choose(facts.contingents, facts.by.organisation_id, facts.now),
    )
    booking.slot, booking.holder = slot, facts.by
    return booking


def count(booking: Booking, facts: Facts) -> None:
    """Count the seat just taken where the session's seats are shared out; best right before the commit.

    Raises `Refused` when somebody took the organisation's last seat of the session on another slot.
    """
    if facts.contingents and not contingents.count(booking, facts.slot.session, facts.by.organisation_id):
        raise Refused([problems.contingent_used(facts)])


def touch(slot: Slot, *also: Write | None) -> None:
    """Others can see a change: raise the version of a locked slot, by the database's clock, and tell
    whoever watches its day after the commit.

    Called after the change, so that `has_room` is read from what stands now. With what else the act
    leaves (`also`) in the same statement.
    """
    together(Write(_TOUCH, (slot.pk,)), *also)
    slot.version += 1
    live.slot_changed(slot)


def next_free(slot: Slot, *, by: User, need: Need | None = None) -> Slot | None:
    """The first free slot of the same kind and format, for somebody who lost this one; where an
    interpreter is needed, the first with one."""
    free = (
        Slot.objects.bookable_by(by)
        .free()
        .filter(kind=slot.kind_id, format=slot.format)
        .exclude(pk=slot.pk)
        .order_by("start_at")
    )
    if need is None:
        return free.first()
    found = interpreters.first_slots(free, need, now=clock())
    return found[0][0] if found else None


def _lock(statement: str, key: int) -> None:
    _inside_a_transaction()
    execute(statement, [key])


def _inside_a_transaction() -> None:
    """A lock taken outside of one would be gone before anybody looks."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("Seats are locked inside a transaction.")
