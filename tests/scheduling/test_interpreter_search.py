"""The search knows what the interpreters' rules know: who can be had at which slot."""

from datetime import date, datetime, time, timedelta
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from scheduling import interpreter_search, interpreters, public_holidays, search
from scheduling.interpreters import Need
from scheduling.models import AppointmentKind, Interpreter, Reservation, Slot
from scheduling.search import Wish
from tests import factories
from tests.scheduling import offered

pytestmark = pytest.mark.django_db
WOMAN = Wish(language="ar", with_interpreter=True, interpreter_gender="f")


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def block(session: Any, on: date, at: time, minutes: int, number: int, kind: AppointmentKind) -> Slot:
    """A slot on that day at that time of the wall clock, not saved yet."""
    start = datetime.combine(on, at, tzinfo=session.district.tz)
    made: Slot = factories.SlotFactory.build(
        session=session,
        district=session.district,
        calendar=session.calendar,
        block=number,
        kind=kind,
        format="presentation" if kind.needs_referral else "appointment",
        start_at=start,
        end_at=start + timedelta(minutes=minutes),
        with_interpreter=number % 7 != 3,
    )
    return made


# --- What is found -------------------------------------------------------------------------------
def test_the_next_free_appointment_with_a_suitable_woman(anna: User) -> None:
    slot = offered.slot(anna, number=1)
    assert search.free(anna, WOMAN) == []
    factories.InterpreterFactory(gender="m")
    assert search.free(anna, WOMAN) == []
    woman = factories.InterpreterFactory(gender="f")
    assert search.free(anna, WOMAN) == [slot]
    assert search.free(anna, Wish(language="ar")) == []
    Reservation.objects.create(resource=woman.resource, slot=slot, during=(slot.start_at, slot.end_at))
    assert search.free(anna, WOMAN) == []
    assert search.looser(anna, WOMAN) == ["language", "interpreter"]


@pytest.mark.parametrize(
    ("for_talks", "finds"), [(True, ["consultation", "counselling"]), (False, ["counselling"])]
)
def test_a_consultation_needs_somebody_fit_for_it(anna: User, for_talks: bool, finds: list[str]) -> None:
    session = factories.SessionFactory()
    trauma = factories.KindFactory(code="consultation", name="Traumasprechstunde", needs_referral=True)
    day = offered.workday()
    for number, kind in ((1, trauma), (2, offered.kind()), (3, trauma)):  # the third has no time for it
        block(session, day, time(10 + number), 45, number, kind).save()
    factories.InterpreterFactory(for_psychological_talks=for_talks)
    assert [slot.kind.code for slot in search.free(anna, WOMAN)] == finds


def test_it_stays_one_query(anna: User, django_assert_num_queries: Any) -> None:
    offered.session(anna, number=3)
    factories.InterpreterFactory()
    with django_assert_num_queries(1):
        assert len(search.free(anna, WOMAN)) == 3


def test_the_lead_is_counted_in_working_days() -> None:
    # Friday before Whit Monday: four days on, only one of them is worked.
    friday, tuesday = date(2027, 5, 14), date(2027, 5, 18)
    days = interpreter_search.first_days(friday, friday + timedelta(days=7), "BW")
    assert days[:3] == [friday, date(2027, 5, 15), date(2027, 5, 19)]
    assert public_holidays.workdays_before(tuesday, 2, "BW") < friday


# --- It agrees with the rules --------------------------------------------------------------------
_HOURS = st.sampled_from(
    [
        (),
        ((0, 8, 12), (0, 12, 17), (1, 9, 24)),  # hours that adjoin are one; 24 is entered as 23:59
        tuple((day, 0, 24) for day in range(5)),
        tuple((day, 8, 12) for day in range(7)),
    ]
)
_PEOPLE = st.fixed_dictionaries(
    {
        "language": st.sampled_from(["ar", "ar", "ar", "ti"]),
        "gender": st.sampled_from(["f", "m"]),
        "modes": st.sampled_from([["on_site"], ["phone", "video"], []]),
        "lead_workdays": st.sampled_from([None, 0, 1, 3, 7]),
        "for_psychological_talks": st.booleans(),
        "is_relative": st.sampled_from([False, False, False, True]),
        "hours": _HOURS,
        "keeps_holidays": st.booleans(),
        "away": st.lists(st.tuples(st.integers(0, 16), st.integers(1, 60)), max_size=2),
        "elsewhere": st.integers(0, 16),
    }
)
# On each of so many days: early, over noon, to midnight and over it.
_DAYS = 17
_TIMES = [(0, 0, 30), (8, 0, 60), (11, 30, 60), (16, 30, 60), (23, 0, 60), (23, 30, 60)]
# Clock changes, Easter, Whitsun, Christmas and an ordinary week.
_TODAYS = st.sampled_from(
    [date(2026, 12, 14), date(2027, 3, 20), date(2027, 5, 1), date(2027, 10, 22), date(2027, 2, 7)]
)


def enter(said: dict[str, Any], today: date, elsewhere_at: Slot) -> Interpreter:
    """Somebody of the register, with hours, absences and another appointment."""
    zone = elsewhere_at.district.tz
    absences, hours, elsewhere = said.pop("away"), said.pop("hours"), said.pop("elsewhere")
    keeps_holidays = said.pop("keeps_holidays")
    made: Interpreter = factories.InterpreterFactory(**said)
    made.resource.keeps_holidays = keeps_holidays
    made.resource.save()
    for weekday, since, until in hours:
        end = time(23, 59) if until == 24 else time(until)
        made.resource.weekly_hours.create(weekday=weekday, from_time=time(since), until_time=end)
    midnight = datetime.combine(today, time(), tzinfo=zone)
    for day, length in absences:
        since_at = midnight + timedelta(days=day)
        made.resource.absences.create(during=(since_at, since_at + timedelta(hours=length)))
    busy = midnight + timedelta(days=elsewhere, hours=9)
    Reservation.objects.create(
        resource=made.resource, slot=elsewhere_at, during=(busy, busy + timedelta(hours=4))
    )
    return made


@settings(max_examples=25)
@given(today=_TODAYS, people=st.lists(_PEOPLE, min_size=1, max_size=3), gender=st.sampled_from(["", "", "f"]))
def test_the_search_finds_what_the_rules_grant(
    today: date, people: list[dict[str, Any]], gender: str
) -> None:
    with transaction.atomic():
        district = factories.DistrictFactory()
        now = datetime.combine(today, time(9), tzinfo=district.tz)
        session = factories.SessionFactory(district=district)
        elsewhere = factories.SlotFactory()
        for said in people:
            enter(dict(said), today, elsewhere)
        kinds = [factories.KindFactory(code=f"k{number}", needs_referral=number > 0) for number in range(2)]
        Slot.objects.bulk_create(
            block(
                session,
                today + timedelta(days=day),
                time(hour, minute),
                minutes,
                number,
                kinds[number % 5 > 2],
            )
            for number, (day, (hour, minute, minutes)) in enumerate(product(range(_DAYS), _TIMES))
        )

        found = session.slots.filter(
            interpreter_search.can_be_had(
                Need("ar", gender=gender), district, now=now, until=now + timedelta(days=60)
            )
        )

        assert set(found) == {
            slot
            for fit in (False, True)
            for slot, _ in interpreters.first_slots(
                session.slots.filter(kind__needs_referral=fit, **{"with_interpreter": True} if fit else {}),
                Need("ar", gender=gender, is_psychological=fit),
                now=now,
                most=_DAYS * len(_TIMES),
            )
        }
        transaction.set_rollback(True)
