"""Nobody goes along to two places, and no series of dates takes a seat twice: with real threads, first
without the guards, to see it happen."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from scheduling import acceptance, batches, companions, offers, openings
from scheduling import booking as rules
from scheduling.batches import NotAll, Rhythm
from scheduling.models import Booking, Offer, Reservation, Resource, Slot
from scheduling.problems import Visit
from tests import factories
from tests.scheduling import offered
from tests.scheduling.test_races import ends, rush

pytestmark = pytest.mark.django_db(transaction=True)
RIVALS = 8
Rounds = Callable[[int], int]


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


@pytest.fixture
def jan() -> Resource:
    return offered.counsellor("Jan Vogel")


@pytest.fixture
def without_constraint() -> Iterator[None]:
    """The table of reservations without the line that keeps people in one place; back afterwards."""
    (line,) = (one for one in Reservation._meta.constraints if one.name == "reservation_one_place_at_a_time")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Reservation, line)
    yield
    Reservation.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Reservation, line)


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companions, "lock", lambda visit: None)


def places(anna: User, on: date, number: int) -> list[Slot]:
    """As many accompaniments at one and the same time."""
    kind = offered.kind(code="acc", needs_room=False, needs_second_person=True, is_elsewhere=True)
    return [offered.slot(anna, kind=kind, place="", on=on, number=1) for _ in range(number)]


def accompany(anna: User, jan: Resource, on: date) -> list[Any]:
    """As many rivals, each with an appointment of their own at one and the same time."""
    visit = Visit(second_person=jan, place="Rathaus")
    slots = places(anna, on, RIVALS)
    clients = [factories.ClientFactory() for _ in slots]
    book: list[Callable[[], Any]] = [
        partial(rules.book, slot, client=client, visit=visit, by=client.owner)
        for slot, client in zip(slots, clients, strict=True)
    ]
    return rush(book)


def accept_two(anna: User, jan: Resource, on: date) -> tuple[list[Offer], list[Any]]:
    """Two offers at one and the same time, accepted at once with the same person to go along."""
    slots = places(anna, on, 2)
    for _ in slots:
        factories.WaitingFactory(kind=slots[0].kind)
    made = [offer for slot in slots for offer in offers.make(slot.pk)]
    visit = Visit(second_person=jan, place="Rathaus")
    accept: list[Callable[[], Any]] = [
        partial(acceptance.accept, offer, by=offer.entry.entered_by, visit=visit) for offer in made
    ]
    return made, rush(accept)


def test_of_two_offers_with_one_to_go_along_one_is_accepted_and_the_other_stands(
    anna: User, jan: Resource, rounds: Rounds
) -> None:
    for n in range(rounds(10)):
        made, found = accept_two(anna, jan, offered.workday() + timedelta(days=7 * n))
        assert ends(found) == Counter({"booked": 1, "companion_elsewhere": 1})
        (standing,) = Offer.objects.filter(pk__in=[offer.pk for offer in made], ended_at=None)
        assert standing in offers.own(standing.entry.entered_by)
        offers.withdraw(standing.entry, by=standing.entry.entered_by)


def test_without_the_guards_two_offers_take_the_same_person_along(
    anna: User, jan: Resource, without_constraint: None, monkeypatch: pytest.MonkeyPatch, rounds: Rounds
) -> None:
    without_lock(monkeypatch)
    worst = 0
    for n in range(max(10, rounds(20))):
        made, found = accept_two(anna, jan, offered.workday() + timedelta(days=7 * n))
        worst = ends(found)["booked"]
        for offer in Offer.objects.filter(pk__in=[one.pk for one in made], ended_at=None):
            offers.withdraw(offer.entry, by=offer.entry.entered_by)
        if worst > 1:
            break
    assert worst > 1


def test_without_the_guards_one_person_goes_along_several_times(
    anna: User, jan: Resource, without_constraint: None, monkeypatch: pytest.MonkeyPatch, rounds: Rounds
) -> None:
    without_lock(monkeypatch)
    worst = 0
    for n in range(max(3, rounds(20))):
        found = ends(accompany(anna, jan, offered.workday() + timedelta(days=7 * n)))
        worst = max(worst, found["booked"])
        if worst > 1:
            break
    assert worst > 1


@pytest.mark.parametrize("guards", ["lock and constraint", "lock alone", "constraint alone"])
def test_of_many_one_is_accompanied(
    anna: User,
    jan: Resource,
    guards: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    rounds: Rounds,
) -> None:
    if guards == "lock alone":
        request.getfixturevalue("without_constraint")
    if guards == "constraint alone":
        without_lock(monkeypatch)
    for n in range(rounds(10)):
        found = ends(accompany(anna, jan, offered.workday() + timedelta(days=7 * n)))
        assert found == Counter({"booked": 1, "companion_elsewhere": RIVALS - 1})
    assert Reservation.objects.filter(resource=jan).count() == rounds(10)


def test_two_who_want_the_same_dates_in_one_go_never_share_a_seat(anna: User, rounds: Rounds) -> None:
    for n in range(rounds(10)):
        on = offered.monday(2 + 8 * n)
        made = openings.weekly(
            offered.offer(anna, number=1, counsellor=offered.counsellor(f"Mara {n}")),
            every=1,
            weekdays=(on.weekday(),),
            first_on=on,
            start_time=time(9, 0),
            until=on + timedelta(days=34),
            by=anna,
        )
        slot = made.sessions.earliest("start_at").slots.get()
        rhythm = Rhythm(1, made.sessions.count())
        clients = [factories.ClientFactory(owner__organisation=anna.organisation) for _ in range(4)]
        found = rush([partial(_all, slot, rhythm, client) for client in clients])
        assert sorted(type(one).__name__ for one in found) == ["NotAll", "NotAll", "NotAll", "list"]
        seats = Booking.objects.filter(slot__session__series=made).values_list("slot", "seat")
        assert len(set(seats)) == len(seats) == made.sessions.count()


def _all(slot: Slot, rhythm: Rhythm, client: Any) -> Any:
    try:
        return batches.book(slot, rhythm, only_free=False, client=client, by=client.owner, form=uuid.uuid4())
    except NotAll as refused:
        return refused
