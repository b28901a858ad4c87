"""A seat's life: hold, book, cancel, and what became of the appointment.

Each rule owns its transaction (a savepoint inside a caller's) and takes its locks in the order of
`seats`. Instants come from the database's clock. What others can see is announced after the commit.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, IntegrityError, transaction

from accounts import audit
from accounts.models import Channel, User
from accounts.rows import Write, execute
from clients.models import Client
from notifications import notices
from notifications.notices import What
from scheduling import (
    assignments,
    companions,
    contingents,
    course_seats,
    feeds,
    holds,
    interpreters,
    problems,
    reminders,
    seats,
    vacancies,
    waiting,
)
from scheduling.interpreters import Need
from scheduling.models import Booking, CancelReason, NoShowReason, Offer, Slot
from scheduling.problems import ALONE, Problem, Refused, Visit
from scheduling.transactions import NOT_NOW, constraint, sqlstate, tried_again

logger = logging.getLogger(__name__)
Status = Booking.Status
# Others are to see within two seconds that a place is free, whoever sits on one of the slots.
SWEEP_WAITS_MS = 200
# Reasons that end an appointment even after its time has come.
_WHENEVER = frozenset({CancelReason.SESSION, CancelReason.COURSE, CancelReason.CONSENT_REVOKED})


# --- Holding ---------------------------------------------------------------------------------
@tried_again
def hold(slot: Slot, *, by: User) -> Booking:
    """Keep a place of `slot` for five minutes while `by` gets ready to book; at most two a person.

    Holding what one holds already gives that same hold. Raises `Refused`.
    """
    with refusals(slot.pk, by=by), transaction.atomic():
        seats.lock_person(by)
        facts = seats.look(seats.lock(slot.pk), by=by)
        if facts.own_hold is not None:
            facts.own_hold.slot = facts.slot
            return facts.own_hold
        _refuse(problems.collect(facts))
        booking = seats.take(facts)
        booking.status = Status.TENTATIVE
        booking.held_until = facts.now + problems.HOLD_LASTS
        seats.BOOKINGS.insert(booking)
        _seen("held", booking, by=by, seat=booking.seat)
        seats.count(booking, facts)
        return booking


@tried_again
def extend_hold(place: Slot | Booking, *, by: User) -> Booking:
    """Five minutes from now for one's own living hold on this slot, at most three times.

    Raises `Refused`.
    """
    slot_id = _slot_id(place)
    with refusals(slot_id, by=by), transaction.atomic():
        facts = seats.look(seats.lock(slot_id), by=by)
        own = facts.own_hold
        if own is None:
            raise Refused([problems.HOLD_ENDED, *problems.collect(facts)])
        if own.extensions >= problems.EXTENSIONS:
            raise Refused([problems.NO_MORE_EXTENSIONS])
        own.slot = facts.slot
        own.held_until = facts.now + problems.HOLD_LASTS
        own.extensions += 1
        own.save(update_fields=["held_until", "extensions"])
        _seen("hold_extended", own, by=by, extensions=own.extensions)
        return own


@tried_again
def let_go(place: Slot | Booking, *, by: User) -> None:
    """Give one's own hold on this slot back. What is gone already is no problem."""
    with transaction.atomic():
        facts = seats.look(seats.lock(_slot_id(place)), by=by)
        own = facts.own_hold
        if own is not None:
            own.slot = facts.slot
            audit.record("let_go", own, by=by, district=own.slot.district)
            holds.remove([own])
            _freed(own.slot)


def sweep() -> None:
    """Remove all holds whose time has passed. A slot that somebody keeps locked, for whatever reason, or
    that cannot be read, keeps no other one waiting: it has its turn at the next sweep."""
    for slot_id in Booking.objects.dead_holds().values_list("slot_id", flat=True).distinct():
        try:
            with transaction.atomic():
                execute(f"SET LOCAL lock_timeout = {SWEEP_WAITS_MS}", [])
                release_dead_holds(slot_id)
        except DatabaseError as error:
            if sqlstate(error) not in NOT_NOW:
                logger.exception("Dead holds could not be removed.")


