"""Seats under the lock: what is looked at, and how much it costs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from scheduling import booking as rules
from scheduling import seats
from scheduling.models import Booking, Slot
from tests import factories

pytestmark = pytest.mark.django_db


def test_seats_are_given_from_the_lowest_free_one() -> None:
    slot = factories.SlotFactory(capacity=3)
    clients = [factories.ClientFactory() for _ in range(4)]
    made = [rules.book(slot, client=client, by=client.owner) for client in clients[:3]]
    assert [booking.seat for booking in made] == [1, 2, 3]

    rules.cancel(made[1], reason="client", by=clients[1].owner)

    assert rules.book(slot, client=clients[3], by=clients[3].owner).seat == 2


@pytest.mark.parametrize("others", [0, 3])
def test_what_the_checks_need_is_one_query(others: int, django_assert_num_queries: Any) -> None:
    slot, client = factories.SlotFactory(capacity=5), factories.ClientFactory()
    for seat in range(1, others + 1):
        factories.BookingFactory(slot=slot, seat=seat)

    with transaction.atomic(), django_assert_num_queries(2):
        facts = seats.look(seats.lock(slot.pk), by=client.owner, client=client, to_book=True)

    assert len(facts.on_slot) == others
    assert facts.free_seat == others + 1


def test_booking_a_hold_costs_as_many_statements_as_it_must(django_assert_num_queries: Any) -> None:
    client = factories.ConsentFactory().client
    anna = client.owner
    hold = rules.hold(factories.SlotFactory(), by=anna)

    # savepoint; client and slot, facts; booking; all else in one (waiting list, audit, version, messages,
    # feeds); release
    with django_assert_num_queries(6):
        rules.book(hold, client=client, by=anna)


def test_the_facts_tell_apart_what_lives_what_is_dead_and_what_is_elsewhere() -> None:
    client = factories.ClientFactory()
    anna = client.owner
    slot = factories.SlotFactory(capacity=4)
    elsewhere = factories.SlotFactory(start_at=slot.start_at + timedelta(minutes=10), end_at=slot.end_at)
    touching = factories.SlotFactory(start_at=slot.end_at, capacity=2)
    past = timezone.now() - timedelta(seconds=1)
    dead = factories.BookingFactory(slot=slot, seat=1, status="tentative", held_until=past)
    other = factories.BookingFactory(slot=slot, seat=2)
    factories.BookingFactory(slot=slot, seat=3, status="cancelled", cancelled_at=past)
    own_hold = rules.hold(touching, by=anna)
    there = factories.BookingFactory(slot=elsewhere, client=client)
    factories.BookingFactory(slot=touching, seat=2, client=client)

    with transaction.atomic():
        facts = seats.look(seats.lock(slot.pk), by=anna, client=client, to_book=True)

    assert facts.on_slot == (other,)
    assert facts.dead == (dead,)
    assert facts.own_holds == (own_hold,)
    assert facts.own_hold is None
    assert facts.elsewhere == (there,)
    assert facts.free_seat == 1


def test_the_next_free_slot_is_of_the_same_kind_and_format_and_of_ones_own_district() -> None:
    slot = factories.SlotFactory()
    anna = factories.UserFactory()
    factories.SlotFactory(session=slot.session, block=1, format="case_consultation")
    factories.SlotFactory(session=slot.session, block=2, kind=factories.KindFactory(code="other"))
    factories.SlotFactory(session=slot.session, block=3, is_open=False)
    full = factories.SlotFactory(session=slot.session, block=4)
    factories.BookingFactory(slot=full)
    wanted = factories.SlotFactory(session=slot.session, block=5)
    factories.SlotFactory(session=slot.session, block=6)

    assert seats.next_free(slot, by=anna) == wanted
    stranger = factories.UserFactory(
        organisation=factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    )
    assert seats.next_free(slot, by=stranger) is None


def test_a_slot_is_free_while_one_of_its_seats_is() -> None:
    slot = factories.SlotFactory(capacity=2)
    assert slot in Slot.objects.free()
    factories.BookingFactory(slot=slot, seat=1)
    assert slot in Slot.objects.free()
    last = rules.hold(slot, by=factories.UserFactory())
    assert slot not in Slot.objects.free()
    Booking.objects.filter(pk=last.pk).update(held_until=timezone.now() - timedelta(seconds=1))
    assert slot in Slot.objects.free()


def test_taking_without_a_free_seat_is_a_mistake_of_the_caller() -> None:
    slot = factories.SlotFactory()
    factories.BookingFactory(slot=slot)

    with transaction.atomic(), pytest.raises(ValueError, match="no free seat"):
        seats.take(seats.look(seats.lock(slot.pk), by=factories.UserFactory()))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("lock", "thing"),
    [
        (seats.lock_person, factories.UserFactory),
        (lambda client: seats.lock_client(client.pk), factories.ClientFactory),
        (lambda slot: seats.lock(slot.pk), factories.SlotFactory),
    ],
)
def test_a_lock_outside_a_transaction_is_refused(lock: Callable[[Any], Any], thing: Any) -> None:
    with pytest.raises(TransactionManagementError):
        lock(thing())
