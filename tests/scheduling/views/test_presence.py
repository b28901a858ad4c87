"""Weekly hours and absences: entered by oneself, by the coordination, and by nobody else."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from scheduling import search
from scheduling.models import Absence, Resource
from scheduling.search import Wish
from tests import factories
from tests.scheduling import offered
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db

WEEK = {
    "row-TOTAL_FORMS": "2", "row-INITIAL_FORMS": "0", "keeps_holidays": "on",
    "row-0-weekday": "1", "row-0-from_time": "14:00", "row-0-until_time": "17:00",
    "row-1-weekday": "", "row-1-from_time": "", "row-1-until_time": "",
}  # fmt: skip


@pytest.fixture
def person() -> Resource:
    made: Resource = factories.SpecialistFactory(name="Dr. Stein")
    return made


def own(person: Resource) -> User:
    assert person.user is not None
    return person.user


def page(resource: Resource, name: str = "presence") -> str:
    return reverse(f"scheduling:{name}", args=[resource.uuid])


def absence(days: int = 3) -> dict[str, str]:
    on = timezone.localdate() + timedelta(days=days)
    return {"from_on": on.isoformat(), "reason": "leave"}


def test_the_person_and_the_coordination_enter_a_colleague_and_a_stranger_do_not(person: Resource) -> None:
    assert person.user is not None
    coordinator: User = factories.UserFactory(roles=["coordinator"])
    colleague = factories.UserFactory(roles=["specialist"], organisation=person.user.organisation)
    foreign = factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    stranger = factories.UserFactory(roles=["coordinator"], organisation=foreign)
    for other in (colleague, stranger):
        browser = as_user(other)
        assert browser.get(page(person)).status_code == 404
        assert browser.post(page(person, "set_hours"), WEEK).status_code == 404
        assert browser.post(page(person, "add_absence"), absence()).status_code == 404
    assert not Absence.objects.exists()
    assert not person.weekly_hours.exists()
    people: list[User] = [own(person), coordinator]
    for number, user in enumerate(people, start=1):
        browser = as_user(user)
        assert browser.post(page(person, "set_hours"), WEEK).status_code == 302
        assert browser.post(page(person, "add_absence"), absence(number)).status_code == 302
    assert [f"{row.weekday} {row.from_time:%H:%M}" for row in person.weekly_hours.all()] == ["1 14:00"]
    assert Absence.objects.count() == 2
    verbs = AuditEvent.objects.about(person).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["set_hours", "absence_entered"] * 2


def test_the_interpreters_coordination_enters_for_interpreters_only(person: Resource) -> None:
    browser = as_user(factories.UserFactory(roles=["interpreter_coordinator"]))
    own = Resource.objects.create(district=person.district, kind="interpreter", name="Frau Khoury")
    assert browser.get(page(person)).status_code == 404
    assert browser.post(page(own, "add_absence"), absence()).status_code == 302
    assert Absence.objects.get().resource == own
    assert "Dr. Stein" not in browser.get(reverse("scheduling:presences")).content.decode()


def test_whole_days_unless_a_time_is_said(person: Resource) -> None:
    browser = as_user(own(person))
    on = timezone.localdate() + timedelta(days=3)
    browser.post(page(person, "add_absence"), absence())
    typed = absence() | {"from_time": "10:00", "until_on": on.isoformat(), "until_time": "12:30"}
    browser.post(page(person, "add_absence"), typed)
    zone = person.district.tz
    spans = {
        (f"{one.during.lower.astimezone(zone):%H:%M}", f"{one.during.upper.astimezone(zone):%H:%M}")
        for one in Absence.objects.all()
    }
    assert spans == {("00:00", "00:00"), ("10:00", "12:30")}


def test_what_stands_in_the_time_is_named_and_stays() -> None:
    booking = factories.BookingFactory()
    person = booking.slot.session.specialist
    on = timezone.localdate(booking.start_at, person.district.tz)
    browser = as_user(own(person))
    answer = browser.post(
        page(person, "add_absence"), {"from_on": on.isoformat(), "reason": "illness"}, follow=True
    )
    text = answer.content.decode()
    assert "schon gebucht" in text
    assert "zu verlegen" in text
    booking.refresh_from_db()
    assert booking.status == "booked"


def test_an_absence_is_removed(person: Resource) -> None:
    browser = as_user(own(person))
    browser.post(page(person, "add_absence"), absence())
    url = reverse("scheduling:remove_absence", args=[Absence.objects.get().uuid])
    assert as_user(factories.UserFactory(roles=["specialist"])).post(url).status_code == 404
    assert browser.post(url).status_code == 302
    assert not Absence.objects.exists()


@pytest.mark.parametrize(
    "typed",
    [
        {"row-1-weekday": "1", "row-1-from_time": "16:00", "row-1-until_time": "18:00"},
        {"row-0-until_time": "13:00"},
        {"row-0-until_time": ""},
    ],
)
def test_impossible_hours_are_refused_and_nothing_is_kept(person: Resource, typed: dict[str, str]) -> None:
    answer = as_user(own(person)).post(page(person, "set_hours"), WEEK | typed)
    assert answer.status_code == 422
    assert not person.weekly_hours.exists()


def test_an_end_before_the_beginning_is_refused(person: Resource) -> None:
    yesterday = timezone.localdate()
    typed = absence() | {"until_on": yesterday.isoformat()}
    answer = as_user(own(person)).post(page(person, "add_absence"), typed)
    assert answer.status_code == 422
    assert "vor dem Beginn" in answer.content.decode()
    assert not Absence.objects.exists()


def test_who_has_only_their_own_times_is_led_there(person: Resource) -> None:
    assert as_user(own(person)).get(reverse("scheduling:presences"))["Location"] == page(person)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(number: int, django_assert_num_queries: Any) -> None:
    browser = as_user(factories.UserFactory(roles=["coordinator"]))
    for name in range(number):
        factories.RoomFactory(name=f"Zimmer {name}")
    url = reverse("scheduling:presences")
    browser.get(url)
    with django_assert_num_queries(5):  # session, user, second factor; resources, hours
        assert len(browser.get(url).context["resources"]) == number


def test_who_holds_talks_is_found_by_language_and_gender() -> None:
    anna = offered.caseworker()
    mara = offered.counsellor("Mara Linde", user=anna)
    slot = offered.slot(anna, number=1, counsellor=mara)
    wish = Wish(language="ti", gender="f")
    assert search.free(anna, wish) == []
    browser = as_user(anna)
    said = {"gender": "f", "languages": ["ti", "de"]}
    assert browser.post(page(mara, "describe_person"), said).status_code == 302
    assert search.free(anna, wish) == [slot]
    shown = browser.get(page(mara)).content.decode()
    assert re.search(r'value="ti"[^>]*checked', shown)
    assert AuditEvent.objects.about(mara).get().verb == "changed"
    colleague = as_user(offered.caseworker())
    assert colleague.post(page(mara, "describe_person"), said).status_code == 404


def test_a_room_has_neither_language_nor_gender() -> None:
    room = factories.RoomFactory()
    browser = as_user(factories.UserFactory(roles=["coordinator"]))
    assert browser.post(page(room, "describe_person"), {"gender": "f"}).status_code == 404
    assert "Sprachen und Geschlecht" not in browser.get(page(room)).content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_for_one_absence_and_for_many(
    person: Resource, number: int, django_assert_num_queries: Any
) -> None:
    slot = factories.SlotFactory(session__series__specialist=person)
    factories.BookingFactory(slot=slot)
    for day in range(number):
        at = slot.start_at + timedelta(days=day)
        person.absences.create(during=(at, at + timedelta(hours=1)), reason="leave")
    browser = as_user(own(person))
    browser.get(page(person))
    # session, user, second factor; the person, absences, what is booked in them, weekly hours
    with django_assert_num_queries(7):
        shown = browser.get(page(person)).context["absences"]
    assert [len(bookings) for _, bookings in shown] == [1] + [0] * (number - 1)
