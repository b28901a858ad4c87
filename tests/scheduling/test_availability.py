"""When somebody can be had: hours and holidays on the district's wall clock, absences to the instant."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from scheduling import availability, presence, series
from scheduling import booking as rules
from scheduling.availability import Availability, Why
from scheduling.models import BlockFormat, Reservation, Resource, Slot
from scheduling.planning import Block
from scheduling.problems import Refused
from tests import factories
from tests.scheduling import planned

pytestmark = pytest.mark.django_db
TUESDAY = date(2027, 1, 5)


def at(hour: int, minute: int = 0, on: date = TUESDAY, *, person: Any = None) -> datetime:
    """That time on the wall in the district."""
    zone = person.district.tz if person else factories.DistrictFactory().tz
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=zone)


def why(person: Any, start_at: datetime, end_at: datetime) -> list[Why]:
    known = availability.read([person], person.district, since=start_at, until=end_at)
    return [away.why for away in known.away(person, start_at, end_at)]


def hours(person: Any, *rows: tuple[int, time, time], holidays: bool = True) -> None:
    presence.set_hours(person, rows, keeps_holidays=holidays, by=planned.coordinator())


def test_without_hours_somebody_is_there_but_on_holidays() -> None:
    person = factories.SpecialistFactory()
    assert why(person, at(14), at(17)) == []
    epiphany = date(2027, 1, 6)  # a holiday in Baden-Württemberg
    assert why(person, at(14, on=epiphany), at(17, on=epiphany)) == [Why.HOLIDAY]
    hours(person, holidays=False)
    person.refresh_from_db()
    assert why(person, at(14, on=epiphany), at(17, on=epiphany)) == []


def test_hours_hold_what_lies_wholly_inside_and_adjoining_ones_are_one() -> None:
    person = factories.SpecialistFactory()
    hours(person, (1, time(9), time(12)), (1, time(12), time(15)), (1, time(16), time(17)))
    assert why(person, at(11), at(15)) == []
    assert why(person, at(14), at(16, 30)) == [Why.HOURS]
    assert why(person, at(8, 59), at(10)) == [Why.HOURS]
    assert why(person, at(14, on=date(2027, 1, 7)), at(15, on=date(2027, 1, 7))) == [Why.HOURS]


@pytest.mark.parametrize("on", [date(2027, 3, 23), date(2027, 3, 30)])  # winter time, summer time
def test_hours_are_those_of_the_wall_on_both_sides_of_the_clock_change(on: date) -> None:
    person = factories.SpecialistFactory()
    hours(person, (1, time(14), time(17)))
    assert why(person, at(14, on=on), at(17, on=on)) == []
    assert why(person, at(13, 59, on=on), at(15, on=on)) == [Why.HOURS]


def test_an_absence_counts_to_the_instant() -> None:
    person = factories.SpecialistFactory()
    presence.add_absence(person, start_at=at(10), end_at=at(12), reason="leave", by=planned.coordinator())
    assert why(person, at(9), at(10)) == why(person, at(12), at(13)) == []
    assert why(person, at(11, 59), at(13)) == [Why.ABSENCE]


@given(
    begin=st.integers(0, 1439),
    length=st.integers(1, 600),
    since=st.integers(0, 1439),
    lasting=st.integers(1, 600),
)
def test_somebody_is_there_exactly_when_the_hours_cover_the_time(
    begin: int, length: int, since: int, lasting: int
) -> None:
    district = factories.DistrictFactory.build(zone="Europe/Berlin", land="BW")
    person = Resource(pk=1, name="P", keeps_holidays=False)
    end = min(begin + length, 1440)
    known = Availability(district, {1: {1: [(begin, end)]}})
    start_at = at_wall(district, since)
    end_at = start_at + timedelta(minutes=min(lasting, 1440 - since))
    covered = begin <= since and since + min(lasting, 1440 - since) <= end
    assert (known.away(person, start_at, end_at) == []) is covered


def at_wall(district: Any, minute: int) -> datetime:
    return datetime(2027, 1, 5, minute // 60, minute % 60, tzinfo=district.tz).astimezone(UTC)


def test_reading_costs_two_queries_for_any_number(django_assert_num_queries: Any) -> None:
    people = [factories.SpecialistFactory() for _ in range(3)]
    for person in people:
        hours(person, (1, time(9), time(12)))
    since, until = at(0), at(23)
    for some in (people[:1], people):
        with django_assert_num_queries(2):
            availability.read(some, people[0].district, since=since, until=until)


@pytest.mark.parametrize(
    "rows",
    [
        [(1, time(9), time(12)), (1, time(11), time(13))],
        [(1, time(12), time(9))],
        [(7, time(9), time(12))],
    ],
)
def test_hours_that_overlap_or_turn_back_are_refused_and_the_old_ones_stay(rows: Any) -> None:
    person = factories.SpecialistFactory()
    hours(person, (2, time(9), time(12)))
    with pytest.raises(presence.HoursOverlap):
        hours(person, *rows)
    assert [row.weekday for row in person.weekly_hours.all()] == [2]


# --- Planning ----------------------------------------------------------------------------------
def test_a_date_outside_the_hours_is_named_in_the_preview_and_can_be_left_out() -> None:
    person = planned.specialist("Dr. Stein")
    presence.add_absence(
        person,
        start_at=at(0, on=date(2027, 2, 1)),
        end_at=at(0, on=date(2027, 2, 8)),
        reason="leave",
        by=planned.coordinator(),
    )
    with pytest.raises(series.CannotPlan) as caught:
        planned.plan(specialist=person, until=date(2027, 3, 31))
    assert [row.on for row in caught.value.conflicts] == [date(2027, 2, 2)]
    assert "abwesend" in caught.value.conflicts[0].conflicts[0].text

    made = planned.plan(specialist=person, until=date(2027, 3, 31), leave_out=[date(2027, 2, 2)])
    assert planned.starts(made) == ["2027-01-05 14:00", "2027-03-02 14:00"]


def test_the_buffers_of_a_kind_are_reserved_around_the_day_and_asked_for_between_blocks() -> None:
    kind = factories.KindFactory(buffer_before_minutes=15, buffer_after_minutes=10)
    with pytest.raises(series.CannotPlan, match="25 Minuten"):
        planned.plan(kind=kind, until=date(2027, 1, 31))
    blocks = (Block(60, BlockFormat.PRESENTATION, 25), Block(60, BlockFormat.PRESENTATION))
    made = planned.plan(kind=kind, blocks=blocks, until=date(2027, 1, 31))
    reserved = [
        (
            f"{one.during.lower.astimezone(made.district.tz):%H:%M}",
            f"{one.during.upper.astimezone(made.district.tz):%H:%M}",
        )
        for one in Reservation.objects.filter(resource=made.room).order_by("during")
    ]
    assert reserved == [("13:45", "15:25"), ("15:25", "16:35")]
    # Somebody else's session just before would eat the time to get ready.
    other = Block(60, BlockFormat.PRESENTATION)
    with pytest.raises(series.CannotPlan):
        planned.plan(
            room=made.room,
            kind=factories.KindFactory(code="other"),
            blocks=(other,),
            start_time=time(12, 50),
            until=date(2027, 1, 31),
        )


def test_a_buffer_is_kept_by_the_database_too() -> None:
    kind = factories.KindFactory(buffer_after_minutes=30)
    made = planned.plan(kind=kind, blocks=(Block(60, BlockFormat.PRESENTATION),), until=date(2027, 1, 31))
    end_at = Slot.objects.get().end_at
    assert made.specialist is not None
    with pytest.raises(IntegrityError, match="reservation_one_place_at_a_time"):
        Reservation.objects.create(
            resource=made.specialist,
            slot=factories.SlotFactory(session__series=made),
            during=(end_at, end_at + timedelta(minutes=10)),
        )


# --- Booking -----------------------------------------------------------------------------------
def test_an_absent_specialists_slot_is_not_offered_held_or_booked() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()
    absence = presence.add_absence(
        slot.session.specialist,
        start_at=slot.start_at - timedelta(hours=2),
        end_at=slot.start_at + timedelta(minutes=1),
        reason="illness",
        by=planned.coordinator(),
    )
    for act in (
        lambda: rules.hold(slot, by=client.owner),
        lambda: rules.book(slot, client=client, by=client.owner),
    ):
        with pytest.raises(Refused) as caught:
            act()
        assert caught.value.codes == ["away"]
        assert "krank" not in str(caught.value.problems[0].text)
    slot.refresh_from_db()
    assert (slot.has_room, Slot.objects.free().exists()) == (False, False)

    presence.remove_absence(absence, by=planned.coordinator())
    slot.refresh_from_db()
    assert (slot.has_room, Slot.objects.free().exists()) == (True, True)
    assert rules.book(slot, client=client, by=client.owner).status == "booked"


def test_what_is_booked_stays_and_is_shown_beside_the_absence() -> None:
    booking = factories.BookingFactory()
    room = booking.slot.session.room
    span = {"start_at": booking.start_at - timedelta(hours=1), "end_at": booking.end_at}
    presence.add_absence(room, **span, reason="closed", by=planned.coordinator())
    booking.refresh_from_db()
    assert booking.status == "booked"
    assert presence.concerned(room, **span) == [booking]
    assert presence.concerned(room, booking.end_at, booking.end_at + timedelta(hours=1)) == []


def test_an_absence_that_does_not_last_is_refused() -> None:
    person = factories.SpecialistFactory()
    with pytest.raises(ValueError, match="lasts"):
        presence.add_absence(person, start_at=at(10), end_at=at(10), reason="leave", by=planned.coordinator())


@pytest.mark.parametrize(("hours_left", "codes"), [(25, []), (23, ["notice_too_short"])])
def test_a_kind_may_ask_for_notice(hours_left: int, codes: list[str]) -> None:
    kind = factories.KindFactory(notice_hours=24)
    start_at = timezone.now() + timedelta(hours=hours_left)
    slot = factories.SlotFactory(kind=kind, start_at=start_at, end_at=start_at + timedelta(hours=1))
    assert _codes(slot) == codes


@pytest.mark.parametrize(("days", "codes"), [(29, []), (31, ["not_yet"])])
def test_a_kind_may_open_its_slots_late(days: int, codes: list[str]) -> None:
    kind = factories.KindFactory(horizon_days=30)
    start_at = timezone.now() + timedelta(days=days)
    slot = factories.SlotFactory(kind=kind, start_at=start_at, end_at=start_at + timedelta(hours=1))
    assert _codes(slot) == codes


def test_who_holds_a_place_was_in_time() -> None:
    client = factories.ClientFactory()
    slot = factories.SlotFactory()
    hold = rules.hold(slot, by=client.owner)
    slot.kind.notice_hours = 24 * 30
    slot.kind.save()
    assert rules.book(hold, client=client, by=client.owner).status == "booked"


def test_a_seat_on_a_course_is_no_other_appointment() -> None:
    client = factories.ClientFactory()
    slot = factories.SlotFactory()
    course = factories.SlotFactory(start_at=slot.start_at, end_at=slot.end_at + timedelta(days=90))
    factories.BookingFactory(slot=course, client=client, during="empty")
    assert rules.book(slot, client=client, by=client.owner).status == "booked"


def _codes(slot: Slot) -> list[str]:
    client = factories.ClientFactory()
    try:
        rules.book(slot, client=client, by=client.owner)
    except Refused as refused:
        return refused.codes
    return []
