"""The first free appointment: what is found, what is not, and that it costs one query."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from scheduling import booking as rules
from scheduling import calendars, search
from scheduling.models import Booking, Slot
from scheduling.search import Wish
from tests import factories
from tests.scheduling import offered
from tests.scheduling.test_booking import end_hold

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def starts(found: list[Slot]) -> list[str]:
    return [f"{each.start_at.astimezone(each.district.tz):%H:%M}" for each in found]


def test_the_first_one_comes_first_and_full_ones_do_not_come(anna: User) -> None:
    session = offered.session(anna, number=3)
    first = session.slots.earliest("start_at")
    assert starts(search.free(anna, Wish())) == ["09:00", "09:45", "10:30"]
    rules.book(first, client=factories.ClientFactory(owner=anna), by=anna)
    assert starts(search.free(anna, Wish())) == ["09:45", "10:30"]


def test_a_slot_with_a_seat_left_is_found(anna: User) -> None:
    slot = offered.slot(anna, number=1, capacity=2)
    rules.book(slot, client=factories.ClientFactory(owner=anna), by=anna)
    assert search.free(anna, Wish()) == [slot]


def test_a_dead_hold_is_free_at_once(anna: User) -> None:
    slot = offered.slot(anna, number=1)
    hold = rules.hold(slot, by=anna)
    assert search.free(anna, Wish()) == []
    end_hold(hold)
    assert search.free(anna, Wish()) == [slot]
    assert Booking.objects.count() == 1  # nobody swept it yet


def wishes() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("language", {"language": "ar"}),
        ("gender", {"gender": "f"}),
        ("step-free", {"is_step_free": True}),
        ("morning", {"until_time": time(12, 0)}),
        ("not before nine", {"from_time": time(9, 0), "until_time": time(12, 0)}),
    ]


@pytest.mark.parametrize(("wish"), [wish for _, wish in wishes()], ids=[name for name, _ in wishes()])
def test_each_wish_leaves_out_what_does_not_fit(anna: User, wish: dict[str, Any]) -> None:
    room = factories.RoomFactory(is_step_free=True)
    mara = offered.counsellor("Mara Linde", languages=["ar"], gender="f")
    tom = offered.counsellor("Tom Berg", languages=["de"], gender="m")
    fits = offered.slot(anna, number=1, counsellor=mara, room=room)
    offered.slot(anna, number=1, counsellor=tom, at=time(16, 0))
    assert len(search.free(anna, Wish())) == 2
    assert search.free(anna, Wish(**wish)) == [fits]


def test_kind_place_organisation_and_weekday(anna: User) -> None:
    town = factories.MunicipalityFactory()
    room = factories.RoomFactory(name="Bürgerhaus", municipality=town)
    debt = offered.kind(code="debt", name="Schulden")
    on = offered.workday()
    fits = offered.slot(anna, number=1, kind=debt, room=room, on=on)
    offered.slot(anna, number=1, on=on + timedelta(days=1), kind=offered.kind())
    organisation = anna.organisation
    for wish in (
        Wish(kind=debt),
        Wish(municipality=town),
        Wish(weekdays=(on.weekday(),)),
        Wish(kind=debt, municipality=town, organisation=organisation, weekdays=(1, on.weekday())),
    ):
        assert search.free(anna, wish) == [fits]
    assert len(search.free(anna, Wish(organisation=organisation))) == 2
    assert search.free(anna, Wish(organisation=factories.OrganisationFactory(name="Caritas"))) == []


def test_three_people_find_what_they_may_book(anna: User) -> None:
    slot = offered.slot(anna, number=1)
    partner, stranger = offered.caseworker("Agentur"), offered.caseworker("Caritas")
    calendars.share(slot.calendar, partner.organisation, "see", by=anna)
    found = [search.free(user, Wish()) for user in (anna, partner, stranger)]
    assert found == [[slot], [], []]
    calendars.share(slot.calendar, partner.organisation, "book", by=anna)
    found = [search.free(user, Wish()) for user in (anna, partner, stranger)]
    assert found == [[slot], [slot], []]


def test_nothing_beyond_ninety_days_nor_closed_nor_put_aside(anna: User) -> None:
    session = offered.session(anna, number=1)
    far = session.start_at + timedelta(days=90)
    Slot.objects.filter(session=session).update(start_at=far, end_at=far + timedelta(minutes=45))
    assert search.free(anna, Wish()) == []
    near = offered.slot(anna, number=1)
    assert search.free(anna, Wish()) == [near]
    calendars.save(near.calendar, name=near.calendar.name, is_active=False, by=anna)
    assert search.free(anna, Wish()) == []


def test_when_nothing_fits_it_says_which_wish_to_drop(anna: User) -> None:
    offered.slot(anna, number=1, counsellor=offered.counsellor(gender="m"))
    assert search.free(anna, Wish(gender="f")) == []
    assert search.looser(anna, Wish(gender="f")) == ["gender"]
    assert search.looser(anna, Wish(gender="f", is_step_free=True)) == []


def test_results_are_grouped_by_day_and_heard_on_one_socket(anna: User) -> None:
    on = offered.workday()
    offered.session(anna, on=on)
    offered.session(anna, on=on + timedelta(days=1), number=1)
    found = search.free(anna, Wish())
    days = [on, on + timedelta(days=1)]
    assert [(group.on, len(group.slots)) for group in search.by_day(found, anna)] == list(
        zip(days, [2, 1], strict=True)
    )
    calendar = offered.calendar(anna).uuid
    assert search.socket(found[:2]) == f"/live/slots/{calendar}/{on}/"
    assert search.socket(found) == "/live/slots/?" + "&".join(f"day={calendar}/{day}" for day in days)
    assert search.socket([]) == ""


@pytest.mark.parametrize("number", [1, 3])
def test_it_costs_one_query(anna: User, number: int, django_assert_num_queries: Any) -> None:
    offered.session(anna, number=number, room=factories.RoomFactory(), counsellor=offered.counsellor())
    wish = Wish(language="", weekdays=(0, 1, 2, 3, 4, 5, 6), from_time=time(8))
    with django_assert_num_queries(1):
        found = search.free(anna, wish)
        assert len(found) == number
        for slot in found:
            assert slot.session.where
            assert slot.session.held_by_name
            assert slot.kind.name
            assert slot.organisation is not None
            assert slot.organisation.short_name
        list(search.by_day(found, anna))


def test_the_partial_indexes_can_answer_it(anna: User) -> None:
    offered.slot(anna)
    slots = search.free(anna, Wish(kind=offered.kind()))
    assert slots
    with connection.cursor() as cursor:
        # Over so few rows any index is as good: let only one that gives the order be cheap.
        for way in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    plan = search.query(anna, Wish(kind=offered.kind())).explain()
    assert "slot_free_by" in plan or "slot_open_by_start" in plan
