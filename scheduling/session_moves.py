"""A session goes to another day, time, room or specialist, and takes its bookings along.

Slots, reservations and bookings move in one transaction; people are told anew. Only bookings for which
the new time cannot be (the client, an interpreter is elsewhere; a consent names somebody else) go to the
list to rebook. `preview` names them before, and what was not previewed is not done.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.rows import clock
from notifications import notices, outbox
from notifications.models import Message
from notifications.notices import What
from scheduling import (
    company,
    contingents,
    doors,
    feeds,
    moving,
    planning,
    problems,
    reminders,
    seats,
    series,
    sessions,
    slots,
)
from scheduling.availability import Away
from scheduling.models import Booking, BookingMove, Reservation, Resource, Session, Slot
from scheduling.planning import Conflict
from scheduling.problems import Problem, Refused
from scheduling.transactions import constraint, tried_again
from scheduling.wall_clock import midnight

IN_THE_PAST = Problem(
    "in_the_past",
    _("Diese Zeit ist schon vorbei."),
    _("Wählen Sie einen späteren Tag oder eine spätere Zeit."),
)
PAST_MIDNIGHT = Problem(
    "past_midnight",
    _("Die Sprechstunde endet erst nach Mitternacht."),
    _("Wählen Sie einen früheren Beginn."),
)
HAS_BEGUN = Problem(
    "session_has_begun",
    _("Diese Sprechstunde hat schon begonnen oder findet nicht statt."),
    _("Verlegen Sie die Termine einzeln."),
)
NOTHING_CHANGES = Problem("nothing_changes", _("Tag, Zeit, Raum und Fachkraft sind dieselben wie bisher."))
OTHER_CONFLICTS = Problem(
    "other_conflicts",
    _("Inzwischen passt für einen weiteren Termin die neue Zeit nicht."),
    _("Bitte sehen Sie die Vorschau noch einmal an."),
)


@dataclass(frozen=True)
class Place:
    """Where a session goes."""

    start_at: datetime
    specialist: Resource | None
    room: Resource | None

    @property
    def resources(self) -> list[Resource]:
        """Who and what it needs there."""
        return [each for each in (self.specialist, self.room) if each is not None]

    def read_again(self) -> "Place":
        """As they are by now, once they are locked: a room may have got another address meanwhile."""
        found = Resource.objects.in_bulk([each.pk for each in self.resources])
        specialist, room = (each and found[each.pk] for each in (self.specialist, self.room))
        return replace(self, specialist=specialist, room=room)


@dataclass(frozen=True)
class Stuck:
    """A booking that cannot go along, and why."""

    booking: Booking
    problems: list[Problem]


@dataclass(frozen=True)
class Preview:
    """What moving would do: `against` keeps the whole session where it is; else who goes along, and who
    goes to the list to rebook."""

    start_at: datetime
    end_at: datetime
    against: list[Problem] = field(default_factory=list)
    along: list[Booking] = field(default_factory=list)
    stuck: list[Stuck] = field(default_factory=list)


@dataclass(frozen=True)
class Moved:
    """What moving did. `told`: those of the moved whose clients get a message; the others are called."""

    session: Session
    along: list[Booking]
    told: set[int]
    given_up: list[Booking]


def preview(session: Session, to: Place, *, now: datetime | None = None) -> Preview:
    """What moving the session there would do; writes nothing. Its district is at hand."""
    now = now or clock()
    by = to.start_at - session.start_at
    found = Preview(to.start_at, session.end_at + by, against=_against(session, to, by, now))
    booked = sessions.of(session).filter(status=Booking.Status.BOOKED)
    for booking in booked.select_related("client", "holder__organisation", "slot__kind", "slot__district"):
        reasons = _against_booking(booking, session, to, by)
        if reasons:
            found.stuck.append(Stuck(booking, reasons))
        else:
            found.along.append(booking)
    return found


@tried_again
def move(session: Session, to: Place, *, by: User, expected: Iterable[Booking] | None = None) -> Moved:
    """Move the session with everything on it. Holds end: who was about to book sees the new time.

    `expected` are those the preview named for the list to rebook; should another one have come to it
    since, nothing is done. Raises `Refused` with every reason.
    """
    try:
        with transaction.atomic():
            return _move(session, to, by, expected)
    except IntegrityError as error:
        if constraint(error) not in ("reservation_one_place_at_a_time", "booking_client_in_one_place"):
            raise
        # Somebody was quicker: the preview names who.
        raise Refused(preview(session, to).against or [OTHER_CONFLICTS]) from error


def _move(session: Session, to: Place, by: User, expected: Iterable[Booking] | None) -> Moved:
    places = sessions.lock(session)
    company.lock(
        sessions.of(session).filter(status=Booking.Status.BOOKED),
        also=[*to.resources, *filter(None, (session.specialist, session.room))],
    )
    to = to.read_again()
    found = Session.objects.select_for_update(no_key=True, of=("self",)).select_related(
        "calendar", "district", "series__event", "specialist", "room"
    )
    session = found.get(pk=session.pk)
    now = max((place.now for place in places), default=None) or clock()
    plan = preview(session, to, now=now)
    if plan.against:
        raise Refused(plan.against)
    if expected is not None and {one.booking for one in plan.stuck} - set(expected):
        raise Refused([OTHER_CONFLICTS])
    sessions.end_holds([place.slot for place in places], by)
    given_up = [sessions.give_up(one.booking, by) for one in plan.stuck]
    before, delta = copy(session), to.start_at - session.start_at
    _move_session(session, plan, to, by, now)
    _move_slots(session, delta)
    told = _move_bookings(session, plan.along, delta, by, now)
    contingents.shift(session, before.start_at)
    feeds.sessions_changed([before, session])
    for place in places:
        seats.touch(place.slot)
    _tell_staff(before, session, plan.along, given_up, by)
    return Moved(session, plan.along, told, given_up)


# --- What stands against it --------------------------------------------------------------------
def _against(session: Session, to: Place, by: timedelta, now: datetime) -> list[Problem]:
    found = []
    begun = sessions.of(session).filter(status__in=[Booking.Status.ARRIVED, Booking.Status.FULFILLED])
    is_planned = session.status == Session.Status.PLANNED and session.start_at > now
    if not is_planned or begun.exists():
        found.append(HAS_BEGUN)
    if to.start_at <= now:
        found.append(IN_THE_PAST)
    is_of_one_day = not _reaches_into_the_next_day(session, session.start_at, session.end_at)
    if is_of_one_day and _reaches_into_the_next_day(session, to.start_at, session.end_at + by):
        found.append(PAST_MIDNIGHT)
    if not by and (to.specialist, to.room) == (session.specialist, session.room):
        found.append(NOTHING_CHANGES)
    start_at, end_at = _reserved(session)
    busy = planning.busy(
        to.resources, session.district, since=min(start_at + by, to.start_at), besides=session.slots.all()
    )
    in_the_way: list[Conflict | Away] = [
        *busy.conflicts(to.resources, start_at + by, end_at + by),
        *busy.away(to.resources, session.start_at + by, session.end_at + by),
    ]
    return found + [Problem("in_the_way", one.text, _CHOOSE) for one in in_the_way]


def _reaches_into_the_next_day(session: Session, start_at: datetime, end_at: datetime) -> bool:
    """What agenda and board show belongs to one day; planning asks for the same. A course's term does not."""
    next_day = start_at.astimezone(session.district.tz).date() + timedelta(days=1)
    return end_at > midnight(next_day, session.district.tz)


