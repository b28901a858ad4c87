"""Who else comes, and where to: guests, somebody who goes along, calendars one may not book in."""

from datetime import time
from typing import Any

import pytest

from accounts.models import User
from scheduling import booking as rules
from scheduling import calendars, moving
from scheduling.models import Booking, Reservation, Slot
from scheduling.problems import Refused, Visit
from tests import factories
from tests.scheduling import offered

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def client_of(user: User) -> Any:
    return factories.ClientFactory(owner=user)


def refusal(*args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        rules.book(*args, **kwargs)
    return caught.value.codes


def accompaniment(anna: User) -> Slot:
    kind = offered.kind(code="accompaniment", needs_room=False, needs_second_person=True, is_elsewhere=True)
    return offered.slot(anna, kind=kind, place="")


def test_a_first_talk_needs_no_case_and_remembers_the_guest(anna: User) -> None:
    slot = offered.slot(anna, kind=offered.kind(code="first_talk", needs_client=False))
    made = rules.book(slot, client=None, visit=Visit(guest="Frau Noor"), by=anna)
    made.refresh_from_db()
    assert (made.guest, made.client, made.status) == ("Frau Noor", None, "booked")


def test_a_kind_for_cases_is_refused_without_one(anna: User) -> None:
    slot = offered.slot(anna)
    assert refusal(slot, client=None, visit=Visit(guest="Frau Noor"), by=anna) == ["needs_client"]
    assert rules.book(slot, client=client_of(anna), by=anna).status == "booked"


def test_an_accompaniment_says_at_once_all_it_lacks(anna: User) -> None:
    slot = accompaniment(anna)
    assert refusal(slot, client=client_of(anna), by=anna) == ["needs_companion", "needs_place"]


def test_whoever_goes_along_is_reserved_with_the_booking_and_freed_with_it(anna: User) -> None:
    slot, jan = accompaniment(anna), offered.counsellor("Jan Vogel")
    visit = Visit(second_person=jan, place="Rathaus, Zimmer 2")
    made = rules.book(slot, client=client_of(anna), visit=visit, by=anna)
    assert made.address == "Rathaus, Zimmer 2"
    kept = Reservation.objects.get(booking=made)
    assert (kept.resource, kept.during.lower, kept.during.upper) == (jan, slot.start_at, slot.end_at)

    rules.cancel(made, reason="client", by=anna)
    assert not Reservation.objects.filter(resource=jan).exists()


def test_nobody_goes_along_to_two_places(anna: User) -> None:
    jan, on = offered.counsellor("Jan Vogel"), offered.workday()
    visit = Visit(second_person=jan, place="Rathaus, Zimmer 2")
    slot = accompaniment(anna)
    other = offered.slot(anna, on=on, kind=slot.kind, place="")
    rules.book(slot, client=client_of(anna), visit=visit, by=anna)
    assert refusal(other, client=client_of(anna), visit=visit, by=anna) == ["companion_elsewhere"]
    assert Booking.objects.count() == 1


def test_nobody_goes_along_who_is_absent_or_does_not_work_then(anna: User) -> None:
    slot, jan = accompaniment(anna), offered.counsellor("Jan Vogel")
    asked: dict[str, Any] = {
        "client": client_of(anna), "visit": Visit(second_person=jan, place="Rathaus, Zimmer 2"), "by": anna
    }  # fmt: skip
    hours = jan.weekly_hours.create(weekday=6, from_time=time(8), until_time=time(12))
    assert refusal(slot, **asked) == ["companion_elsewhere"]
    hours.delete()
    absence = jan.absences.create(during=(slot.start_at, slot.end_at), reason="illness")
    assert refusal(slot, **asked) == ["companion_elsewhere"]
    absence.delete()
    assert rules.book(slot, **asked).second_person == jan


def test_seats_of_one_appointment_are_taken_one_after_the_other(anna: User) -> None:
    slot = offered.slot(anna, capacity=2)
    seats = [rules.book(slot, client=client_of(anna), by=anna).seat for _ in range(2)]
    assert seats == [1, 2]
    assert refusal(slot, client=client_of(anna), by=anna) == ["taken"]
    slot.refresh_from_db()
    assert not slot.has_room


def test_who_may_not_book_in_a_calendar_is_refused_by_the_rule_itself(anna: User) -> None:
    slot, ben = offered.slot(anna), offered.caseworker("Agentur")
    assert refusal(slot, client=client_of(ben), by=ben) == ["not_your_calendar"]
    calendars.share(slot.calendar, ben.organisation, "see", by=anna)
    assert refusal(slot, client=client_of(ben), by=ben) == ["not_your_calendar"]
    with pytest.raises(Refused):
        rules.hold(slot, by=ben)
    calendars.share(slot.calendar, ben.organisation, "book", by=anna)
    assert rules.book(slot, client=client_of(ben), by=ben).status == "booked"


def test_slots_of_a_calendar_one_may_not_look_into_do_not_exist(anna: User) -> None:
    slot, ben = offered.slot(anna), offered.caseworker("Agentur")
    assert Slot.objects.for_user(anna).filter(pk=slot.pk).exists()
    assert not Slot.objects.for_user(ben).exists()
    calendars.share(slot.calendar, ben.organisation, "see", by=anna)
    assert Slot.objects.for_user(ben).filter(pk=slot.pk).exists()
    assert not Slot.objects.bookable_by(ben).exists()


def test_whoever_goes_along_comes_along_when_it_is_moved(anna: User) -> None:
    slot, jan = accompaniment(anna), offered.counsellor("Jan Vogel")
    later = slot.session.slots.latest("start_at")
    visit = Visit(second_person=jan, place="Rathaus, Zimmer 2")
    made = rules.book(slot, client=client_of(anna), visit=visit, by=anna)
    moved = moving.move(made, later, by=anna)
    kept = Reservation.objects.get(resource=jan)
    assert (kept.booking, kept.during.lower) == (moved, later.start_at)
