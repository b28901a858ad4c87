"""Planning a series, keeping it twelve months ahead, ending it."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from django.apps import apps
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent
from scheduling import planning, running, series, tasks
from scheduling.models import BlockFormat, HolidayRule, Reservation, Resource, Series, Session, Slot
from scheduling.planning import Block, Outcome, Outline
from scheduling.recurrence import EveryWeeks, MonthDay, NthWeekday, Recurrence, UnusableRule
from scheduling.series import CannotPlan
from tests import factories
from tests import rounds as every_round
from tests.scheduling import planned
from tests.scheduling.planned import BLOCKS, CONSULTATION, FIRST_TUESDAY, NOW, PRESENTATION, plan, starts
from tests.scheduling.test_recurrence import belongs, every_day, rules

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def occurrences(planned: Series, since: datetime, until: datetime) -> list[datetime]:
    """What django-scheduler itself would show of the stored series, asked the right way."""
    found = planned.event.get_occurrences(since.astimezone(BERLIN), until.astimezone(BERLIN))
    return sorted(entry.start for entry in found if not entry.cancelled)


def outline(**changes: Any) -> Outline:
    fields: dict[str, Any] = {
        "district": factories.DistrictFactory(),
        "specialist": planned.specialist(),
        "room": factories.RoomFactory(),
        "blocks": BLOCKS,
        "rule": FIRST_TUESDAY,
        "first_on": date(2027, 1, 1),
        "start_time": time(14, 0),
        "until": date(2027, 12, 31),
        "holiday_rule": HolidayRule.SKIP,
    }
    return Outline(**fields | changes)


# --- A year ------------------------------------------------------------------------------------
def test_a_year_of_first_tuesdays_becomes_sessions_slots_and_reservations() -> None:
    year = plan(until=date(2027, 11, 30))

    assert starts(year) == [
        f"2027-{day} 14:00"
        for day in [
            "01-05",
            "02-02",
            "03-02",
            "04-06",
            "05-04",
            "06-01",
            "07-06",
            "08-03",
            "09-07",
            "10-05",
            "11-02",
        ]
    ]
    session = year.sessions.earliest("start_at")
    assert [
        (slot.block, f"{slot.start_at:%H:%M}–{slot.end_at:%H:%M}", slot.format, slot.with_interpreter)
        for slot in session.slots.all()
    ] == [
        (0, "13:00–14:10", "presentation", True),  # UTC
        (1, "14:10–15:20", "presentation", True),
        (2, "15:20–15:55", "case_consultation", False),
    ]
    assert session.end_at == datetime(2027, 1, 5, 15, 55, tzinfo=UTC)
    assert {(reservation.resource, reservation.slot) for reservation in Reservation.objects.all()} == {
        (resource, slot) for slot in Slot.objects.all() for resource in (year.specialist, year.room)
    }
    assert AuditEvent.objects.about(year).get().verb == "planned"


def test_the_stored_series_means_the_same_dates_as_our_sessions() -> None:
    year = plan(holiday_rule=HolidayRule.WEEK_LATER, rule=EveryWeeks(2, (3,)), leave_out=[date(2027, 8, 5)])

    year_long = datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 12, 1, tzinfo=UTC)
    assert occurrences(year, *year_long) == [session.start_at for session in year.sessions.all()]


def test_a_pause_belongs_to_the_session_and_is_nobody_elses() -> None:
    pause = Block(60, PRESENTATION.format, pause_minutes=15)
    session = plan(blocks=(pause, pause), until=date(2027, 1, 31)).sessions.get()

    first, second = session.slots.all()
    assert second.start_at - first.end_at == timedelta(minutes=15)
    assert session.end_at == second.end_at
    held = [slot.reservations.values_list("during", flat=True)[0] for slot in (first, second)]
    assert held[0].upper == second.start_at
    assert held[1].upper == second.end_at


def test_the_same_template_is_kept_once() -> None:
    first, second = plan(until=date(2027, 6, 30)), plan(room=planned.room("Zimmer 4"))
    third = plan(blocks=(CONSULTATION,), room=planned.room("Zimmer 5"))

    assert first.template == second.template != third.template
    assert first.template.name == "2 × 70 Min. Vorstellung, 1 × 35 Min. Fallberatung"


# --- Clocks ------------------------------------------------------------------------------------
@pytest.mark.promise(16)
def test_the_hour_stays_across_both_clock_changes() -> None:
    year = plan(rule=EveryWeeks(1, (6,)), first_on=date(2027, 3, 14), until=date(2027, 11, 14))

    assert {start[-5:] for start in starts(year)} == {"14:00"}
    instants = {
        f"{session.start_at.astimezone(BERLIN):%m-%d}": session.start_at.astimezone(UTC).hour
        for session in year.sessions.all()
    }
    assert (instants["03-21"], instants["03-28"], instants["10-24"], instants["10-31"]) == (13, 12, 12, 13)


@pytest.mark.promise(17)
def test_a_time_the_clocks_skip_is_named_and_not_made() -> None:
    night = outline(rule=EveryWeeks(1, (6,)), start_time=time(2, 30), first_on=date(2027, 3, 21))
    rows = {row.on: row for row in series.preview(night, now=NOW)}
    assert rows[date(2027, 3, 28)].outcome == Outcome.NO_SUCH_TIME
    assert rows[date(2027, 3, 21)].outcome == rows[date(2027, 4, 4)].outcome == Outcome.TAKES_PLACE
    assert rows[date(2027, 10, 31)].start_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)

    year = plan(
        rule=night.rule, start_time=night.start_time, first_on=date(2027, 3, 28), until=date(2027, 4, 11)
    )
    assert starts(year) == ["2027-04-04 02:30", "2027-04-11 02:30"]


@pytest.mark.promise(16)
@settings(
    max_examples=every_round.of(25, quick=10), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rule=rules,
    first_on=st.dates(date(2026, 12, 1), date(2027, 11, 30)),
    weeks=st.integers(1, 52),
    clock=st.times().map(lambda at: at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)),
    holiday_rule=st.sampled_from(HolidayRule),
    blocks=st.lists(
        st.builds(Block, st.integers(10, 60), st.just(PRESENTATION.format), st.integers(0, 20)),
        min_size=1,
        max_size=3,
    ).map(tuple),
)
def test_stored_slots_are_those_of_a_naive_model(
    rule: Recurrence,
    first_on: date,
    weeks: int,
    clock: time,
    holiday_rule: HolidayRule,
    blocks: Sequence[Block],
) -> None:
    until = first_on + timedelta(weeks=weeks)
    Reservation.objects.all().delete()
    paper = outline(
        rule=rule, first_on=first_on, until=until, start_time=clock, holiday_rule=holiday_rule, blocks=blocks
    )
    if planning.problems(paper, now=NOW):
        return
    made = plan(
        rule=rule,
        first_on=first_on,
        until=until,
        start_time=clock,
        holiday_rule=holiday_rule,
        blocks=blocks,
        specialist=paper.specialist,
        room=paper.room,
    )

    expected = naive_starts(paper, min(until, date(2027, 12, 1)))
    assert [session.start_at.astimezone(BERLIN).replace(tzinfo=None) for session in made.sessions.all()] == (
        expected
    )
    for session in made.sessions.prefetch_related("slots"):
        at = session.start_at
        for block, slot in zip(blocks, session.slots.all(), strict=True):
            assert (slot.start_at, slot.end_at) == (at, at + timedelta(minutes=block.minutes))
            at = slot.end_at + timedelta(minutes=block.pause_minutes)
    assert series.extend_all(NOW) == 0


def naive_starts(paper: Outline, until: date) -> list[datetime]:
    """Day by day, with nothing but a calendar: where the sessions begin on the wall clock."""
    from holidays import country_holidays

    last = paper.until
    assert last is not None
    free = country_holidays("DE", subdiv="BW", years=range(2026, 2029))
    all_days = every_day(paper.first_on, date(2028, 2, 1))
    meant = [on for on in all_days if belongs(paper.rule, on, paper.first_on) and on <= last]
    taken, found = set(meant), []
    for on in meant:
        target = on
        while target in free or (target != on and is_no_office_day(target, paper)):
            target += timedelta(days=7 if paper.holiday_rule == HolidayRule.WEEK_LATER else 1)
        if target != on:
            if paper.holiday_rule == HolidayRule.SKIP or target in taken or target > last:
                continue
            taken.add(target)
        at = datetime.combine(target, paper.start_time)
        if (
            on <= until
            and at.replace(tzinfo=BERLIN).astimezone(UTC).astimezone(BERLIN).replace(tzinfo=None) == at
        ):
            found.append(at)
    return sorted(found)


def is_no_office_day(on: date, paper: Outline) -> bool:
    return paper.holiday_rule == HolidayRule.NEXT_WORKDAY and on.weekday() >= 5


# --- Holidays ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("holiday_rule", "dates"),
    [
        (HolidayRule.SKIP, ["2027-04-29 14:00", "2027-05-20 14:00"]),
        (HolidayRule.WEEK_LATER, ["2027-04-29 14:00", "2027-05-20 14:00"]),  # the week after is planned
        (HolidayRule.NEXT_WORKDAY, ["2027-04-29 14:00", "2027-05-07 14:00", "2027-05-20 14:00"]),
    ],
)
def test_holidays_of_the_land_are_skipped_or_moved(holiday_rule: HolidayRule, dates: list[str]) -> None:
    # Thursdays, with Ascension Day on 6 May and Corpus Christi on 27 May
    rule = EveryWeeks(1, (3,))
    year = plan(
        rule=rule,
        holiday_rule=holiday_rule,
        first_on=date(2027, 4, 29),
        until=date(2027, 5, 20),
        leave_out=[date(2027, 5, 13)],
    )
    assert starts(year) == dates


def test_a_moved_session_remembers_its_date() -> None:
    year = plan(rule=NthWeekday(1, 3), holiday_rule=HolidayRule.WEEK_LATER, until=date(2027, 5, 31))
    moved = year.sessions.latest("start_at")
    assert f"{moved.start_at:%Y-%m-%d}" == "2027-05-13"
    assert f"{moved.original_start_at:%Y-%m-%d}" == "2027-05-06"


def test_nothing_is_moved_beyond_the_end() -> None:
    paper = outline(rule=NthWeekday(1, 3), holiday_rule=HolidayRule.WEEK_LATER, until=date(2027, 5, 10))
    last = series.preview(paper, now=NOW)[-1]
    assert (last.on, last.outcome, last.holiday) == (date(2027, 5, 6), Outcome.HOLIDAY, "Christi Himmelfahrt")


# --- Preview -----------------------------------------------------------------------------------
def test_the_preview_shows_every_date_with_what_becomes_of_it() -> None:
    paper = outline(
        specialist=planned.specialist("Dr. Weber"), rule=NthWeekday(1, 3), holiday_rule=HolidayRule.WEEK_LATER
    )
    plan(
        specialist=paper.specialist,
        room=planned.room("Zimmer 9"),
        rule=MonthDay(4),
        first_on=date(2027, 2, 1),
        until=date(2027, 2, 28),
        start_time=time(16),
    )

    rows = series.preview(paper, now=NOW, left_out=[date(2027, 7, 1)])

    assert [row.original_on.month for row in rows] == list(range(1, 13))
    assert [row.outcome for row in rows] == [
        Outcome.TAKES_PLACE,
        Outcome.CONFLICT,
        Outcome.TAKES_PLACE,
        Outcome.TAKES_PLACE,
        Outcome.MOVED,
        Outcome.TAKES_PLACE,
        Outcome.LEFT_OUT,
        *[Outcome.TAKES_PLACE] * 5,
    ]
    (conflict,) = rows[1].conflicts
    assert conflict.text.startswith("Dr. Weber ist schon belegt: Do 4. Feb.")
    assert conflict.text.endswith(", 16:00–18:55")
    assert (rows[4].holiday, rows[4].on) == ("Christi Himmelfahrt", date(2027, 5, 13))
    assert [row.is_bookable_later for row in rows] == [False] * 11 + [True]
    assert [slot.end_at - slot.start_at for slot in rows[0].slots] == [
        timedelta(minutes=minutes) for minutes in (70, 70, 35)
    ]


def test_the_preview_writes_nothing_and_costs_three_queries(django_assert_num_queries: Any) -> None:
    paper = outline()
    with django_assert_num_queries(3):
        series.preview(paper, now=NOW)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"first_on": date(2026, 11, 30)}, "vor dem laufenden Monat"),
        ({"first_on": date(2028, 1, 1), "until": None}, "mehr als zwölf Monate"),
        ({"until": date(2026, 12, 31)}, "vor dem ersten Tag"),
        ({"until": date(2029, 1, 2)}, "zwei Jahre"),
        ({"until": date(2027, 1, 4)}, "kein Termin"),
        ({"rule": EveryWeeks(1, (0, 1, 2, 3, 4)), "until": date(2028, 12, 31)}, "höchstens 366"),
        ({"blocks": ()}, "mindestens einen Block"),
        ({"start_time": time(21, 6)}, "nach Mitternacht"),
    ],
)
def test_what_cannot_be_planned_is_said(changes: dict[str, Any], word: str) -> None:
    (problem,) = planning.problems(outline(**changes), now=NOW)
    assert word in problem


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(CannotPlan) as caught:
        plan(first_on=date(2026, 1, 1), until=date(2025, 1, 1), blocks=(), start_time=time(23))
    assert len(caught.value.problems) == 3
    assert not Series.objects.exists()


# --- Conflicts ---------------------------------------------------------------------------------
def test_two_series_cannot_claim_one_specialist() -> None:
    taken = plan(until=date(2027, 2, 28))
    with pytest.raises(CannotPlan) as caught:
        plan(specialist=taken.specialist, room=planned.room("Zimmer 4"), until=date(2027, 3, 31))
    assert [row.on for row in caught.value.conflicts] == [date(2027, 1, 5), date(2027, 2, 2)]
    assert {conflict.resource for row in caught.value.conflicts for conflict in row.conflicts} == {
        taken.specialist
    }
    assert Series.objects.count() == 1


def test_two_series_cannot_claim_one_room() -> None:
    taken = plan(until=date(2027, 1, 31))
    with pytest.raises(CannotPlan) as caught:
        plan(specialist=planned.specialist("Dr. Sommer"), until=date(2027, 3, 31))
    (row,) = caught.value.conflicts
    assert [conflict.resource for conflict in row.conflicts] == [taken.room]


def test_dates_in_the_way_can_be_left_out_and_stay_out() -> None:
    taken = plan(until=date(2027, 2, 28))
    other = plan(
        specialist=planned.specialist("Dr. Sommer"),
        until=date(2027, 4, 30),
        leave_out=[date(2027, 1, 5), date(2027, 2, 2)],
    )
    assert starts(other) == ["2027-03-02 14:00", "2027-04-06 14:00"]
    series.end(taken, from_on=date(2027, 1, 1), by=taken.created_by)
    series.extend_all(NOW)
    assert starts(other) == ["2027-03-02 14:00", "2027-04-06 14:00"]


def test_sessions_may_follow_each_other_without_a_gap() -> None:
    morning = plan(start_time=time(11, 5))
    afternoon = plan(specialist=morning.specialist)
    assert len(afternoon.sessions.all()) == len(morning.sessions.all()) == 11


# --- Reaching ahead ----------------------------------------------------------------------------
def test_slots_reach_twelve_months_ahead_and_are_extended() -> None:
    endless = plan(until=None, first_on=date(2026, 12, 1))
    assert (starts(endless)[0], starts(endless)[-1]) == ("2026-12-01 14:00", "2027-11-02 14:00")
    assert endless.extended_until == date(2027, 12, 1)

    made = series.extend_all(NOW + timedelta(days=7))

    assert made == 1
    assert starts(endless)[-1] == "2027-12-07 14:00"
    endless.refresh_from_db()
    assert endless.extended_until == date(2027, 12, 8)
    extended = AuditEvent.objects.about(endless).latest("pk")
    assert (extended.verb, extended.channel, extended.details) == ("extended", "task", {"sessions": 1})


def test_extending_again_changes_nothing() -> None:
    plan(until=None)
    later = NOW + timedelta(days=90)
    assert series.extend_all(later) == 3
    before = list(Slot.objects.order_by("pk").values())
    assert series.extend_all(later) == 0
    assert list(Slot.objects.order_by("pk").values()) == before


@pytest.mark.promise(16)
@settings(
    max_examples=every_round.of(10, quick=5), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rule=rules,
    holiday_rule=st.sampled_from(HolidayRule),
    days=st.lists(st.integers(1, 200), min_size=1, max_size=6).map(sorted),
)
def test_extending_in_steps_makes_what_extending_at_once_makes(
    rule: Recurrence, holiday_rule: HolidayRule, days: list[int]
) -> None:
    stepwise = plan(
        rule=rule,
        holiday_rule=holiday_rule,
        until=None,
        start_time=time(2, 30),
        room=planned.room(f"{uuid.uuid4()}"),
    )
    for step in days:
        series.extend_all(NOW + timedelta(days=step))

    paper = running.outline_of(stepwise)
    at_once = planning.dates(paper, now=NOW + timedelta(days=days[-1]), busy=planning.Busy())
    made = [session.start_at for session in stepwise.sessions.all()]
    assert made == sorted(row.start_at for row in at_once if row.is_made)


def test_extending_never_touches_what_is_there() -> None:
    endless = plan(until=None)
    booking = factories.BookingFactory(slot=Slot.objects.earliest("start_at"))
    before = Slot.objects.filter(pk=booking.slot_id).values().get()
    series.extend_all(NOW + timedelta(days=40))
    assert Slot.objects.filter(pk=booking.slot_id).values().get() == before
    assert endless.sessions.count() == 13


def test_a_date_in_the_way_is_left_for_later_and_shown() -> None:
    tuesdays = plan(until=None)
    # Somebody moved another session of the specialist to the first Tuesday of March 2028.
    blocker = factories.SessionFactory(series=tuesdays, start_at=datetime(2028, 3, 7, 13, 0, tzinfo=UTC))
    factories.ReservationFactory(slot=factories.SlotFactory(session=blocker), resource=tuesdays.specialist)
    Session.objects.filter(pk=blocker.pk).update(original_start_at=datetime(2028, 3, 1, 13, 0, tzinfo=UTC))
    early, late = datetime(2027, 2, 10, tzinfo=UTC), datetime(2027, 3, 10, tzinfo=UTC)

    assert series.extend_all(early) == 3
    assert running.gaps(tuesdays.district, now=early) == []
    assert series.extend_all(late) == 0
    (gap,) = running.gaps(tuesdays.district, now=late)
    assert (gap.series, gap.date.on, gap.date.outcome) == (tuesdays, date(2028, 3, 7), Outcome.CONFLICT)

    Reservation.objects.filter(slot__session=blocker).delete()
    assert series.extend_all(late) == 1
    assert running.gaps(tuesdays.district, now=late) == []


def pushed_out(session: Session, start_at: datetime, hours: int) -> None:
    """As if whoever holds it had been elsewhere from `start_at` on already when it was planned."""
    Reservation.objects.filter(slot__session=session).delete()
    session.slots.all().delete()
    session.delete()
    elsewhere = factories.SlotFactory(session=factories.SessionFactory(start_at=start_at), start_at=start_at)
    during = DateTimeTZRange(start_at, start_at + timedelta(hours=hours))
    factories.ReservationFactory(slot=elsewhere, resource=session.specialist, during=during)


@pytest.mark.parametrize("hour", [12, 14, 20])
def test_what_was_in_the_way_today_stops_no_later_date(hour: int) -> None:
    """The worker was down at night and looks in the afternoon: today's is over or running."""
    endless = plan(until=None)
    today = endless.sessions.get(start_at__date=date(2027, 2, 2))
    pushed_out(today, today.start_at - timedelta(hours=2), hours=3)
    now = datetime(2027, 2, 2, hour, tzinfo=UTC)

    found = [gap.date.on for gap in running.gaps(endless.district, now=now)]
    assert (date(2027, 2, 2) in found) == (hour < 13)
    assert series.extend_all(now) == 3
    assert starts(endless)[-1] == "2028-02-01 14:00"


