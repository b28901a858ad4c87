"""An appointment moves to another time and stays one appointment, with its history.

The identity, the calendar entry's UID and what hangs on the booking stay. Messages of the old time are
taken back and those of the new one planned, the client is asked again, and moves are counted against
the limit of the kind.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.roles import Permission
from accounts.rows import clock
from notifications.models import Message
from scheduling import booking as bookings
from scheduling import (
    companions,
    company,
    contingents,
    doors,
    feeds,
    problems,
    reminders,
    seats,
    vacancies,
    waiting,
)
from scheduling.models import Booking, BookingMove, Slot, SlotFormat
from scheduling.problems import Facts, Problem, Refused
from scheduling.seats import ClockTimestamp, Locked
from scheduling.transactions import tried_again

# How long one's own move can be taken back without being counted.
UNDO_WITHIN = timedelta(days=1)
# How far ahead of the appointment's kind one looks: ten pages.
_CHOICES = 200

OTHER_KIND = Problem(
    "other_kind",
    _("Dieser Termin ist für etwas anderes vorgesehen."),
    _("Wählen Sie einen Termin derselben Art und desselben Formats."),
)
ONE_OF_A_COURSE = Problem(
    "one_of_a_course",
    _("Ein Platz in einem Kurs lässt sich nicht verlegen."),
    _("Melden Sie die Person um."),
)
TOO_LATE_TO_MOVE = Problem(
    "too_late_to_move",
    _("Der Termin hat schon begonnen und lässt sich nicht mehr verlegen."),
    _("Tragen Sie ein, was daraus wurde, und buchen Sie einen neuen."),
)
NO_MORE_MOVES = Problem(
    "no_more_moves",
    _("Der Termin wurde schon so oft verlegt, wie es vorgesehen ist."),
    _("Die Koordination kann ihn mit einer Begründung noch einmal verlegen."),
)
NOTHING_TO_UNDO = Problem(
    "nothing_to_undo",
    _("Diese Verlegung lässt sich nicht mehr zurücknehmen."),
    _("Verlegen Sie den Termin auf eine andere Zeit."),
)


@tried_again
def move(booking: Booking, to: Slot, *, by: User, reason: str = "") -> Booking:
    """Put a booked appointment on another slot of the same kind and format. Raises `Refused`.

    One's own hold on the new slot is used. Moved there already is no problem. A coordinator may go
    beyond the kind's limit with a `reason` (no name in it: it is kept with the move's history).
    """
    with bookings.refusals(to.pk, by=by), transaction.atomic():
        found, locked = _lock(booking, to.pk)
        if found.slot_id == to.pk:
            return found
        was = found.slot
        _place(found, locked[to.pk], by, limit=_limit(found, by, reason))
        found.moves += 1
        BookingMove.objects.create(
            booking=found,
            from_slot=was,
            from_start_at=was.start_at,
            to_start_at=found.start_at,
            moved_at=locked[to.pk].now,
            moved_by=by,
            reason=reason.strip(),
        )
        _moved("moved", found, was, locked, by)
        return found


@tried_again
def undo(booking: Booking, *, by: User) -> Booking:
    """Take one's own last move back, as if it had not been, if the old place is still free.

    Raises `Refused`; until a day after the move.
    """
    back = last_move(booking, by=by)
    if back is None:
        raise Refused([NOTHING_TO_UNDO])
    with bookings.refusals(back.from_slot_id, by=by), transaction.atomic():
        found, locked = _lock(booking, back.from_slot_id)
        # Under the lock: another tab may have taken it back already.
        if last_move(found, by=by) != back:
            raise Refused([NOTHING_TO_UNDO])
        was = found.slot
        _place(found, locked[back.from_slot_id], by)
        found.moves -= 1
        back.delete()
        _moved("move_undone", found, was, locked, by)
        return found


def last_move(booking: Booking, *, by: User) -> BookingMove | None:
    """The move that `by` could still take back: their own, the last one, and not long ago."""
    last = booking.move_history.annotate(now=ClockTimestamp()).order_by("-moved_at", "-pk").first()
    if last is None or last.with_session or last.moved_by_id != by.pk:
        return None
    return last if last.moved_at > getattr(last, "now") - UNDO_WITHIN else None


def choices(booking: Booking, *, by: User) -> list[Slot]:
    """The next free slots the appointment could move to, soonest first: of its kind and format, in time,
    when its client is nowhere else, whoever goes along is free, and nothing from the upper room is against
    them. The rule looks again."""
    elsewhere = Booking.objects.living().filter(
        client=booking.client_id,
        start_at__lt=OuterRef("end_at"),
        end_at__gt=OuterRef("start_at"),
        during__isempty=False,
    )
    free = Slot.objects.for_user(by).free().filter(kind=booking.slot.kind_id, format=booking.slot.format)
    if booking.client_id is not None:
        free = free.filter(~Exists(elsewhere.exclude(status=Booking.Status.NOSHOW).exclude(pk=booking.pk)))
    found = list(
        free.exclude(pk=booking.slot_id)
        .select_related("session__room", "session__specialist", "kind", "district")
        .order_by("start_at")[:_CHOICES]
    )
    now = clock()
    against = doors.against_move(booking, found) if booking.slot.kind.needs_referral else {}
    shifts = [slot.start_at - booking.start_at for slot in found]
    alone = company.against_each(booking, shifts, asked_at=now)
    return [
        slot
        for slot, theirs in zip(found, alone, strict=True)
        if not (theirs or against.get(slot.pk) or list(problems.out_of_time(slot, now)))
    ]


def may_move(booking: Booking, now: datetime) -> bool:
    """Whether pages offer it; the rule decides."""
    is_one = booking.slot.format not in (SlotFormat.COURSE, SlotFormat.LESSON)
    return is_one and booking.status == Booking.Status.BOOKED and booking.start_at > now


# --- Inside the act ----------------------------------------------------------------------------
def _lock(booking: Booking, to_id: int) -> tuple[Booking, dict[int, Locked]]:
    """The booking as it is now; client, referral and both slots locked, these by number.

    Somebody may have moved it since the page was read: then its slot is locked late, and should that
    meet a rival, PostgreSQL ends one of them and `tried_again` repeats it.
    """
    if booking.client_id is not None:
        seats.lock_client(booking.client_id)
    doors.lock(booking)
    keys = {booking.slot_id, to_id}
    while True:
        locked = {key: seats.lock(key) for key in sorted(keys)}
        found = Booking.objects.select_related("client", "holder").get(pk=booking.pk)
        if found.slot_id in keys:
            found.slot = locked[found.slot_id].slot
            return found, locked
        keys.add(found.slot_id)


def _place(found: Booking, to: Locked, by: User, limit: Sequence[Problem] = ()) -> None:
    """Look, refuse with every reason, and put the booking on a seat of the (locked) slot."""
    needs_referral = to.slot.kind.needs_referral
    # Feeds before contingents, as everywhere; what comes after is the client's own, who is locked.
    feeds.appointment_changed(found)
    contingents.give_back([found])
    # A coordinator of another office moves it, but it stays the seat of those who booked it.
    whose = by if by.organisation_id == found.holder.organisation_id else found.holder
    visit = companions.visit_of(found)
    company.lock([found])
    facts = seats.look(
        to,
        by=whose,
        client=found.client,
        moving=found,
        visit=visit,
        to_book=True,
        with_referral=needs_referral,
    )
    against = [*_against(found, facts), *limit, *problems.collect(facts)]
    against += company.against(found, to.slot.start_at - found.start_at, asked_at=to.now)
    if needs_referral:
        against += doors.against_move(found, [to.slot]).get(to.slot.pk, [])
    if against:
        raise Refused(against)
    place = facts.own_hold or seats.take(facts)
    if place.pk is None:
        seats.count(place, facts)
    else:
        audit.record("let_go", place, by=whose, district=to.slot.district)
        # What the hold counted against goes over to the appointment.
        Booking.objects.filter(pk=place.pk).delete()
    found.slot, found.seat, found.contingent_id = to.slot, place.seat, place.contingent_id
    found.start_at, found.end_at, found.during = place.start_at, place.end_at, place.during


def _against(found: Booking, facts: Facts) -> Iterator[Problem]:
    if found.status != Booking.Status.BOOKED:
        yield problems.NOT_BOOKED
    elif found.start_at <= facts.now:
        yield TOO_LATE_TO_MOVE
    slot = facts.slot
    if found.slot.format in (SlotFormat.COURSE, SlotFormat.LESSON):
        yield ONE_OF_A_COURSE
    elif (slot.kind_id, slot.format) != (found.slot.kind_id, found.slot.format):
        yield OTHER_KIND


def _limit(found: Booking, by: User, reason: str) -> list[Problem]:
    if found.moves < found.slot.kind.most_moves:
        return []
    if not by.may(Permission.PLAN_SESSIONS):
        return [NO_MORE_MOVES]
    return [] if reason.strip() else [problems.NEEDS_A_REASON]


def _moved(verb: str, found: Booking, was: Slot, locked: dict[int, Locked], by: User) -> None:
    """Store it, tell everyone who watches either slot, and the client."""
    told_again(found)
    found.save(
        update_fields=[
            "slot", "seat", "contingent", "start_at", "end_at", "during", "moves",
            "answer", "answered_at", "ical_sequence",
        ]
    )  # fmt: skip
    company.move_along(found, found.start_at - was.start_at)
    audit.record(verb, found, by=by, district=found.slot.district, moves=found.moves)
    for place in locked.values():
        seats.touch(place.slot)
    vacancies.announce(was)
    waiting.found(found, by=by)
    now = max(place.now for place in locked.values())
    reminders.plan(found, now=now, told=Message.Kind.MOVED)


def told_again(found: Booking) -> None:
    """What everyone was told of the appointment holds no longer: its messages that have not left are
    taken back, its calendar entry is a newer one, and the client is asked again. The caller saves."""
    reminders.withdraw(found)
    found.answer = ""
    found.answered_at = None
    found.ical_sequence += 1