@tried_again
def release_dead_holds(slot_id: int) -> None:
    """Remove the slot's holds whose time has passed, and tell those who watch."""
    with transaction.atomic():
        slot, now = seats.lock(slot_id)
        dead = list(Booking.objects.filter(slot=slot, status=Status.TENTATIVE, held_until__lte=now))
        for hold in dead:
            audit.record("hold_ended", hold, by=None, district=slot.district, channel=Channel.TASK)
        if dead:
            holds.remove(dead)
            _freed(slot)


# --- Booking ---------------------------------------------------------------------------------
@tried_again
def book(
    place: Slot | Booking,
    *,
    client: Client | None,
    by: User,
    visit: Visit = ALONE,
    idempotency_key: UUID | None = None,
    attach: Callable[[Booking], Iterable[Write]] | None = None,
    accepts: Offer | None = None,
    interpreter: Need | None = None,
) -> Booking:
    """Book a place of a slot, from one's own hold on it if there is one. Raises `Refused`.

    `visit`: who else comes, and where to (a guest, an accompaniment, several dates in one go).

    The same form (`idempotency_key`) acts once: submitted again, it answers with the booking it made.
    `attach` ties what the upper room owes to the booking (a referral), inside the transaction and
    before the messages are planned; what it returns is written together with them. A kind that needs a
    referral is refused without it, and a trigger of the database looks at commit whether the referral is
    really there. `accepts` is the offer from the waiting list whose seat it is; whether it is theirs, the
    caller has seen. With `interpreter` the booking reserves somebody who fits, or is refused.
    """
    slot_id = _slot_id(place)
    with refusals(slot_id, by=by, need=interpreter):
        try:
            with transaction.atomic():
                return _book(slot_id, client, by, visit, idempotency_key, attach, accepts, interpreter)
        except IntegrityError as error:
            if constraint(error) != "booking_form_acts_once":
                raise
            # The same form raced itself towards two slots; the first one counts.
            return Booking.objects.get(holder=by, idempotency_key=idempotency_key)


def _book(
    slot_id: int,
    client: Client | None,
    by: User,
    visit: Visit,
    form: UUID | None,
    attach: Callable[[Booking], Iterable[Write]] | None,
    accepts: Offer | None,
    need: Need | None,
) -> Booking:
    slot, now = locked = seats.lock(slot_id, client=client.pk if client is not None else None)
    companions.lock(visit)
    found = interpreters.find(slot, need, now=now, lock=True) if need else None
    facts = seats.look(
        locked,
        by=by,
        client=client,
        visit=visit,
        form=form,
        accepts=accepts,
        to_book=True,
        with_referral=attach is not None,
        interpreter=found,
    )
    if facts.same_form is not None:
        return facts.same_form
    _refuse(problems.collect(facts))
    booking = facts.own_hold or seats.take(facts)
    booking.slot, booking.holder, booking.client = facts.slot, by, client
    booking.status = Status.BOOKED
    booking.held_until = None
    booking.booked_at = facts.now
    booking.idempotency_key = form
    visit.write(booking)
    is_taken = booking.pk is None
    if is_taken:
        seats.BOOKINGS.insert(booking)
    else:
        seats.BOOKINGS.update(booking)
    companions.reserve(booking)
    if accepts is not None:
        holds.accepted(accepts, by=by)
        reminders.withdraw(booking)
    if need is not None and found is not None:
        assignments.request(booking, need, found, by=by)
    attached = attach(booking) if attach is not None else ()
    course_seats.note(booking)
    also = (
        *attached,
        waiting.found_write(booking, by=by, entry=accepts.entry_id if accepts else None),
        reminders.plan_write(booking, now=facts.now),
        feeds.changed_write(booking),
    )
    _seen("booked", booking, *also, by=by, seat=booking.seat)
    if is_taken:
        seats.count(booking, facts)
    return booking


