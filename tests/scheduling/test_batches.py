"""Appointments of one client in one go: conflicts are seen before, and what is booked is chosen."""

import uuid
from datetime import date, time
from typing import Any

import pytest
import time_machine

from accounts.models import User
from clients.models import Client
from scheduling import batches, openings
from scheduling import booking as rules
from scheduling.batches import NotAll, Rhythm
from scheduling.models import Booking, Slot
from tests import factories
from tests.scheduling import offered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("january")]
EVERY_SECOND = Rhythm(every=2, times=6)


@pytest.fixture
def january() -> Any:
    with time_machine.travel("2027-01-10 08:00", tick=True):
        yield


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


@pytest.fixture
def amal(anna: User) -> Client:
    made: Client = factories.ClientFactory(owner=anna)
    return made


@pytest.fixture
def slot(anna: User) -> Slot:
    """Tuesdays at nine, over the change of the clocks."""
    made = openings.weekly(
        offered.offer(anna, number=1, counsellor=offered.counsellor()),
        every=1,
        weekdays=(1,),
        first_on=date(2027, 2, 1),
        start_time=time(9, 0),
        until=date(2027, 6, 30),
        by=anna,
    )
    return made.sessions.earliest("start_at").slots.get()


def book(slot: Slot, client: Client, anna: User, **changes: Any) -> list[Booking]:
    fields: dict[str, Any] = {"only_free": False, "form": uuid.uuid4()} | changes
    return batches.book(slot, fields.pop("rhythm", EVERY_SECOND), client=client, by=anna, **fields)


def days(made: list[Booking]) -> list[str]:
    zone = made[0].slot.district.tz
    return [f"{each.start_at.astimezone(zone):%d.%m. %H:%M}" for each in made]


def test_every_second_tuesday_six_times(slot: Slot, amal: Client, anna: User) -> None:
    made = book(slot, amal, anna)
    assert days(made) == [
        "02.02. 09:00",
        "16.02. 09:00",
        "02.03. 09:00",
        "16.03. 09:00",
        "30.03. 09:00",
        "13.04. 09:00",
    ]
    assert len({each.batch for each in made}) == 1
    assert {each.client for each in made} == {amal}


def test_conflicts_are_shown_before_anything_is_saved(slot: Slot, amal: Client, anna: User) -> None:
    third = Slot.objects.get(start_at=batches.look(slot, EVERY_SECOND, client=amal, by=anna)[2].start_at)
    rules.book(third, client=factories.ClientFactory(owner=anna), by=anna)
    shown = batches.look(slot, EVERY_SECOND, client=amal, by=anna)
    assert [[problem.code for problem in each.problems] for each in shown] == [
        [],
        [],
        ["taken"],
        [],
        [],
        [],
    ]
    assert Booking.objects.count() == 1


def test_a_date_on_which_nothing_is_offered_is_named(slot: Slot, amal: Client, anna: User) -> None:
    shown = batches.look(slot, Rhythm(every=8, times=4), client=amal, by=anna)
    assert [each.is_free for each in shown] == [True, True, True, False]
    assert shown[3].problems == (batches.NOT_OFFERED,)


def test_all_or_nothing_or_what_is_free_as_the_person_chose(slot: Slot, amal: Client, anna: User) -> None:
    second = Slot.objects.get(start_at=batches.look(slot, EVERY_SECOND, client=amal, by=anna)[1].start_at)
    rules.book(second, client=factories.ClientFactory(owner=anna), by=anna)

    with pytest.raises(NotAll) as caught:
        book(slot, amal, anna)
    assert [each.is_free for each in caught.value.dates] == [True, False, True, True, True, True]
    assert Booking.objects.filter(client=amal).count() == 0

    assert len(book(slot, amal, anna, only_free=True)) == 5
    assert Booking.objects.filter(client=amal, status="booked").count() == 5


def test_the_clients_other_appointments_are_in_the_way(slot: Slot, amal: Client, anna: User) -> None:
    elsewhere = offered.slot(
        anna, on=date(2027, 2, 16), at=time(9, 15), calendar=offered.calendar(anna, "Anderer")
    )
    rules.book(elsewhere, client=amal, by=anna)
    shown = batches.look(slot, EVERY_SECOND, client=amal, by=anna)
    assert [problem.code for problem in shown[1].problems] == ["client_elsewhere"]


def test_the_same_form_acts_once(slot: Slot, amal: Client, anna: User) -> None:
    form = uuid.uuid4()
    first, again = (book(slot, amal, anna, form=form) for _ in range(2))
    assert first == again
    assert Booking.objects.count() == 6


def test_nothing_free_at_all_is_refused_even_if_less_would_do(slot: Slot, amal: Client, anna: User) -> None:
    book(slot, factories.ClientFactory(owner=anna), anna)
    with pytest.raises(NotAll):
        book(slot, amal, anna, only_free=True)
    assert not Booking.objects.filter(client=amal).exists()


@pytest.mark.parametrize(("every", "times"), [(0, 6), (2, 0), (9, 2), (1, 27)])
def test_a_rhythm_is_within_reason(every: int, times: int) -> None:
    with pytest.raises(ValueError, match="rhythm"):
        Rhythm(every=every, times=times)
