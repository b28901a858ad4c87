"""Coordinators who plan, extend and cancel at once, with real threads on PostgreSQL."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import close_old_connections, connection, connections

from clients.models import Client
from scheduling import booking as bookings
from scheduling import calendars, resources, seats, series, session_templates, sessions
from scheduling import slots as slot_rows
from scheduling.models import Booking, Rebooking, Reservation, Resource, Session, SessionTemplate, Slot
from scheduling.problems import Refused
from scheduling.series import CannotPlan
from tests import factories
from tests.scheduling import planned
from tests.scheduling.planned import NOW, plan

pytestmark = pytest.mark.django_db(transaction=True)

CONSTRAINT = "reservation_one_place_at_a_time"


@pytest.fixture
def specialist() -> Resource:
    found: Resource = planned.specialist("Dr. Weber")
    return found


@contextmanager
def without_the_constraint() -> Iterator[None]:
    """The guard of the database taken away."""
    (guard,) = (each for each in Reservation._meta.constraints if each.name == CONSTRAINT)
    with connection.schema_editor() as editor:
        editor.remove_constraint(Reservation, guard)
    try:
        yield
    finally:
        Reservation.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Reservation, guard)


def without_the_lock(monkeypatch: pytest.MonkeyPatch, meet: threading.Barrier) -> None:
    """The guard of the rule taken away: all rivals have looked before any of them writes."""
    store = series._store

    def met(*args: Any, **values: Any) -> object:
        meet.wait(timeout=20)
        return store(*args, **values)

    def unlocked(resources: Iterable[Resource]) -> None:
        """Nobody waits for anybody."""

    monkeypatch.setattr(resources, "lock", unlocked)
    monkeypatch.setattr(series, "_store", met)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What came of the acts, started together: a result or the exception."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        close_old_connections()
        try:
            start.wait(timeout=20)
            return act()
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def rivals(specialist: Resource, number: int = 2) -> list[Callable[[], object]]:
    """Coordinators who each plan the same specialist's year in a room of their own."""
    by = planned.coordinator()
    kind = factories.KindFactory()
    template = session_templates.keep(specialist.district, planned.BLOCKS)
    # There already: entering it on first use would let the second rival wait for the first.
    calendars.of_consultation(specialist.district)

    def rival(room: Resource) -> Callable[[], object]:
        return lambda: plan(specialist=specialist, room=room, by=by, kind=kind, template=template)

    return [rival(planned.room(f"Zimmer {n}")) for n in range(number)]


def clashes() -> int:
    """Pairs of reservations of one resource at one time."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM scheduling_reservation a JOIN scheduling_reservation b"
            " ON a.id < b.id AND a.resource_id = b.resource_id AND a.during && b.during"
        )
        return int(cursor.fetchone()[0])


def one_won(results: list[object]) -> None:
    losers = [result for result in results if isinstance(result, CannotPlan)]
    assert len(losers) == len(results) - 1, results
    for loser in losers:
        assert [row.on for row in loser.conflicts][:2] == [date(2027, 1, 5), date(2027, 2, 2)]
        assert "Dr. Weber ist schon belegt" in loser.conflicts[0].conflicts[0].text
    assert Session.objects.count() == 11
    assert clashes() == 0


@pytest.mark.promise(1)
def test_one_of_two_planners_wins_and_the_other_is_told_where(
    specialist: Resource, rounds: Callable[[int], int]
) -> None:
    for _round in range(rounds(10)):
        one_won(at_once(*rivals(specialist)))
        for model in (Reservation, Slot, Session):
            model.objects.all().delete()


@pytest.mark.promise(1)
def test_the_constraint_alone_holds_too(specialist: Resource, monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_lock(monkeypatch, threading.Barrier(2))
    one_won(at_once(*rivals(specialist)))


@pytest.mark.promise(1)
def test_without_both_guards_the_specialist_is_claimed_twice(
    specialist: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_the_lock(monkeypatch, threading.Barrier(2))
    with without_the_constraint():
        results = at_once(*rivals(specialist))
        assert not [result for result in results if isinstance(result, Exception)]
        assert clashes() == 33


def test_two_workers_extend_at_once_and_make_each_slot_once(specialist: Resource) -> None:
    plan(until=None, specialist=specialist)
    later = NOW + timedelta(days=200)
    made = at_once(*[lambda: series.extend_all(later)] * 3)
    assert sorted(made, key=str) == [0, 0, 7]
    assert Session.objects.count() == 18


def test_two_who_cut_the_day_alike_share_one_template() -> None:
    district = factories.DistrictFactory()
    kept = at_once(*[lambda: session_templates.keep(district, planned.BLOCKS)] * 4)
    assert kept == [SessionTemplate.objects.get()] * 4


def test_nobody_is_booked_into_a_session_while_it_is_cancelled(
    specialist: Resource, rounds: Callable[[int], int]
) -> None:
    year = plan(specialist=specialist)
    by = year.created_by
    clients = [factories.ClientFactory() for _ in range(6)]
    for session in list(year.sessions.all())[: rounds(10)]:
        slots = list(session.slots.all())
        early = bookings.book(slots[0], client=clients[0], by=clients[0].owner)

        def book(client: Client, slot: Slot) -> Callable[[], object]:
            return lambda: bookings.book(slot, client=client, by=client.owner)

        acts = [book(client, slots[n % 3]) for n, client in enumerate(clients[1:])]
        came_of_it = at_once(lambda session=session: sessions.cancel(session, reason="x", by=by), *acts)  # type: ignore[misc]

        lost = came_of_it[0]
        assert isinstance(lost, list)
        assert early in lost
        assert all(isinstance(each, Booking | Refused) for each in came_of_it[1:]), came_of_it
        assert not Booking.objects.living().filter(slot__session=session)
        assert not Reservation.objects.filter(slot__session=session)
        assert set(
            Rebooking.objects.filter(booking__slot__session=session).values_list("booking", flat=True)
        ) == {each.pk for each in lost}


def test_without_its_lock_a_cancelled_session_keeps_a_booking(
    specialist: Resource, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = plan(specialist=specialist)
    session = year.sessions.earliest("start_at")
    slot, client = session.slots.all()[0], factories.ClientFactory()
    looked, booked = threading.Event(), threading.Event()

    def unlocked(of: Session) -> list[seats.Locked]:
        return [seats.Locked(each, NOW) for each in of.slots.all()]

    def after_looking(_session: Session) -> None:
        looked.set()
        booked.wait(timeout=20)

    def leave_open(_slots: object) -> None:
        """The slots stay as they are."""

    monkeypatch.setattr(sessions, "lock", unlocked)
    monkeypatch.setattr(slot_rows, "close", leave_open)
    monkeypatch.setattr(series, "strike", after_looking)

    def book() -> Booking:
        looked.wait(timeout=20)
        try:
            return bookings.book(slot, client=client, by=client.owner)
        finally:
            booked.set()

    at_once(lambda: sessions.cancel(session, reason="x", by=year.created_by), book)

    session.refresh_from_db()
    assert session.status == Session.Status.CANCELLED
    assert Booking.objects.living().filter(slot__session=session).count() == 1
