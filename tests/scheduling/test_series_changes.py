"""A series goes on otherwise from a day: what is free is replaced, what is booked stays and is listed."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from scheduling import booking as bookings
from scheduling import contingents, planning, running, series_changes
from scheduling.models import Reservation, Series, Session
from scheduling.planning import Outline
from scheduling.recurrence import NthWeekday
from scheduling.series import CannotPlan, NewTemplate
from tests import factories
from tests.scheduling import planned
from tests.scheduling.planned import BLOCKS, starts

pytestmark = pytest.mark.django_db

FROM = date(2027, 7, 1)


@pytest.fixture
def by() -> User:
    user: User = planned.coordinator()
    return user


@pytest.fixture
def old() -> Series:
    """Until October: within twelve months, so that all its sessions exist."""
    return planned.plan(until=date(2027, 10, 31))


def outline(old: Series, **changes: Any) -> Outline:
    """As it is, but from July and at nine."""
    return replace(running.outline_of(old), first_on=FROM, start_time=time(9), **changes)


def change(old: Series, by: User, plan: Outline | None = None, **fields: Any) -> series_changes.Changed:
    plan = plan or outline(old)
    return series_changes.change(old, plan, kind=old.kind, template=NewTemplate(plan.blocks), by=by, **fields)


def book(session: Session) -> Any:
    client = factories.ClientFactory()
    return bookings.book(session.slots.all()[0], client=client, by=client.owner)


def test_from_that_day_on_the_new_rule_holds_and_before_it_the_old_one(old: Series, by: User) -> None:
    before = starts(old)

    new = change(old, by).series

    assert starts(new) == [start.replace("14:00", "09:00") for start in before if start >= "2027-07"]
    taking_place = old.sessions.taking_place().order_by("start_at")
    assert taking_place.count() == 6
    assert new.follows == old
    assert new.calendar == old.calendar
    old.refresh_from_db()
    assert old.event.end_recurring_period.astimezone(old.district.tz).date() == date(2027, 6, 30)
    assert AuditEvent.objects.about(new).filter(verb="series_changed", actor=by.uuid).exists()


def test_another_rule_template_room_and_specialist(old: Series, by: User) -> None:
    room, specialist = planned.room("Zimmer 2"), planned.specialist("Dr. Anders")
    plan = outline(old, rule=NthWeekday(2, 2), blocks=BLOCKS[:1], room=room, specialist=specialist)
    new = change(old, by, plan).series
    assert (new.room, new.specialist) == (room, specialist)
    assert {session.slots.count() for session in new.sessions.all()} == {1}
    assert {session.start_at.astimezone(old.district.tz).weekday() for session in new.sessions.all()} == {2}


def test_what_is_booked_stays_as_a_listed_exception_and_the_new_rule_makes_room(
    old: Series, by: User
) -> None:
    """At nine until noon the new one would not be in its way; at two it would."""
    booked = old.sessions.get(start_at__month=8)
    booking = book(booked)
    plan = replace(outline(old), start_time=time(15))

    rows = series_changes.preview(old, plan)
    assert [row.on.month for row in rows] == [7, 9, 10]
    assert series_changes.kept(old, FROM) == [booked]
    done = change(old, by, plan)

    assert done.kept == [booked]
    booking.refresh_from_db()
    assert booking.status == "booked"
    assert [session.start_at.month for session in done.series.sessions.all()] == [7, 9, 10]
    assert series_changes.exceptions(old.district, now=planned.NOW) == [booked]


def test_when_it_cannot_be_planned_the_old_series_is_as_it_was(old: Series, by: User) -> None:
    planned.plan(specialist=old.specialist, room=planned.room("Zimmer 2"), start_time=time(9))
    with pytest.raises(CannotPlan):
        change(old, by)
    old.refresh_from_db()
    assert old.ended_at is None
    assert old.sessions.taking_place().count() == 10
    assert Reservation.objects.filter(slot__session__series=old).count() == 10 * 3 * 2


def test_the_preview_is_what_is_made(old: Series, by: User) -> None:
    rows = series_changes.preview(old, outline(old))
    assert all(row.outcome == planning.Outcome.TAKES_PLACE for row in rows if row.is_made)
    made = change(old, by).series
    assert [row.start_at for row in rows if row.is_made] == [
        session.start_at for session in made.sessions.order_by("start_at")
    ]


def test_what_organisations_had_set_aside_goes_on(old: Series, by: User) -> None:
    organisation = factories.OrganisationFactory(name="Caritas")
    contingents.set_aside_from_series(old, {organisation: 2}, free_days_before=14, by=by)
    new = change(old, by).series
    assert {one.seats for one in new.contingents.all()} == {2}
    assert new.sessions.all()[0].contingents.filter(organisation=organisation, seats=2).exists()