def test_a_date_put_off_by_a_holiday_is_tried_until_the_day_it_was_put_off_to() -> None:
    """1 May to the 8th: what is in the way there may go after the 1st, too."""
    saturdays = plan(rule=NthWeekday(1, 5), holiday_rule=HolidayRule.WEEK_LATER, until=None)
    moved = saturdays.sessions.get(start_at__date=date(2027, 5, 8))
    pushed_out(moved, moved.start_at, hours=1)
    on_the_third = datetime(2027, 5, 3, 6, tzinfo=UTC)
    series.extend_all(on_the_third)
    (gap,) = running.gaps(saturdays.district, now=on_the_third)
    assert (gap.date.on, gap.date.outcome) == (date(2027, 5, 8), Outcome.CONFLICT)

    Reservation.objects.exclude(slot__session__series=saturdays).delete()
    assert series.extend_all(on_the_third) == 1
    assert "2027-05-08 14:00" in starts(saturdays)


def test_the_time_before_the_first_block_is_asked_for_across_midnight() -> None:
    kind = factories.KindFactory(buffer_before_minutes=60)
    early = {"start_time": time(0, 30), "first_on": date(2027, 1, 5), "blocks": (CONSULTATION,)}
    evening = plan(
        start_time=time(23, 0),
        first_on=date(2027, 1, 4),
        rule=NthWeekday(1, 0),
        blocks=(Block(60, BlockFormat.CASE_CONSULTATION),),
    )
    with pytest.raises(CannotPlan) as refused:
        plan(kind=kind, specialist=evening.specialist, rule=NthWeekday(1, 1), **early)
    assert [row.on for row in refused.value.conflicts][:1] == [date(2027, 1, 5)]


