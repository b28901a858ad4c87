"""Booking without a referral: guests, accompaniment, several dates in one go."""

import uuid
from datetime import time, timedelta
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from scheduling import booking, calendars, courses, enrolments, openings
from scheduling.models import Booking, Slot
from tests import factories
from tests.scheduling import course_offers, offered
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def post(user: User, slot: Slot, **form: Any) -> Any:
    form.setdefault("idempotency_key", str(uuid.uuid4()))
    return as_user(user).post(reverse("scheduling:book", args=[slot.uuid]), form)


def test_a_first_talk_is_booked_for_somebody_without_a_case(anna: User) -> None:
    slot = offered.slot(anna, kind=offered.kind(code="first_talk", needs_client=False))
    answer = post(anna, slot, guest="Frau Noor")
    made = Booking.objects.get()
    assert (made.guest, made.client) == ("Frau Noor", None)
    assert "Frau Noor" in as_user(anna).get(answer.headers["Location"]).content.decode()


def test_back_after_booking_leads_to_the_appointment_and_others_to_why_not(anna: User) -> None:
    kind = offered.kind(code="first_talk", needs_client=False)
    slot = offered.slot(anna, kind=kind)
    page = reverse("scheduling:book", args=[slot.uuid])
    assert as_user(anna).get(page).status_code == 200
    booked = post(anna, slot, guest="Frau Noor").headers["Location"]
    other = offered.caseworker("Caritas")
    calendars.share(slot.calendar, other.organisation, "book", by=anna)

    assert as_user(anna).get(page).headers["Location"] == booked
    colleague = as_user(other).get(page)
    assert colleague.headers["Location"] == reverse("scheduling:why_not", args=[slot.uuid])
    stranger = factories.UserFactory(
        organisation=factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    )
    assert as_user(stranger).get(page).status_code == 404


def test_a_place_one_holds_oneself_still_asks_for_whom(anna: User) -> None:
    slot = offered.slot(anna, kind=offered.kind(code="first_talk", needs_client=False))
    booking.hold(slot, by=anna)

    assert as_user(anna).get(reverse("scheduling:book", args=[slot.uuid])).status_code == 200


def test_it_is_for_somebody_but_not_for_two(anna: User) -> None:
    slot = offered.slot(anna, kind=offered.kind(code="first_talk", needs_client=False))
    client = factories.ClientFactory(owner=anna)
    assert post(anna, slot).status_code == 422
    assert post(anna, slot, client=str(client.uuid), guest="Frau Noor").status_code == 422
    assert not Booking.objects.exists()


def test_an_accompaniment_says_who_goes_along_and_where(anna: User) -> None:
    kind = offered.kind(code="acc", needs_room=False, needs_second_person=True, is_elsewhere=True)
    slot, client = offered.slot(anna, kind=kind, place=""), factories.ClientFactory(owner=anna)
    jan = offered.caseworker(name="Jan Vogel")
    assert post(anna, slot, client=str(client.uuid)).status_code == 422
    told = {"client": str(client.uuid), "second_person": str(jan.uuid)}
    assert post(anna, slot, **told, place="Asylbehörde").status_code == 422
    answer = post(anna, slot, **told, place="Rathaus, Zimmer 2")
    page = as_user(anna).get(answer.headers["Location"]).content.decode()
    assert "Jan Vogel" in page
    assert "Rathaus, Zimmer 2" in page


def ask(user: User, slot: Slot, **form: Any) -> Any:
    return as_user(user).post(reverse("scheduling:book_outlook", args=[slot.uuid]), form)


def test_once_somebody_is_chosen_the_page_warns_of_their_course(anna: User) -> None:
    client = factories.ClientFactory(owner=anna)
    course = course_offers.enter(title="Deutsch für alle")
    enrolments.enrol(course, client=client, by=anna)
    lesson = courses.lessons(course)[3].start_at.astimezone(course.district.tz)
    slot = offered.slot(anna, on=lesson.date(), at=time(10, 0))
    later = offered.slot(anna, on=lesson.date(), at=time(15, 0), calendar=slot.calendar)

    assert "Deutsch für alle" in ask(anna, slot, client=str(client.uuid)).content.decode()
    for other in (ask(anna, slot), ask(anna, later, client=str(client.uuid))):
        assert other.status_code == 200
        assert not other.content.strip()
    assert post(anna, slot, client=str(client.uuid)).status_code == 302


def test_once_somebody_is_chosen_the_page_says_what_stands_against_it(anna: User) -> None:
    client, slot = factories.ClientFactory(owner=anna), offered.slot(anna)
    other = offered.slot(anna, calendar=offered.calendar(anna, "Zweite Stelle"))
    post(anna, slot, client=str(client.uuid))
    said = ask(anna, other, client=str(client.uuid)).content.decode()
    assert "hat zu dieser Zeit schon einen Termin" in said
    stranger = offered.caseworker("Caritas")
    assert ask(stranger, other, client=str(client.uuid)).status_code == 404


def test_somebody_to_interpret_is_booked_with_it_or_it_is_refused(anna: User) -> None:
    client, slot = factories.ClientFactory(owner=anna), offered.slot(anna)
    wish = {"client": str(client.uuid), "interpreter_language": "ar", "interpreter_gender": "f"}
    factories.InterpreterFactory(gender="m")
    assert "erfüllt den Wunsch" in ask(anna, slot, **wish).content.decode()
    assert post(anna, slot, **wish).status_code == 409
    woman = factories.InterpreterFactory(gender="f", for_psychological_talks=False)
    assert woman.resource.name in ask(anna, slot, **wish).content.decode()
    assert post(anna, slot, **wish, times="2").status_code == 422

    answer = post(anna, slot, **wish)

    assert woman.resource.reservations.get().booking == Booking.objects.get()
    assert woman.resource.name in as_user(anna).get(answer.headers["Location"]).content.decode()


def test_several_dates_are_shown_before_any_is_booked(anna: User) -> None:
    on = offered.workday()
    made = openings.weekly(
        offered.offer(anna, number=1),
        every=1,
        weekdays=(on.weekday(),),
        first_on=on,
        start_time=time(9, 0),
        until=on + timedelta(days=8),
        by=anna,
    )
    slot = made.sessions.earliest("start_at").slots.get()
    client = factories.ClientFactory(owner=anna)
    form = {
        "client": str(client.uuid),
        "times": "3",
        "every": "1",
        "idempotency_key": str(uuid.uuid4()),
    }
    shown = post(anna, slot, **form).content.decode()
    free = made.sessions.count()
    assert "nichts angeboten" in shown
    assert not Booking.objects.exists()

    assert "Was nicht frei ist, bleibt ungebucht." in shown

    again = post(anna, slot, **form, act="change").content.decode()
    assert 'name="times" value="3"' in again
    assert f'value="{client.uuid}" selected' in again
    assert '<details class="kern-accordion" open>' in again
    assert not Booking.objects.exists()

    assert post(anna, slot, **form, act="all").status_code == 409
    assert not Booking.objects.exists()
    assert post(anna, slot, **form, act="free").status_code == 302
    assert Booking.objects.filter(client=client, status="booked").count() == free