_CHOOSE = _("Wählen Sie eine andere Zeit, einen anderen Raum oder eine andere Fachkraft.")


def _reserved(session: Session) -> tuple[datetime, datetime]:
    """From when to when the session needs its people and room, pauses and buffers included."""
    held = Reservation.objects.filter(slot__session=session).values_list("during", flat=True)
    spans = list(held)
    starts, ends = [span.lower for span in spans], [span.upper for span in spans]
    return min([session.start_at, *starts]), max([session.end_at, *ends])


def _against_booking(booking: Booking, session: Session, to: Place, by: timedelta) -> list[Problem]:
    found = []
    if booking.client_id is not None and not booking.during.isempty:
        at = DateTimeTZRange(booking.start_at + by, booking.end_at + by, "[)")
        there = Booking.objects.living().filter(client=booking.client_id, during__overlap=at)
        if there.exclude(slot__session=session).exclude(status=Booking.Status.NOSHOW).exists():
            found.append(problems.CLIENT_ELSEWHERE)
    found += company.against(booking, by)
    if booking.slot.kind.needs_referral and to.specialist != session.specialist:
        found += doors.against_move(booking, [_with_specialist(booking.slot, session, to)])[booking.slot_id]
    return found


def _with_specialist(slot: Slot, session: Session, to: Place) -> Slot:
    there = copy(slot)
    there.session = copy(session)
    there.session.specialist = to.specialist
    return there


# --- Moving -------------------------------------------------------------------------------------
def _move_session(session: Session, plan: Preview, to: Place, by: User, now: datetime) -> None:
    """`original_start_at` stays: by it the series knows its date."""
    session.start_at, session.end_at = plan.start_at, plan.end_at
    session.specialist, session.room = to.specialist, to.room
    session.moved_at, session.moved_by = now, by
    session.save(update_fields=["start_at", "end_at", "specialist", "room", "moved_at", "moved_by"])
    series.shift(session)
    audit.record("moved", session, by=by, bookings=len(plan.along), to_rebook=len(plan.stuck))