def test_a_series_that_cannot_be_read_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = plan(until=None), plan(until=None, specialist=planned.specialist("B"), start_time=time(9))
    broken.event.rule.frequency = "MINUTELY"
    broken.event.rule.save()

    assert series.extend_all(NOW + timedelta(days=40)) == 2
    assert sound.sessions.count() == 13
    assert f"Series {broken.pk} was not extended." in caplog.text
    with pytest.raises(UnusableRule):
        running.outline_of(broken)


def test_a_finished_series_is_not_looked_at_again() -> None:
    plan(until=date(2027, 3, 31))
    assert list(Series.objects.running(datetime(2027, 3, 31, 12, tzinfo=UTC)))
    assert not Series.objects.running(datetime(2027, 4, 1, 12, tzinfo=UTC))


# --- Ending ------------------------------------------------------------------------------------
def test_ending_cancels_what_nobody_booked_and_touches_nothing_booked() -> None:
    year = plan()
    april = Session.objects.get(start_at__date=date(2027, 4, 6))
    booked, free, held = april.slots.all()
    factories.BookingFactory(slot=booked)
    factories.BookingFactory(
        slot=held, status="tentative", booked_at=None, held_until=datetime.now(UTC) + timedelta(minutes=5)
    )
    untouched = list(Slot.objects.filter(pk__in=[booked.pk, held.pk]).values())

    kept = series.end(year, from_on=date(2027, 3, 1), by=year.created_by)

    assert kept == [april]
    assert list(Slot.objects.filter(pk__in=[booked.pk, held.pk]).values()) == untouched
    assert booked.reservations.count() == held.reservations.count() == 2
    free.refresh_from_db()
    assert (free.is_open, free.version, free.reservations.count()) == (False, 2, 0)
    assert [session.status for session in year.sessions.all()] == (
        ["planned"] * 2 + ["cancelled", "planned"] + ["cancelled"] * 7
    )
    assert AuditEvent.objects.about(year).latest("pk").details == {
        "cancelled": 8,
        "kept": 1,
        "from_on": "2027-03-01",
    }


