"""A series goes on otherwise from a day: what is free is replaced, what is booked stays and is listed."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from scheduling import booking as bookings
from scheduling import contingents, planning, running, series, series_changes, session_moves, sessions
from scheduling.models import HolidayRule, Reservation, Series, Session
from scheduling.planning import Outline
from scheduling.recurrence import EveryWeeks, NthWeekday
from scheduling.series import CannotPlan, NewTemplate
from tests import clocks, factories
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


def test_a_changed_series_does_not_go_back_into_the_time_of_the_one_before(old: Series, by: User) -> None:
    new = change(old, by).series
    earlier = replace(outline(new), first_on=date(2027, 6, 30))
    assert series_changes.problems(new, earlier.first_on)
    with pytest.raises(CannotPlan, match="läuft noch die Serie davor"):
        change(new, by, earlier)
    # Changed again before it began, it does not hide the one before that.
    newest = change(new, by).series
    with pytest.raises(CannotPlan, match="läuft noch die Serie davor"):
        change(newest, by, earlier)
    series.end(old, from_on=date(2027, 6, 1), by=by)
    assert months(change(newest, by, earlier).series) == [7, 8, 9, 10]


def test_a_change_begins_with_the_next_date_so_that_every_second_week_stays_the_same_weeks() -> None:
    paper = running.outline_of(
        planned.plan(rule=EveryWeeks(2, (1,)), first_on=date(2027, 1, 5), until=date(2027, 6, 30))
    )
    assert running.next_on(paper, date(2026, 12, 1)) == date(2027, 1, 5)
    assert running.next_on(paper, date(2027, 1, 18)) == date(2027, 1, 19)
    assert running.next_on(paper, date(2027, 1, 19)) == date(2027, 2, 2)
    assert running.next_on(paper, date(2027, 6, 30)) == date(2027, 7, 1)


# --- What a person took out stays out --------------------------------------------------------------
def months(series: Series) -> list[int]:
    return [session.start_at.month for session in series.sessions.order_by("start_at")]


def test_a_cancelled_date_is_not_made_again(old: Series, by: User) -> None:
    sessions.cancel(old.sessions.get(start_at__month=8), reason="Urlaub", by=by)

    rows = series_changes.preview(old, outline(old))
    assert [row.on.month for row in rows if row.outcome == planning.Outcome.LEFT_OUT] == [8]
    new = change(old, by).series

    assert months(new) == [7, 9, 10]
    # Nor by a change of the change, nor by the nightly extension.
    again = change(new, by, outline(new, room=planned.room("Zimmer 2"))).series
    series.extend_all(planned.NOW)
    assert months(again) == [7, 9, 10]


def test_it_is_made_again_when_somebody_says_so(old: Series, by: User) -> None:
    sessions.cancel(old.sessions.get(start_at__month=8), reason="Urlaub", by=by)
    assert months(change(old, by, leave_out=[]).series) == [7, 8, 9, 10]


def test_a_date_left_out_when_planning_stays_out_and_a_holiday_is_judged_anew(by: User) -> None:
    """6 January is a holiday in Baden-Württemberg; in August the specialist is away."""
    wednesdays = planned.plan(rule=NthWeekday(1, 2), until=date(2027, 10, 31), leave_out=[date(2027, 8, 4)])
    plan = replace(
        running.outline_of(wednesdays), first_on=date(2027, 1, 1), holiday_rule=HolidayRule.WEEK_LATER
    )
    new = change(wednesdays, by, plan).series
    assert starts(new)[0] == "2027-01-13 14:00"
    assert months(new) == [1, 2, 3, 4, 5, 6, 7, 9, 10]


def test_a_date_put_on_another_day_is_not_made_a_second_time(old: Series, by: User) -> None:
    """It stays on its other day because it is booked, or because that day lies before the change."""
    booked, early, free = (old.sessions.get(start_at__month=month) for month in (8, 7, 9))
    book(booked)
    for session, on in ((booked, date(2027, 8, 12)), (early, date(2027, 6, 30)), (free, date(2027, 9, 16))):
        start_at = datetime.combine(on, time(14), tzinfo=old.district.tz)
        to = session_moves.Place(start_at, session.specialist, session.room)
        session_moves.move(session, to, by=by)

    new = change(old, by).series

    assert months(new) == [9, 10]
    assert [f"{one:%m-%d}" for one in old.sessions.taking_place().dates("start_at", "day")][-2:] == [
        "06-30",
        "08-12",
    ]


def test_a_change_from_a_day_in_this_month_makes_nothing_in_the_past_and_moves_nothing_begun(
    by: User,
) -> None:
    tuesdays = planned.plan(rule=EveryWeeks(1, (1,)), first_on=date(2026, 12, 1), until=date(2027, 2, 28))
    with clocks.of_the_database(), clocks.at(datetime(2026, 12, 15, 13, 30, tzinfo=UTC)):
        plan = replace(running.outline_of(tuesdays), first_on=date(2026, 12, 1), start_time=time(15))
        rows = series_changes.preview(tuesdays, plan)
        # The one of today has begun at two and lasts until five.
        assert [(row.on.day, row.outcome) for row in rows][:3] == [
            (15, planning.Outcome.CONFLICT),
            (22, planning.Outcome.TAKES_PLACE),
            (29, planning.Outcome.TAKES_PLACE),
        ]
        new = change(tuesdays, by, plan, leave_out=[date(2026, 12, 15)]).series
    assert starts(new)[0] == "2026-12-22 15:00"
    assert starts(tuesdays)[:3] == ["2026-12-01 14:00", "2026-12-08 14:00", "2026-12-15 14:00"]
    assert [one.start_at.day for one in tuesdays.sessions.taking_place()] == [1, 8, 15]
