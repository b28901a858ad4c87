"""Moves meet every other door at the same instant: a seat is had once, and nobody is lost on the way.

First without the guards, to see it happen.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from clients.models import Client
from scheduling import booking as rules
from scheduling import moving
from scheduling.models import Booking, BookingMove, CancelReason, Slot
from scheduling.problems import Refused
from tests import factories
from tests.scheduling.test_races import ends, guards, new_slot, rush, unguarded, without_constraints

__all__ = ["guards", "new_slot", "unguarded", "without_constraints"]

pytestmark = pytest.mark.django_db(transaction=True)

RIVALS = 10
Rounds = Callable[[int], int]


@pytest.fixture
def cases() -> list[Client]:
    """Clients, each with an owner of their own; without SMS, which is shown elsewhere."""
    return [factories.ClientFactory() for _ in range(RIVALS)]


def book(slot: Slot, client: Client) -> Booking:
    return rules.book(slot, client=client, by=client.owner)


def moving_to(slot: Slot, booking: Booking) -> Callable[[], Any]:
    return partial(moving.move, booking, slot, by=booking.holder)


def on(slot: Slot) -> list[Booking]:
    return list(Booking.objects.living().filter(slot=slot))


def everything_fits() -> None:
    """What is always true: a seat once, `has_room` as the rows say, as many histories as moves."""
    for slot in Slot.objects.all():
        seats = [booking.seat for booking in on(slot)]
        assert len(seats) == len(set(seats)) <= slot.capacity
        assert slot.has_room == (len(seats) < slot.capacity)
    for booking in Booking.objects.all():
        assert booking.moves == BookingMove.objects.filter(booking=booking).count()
        assert (booking.start_at, booking.end_at) == (booking.slot.start_at, booking.slot.end_at)


@pytest.mark.promise(1)
def test_without_the_guards_several_move_onto_one_seat(
    unguarded: None, cases: list[Client], new_slot: Callable[..., Slot]
) -> None:
    most = 0
    for _ in range(20):
        target = new_slot()
        bookings = [book(new_slot(), client) for client in cases]
        rush([moving_to(target, booking) for booking in bookings])
        most = max(most, len(on(target)))
        if most > 1:
            break
    assert most > 1


@pytest.mark.promise(1)
def test_of_many_who_move_hold_and_book_one_gets_the_seat(
    guards: str, cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(10)):
        target = new_slot()
        bookings = [book(new_slot(), client) for client in cases[:4]]
        acts: list[Callable[[], Any]] = [moving_to(target, booking) for booking in bookings]
        acts += [partial(book, target, client) for client in cases[4:7]]
        acts += [partial(rules.hold, target, by=client.owner) for client in cases[7:]]

        found = ends(rush(acts))

        assert set(found) <= {"booked", "tentative", "taken", "held"}
        assert found["booked"] + found["tentative"] == 1
        assert len(on(target)) == 1
        # Who did not get it is where they were.
        assert Booking.objects.filter(pk__in=[one.pk for one in bookings], status="booked").count() == 4
        for hold in Booking.objects.filter(slot=target, status="tentative"):
            rules.let_go(hold, by=hold.holder)
        if guards != "constraints alone":
            everything_fits()


@pytest.mark.promise(1)
def test_two_who_want_each_others_place_wait_for_nobody_for_ever(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    """A→B and B→A: both are taken while the other is there, so both are refused, and no deadlock remains."""
    for _ in range(rounds(10)):
        first, second = new_slot(), new_slot()
        one, two = book(first, cases[0]), book(second, cases[1])

        found = rush([moving_to(second, one), moving_to(first, two)])

        assert ends(found) == {"taken": 2}
        everything_fits()
        for booking in (one, two):
            rules.cancel(booking, reason=CancelReason.CLIENT, by=booking.holder)


@pytest.mark.promise(1)
def test_crossing_over_places_with_two_seats_both_arrive(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(10)):
        first, second = new_slot(capacity=2), new_slot(capacity=2)
        one, two = book(first, cases[0]), book(second, cases[1])

        found = rush([moving_to(second, one), moving_to(first, two)])

        assert ends(found) == {"booked": 2}
        assert (on(first), on(second)) == ([two], [one])
        everything_fits()


@pytest.mark.promise(1)
def test_moved_and_cancelled_at_once_it_is_cancelled_and_both_places_are_free(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for number in range(rounds(10)):
        first, second = new_slot(), new_slot()
        # One with a client, one without: only the client's lock makes them follow each other early on.
        client = cases[0] if number % 2 else None
        booking = rules.book(first, client=client, by=cases[0].owner)

        found = rush(
            [moving_to(second, booking), partial(rules.cancel, booking, reason="client", by=booking.holder)]
        )

        assert isinstance(found[1], Booking)
        booking.refresh_from_db()
        assert booking.status == "cancelled"
        assert on(first) == on(second) == []
        assert Slot.objects.filter(pk__in=[first.pk, second.pk], has_room=True).count() == 2


@pytest.mark.promise(1)
def test_the_same_booking_moved_from_two_windows_ends_in_one_place(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for number in range(rounds(10)):
        first, second, third = new_slot(), new_slot(), new_slot()
        client = cases[0] if number % 2 else None
        booking = rules.book(first, client=client, by=cases[0].owner)

        rush([moving_to(second, booking), moving_to(third, booking)])

        assert [len(on(slot)) for slot in (first, second, third)] in ([0, 1, 0], [0, 0, 1])
        everything_fits()


@pytest.mark.promise(1)
def test_a_client_moved_and_booked_at_once_is_in_one_place(
    guards: str, cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    client = cases[0]
    for _ in range(rounds(10)):
        first, second = new_slot(), new_slot()
        at_the_same_time = factories.SlotFactory(
            session=second.session, block=1, start_at=second.start_at + timedelta(minutes=30)
        )
        booking = book(first, client)

        found = rush([moving_to(second, booking), partial(book, at_the_same_time, client)])

        assert ends(found) == {"booked": 1, "client_elsewhere": 1}
        assert any(isinstance(one, Refused) for one in found)
