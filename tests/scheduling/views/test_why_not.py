""" "Warum nicht?": every reason at once, the very values that booking checks, with what removes each."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from consultations import referrals
from scheduling import booking as rules
from scheduling import outlook, presence, why_not
from scheduling.interpreters import Need
from scheduling.models import Course, Slot
from scheduling.problems import Refused
from tests import factories
from tests.scheduling.test_assignments import free_always, slot
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


def page(place: Slot, about: Any = "") -> str:
    query = f"?anmeldung={about.uuid}" if about else ""
    return reverse("scheduling:why_not", args=[place.uuid]) + query


def codes(browser: Client, place: Slot, about: Any = "") -> list[str]:
    answer = browser.get(page(place, about)).context["answer"]
    return [reason.problem.code for reason in answer.reasons]


@pytest.fixture
def consultation() -> Slot:
    """A presentation with interpreter, a month ahead."""
    made = slot()
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    Slot.objects.filter(pk=made.pk).update(kind=kind)
    made.refresh_from_db()
    return made


@pytest.fixture
def anna() -> User:
    made: User = factories.UserFactory()
    return made


def test_who_books_sees_it_in_their_district_and_nobody_else(anna: User) -> None:
    place = slot()
    foreign = factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    assert as_user(anna).get(page(place)).status_code == 200
    assert as_user(factories.UserFactory(organisation=foreign)).get(page(place)).status_code == 404
    assert as_user(factories.UserFactory(roles=["specialist"])).get(page(place)).status_code == 403


def test_several_reasons_stand_at_once_and_are_those_of_holding(anna: User) -> None:
    place = slot()
    factories.BookingFactory(slot=place)
    specialist = place.session.specialist
    assert specialist is not None
    presence.add_absence(
        specialist,
        start_at=place.start_at,
        end_at=place.end_at,
        reason="leave",
        by=factories.UserFactory(roles=["coordinator"]),
    )
    kind = factories.KindFactory(code="slow", notice_hours=24 * 60)
    Slot.objects.filter(pk=place.pk).update(kind=kind)
    with pytest.raises(Refused) as caught:
        rules.hold(place, by=anna)
    assert codes(as_user(anna), place) == caught.value.codes == ["away", "notice_too_short", "taken"]


def test_a_free_place_says_so(anna: User) -> None:
    place = slot()
    answer = as_user(anna).get(page(place))
    assert answer.context["answer"].reasons == []
    assert "zu haben" in answer.content.decode()


def test_a_held_place_names_the_time_and_nobody(anna: User) -> None:
    place, other = slot(), factories.UserFactory(name="Bruno Beispiel")
    hold = rules.hold(place, by=other)
    text = as_user(anna).get(page(place)).content.decode()
    assert hold.held_until is not None
    assert f"{timezone.localtime(hold.held_until):%H:%M}" in text
    assert "Bruno" not in text


def test_with_a_referral_its_own_reasons_and_the_interpreter_stand_beside(
    consultation: Slot, anna: User
) -> None:
    client = factories.ClientFactory(owner=anna)
    referral = factories.ReferralFactory(client=client, consent=None)
    browser = as_user(anna)
    assert codes(browser, consultation) == []
    assert codes(browser, consultation, referral) == ["no_interpreter_known", "consent"]
    text = browser.get(page(consultation, referral)).content.decode()
    assert reverse("consultations:referral", args=[referral.uuid, "einwilligung"]) in text
    assert AuditEvent.objects.about(client).filter(verb="viewed", is_look=True).exists()


def test_somebody_elses_referral_is_not_looked_into(consultation: Slot, anna: User) -> None:
    foreign = factories.ReferralFactory(consent=None)
    browser = as_user(anna)
    assert codes(browser, consultation, foreign) == []
    assert str(foreign.uuid) not in browser.get(page(consultation)).content.decode()
    assert foreign.client.case_number not in browser.get(page(consultation, foreign)).content.decode()


def test_it_says_what_booking_says(consultation: Slot, anna: User) -> None:
    client = factories.ClientFactory(owner=anna)
    referral = factories.ReferralFactory(client=client, interpreter_gender="woman")
    consent = referral.consent
    consent.recipients = consultation.session.held_by_name
    consent.save()
    free_always(gender="m")
    rules.hold(consultation, by=factories.UserFactory())
    told = why_not.ask(consultation, by=anna, about=str(referral.uuid))
    with pytest.raises(Refused) as caught:
        referrals.submit(referral, slot_or_hold=consultation, by=anna)
    assert [reason.problem for reason in told.reasons] == caught.value.problems
    assert caught.value.codes == ["held", "no_interpreter_fits"]


def test_the_way_out_is_the_next_place_with_an_interpreter(consultation: Slot, anna: User) -> None:
    free_always(lead_workdays=2)
    soon = slot(days=1)
    kind = consultation.kind
    Slot.objects.filter(pk=soon.pk).update(kind=kind, format=consultation.format)
    soon.refresh_from_db()
    client = factories.ClientFactory(owner=anna)
    referral = factories.ReferralFactory(client=client)
    told = why_not.ask(soon, by=anna, about=str(referral.uuid))
    assert "interpreter_too_late" in [reason.problem.code for reason in told.reasons]
    assert told.next_free == consultation


def test_a_lesson_at_that_time_warns_and_booking_goes_through(anna: User) -> None:
    place = slot()
    client = factories.ClientFactory(owner=anna)
    lesson = _enrol(client, place)
    seen = outlook.look(place, by=anna, client=client)
    assert seen.problems == ()
    assert [warning.code for warning in seen.warnings] == ["course_lesson"]
    assert "Deutsch A2" in str(seen.warnings[0].text)
    assert rules.book(place, client=client, by=anna).status == "booked"
    Slot.objects.filter(pk=lesson.pk).update(is_open=False)
    assert outlook.look(slot(60), by=anna, client=client).warnings == ()


def test_looking_locks_nothing_and_writes_nothing(anna: User) -> None:
    place = slot()
    free_always()
    before = Slot.objects.get(pk=place.pk).version
    seen = outlook.look(place, by=anna, need=Need("ar"))
    assert seen.interpreter is not None
    assert seen.interpreter.interpreter is not None
    assert Slot.objects.get(pk=place.pk).version == before
    assert not place.bookings.exists()


def test_the_board_leads_there_from_what_is_not_offered(anna: User) -> None:
    free, taken = slot(), slot()
    factories.BookingFactory(slot=taken)
    month = f"{timezone.localtime(free.start_at):%Y-%m}"
    text = as_user(anna).get(reverse("scheduling:board", args=[month])).content.decode()
    assert page(taken) in text
    assert page(free) not in text


def _enrol(client: Any, place: Slot) -> Slot:
    """The client has a seat on a course, one date of which overlaps the place; returns that date."""
    series = factories.SeriesFactory()
    seats = factories.SlotFactory(
        session__series=series,
        format="course",
        start_at=place.start_at,
        end_at=place.end_at + timedelta(days=90),
    )
    Course.objects.create(
        district=client.district,
        organisation=client.organisation,
        slot=seats,
        series=series,
        title="Deutsch A2",
        type="integration",
        start_on=place.start_at.date(),
        created_by=client.owner,
    )
    factories.BookingFactory(slot=seats, client=client, during="empty")
    made: Slot = factories.SlotFactory(
        session__series=series,
        session__start_at=place.start_at,
        format="lesson",
        start_at=place.start_at - timedelta(minutes=30),
        end_at=place.end_at,
    )
    return made