def _move_slots(session: Session, by: timedelta) -> None:
    """The slots, and what they reserve: taken up anew, so that a session moved by half an hour is not in
    its own way."""
    held = {
        one.slot_id: one.during for one in Reservation.objects.filter(slot__session=session).order_by("pk")
    }
    Reservation.objects.filter(slot__session=session).delete()
    Slot.objects.filter(session=session).update(
        start_at=F("start_at") + by, end_at=F("end_at") + by, **slots.searched_by(session)
    )
    open_slots = Slot.objects.filter(session=session).open()
    Reservation.objects.bulk_create(
        Reservation(resource_id=resource, slot=slot, during=_during(slot, held.get(slot.pk), by))
        for slot in open_slots
        for resource in (session.specialist_id, session.room_id)
        if resource is not None
    )


def _tell_staff(
    before: Session, session: Session, along: Iterable[Booking], given_up: Iterable[Booking], by: User
) -> None:
    """Who keeps the appointments has to come at another time themselves, or to find another one."""
    for booking in along:
        key = f"session_moved:{booking.uuid}:{booking.ical_sequence}"
        people = booking.keepers - {by.pk}
        notices.tell(people, What.SESSION_MOVED, key=key, route="scheduling:booking", about=booking.uuid)
    for booking in given_up:
        key, people = f"left:{booking.uuid}", booking.keepers - {by.pk}
        notices.tell(people, What.LEFT_BY_SESSION, key=key, route="scheduling:rebook")
    key = f"own_day_moved:{session.uuid}:{session.moved_at:%Y%m%d%H%M%S}"
    sessions.tell_holders([before, session], What.OWN_DAY_MOVED, key=key, by=by)


def _during(slot: Slot, held: DateTimeTZRange | None, by: timedelta) -> DateTimeTZRange:
    if held is None:
        return DateTimeTZRange(slot.start_at, slot.end_at, "[)")
    return DateTimeTZRange(held.lower + by, held.upper + by, "[)")


def _move_bookings(
    session: Session, along: list[Booking], by: timedelta, user: User, now: datetime
) -> set[int]:
    """Each to its slot's new time; the numbers of those whose clients get a message."""
    found = session.slots.select_related("kind", "district__message_rules")
    places = {slot.pk: slot for slot in found.prefetch_related("kind__reminder_rules")}
    told = set()
    # From the far end, so that a client with two appointments that day is never in two places between.
    for booking in sorted(along, key=lambda one: one.start_at, reverse=by > timedelta()):
        was = booking.start_at
        booking.slot = places[booking.slot_id]
        booking.slot.session = session
        booking.start_at, booking.end_at = booking.slot.start_at, booking.slot.end_at
        if not booking.during.isempty:
            booking.during = DateTimeTZRange(booking.start_at, booking.end_at, "[)")
        moving.told_again(booking)
        booking.save(update_fields=["start_at", "end_at", "during", "answer", "answered_at", "ical_sequence"])
        BookingMove.objects.create(
            booking=booking,
            from_slot=booking.slot,
            from_start_at=was,
            to_start_at=booking.start_at,
            moved_at=now,
            moved_by=user,
            with_session=True,
        )
        company.move_along(booking, by)
        audit.record("moved_with_session", booking, by=user, district=session.district)
        feeds.appointment_changed(booking)
        if reminders.plan(booking, now=now, told=Message.Kind.MOVED):
            told.add(booking.pk)
    return told


# --- Looking afterwards -------------------------------------------------------------------------
@dataclass(frozen=True)
class Told:
    """An appointment that went along: by its number, and whether its client got or gets a message."""

    booking: Booking
    has_message: bool


def told_of(session: Session) -> list[Told]:
    """Who was told of the session's last move, and who is to be called. Two queries; none if never moved."""
    if session.moved_at is None:
        return []
    moves = BookingMove.objects.filter(
        booking__slot__session=session, moved_at=session.moved_at, with_session=True
    )
    rows = list(
        moves.select_related("booking__client", "booking__holder__organisation").order_by("to_start_at")
    )
    prefixes = {row.booking: reminders.key_prefix(row.booking) for row in rows}
    messages = outbox.by_key_prefix(list(prefixes.values()))
    return [
        Told(
            booking,
            any(one.status in _REACHES for one in messages[prefix] if one.created_at >= session.moved_at),
        )
        for booking, prefix in prefixes.items()
    ]


# A message that waits, is under way or arrived; the others are for a person to make good.
_REACHES = frozenset(
    {Message.Status.QUEUED, Message.Status.SENDING, Message.Status.SENT, Message.Status.DELIVERED}
)