def test_an_ended_series_stays_ended() -> None:
    year = plan(until=None)
    series.end(year, from_on=date(2027, 3, 1), by=year.created_by)
    series.extend_all(NOW + relativedelta(months=6))
    assert {session.start_at.month for session in year.sessions.taking_place()} == {1, 2}
    assert occurrences(year, NOW, NOW + timedelta(days=700)) == [
        session.start_at for session in year.sessions.taking_place()
    ]


def test_ending_does_not_reach_into_the_past() -> None:
    held = factories.SessionFactory(start_at=timezone.now() - timedelta(minutes=30))
    factories.SlotFactory(session=held)
    series.end(held.series, from_on=date(2020, 1, 1), by=held.series.created_by)
    held.refresh_from_db()
    assert held.status == "planned"
    assert held.slots.get().is_open


def test_the_nightly_task_extends() -> None:
    endless = plan(until=None, first_on=timezone.localdate(), now=timezone.now())
    last = endless.sessions.latest("start_at")
    last.slots.all().delete()
    last.delete()
    tasks.extend_series(timestamp=0)
    assert endless.sessions.latest("start_at").start_at == last.start_at


def test_the_place_of_an_ended_series_can_be_planned_anew() -> None:
    year = plan()
    series.end(year, from_on=date(2027, 3, 1), by=year.created_by)
    again = plan(specialist=year.specialist, first_on=date(2027, 3, 1))
    assert starts(again)[0] == "2027-03-02 14:00"


# --- The last line -----------------------------------------------------------------------------
def test_the_resources_of_other_districts_are_not_in_the_way() -> None:
    here = plan(until=date(2027, 1, 31))
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    organisation = factories.OrganisationFactory(district=elsewhere)
    there = plan(
        specialist=planned.specialist(user__organisation=organisation),
        until=date(2027, 1, 31),
    )
    assert there.district == elsewhere != here.district
    assert starts(there) == starts(here)
    assert Resource.objects.rooms().count() == 2


def test_the_calendar_of_a_district_is_made_once() -> None:
    plan(until=date(2027, 1, 31))
    plan(until=date(2027, 1, 31), start_time=time(9))
    assert apps.get_model("schedule", "Calendar").objects.count() == 1