@tried_again
def cancel(
    booking: Booking,
    *,
    reason: CancelReason | str,
    by: User | None,
    channel: Channel = Channel.BROWSER,
) -> Booking:
    """Free the seat of a booked appointment and take back its messages. Raises `Refused`.

    Cancelled already is no problem: the first reason stays. An appointment that has begun is ended
    only by a cancelled session or a revoked consent; everything else is "nicht erschienen".
    """
    with _locked(booking) as (found, now):
        if found.status == Status.CANCELLED:
            return found
        if found.status != Status.BOOKED:
            raise Refused([problems.NOT_BOOKED])
        if found.slot.closes_at <= now and reason not in _WHENEVER:
            raise Refused([problems.TOO_LATE_TO_CANCEL])
        found.status = Status.CANCELLED
        found.cancelled_at = now
        found.cancelled_by = by
        found.cancel_reason = CancelReason(reason)
        found.ical_sequence += 1
        found.save(update_fields=["status", "cancelled_at", "cancelled_by", "cancel_reason", "ical_sequence"])
        companions.release(found)
        assignments.release(found, at=now, by=by, channel=channel)
        reminders.tell_cancelled(found, now)
        also = feeds.changed_write(found)
        _seen("cancelled", found, also, by=by, channel=channel, reason=found.cancel_reason)
        contingents.give_back([found])
        vacancies.announce(found.slot)
        return found


@tried_again
def answer(
    booking: Booking,
    answer: Booking.Answer | str,
    *,
    channel: Channel = Channel.LINK,
    by: User | None = None,
) -> Booking:
    """What the client said: comes, or cannot. "Kann nicht" frees nothing, it asks the caseworker to.

    `by` is who read it out of an SMS that a machine could not be sure of; else it was the client.
    Raises `Refused` when there is nothing to answer any more.
    """
    with _locked(booking) as (found, now):
        if found.status != Status.BOOKED:
            raise Refused([problems.NOT_BOOKED])
        if found.start_at <= now:
            raise Refused([problems.BEGUN])
        said = Booking.Answer(answer)
        if found.answer == said:
            return found
        found.answer = said
        found.answered_at = now
        found.save(update_fields=["answer", "answered_at"])
        _seen("answered", found, by=by, channel=channel, answer=said)
        if said == Booking.Answer.NOT_COMING:
            tell_keeper(found, What.NOT_COMING)
        return found


def forget_answer(booking: Booking) -> None:
    """Somebody else had the telephone: nothing is known of who comes, and nobody is to be called there."""
    with _locked(booking) as (found, _now):
        found.answer, found.answered_at, found.call_asked_at = "", None, None
        found.save(update_fields=["answer", "answered_at", "call_asked_at"])
        _seen("answer_forgotten", found, by=None, channel=Channel.LINK)


def tell_keeper(booking: Booking, what: What, *, again: str = "") -> None:
    """Put it behind the bell of whoever keeps the case: once for each state of the appointment, and once
    more where `again` differs."""
    notices.tell(
        booking.keepers,
        what,
        key=f"{what}:{booking.uuid}:{booking.ical_sequence}{again}",
        route="scheduling:booking",
        about=booking.uuid,
    )


# --- What became of it -------------------------------------------------------------------------
def mark_arrived(booking: Booking, *, by: User) -> Booking:
    """The client is there. On the day of the appointment. Raises `Refused`."""
    return _mark(booking, Status.ARRIVED, by=by)


def mark_fulfilled(booking: Booking, *, by: User) -> Booking:
    """The appointment took place. From its day on. Raises `Refused`."""
    return _mark(booking, Status.FULFILLED, by=by)


def mark_noshow(booking: Booking, *, reason: NoShowReason | str, by: User) -> Booking:
    """Nobody came; the reason helps to do better. From the appointment's start on. Raises `Refused`."""
    return _mark(booking, Status.NOSHOW, by=by, reason=NoShowReason(reason))


