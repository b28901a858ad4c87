"""A session goes elsewhere and takes along what hangs on it; only what cannot be goes to the list."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from schedule.models import Occurrence

from accounts.models import AuditEvent, User
from clients.models import Client
from notifications.models import Message, Notice
from scheduling import booking as bookings
from scheduling import reminders, session_moves, slots
from scheduling.models import (
    Absence,
    Booking,
    BookingMove,
    InterpreterAssignment,
    Rebooking,
    Reservation,
    Resource,
    Session,
    Slot,
)
from scheduling.problems import Refused
from scheduling.session_moves import Place
from tests import factories
from tests.scheduling import planned
from tests.scheduling.test_races import rush

pytestmark = pytest.mark.django_db

A_DAY = timedelta(days=1)


def refused(rule: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as caught, transaction.atomic():
        rule(*args, **kwargs)
    return caught.value.codes


@pytest.fixture
def by() -> User:
    user: User = planned.coordinator()
    return user


@pytest.fixture
def session() -> Session:
    """A session to come of a planned year, with two presentations and a case consultation."""
    found: Session = planned.plan().sessions.get(start_at__month=4)
    return found


def book(slot: Slot, client: Client | None = None) -> Booking:
    client = client or factories.ConsentFactory().client
    return bookings.book(slot, client=client, by=client.owner)


def at(session: Session, later: timedelta = A_DAY, **fields: Any) -> Place:
    """That much later, with the same people in the same room unless said otherwise."""
    found = {"specialist": session.specialist, "room": session.room} | fields
    return Place(session.start_at + later, **found)


def spans(session: Session) -> list[Any]:
    found = Reservation.objects.filter(slot__session=session).order_by("slot__block", "resource")
    return [(one.resource_id, one.during.lower, one.during.upper) for one in found]


# --- Everything goes along -----------------------------------------------------------------------
@pytest.mark.parametrize("later", [A_DAY, timedelta(minutes=30), -timedelta(minutes=30)])
def test_slots_reservations_and_bookings_go_along(session: Session, by: User, later: timedelta) -> None:
    """Also by half an hour, where the new places overlap the old ones of its neighbours."""
    first, second, _third = session.slots.all()
    client = factories.ConsentFactory().client
    made = [book(first, client), book(second, client)]
    before, held = list(session.slots.values_list("start_at", "end_at")), spans(session)

    done = session_moves.move(session, at(session, later), by=by)

    was = session.start_at
    session.refresh_from_db()
    assert (session.start_at, session.original_start_at) == (was + later, was)
    assert session.moved_by == by
    assert list(session.slots.values_list("start_at", "end_at")) == [
        (start + later, end + later) for start, end in before
    ]
    assert spans(session) == [(who, lower + later, upper + later) for who, lower, upper in held]
    for booking in Booking.objects.filter(pk__in=[one.pk for one in made]):
        assert (booking.start_at, booking.during.lower) == (booking.slot.start_at, booking.slot.start_at)
        assert (booking.ical_sequence, booking.moves) == (1, 0)
        assert booking.move_history.get().with_session
    assert done.along == made
    assert done.given_up == []
    assert AuditEvent.objects.about(session).get(verb="moved").details == {"bookings": 2, "to_rebook": 0}


@pytest.mark.promise(6)
def test_people_are_told_anew_and_of_the_old_time_nobody_is_reminded(session: Session, by: User) -> None:
    first, second, _third = session.slots.all()
    told, called = book(first), book(second, factories.ClientFactory())
    bookings.answer(told, "coming")

    done = session_moves.move(session, at(session), by=by)

    assert done.told == {told.pk}
    waiting = Message.objects.filter(status="queued")
    assert {message.context["start_at"] for message in waiting} == {(told.start_at + A_DAY).isoformat()}
    assert all(message.key.startswith(f"{reminders.key_prefix(told)}1:") for message in waiting)
    told.refresh_from_db()
    assert told.answer == ""
    assert called in done.along


def test_another_room_alone_is_told_too(session: Session, by: User) -> None:
    booking = book(session.slots.all()[0])
    room = factories.RoomFactory(name="Anderer Raum", address="Neue Str. 2")

    session_moves.move(session, at(session, timedelta(), room=room), by=by)

    assert {one.context["place"] for one in Message.objects.filter(status="queued")} == {"Neue Str. 2"}
    assert {one[0] for one in spans(session)} == {session.specialist_id, room.pk}
    booking.refresh_from_db()
    assert booking.address == "Neue Str. 2"


def test_a_room_renamed_since_the_form_was_sent_is_told_as_it_is_called_now(
    session: Session, by: User
) -> None:
    booking = book(session.slots.all()[0])
    room = factories.RoomFactory(name="Anderer Raum", address="Neue Str. 2")
    to = at(session, timedelta(), room=room)
    Resource.objects.filter(pk=room.pk).update(address="Neue Str. 4")

    moved = session_moves.move(session, to, by=by)

    assert moved.session.address == "Neue Str. 4"
    told = Message.objects.filter(status="queued", key__startswith=reminders.key_prefix(booking))
    assert {one.context["place"] for one in told} == {"Neue Str. 4"}


def test_the_slots_are_searched_by_who_holds_them_now(session: Session, by: User) -> None:
    other: Resource = planned.specialist("Dr. Anders", gender="f", languages=["ar"])
    session_moves.move(session, at(session, specialist=other), by=by)
    session.refresh_from_db()
    assert {(slot.gender, tuple(slot.languages)) for slot in session.slots.all()} == {("f", ("ar",))}
    assert slots.searched_by(session)["gender"] == "f"


def test_the_series_keeps_the_exception_and_makes_no_second_session(session: Session, by: User) -> None:
    session_moves.move(session, at(session), by=by)
    session.refresh_from_db()
    assert session.series is not None
    kept = Occurrence.objects.get(event=session.series.event, original_start=session.original_start_at)
    assert (kept.start, kept.end, kept.cancelled) == (session.start_at, session.end_at, False)
    session_moves.move(session, at(session), by=by)
    assert Occurrence.objects.get(pk=kept.pk).start == session.start_at + A_DAY


def test_holds_end_and_every_slots_version_rises(
    session: Session, by: User, django_capture_on_commit_callbacks: Any
) -> None:
    hold = bookings.hold(session.slots.all()[0], by=factories.UserFactory())
    before = dict(session.slots.values_list("pk", "version"))
    with django_capture_on_commit_callbacks() as callbacks:
        session_moves.move(session, at(session), by=by)
    assert not Booking.objects.filter(pk=hold.pk).exists()
    assert all(slot.version > before[slot.pk] and slot.has_room for slot in session.slots.all())
    # Three slots, and the specialist's bell.
    assert sum("after_commit" in one.__qualname__ for one in callbacks) == 3 + 1


def test_an_interpreter_goes_along_and_is_asked_again(session: Session, by: User) -> None:
    booking = book(session.slots.all()[0])
    reserved = _interpreter(booking)

    session_moves.move(session, at(session), by=by)

    assignment = booking.interpreter_assignments.get()
    assert (assignment.status, assignment.confirmed_at, assignment.link_version) == ("requested", None, 2)
    assert (
        Reservation.objects.get(booking=booking, resource=reserved).during.lower == booking.start_at + A_DAY
    )


# --- What cannot go along ------------------------------------------------------------------------
def test_only_those_for_whom_the_time_cannot_be_go_to_the_list(session: Session, by: User) -> None:
    first, second, third = session.slots.all()
    busy, no_interpreter = book(first), book(second)
    there = factories.SlotFactory(start_at=first.start_at + A_DAY, end_at=first.end_at + A_DAY)
    factories.BookingFactory(slot=there, client=busy.client)
    interpreter = _interpreter(no_interpreter)
    Absence.objects.create(
        resource=interpreter,
        during=(second.start_at + A_DAY, second.end_at + A_DAY),
        reason=Absence.Reason.ILLNESS,
    )
    goes = book(third)
    to = at(session)

    shown = session_moves.preview(session, to)
    assert [(one.booking, [why.code for why in one.problems]) for one in shown.stuck] == [
        (busy, ["client_elsewhere"]),
        (no_interpreter, ["company_elsewhere"]),
    ]
    assert shown.along == [goes]

    done = session_moves.move(session, to, by=by, expected=[one.booking for one in shown.stuck])

    assert done.given_up == [busy, no_interpreter]
    assert {one.booking for one in Rebooking.objects.all()} == {busy, no_interpreter}
    assert [slot.has_room for slot in session.slots.all()] == [True, True, False]


def test_staff_hear_of_a_move_they_did_not_make_also_of_a_case_consultation(
    session: Session, by: User
) -> None:
    first, second, third = session.slots.all()
    goes, stays = book(first), book(second)
    nameless = factories.BookingFactory(slot=third, client=None, holder=factories.UserFactory())
    there = factories.SlotFactory(start_at=second.start_at + A_DAY, end_at=second.end_at + A_DAY)
    factories.BookingFactory(slot=there, client=stays.client)

    session_moves.move(session, at(session), by=by)

    assert session.specialist is not None
    heard = {(one.user, one.kind, one.about) for one in Notice.objects.all()}
    assert heard == {
        (goes.holder, "session_moved", goes.uuid),
        (nameless.holder, "session_moved", nameless.uuid),
        (stays.holder, "left_by_session", None),
        (session.specialist.user, "own_day_moved", None),
    }


def test_who_moves_the_own_day_needs_no_word_of_it(session: Session) -> None:
    assert session.specialist is not None
    assert session.specialist.user is not None
    session_moves.move(session, at(session), by=session.specialist.user)
    assert not Notice.objects.exists()


def test_what_was_not_previewed_is_not_done(session: Session, by: User) -> None:
    first = session.slots.all()[0]
    booking = book(first)
    there = factories.SlotFactory(start_at=first.start_at + A_DAY, end_at=first.end_at + A_DAY)
    factories.BookingFactory(slot=there, client=booking.client)
    assert refused(session_moves.move, session, at(session), by=by, expected=[]) == ["other_conflicts"]
    booking.refresh_from_db()
    assert booking.status == "booked"


def test_the_whole_session_stays_where_its_people_or_room_are_taken_or_away(
    session: Session, by: User
) -> None:
    start = session.start_at + A_DAY
    other = factories.SlotFactory(start_at=start, end_at=start + timedelta(minutes=70))
    factories.ReservationFactory(slot=other, resource=session.room)
    assert session.specialist is not None
    Absence.objects.create(resource=session.specialist, during=(start, start + A_DAY))
    assert refused(session_moves.move, session, at(session), by=by) == ["in_the_way", "in_the_way"]


def test_neither_into_the_past_nor_out_of_it_nor_nowhere(session: Session, by: User) -> None:
    assert refused(session_moves.move, session, at(session, timedelta()), by=by) == ["nothing_changes"]
    assert "in_the_past" in refused(session_moves.move, session, at(session, -timedelta(days=900)), by=by)
    Session.objects.filter(pk=session.pk).update(start_at=session.start_at - timedelta(days=900))
    session.refresh_from_db()
    assert "session_has_begun" in refused(session_moves.move, session, at(session, 950 * A_DAY), by=by)


@pytest.mark.parametrize("on", [date(2027, 4, 8), date(2027, 3, 28), date(2027, 10, 31)])
def test_its_last_block_ends_on_the_day_it_begins(session: Session, by: User, on: date) -> None:
    """As when a year is planned; it lasts two hours and 55 minutes, also where a day has 23 or 25 hours."""
    latest = Place(
        datetime.combine(on, time(21, 5), tzinfo=session.district.tz), session.specialist, session.room
    )
    later = replace(latest, start_at=latest.start_at + timedelta(minutes=1))
    assert "past_midnight" in refused(session_moves.move, session, later, by=by)
    assert session_moves.move(session, latest, by=by).session.start_at == latest.start_at


# --- Races ---------------------------------------------------------------------------------------
@pytest.mark.promise(1)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rival", ["cancel", "move_away"])
def test_against_who_leaves_it(rival: str, rounds: Any) -> None:
    """Whoever comes first, bookings are where their slots are, and seats as the rows say. Those who come
    to it stand in `test_doors`."""
    from scheduling import moving

    sessions_of_year = list(planned.plan().sessions.order_by("start_at"))
    for number in range(rounds(5)):
        session, other = sessions_of_year[2 * number], sessions_of_year[2 * number + 1]
        by = planned.coordinator()
        first = session.slots.all()[0]
        mine = book(first)
        acts: dict[str, Callable[[], Any]] = {
            "cancel": partial(bookings.cancel, mine, reason="client", by=mine.holder),
            "move_away": partial(moving.move, mine, other.slots.all()[0], by=mine.holder),
        }

        found = rush([partial(session_moves.move, session, at(session), by=by), acts[rival]])

        assert not [one for one in found if isinstance(one, Exception) and not isinstance(one, Refused)]
        for slot in Slot.objects.filter(session__in=[session, other]):
            living = Booking.objects.living().filter(slot=slot)
            assert {(one.start_at, one.end_at) for one in living} <= {(slot.start_at, slot.end_at)}
            assert slot.has_room == (not living.exists())


def _interpreter(booking: Booking) -> Resource:
    """One who said yes to this appointment."""
    from scheduling.models import Interpreter, InterpreterPool

    resource = Resource.objects.create(district=booking.district, kind="interpreter", name="Nour S.")
    pool = InterpreterPool.objects.create(district=booking.district, name="Pool")
    interpreter = Interpreter.objects.create(resource=resource, pool=pool, qualification="trained")
    InterpreterAssignment.objects.create(
        booking=booking,
        interpreter=interpreter,
        language="ar",
        status="confirmed",
        confirmed_at=booking.booked_at,
        confirm_until=booking.start_at - timedelta(days=4),
    )
    Reservation.objects.create(resource=resource, booking=booking, during=(booking.start_at, booking.end_at))
    return resource


def test_the_history_shows_where_it_was(session: Session, by: User) -> None:
    booking = book(session.slots.all()[0])
    session_moves.move(session, at(session), by=by)
    move = BookingMove.objects.get(booking=booking)
    assert (move.from_start_at, move.to_start_at) == (booking.start_at, booking.start_at + A_DAY)
