"""Contingents: so many seats of a session for an organisation, until some days before."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling import booking as rules
from scheduling import contingents, seats, session_moves
from scheduling.models import Booking, Contingent, SeriesContingent, Session, Slot
from scheduling.problems import Refused
from scheduling.session_moves import Place
from tests import factories
from tests.consultations.rivals import at_once

Rounds = Callable[[int], int]


@pytest.fixture
def session(db: None) -> Session:
    """Eight slots of one seat each."""
    session = factories.SessionFactory()
    for block in range(8):
        factories.SlotFactory(session=session, block=block)
    return session


@pytest.fixture
def days(session: Session) -> list[Slot]:
    return list(session.slots.order_by("block"))


def others(name: str = "Caritas") -> Any:
    return factories.UserFactory(organisation=factories.OrganisationFactory(name=name))


def used(session: Session) -> dict[str, int]:
    rows = Contingent.objects.filter(session=session).values_list("organisation__name", "used")
    return {name or "rest": number for name, number in rows}


def refusal(act: Callable[[], Any]) -> list[str]:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.codes


# --- With the session ----------------------------------------------------------------------------
def test_they_follow_a_session_that_is_moved_and_become_everyones_at_midnight(session: Session) -> None:
    zone, by = session.district.tz, factories.UserFactory(roles=["coordinator"])
    contingents.set_aside(session, {by.organisation: 1}, free_days_before=3, by=by)
    to = Place(session.start_at + timedelta(days=10, hours=1), session.specialist, session.room)

    moved = session_moves.move(session, to, by=by).session

    day = moved.start_at.astimezone(zone).date() - timedelta(days=3)
    free_from = {row.free_from_at for row in moved.contingents.all()}
    assert free_from == {datetime.combine(day, time(), tzinfo=zone)}


def test_whoever_looks_at_the_day_sees_that_it_is_shared_out(
    session: Session, days: list[Slot], django_capture_on_commit_callbacks: Any
) -> None:
    by = factories.UserFactory()
    with django_capture_on_commit_callbacks() as callbacks:
        contingents.set_aside(session, {by.organisation: 1}, free_days_before=3, by=by)
    assert len(callbacks) == len(days)
    assert {slot.version for slot in session.slots.all()} == {days[0].version + 1}


# --- Taking --------------------------------------------------------------------------------------
def test_an_organisation_takes_its_own_seats_then_the_rest_then_none(
    session: Session, days: list[Slot]
) -> None:
    by = factories.UserFactory()
    contingents.set_aside(session, {by.organisation: 1, others().organisation: 6}, free_days_before=2, by=by)

    for slot in days[:2]:
        rules.book(slot, client=None, by=by)

    assert used(session) == {"AWO": 1, "Caritas": 0, "rest": 1}
    assert refusal(partial(rules.book, days[2], client=None, by=by)) == ["contingent_used"]
    assert refusal(partial(rules.hold, days[2], by=by)) == ["contingent_used"]


def test_a_hold_counts_and_its_booking_does_not_count_again(session: Session, days: list[Slot]) -> None:
    by = factories.UserFactory()
    contingents.set_aside(session, {by.organisation: 1, others().organisation: 7}, free_days_before=2, by=by)

    rules.hold(days[0], by=by)
    assert refusal(partial(rules.hold, days[1], by=by)) == ["contingent_used"]
    rules.book(days[0], client=None, by=by)

    assert used(session) == {"AWO": 1, "Caritas": 0, "rest": 0}


@pytest.mark.parametrize("end", ["cancel", "let_go", "sweeper", "before the sweeper"])
def test_a_seat_given_up_may_be_taken_again(session: Session, days: list[Slot], end: str) -> None:
    by = factories.UserFactory()
    contingents.set_aside(session, {by.organisation: 1, others().organisation: 7}, free_days_before=2, by=by)
    if end == "cancel":
        rules.cancel(rules.book(days[0], client=None, by=by), reason="other", by=by)
    else:
        hold = rules.hold(days[0], by=by)
    if end == "let_go":
        rules.let_go(hold, by=by)
    if "sweeper" in end:
        Booking.objects.filter(pk=hold.pk).update(held_until=timezone.now() - timedelta(seconds=1))
    if end == "sweeper":
        rules.release_dead_holds(days[0].pk)

    rules.book(days[1], client=None, by=by)
    rules.release_dead_holds(days[0].pk)

    assert used(session) == {"AWO": 1, "Caritas": 0, "rest": 0}


def test_seats_whose_time_is_over_are_everyones(session: Session, days: list[Slot]) -> None:
    by, other = factories.UserFactory(), others()
    contingents.set_aside(session, {other.organisation: 8}, free_days_before=2, by=by)
    assert refusal(partial(rules.book, days[0], client=None, by=by)) == ["contingent_used"]

    # Two more days for one organisation's row only: the others are free, and still counted.
    factories.ContingentFactory(session=session, organisation=factories.OrganisationFactory(name="DRK"))
    Contingent.objects.filter(session=session, organisation=other.organisation).update(
        free_from_at=timezone.now()
    )
    rules.book(days[0], client=None, by=by)
    assert used(session)["Caritas"] == 1

    Contingent.objects.filter(session=session).update(free_from_at=timezone.now())
    rules.book(days[1], client=None, by=by)
    assert used(session)["Caritas"] == 1


def test_the_refusal_says_from_when_on_the_others_seats_are_free(session: Session, days: list[Slot]) -> None:
    by = factories.UserFactory()
    contingents.set_aside(session, {others().organisation: 8}, free_days_before=2, by=by)

    with pytest.raises(Refused) as refused:
        rules.hold(days[0], by=by)

    (problem,) = refused.value.problems
    day = (session.start_at.astimezone(session.district.tz) - timedelta(days=2)).day
    assert f" {day}. " in str(problem.way_out)


# --- Setting aside -------------------------------------------------------------------------------
def test_what_is_taken_already_is_counted(session: Session, days: list[Slot]) -> None:
    by, other = factories.UserFactory(), others()
    for slot, who in zip(days, [by, by, other], strict=False):
        rules.book(slot, client=None, by=who)

    contingents.set_aside(session, {by.organisation: 1}, free_days_before=2, by=by)

    assert used(session) == {"AWO": 1, "rest": 2}
    for booked in Booking.objects.filter(holder=by):
        rules.cancel(booked, reason="other", by=by)
    assert used(session) == {"AWO": 0, "rest": 1}
    assert AuditEvent.objects.about(session).get().verb == "contingents_set"


def test_more_than_there_is_or_than_others_left_is_refused_and_nothing_changes(
    session: Session, days: list[Slot]
) -> None:
    by, other = factories.UserFactory(), others()
    for slot in days[:4]:
        rules.book(slot, client=None, by=other)
    contingents.set_aside(session, {by.organisation: 2}, free_days_before=2, by=by)
    before = used(session)

    too_many = partial(contingents.set_aside, session, {by.organisation: 9}, free_days_before=2, by=by)
    in_use = partial(contingents.set_aside, session, {by.organisation: 5}, free_days_before=2, by=by)

    assert refusal(too_many) == ["more_than_seats"]
    assert refusal(in_use) == ["seats_in_use"]
    assert used(session) == before == {"AWO": 0, "rest": 4}


def test_a_series_sets_aside_for_the_sessions_to_come_and_those_made_later(session: Session) -> None:
    by = factories.UserFactory()
    series = session.series
    assert series is not None

    kept = contingents.set_aside_from_series(series, {by.organisation: 3}, free_days_before=5, by=by)
    later = factories.SessionFactory.build(
        series=series, start_at=session.start_at + timedelta(days=30), district=session.district
    )
    later.save()
    contingents.make(series, [later], {later.pk: 4})

    assert kept == []
    assert SeriesContingent.objects.get().seats == 3
    for each, rest in ((session, 5), (later, 1)):
        rows = dict(Contingent.objects.filter(session=each).values_list("organisation", "seats"))
        assert rows == {by.organisation.pk: 3, None: rest}
        free = {one.free_from_at for one in Contingent.objects.filter(session=each)}
        (at,) = {moment.astimezone(each.district.tz) for moment in free}
        day = each.start_at.astimezone(each.district.tz).date() - timedelta(days=5)
        assert (at.date(), at.hour, at.minute) == (day, 0, 0)


def test_sessions_without_contingents_cost_no_further_query(
    days: list[Slot], django_assert_num_queries: Any
) -> None:
    by = factories.UserFactory()
    with django_assert_num_queries(1):
        locked = seats.lock(days[0].pk)
    with django_assert_num_queries(1):
        assert seats.look(locked, by=by).contingents == ()


# --- At the same instant -------------------------------------------------------------------------
EIGHT = 8


@pytest.fixture
def rivals(transactional_db: None) -> Callable[[], tuple[Session, list[Callable[[], Any]]]]:
    """Eight colleagues of one organisation, each after a slot of their own; three seats are theirs."""

    def make() -> tuple[Session, list[Callable[[], Any]]]:
        session = factories.SessionFactory(
            start_at=timezone.now() + timedelta(days=Session.objects.count() + 5)
        )
        places = [factories.SlotFactory(session=session, block=block) for block in range(EIGHT)]
        factories.ContingentFactory(session=session, seats=3)
        factories.ContingentFactory(session=session, organisation=None, seats=0)
        start = threading.Barrier(EIGHT)

        def book(slot: Slot, by: Any) -> Any:
            connection.ensure_connection()
            start.wait(timeout=30)
            return rules.book(slot, client=None, by=by)

        return session, [partial(book, slot, factories.UserFactory()) for slot in places]

    return make


@pytest.mark.promise(1)
def test_eight_at_once_never_take_more_than_is_set_aside(rivals: Any, rounds: Rounds) -> None:
    for _ in range(rounds(20)):
        session, acts = rivals()

        found = at_once(*acts)

        assert sum(isinstance(one, Booking) for one in found) == 3
        refused = [one for one in found if not isinstance(one, Booking)]
        assert [one.codes for one in refused] == [["contingent_used"]] * 5
        assert Contingent.objects.get(session=session, organisation__isnull=False).used == 3


@pytest.fixture
def without_the_guard(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Read, add one, write: as if no row were locked and no constraint looked."""

    def count(booking: Booking, session: Session, organisation_id: int) -> bool:
        rows = Contingent.objects.filter(session=session, organisation=organisation_id)
        row = next((one for one in rows if one.left), None)
        if row is not None:
            row.used += 1
            row.save(update_fields=["used"])
        return row is not None

    monkeypatch.setattr(contingents, "count", count)
    check = next(one for one in Contingent._meta.constraints if one.name == "contingent_not_oversold")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Contingent, check)
    yield
    Booking.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Contingent, check)


@pytest.mark.promise(1)
def test_without_the_guard_more_is_sold_than_is_set_aside(without_the_guard: None, rivals: Any) -> None:
    most = 0
    for _ in range(20):
        session, acts = rivals()
        at_once(*acts)
        most = max(most, Booking.objects.filter(slot__session=session, status="booked").count())
        if most > 3:
            break

    assert most > 3