def undo_mark(booking: Booking, *, by: User) -> Booking:
    """Take back a wrong tap, on the day of the appointment: it is booked again. Raises `Refused`."""
    return _mark(booking, Status.BOOKED, by=by)


_MAY_BECOME = {
    Status.ARRIVED: {Status.BOOKED},
    Status.FULFILLED: {Status.BOOKED, Status.ARRIVED},
    Status.NOSHOW: {Status.BOOKED, Status.ARRIVED},
    Status.BOOKED: {Status.ARRIVED, Status.FULFILLED, Status.NOSHOW},
}


@tried_again
def _mark(booking: Booking, status: Booking.Status, *, by: User, reason: str = "") -> Booking:
    with refusals(booking.slot_id, by=by), _locked(booking) as (found, now):
        if found.status == status:
            return found
        _refuse(_against_mark(found, status, now))
        verb = "mark_undone" if status == Status.BOOKED else status.value
        details = {"was": found.status} | ({"reason": reason} if reason else {})
        found.status = status
        found.noshow_reason = reason
        found.save(update_fields=["status", "noshow_reason"])
        _seen(verb, found, by=by, **details)
        return found


def _against_mark(booking: Booking, status: Booking.Status, now: datetime) -> Iterator[Problem]:
    zone = booking.slot.district.tz
    today, day = now.astimezone(zone).date(), booking.start_at.astimezone(zone).date()
    if booking.status not in _MAY_BECOME[status]:
        yield problems.NOT_BOOKED
    elif status == Status.BOOKED:
        if today != day:
            yield problems.TOO_LATE_TO_UNDO
    elif today < day or (status == Status.NOSHOW and now < booking.start_at):
        yield problems.TOO_EARLY


# --- Shared ------------------------------------------------------------------------------------
@contextmanager
def _locked(booking: Booking) -> Iterator[tuple[Booking, datetime]]:
    """The booking as it is now, its client and slot locked, and the database's clock."""
    with transaction.atomic():
        slot, now = seats.lock(booking.slot_id, client=booking.client_id)
        found = Booking.objects.select_related("client", "holder").get(pk=booking.pk)
        while found.slot_id != slot.pk:  # moved since the caller read it
            slot, now = seats.lock(found.slot_id)
            found = Booking.objects.select_related("client", "holder").get(pk=booking.pk)
        found.slot = slot
        yield found, now


def _seen(verb: str, booking: Booking, *also: Write | None, by: User | None, **details: Any) -> None:
    """Others can see the change: audit row, slot version and what `also` is written, in one statement;
    and the announcement after the commit."""
    seats.touch(
        booking.slot,
        audit.record_write(verb, booking, by=by, district=booking.slot.district, **details),
        *also,
    )


def _freed(slot: Slot) -> None:
    seats.touch(slot)
    vacancies.announce(slot)


def _slot_id(place: Slot | Booking) -> int:
    return place.pk if isinstance(place, Slot) else place.slot_id


def _refuse(found: Iterable[Problem]) -> None:
    against = list(found)
    if against:
        raise Refused(against)


@contextmanager
def refusals(slot_id: int, *, by: User, need: Need | None = None) -> Iterator[None]:
    """Outside a rule's transaction: turn what a constraint said into a refusal, and look for a way out."""
    try:
        yield
    except IntegrityError as error:
        problem = problems.BY_CONSTRAINT.get(constraint(error))
        if problem is None:
            raise
        raise _with_way_out(Refused([problem]), slot_id, by, need) from error
    except Refused as refused:
        raise _with_way_out(refused, slot_id, by, need)  # noqa: B904 (the same exception, completed)


def _with_way_out(refused: Refused, slot_id: int, by: User, need: Need | None) -> Refused:
    if refused.place_is_gone and refused.next_free is None:
        refused.next_free = seats.next_free(Slot.objects.get(pk=slot_id), by=by, need=need)
    return refused
