"""Who may be asked to interpret, and when somebody who fits can be had."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

from scheduling import interpreters, presence, public_holidays, seats
from scheduling.interpreters import Need
from scheduling.models import Reservation, Slot
from tests import factories
from tests.scheduling import planned

pytestmark = pytest.mark.django_db
ARABIC = Need("ar")


def found(slot: Slot, need: Need = ARABIC, *, now: datetime | None = None) -> Any:
    slot.district.refresh_from_db()
    return interpreters.find(slot, need, now=now or timezone.now())


def codes(slot: Slot, need: Need = ARABIC, *, now: datetime | None = None) -> list[str]:
    return [problem.code for problem in found(slot, need, now=now).problems]


@pytest.fixture
def slot() -> Slot:
    """On a Tuesday in a month without holidays, far enough ahead."""
    start = datetime(timezone.now().year + 1, 7, 6, 12, tzinfo=planned.NOW.tzinfo)
    start += timedelta(days=(1 - start.weekday()) % 7)
    made: Slot = factories.SlotFactory(start_at=start, end_at=start + timedelta(minutes=70))
    return made


def test_who_fits_is_found_with_the_way_they_take_part(slot: Slot) -> None:
    khoury = factories.InterpreterFactory()
    answer = found(slot)
    assert (answer.interpreter, answer.mode, answer.problems) == (khoury, "on_site", ())


@pytest.mark.parametrize(
    ("changes", "pool"),
    [
        ({"for_psychological_talks": False}, {}),
        ({"secrecy_declared_on": None}, {}),
        ({"is_relative": True}, {}),
        ({}, {"for_psychological_talks": False}),
        ({}, {"is_active": False}),
        ({"language": "ti"}, {}),
    ],
)
def test_who_may_not_be_asked_for_a_consultation_is_not_offered(
    slot: Slot, changes: dict[str, Any], pool: dict[str, Any]
) -> None:
    factories.InterpreterFactory(pool=factories.PoolFactory(**pool), **changes)
    assert codes(slot) == ["no_interpreter_known"]


def test_a_relative_is_offered_for_nothing_a_lay_interpreter_for_ordinary_talks(slot: Slot) -> None:
    factories.InterpreterFactory(is_relative=True)
    assert codes(slot, Need("ar", is_psychological=False)) == ["no_interpreter_known"]
    lay = factories.InterpreterFactory(for_psychological_talks=False, secrecy_declared_on=None)
    assert found(slot, Need("ar", is_psychological=False)).interpreter == lay


@pytest.mark.parametrize(
    ("need", "fits"),
    [
        (Need("ar", gender="f"), True),
        (Need("ar", gender="m"), False),
        (Need("ar", mode="video"), True),
        (Need("ar", mode="phone"), False),
    ],
)
def test_the_person_and_the_way_wished_for(slot: Slot, need: Need, fits: bool) -> None:
    factories.InterpreterFactory()
    assert codes(slot, need) == ([] if fits else ["no_interpreter_fits"])


@pytest.mark.parametrize(
    ("theirs", "wanted", "understood"),
    [
        ("", "Syrien", True),
        ("Syrien", "", True),
        ("Syrien", "syrien (Aleppo)", True),
        ("Maghreb", "Syrien", False),
    ],
)
def test_a_dialect_is_understood_by_those_of_it_and_those_of_none(
    slot: Slot, theirs: str, wanted: str, understood: bool
) -> None:
    factories.InterpreterFactory(dialect=theirs)
    assert codes(slot, Need("ar", wanted)) == ([] if understood else ["no_interpreter_known"])


def test_those_of_another_district_are_not_asked(slot: Slot) -> None:
    pool = factories.PoolFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    factories.InterpreterFactory(pool=pool)
    assert codes(slot) == ["no_interpreter_known"]


def test_who_is_elsewhere_or_absent_cannot_be_had(slot: Slot) -> None:
    one, other = factories.InterpreterFactory(), factories.InterpreterFactory()
    elsewhere = factories.BookingFactory()
    Reservation.objects.create(
        resource=one.resource,
        booking=elsewhere,
        during=(slot.start_at - timedelta(hours=1), slot.start_at + timedelta(minutes=1)),
    )
    assert found(slot).interpreter == other
    presence.add_absence(
        other.resource,
        start_at=slot.start_at,
        end_at=slot.end_at,
        reason="leave",
        by=planned.coordinator(),
    )
    assert codes(slot) == ["no_interpreter_free"]


def test_who_works_at_other_hours_cannot_be_had(slot: Slot) -> None:
    one = factories.InterpreterFactory()
    presence.set_hours(one.resource, [(0, time(8), time(20))], keeps_holidays=True, by=planned.coordinator())
    assert codes(slot) == ["no_interpreter_free"]


def test_the_best_qualified_is_asked_first(slot: Slot) -> None:
    factories.InterpreterFactory(qualification="lay")
    best = factories.InterpreterFactory(qualification="certified")
    assert found(slot).interpreter == best


# --- Lead ----------------------------------------------------------------------------------------
def test_the_lead_is_counted_in_working_days_and_holidays_do_not_count() -> None:
    # Epiphany, 6 January 2027, is a Wednesday and a holiday in Baden-Württemberg only.
    assert public_holidays.workdays_before(date(2027, 1, 8), 2, "BW") == date(2027, 1, 5)
    assert public_holidays.workdays_before(date(2027, 1, 8), 2, "BE") == date(2027, 1, 6)
    assert public_holidays.workdays_before(date(2027, 1, 11), 1, "BW") == date(2027, 1, 8)
    assert public_holidays.workdays_before(date(2027, 1, 11), 0, "BW") == date(2027, 1, 11)


def test_the_latest_booking_is_the_end_of_the_last_day_of_the_lead() -> None:
    one = factories.InterpreterFactory(lead_workdays=5)
    district = one.pool.district
    start = datetime(2027, 1, 12, 14, tzinfo=district.tz)  # five working days before: Mon 4 January
    latest = interpreters.latest_booking(one, start, district)
    assert latest.astimezone(district.tz) == datetime(2027, 1, 5, tzinfo=district.tz)
    due = interpreters.confirm_until(one, start, district)
    assert due.astimezone(district.tz) == datetime(2027, 1, 5, 12, tzinfo=district.tz)


def test_a_lead_of_ones_own_wins_over_the_pools(slot: Slot) -> None:
    one = factories.InterpreterFactory(lead_workdays=0)
    assert interpreters.lead_workdays(one) == 0
    assert interpreters.latest_booking(one, slot.start_at, slot.district) == slot.start_at


def test_after_the_lead_the_reason_names_the_last_day(slot: Slot) -> None:
    one = factories.InterpreterFactory()
    latest = interpreters.latest_booking(one, slot.start_at, slot.district)
    assert codes(slot, now=latest - timedelta(seconds=1)) == []
    late = found(slot, now=latest)
    assert [problem.code for problem in late.problems] == ["interpreter_too_late"]
    assert "Fr" in str(late.problems[0].text)  # Tuesday less two working days


def test_every_reason_stands_at_once(slot: Slot) -> None:
    in_time = factories.InterpreterFactory(lead_workdays=0)
    factories.InterpreterFactory(lead_workdays=10)
    Reservation.objects.create(
        resource=in_time.resource, booking=factories.BookingFactory(), during=(slot.start_at, slot.end_at)
    )
    now = slot.start_at - timedelta(days=3)
    assert codes(slot, now=now) == ["interpreter_too_late", "no_interpreter_free"]


# --- The search ----------------------------------------------------------------------------------
def test_the_next_free_slot_with_a_suitable_woman(slot: Slot, django_assert_num_queries: Any) -> None:
    woman = factories.InterpreterFactory(gender="f")
    factories.InterpreterFactory(gender="m")
    days: list[Slot] = [slot, *(factories.SlotFactory(
        start_at=slot.start_at + timedelta(days=7 * n), end_at=slot.end_at + timedelta(days=7 * n)
    ) for n in (1, 2))]  # fmt: skip
    factories.BookingFactory(slot=days[0])
    Reservation.objects.create(
        resource=woman.resource,
        booking=factories.BookingFactory(),
        during=(days[1].start_at, days[1].end_at),
    )
    need = Need("ar", gender="f")
    with django_assert_num_queries(6):
        answer = interpreters.first_slots(Slot.objects.free(), need, now=timezone.now())
    assert [(at, who.interpreter) for at, who in answer] == [(days[2], woman)]
    by = factories.UserFactory()
    assert seats.next_free(days[0], by=by, need=need) == days[2]
    assert seats.next_free(days[0], by=by, need=Need("ti")) is None
