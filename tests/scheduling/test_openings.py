"""Times an office offers: by whoever manages its calendar, and never in two places at once."""

from datetime import date, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.models import AuditEvent, User
from scheduling import calendars, openings, sessions
from scheduling.models import Booking, Reservation, Session, Slot
from scheduling.openings import Offer
from scheduling.series import CannotPlan
from tests import factories
from tests.scheduling import offered

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def weekly(offer: Offer, by: User, **changes: object) -> list[Session]:
    fields = {
        "every": 1,
        "weekdays": (1, 3),
        "first_on": date(2027, 3, 1),
        "start_time": time(9, 0),
        "until": date(2027, 3, 14),
    } | changes
    return list(openings.weekly(offer, **fields, by=by).sessions.order_by("start_at"))  # type: ignore[arg-type]


@time_machine.travel("2027-01-10 08:00", tick=False)
def test_a_week_of_equal_blocks_becomes_slots_that_carry_what_they_are_searched_by(anna: User) -> None:
    room = factories.RoomFactory(is_step_free=True, municipality=factories.MunicipalityFactory())
    mara = offered.counsellor(languages=["ar", "de"], gender="f")
    made = weekly(
        offered.offer(anna, counsellor=mara, room=room, number=3, pause_minutes=15, capacity=2), anna
    )

    zone = anna.district.tz
    assert [f"{each.start_at.astimezone(zone):%d.%m. %H:%M}" for each in made] == [
        "02.03. 09:00",
        "04.03. 09:00",
        "09.03. 09:00",
        "11.03. 09:00",
    ]
    slots = list(made[0].slots.order_by("start_at"))
    assert [f"{each.start_at.astimezone(zone):%H:%M}" for each in slots] == ["09:00", "10:00", "11:00"]
    first = slots[0]
    assert (first.format, first.capacity, first.languages, first.gender) == (
        "appointment",
        2,
        ["ar", "de"],
        "f",
    )
    assert (first.organisation, first.municipality, first.is_step_free) == (
        anna.organisation,
        room.municipality,
        True,
    )
    assert Reservation.objects.filter(slot__in=slots).count() == 6


def test_a_single_opening_has_no_series(anna: User) -> None:
    session = offered.session(anna, on=offered.workday())
    assert session.series is None
    assert session.slots.count() == 2
    assert (session.address, session.held_by_name) == ("Hauptstr. 1", "")
    assert AuditEvent.objects.about(session).get().verb == "opened"


def test_one_date_is_taken_out_again_and_the_counsellor_is_free(anna: User) -> None:
    mara = offered.counsellor()
    session = offered.session(anna, counsellor=mara)
    sessions.cancel(session, reason="krank", by=anna)
    assert not Slot.objects.open().filter(session=session).exists()
    again = offered.session(anna, counsellor=mara)
    assert again.slots.count() == 2


def test_nobody_is_in_two_places_at_once(anna: User) -> None:
    mara, on = offered.counsellor(), offered.workday()
    offered.session(anna, counsellor=mara, on=on)
    with pytest.raises(CannotPlan, match="Mara Linde ist schon belegt"):
        offered.session(anna, counsellor=mara, on=on, at=time(10, 0))
    assert Session.objects.count() == 1
    assert offered.session(anna, counsellor=mara, on=on, at=time(10, 30)).slots.count() == 2


def test_several_counsellors_at_one_time_are_several_openings(anna: User) -> None:
    on = offered.workday()
    for name in ("Mara Linde", "Tom Berg"):
        offered.session(anna, counsellor=offered.counsellor(name), on=on)
    assert Slot.objects.filter(session__start_at=Session.objects.earliest("pk").start_at).count() == 4


def test_only_whoever_manages_the_calendar_offers_times_in_it(anna: User) -> None:
    partner, stranger = offered.caseworker("Agentur"), offered.caseworker("Caritas")
    calendar = offered.calendar(anna)
    for right, may in (("see", False), ("book", False), ("manage", True)):
        calendars.share(calendar, partner.organisation, right, by=anna)
        if may:
            assert offered.session(partner, calendar=calendar).calendar == calendar
        else:
            with pytest.raises(calendars.NotAllowed):
                offered.session(partner, calendar=calendar)
    with pytest.raises(calendars.NotAllowed):
        weekly(offered.offer(stranger, calendar=calendar), stranger)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"place": ""}, "Bitte wählen Sie einen Raum"),
        ({"place": "Suchtberatung, Hof 2"}, "„Suchtberatung“"),
        ({"number": 20, "minutes": 60}, "erst nach Mitternacht"),
    ],
)
def test_what_is_wrong_with_an_offer_is_said_before_anything_is_written(
    anna: User, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(CannotPlan) as caught:
        offered.session(anna, **changes)
    assert told in " ".join(caught.value.problems)
    assert not Session.objects.exists()


def test_a_consultation_is_not_offered_here(anna: User) -> None:
    kind = offered.kind(code="trauma_consultation", needs_referral=True)
    with pytest.raises(CannotPlan, match="Jahr planen"):
        offered.session(anna, kind=kind)


def test_what_is_over_is_not_offered(anna: User) -> None:
    with pytest.raises(CannotPlan):
        offered.session(anna, on=timezone.localdate() - timedelta(days=1))
    assert not Session.objects.exists()


@time_machine.travel("2027-01-10 08:00", tick=False)
def test_holidays_and_hours_the_clock_skips_are_named(anna: User) -> None:
    with pytest.raises(CannotPlan, match="Karfreitag"):
        offered.session(anna, on=date(2027, 3, 26))
    with pytest.raises(CannotPlan, match="Die Uhren werden umgestellt"):
        offered.session(anna, on=date(2027, 3, 28), at=time(2, 30))


def test_the_consultations_board_shows_none_of_it(anna: User) -> None:
    from scheduling import board

    session = offered.session(anna)
    assert board.days(anna, board.Month.of(session.start_at, anna.district.tz)) == []
    assert board.next_dates(anna) == []
    assert not Booking.objects.exists()
