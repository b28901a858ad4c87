"""Pages of courses: on offer to the whole district, who takes part to few."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling import courses, enrolments
from scheduling.models import Attendance, Booking, Course, Rebooking, Resource, Series, Slot, WaitingEntry
from tests import factories
from tests.scheduling import course_offers as offers
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("scheduling:courses"), reverse("scheduling:add_course")


@pytest.fixture(autouse=True)
def _no_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.public_holidays.name", lambda day, land: "")


@pytest.fixture
def course() -> Course:
    return offers.enter(level_from="a1", level_to="b1")


@pytest.fixture
def place(course: Course) -> Any:
    client = factories.ClientFactory(given_name="Ada", family_name="Özdemir")
    return enrolments.enrol(course, client=client, by=client.owner)


def at(name: str, thing: Any) -> str:
    return reverse(f"scheduling:{name}", args=[thing.uuid])


def text(response: Any) -> str:
    return str(response.content.decode())


def titles(response: Any) -> list[str]:
    return [row.course.title for row in response.context["rows"]]


# --- The list --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("caseworker", 200),
        ("team_lead", 200),
        ("coordinator", 200),
        ("course_staff", 200),
        ("specialist", 403),
        ("administrator", 403),
    ],
)
def test_who_sees_the_courses(course: Course, role: str, status: int) -> None:
    browser = as_user(factories.UserFactory(roles=[role]))
    assert {browser.get(url).status_code for url in (LIST, at("course", course))} == {status}


def test_in_english_one_enrols_on_a_course_and_does_not_sign_in(place: Booking) -> None:
    owner = place.client.owner  # type: ignore[union-attr]  # made for a client
    owner.language = "en"
    owner.save()
    browser = as_user(owner)
    for url in (at("course", place.slot.course), at("enrol", place.slot.course)):
        main = text(browser.get(url)).partition("<main")[2].partition("</main>")[0]
        assert "Enrol" in main
        assert "sign in" not in main.lower()
        assert "signed in" not in main
    assert "enrolled" in text(browser.get(at("course", place.slot.course)))


def test_courses_of_other_districts_do_not_exist(course: Course) -> None:
    other = factories.OrganisationFactory(
        district=factories.DistrictFactory(name="Nachbarkreis"), name="Fernschule"
    )
    stranger = as_user(
        factories.UserFactory(organisation=other, roles=["course_staff", "coordinator", "caseworker"])
    )
    assert titles(stranger.get(LIST)) == []
    for name in ("course", "course_card", "course_places", "enrol", "change_course", "participants"):
        assert stranger.get(at(name, course)).status_code == 404


def test_the_list_is_narrowed_by_type_level_place_care_and_free_seats(course: Course) -> None:
    town = factories.MunicipalityFactory(name="Asperg")
    room = factories.RoomFactory(municipality=town)
    full = offers.enter(
        title="Sprachcafé",
        type="language_cafe",
        room=room,
        place="",
        capacity=1,
        has_child_care=True,
        lessons=offers.weekly(first_on=offers.monday() + timedelta(days=1)),
    )
    client = factories.ClientFactory()
    enrolments.enrol(full, client=client, by=client.owner)
    browser = as_user(factories.UserFactory())

    def found(**wanted: str) -> list[str]:
        return titles(browser.get(LIST, wanted))

    assert len(found()) == 2
    assert found(type="language_cafe") == ["Sprachcafé"]
    assert found(level="a2") == found(only_free="on") == [course.title]
    assert found(municipality="Asperg") == found(with_child_care="on") == ["Sprachcafé"]
    assert found(level="c2") == []
    assert len(found(type="nonsense", municipality="nirgendwo")) == 2


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_course_and_for_many(
    number: int, django_assert_num_queries: Any
) -> None:
    by = offers.staff()
    for n in range(number):
        offers.enter(by=by, title=f"Kurs {n}")
    browser = as_user(factories.UserFactory())
    browser.get(LIST)
    with django_assert_num_queries(7):
        assert len(titles(browser.get(LIST))) == number


def test_an_empty_list_teaches_the_next_step() -> None:
    assert "Tragen Sie den ersten ein" in text(as_user(offers.staff()).get(LIST))
    assert "Sobald ein Anbieter" in text(as_user(factories.UserFactory()).get(LIST))
    assert "Dazu passt gerade kein Kurs" in text(as_user(factories.UserFactory()).get(LIST, {"level": "c2"}))


def test_the_card_alone_says_what_is_left(course: Course, place: Any) -> None:
    card = text(as_user(factories.UserFactory()).get(at("course_card", course)))
    assert "noch 2 Plätze frei" in card
    assert "<html" not in card
    assert "Özdemir" not in card


# --- One course --------------------------------------------------------------------------------------
def test_names_are_seen_by_the_case_team_the_school_and_the_teacher_only(course: Course, place: Any) -> None:
    teacher = offers.staff(organisation=factories.OrganisationFactory(name="Honorar"))
    resource = offers.teacher(user=teacher)
    Series.objects.filter(course=course).update(specialist=resource)
    owner = place.client.owner
    shown = {
        "owner": owner,
        "school": course.created_by,
        "teacher": teacher,
        "colleague": factories.UserFactory(organisation=owner.organisation),
        "other school": offers.staff(organisation=factories.OrganisationFactory(name="Andere")),
        "coordination": factories.UserFactory(roles=["coordinator"]),
    }
    pages = {who: text(as_user(user).get(at("course", course))) for who, user in shown.items()}
    assert {who for who, page in pages.items() if "Özdemir" in page} == {"owner", "school", "teacher"}
    assert AuditEvent.objects.about(place.client).filter(is_look=True).count() == 3


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_for_one_person_and_for_many(
    number: int, django_assert_num_queries: Any
) -> None:
    course = offers.enter()
    for _ in range(number):
        client = factories.ClientFactory()
        enrolments.enrol(course, client=client, by=client.owner)
    browser = as_user(course.created_by)
    browser.get(at("course", course))
    with django_assert_num_queries(19):
        assert len(browser.get(at("course", course)).context["people"]) == number


def test_what_is_old_says_so() -> None:
    course = offers.enter(valid_until=timezone.localdate() - timedelta(days=1))
    assert "Diese Angaben sind älter" in text(as_user(factories.UserFactory()).get(at("course", course)))


# --- Entering and changing ---------------------------------------------------------------------------
def typed(**changes: Any) -> dict[str, Any]:
    return {
        "title": "Deutsch am Abend",
        "type": "vocational",
        "audience": "all",
        "level_from": "b1",
        "level_to": "b2",
        "capacity": "16",
        "pattern": "weekly",
        "start_on": offers.monday().isoformat(),
        "end_on": (offers.monday() + timedelta(days=20)).isoformat(),
        "weekdays": ["0", "2"],
        "every": "1",
        "start_time": "18:00",
        "minutes": "90",
        "place": "Marktplatz 4",
        "new_teacher": "Frau Lehmann",
    } | changes


def test_a_course_is_entered_with_its_dates() -> None:
    by = offers.staff()
    left_out = offers.monday() + timedelta(days=2)
    response = as_user(by).post(ADD, typed(organisation=by.organisation_id, leave_out=f"{left_out:%d.%m.%Y}"))
    course = Course.objects.get()
    assert response.url == at("course", course)  # type: ignore[attr-defined]
    assert courses.lessons(course).count() == 5
    assert course.series is not None
    assert course.series.specialist == Resource.objects.get(name="Frau Lehmann")
    assert (course.slot.capacity, course.levels, course.organisation) == (16, "B1–B2", by.organisation)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weekdays": []}, "Bitte ausfüllen."),
        ({"pattern": "days"}, "Bitte ausfüllen."),
        ({"pattern": "days", "days": "morgen"}, "„morgen“ ist kein Tag"),
        ({"place": ""}, "Bitte nennen Sie einen Raum oder einen Ort."),
        ({"place": "Traumaambulanz"}, "Das verrät, worum es geht"),
        ({"level_to": "a1"}, "Das Niveau am Ende liegt unter dem am Anfang."),
        ({"end_on": "2020-01-01"}, "Das Ende liegt vor dem Beginn."),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(changes: dict[str, Any], sentence: str) -> None:
    by = offers.staff()
    response = as_user(by).post(ADD, typed(organisation=by.organisation_id, **changes))
    assert response.status_code == 422
    assert sentence in text(response)
    assert not Course.objects.exists()


def test_a_teacher_who_is_elsewhere_is_named() -> None:
    by = offers.staff()
    teacher = offers.teacher()
    offers.enter(by=by, teacher=teacher)
    said = typed(organisation=by.organisation_id, teacher=teacher.pk, new_teacher="", weekdays=["1"])
    response = as_user(by).post(ADD, said | {"start_time": "10:00"})
    assert response.status_code == 422
    assert "Frau Lehmann ist schon belegt" in text(response)


def test_only_the_coordination_enters_for_others() -> None:
    other = factories.OrganisationFactory(name="Andere")
    assert as_user(offers.staff()).post(ADD, typed(organisation=other.pk)).status_code == 422
    coordinator = as_user(factories.UserFactory(roles=["coordinator"]))
    assert coordinator.post(ADD, typed(organisation=other.pk)).status_code == 302
    assert as_user(factories.UserFactory()).get(ADD).status_code == 403


def test_a_course_is_changed_by_its_own_organisation(course: Course) -> None:
    said = {"title": "Neu", "type": "integration", "audience": "women", "capacity": "5"}
    url = at("change_course", course)
    stranger = as_user(offers.staff(organisation=factories.OrganisationFactory(name="Andere")))
    assert stranger.post(url, said).status_code == 404
    assert as_user(factories.UserFactory()).post(url, said).status_code == 403
    assert as_user(course.created_by).post(url, said | {"end_on": course.end_on}).status_code == 302
    course.refresh_from_db()
    assert (course.title, course.audience, course.slot.capacity) == ("Neu", "women", 5)


def test_teacher_and_place_are_changed_by_those_who_keep_the_course(course: Course) -> None:
    page = at("change_teaching", course)
    others = offers.staff(organisation=factories.OrganisationFactory(name="Andere"))
    answers = [
        as_user(user).get(page).status_code for user in (offers.staff(), others, factories.UserFactory())
    ]
    assert answers == [200, 404, 403]
    own = as_user(course.created_by)
    assert 'value="Marktplatz 4"' in text(own.get(page))
    assert "verrät, worum es geht" in text(own.post(page, {"place": "Traumazentrum"}))
    said = {"new_teacher": "Herr Neu", "place": "Marktplatz 4"}
    answer = own.post(page, said, follow=True)
    assert "Gespeichert, es gilt für 8 Kurstermine." in text(answer)
    assert "Herr Neu" in text(answer)
    again = own.post(page, {"teacher": Resource.objects.get(name="Herr Neu").pk, "place": "Marktplatz 4"})
    assert again.status_code == 422
    assert "dieselben wie bisher" in text(again)


def test_dates_are_added_and_cancelled(course: Course) -> None:
    browser = as_user(course.created_by)
    day = offers.monday() + timedelta(days=2)
    browser.post(at("add_lessons", course), {"days": f"{day:%d.%m.%Y}", "start_time": "10:00"})
    assert courses.lessons(course).open().count() == 9
    again = browser.post(at("add_lessons", course), {"days": f"{day:%d.%m.%Y}", "start_time": "10:00"})
    assert again.status_code == 422
    lesson = courses.lessons(course)[0]
    browser.post(at("cancel_lesson", lesson), {"reason": "Lehrkraft krank"})
    assert courses.lessons(course).open().count() == 8
    stranger = as_user(offers.staff(organisation=factories.OrganisationFactory(name="Andere")))
    assert stranger.post(at("cancel_lesson", lesson), {"reason": "x"}).status_code == 404


def test_calling_off_names_the_consequence_and_tells_the_case_team(course: Course, place: Any) -> None:
    browser = as_user(course.created_by)
    assert "1 Person verliert ihren Platz" in text(browser.get(at("call_off_course", course)))
    page = browser.post(at("call_off_course", course), {"reason": "zu wenige"}, follow=True)
    assert "Dieser Kurs ist abgesagt." in text(page)
    assert Rebooking.objects.get().booking == place
    rebook = as_user(place.client.owner).get(reverse("scheduling:rebook"))
    assert course.title in text(rebook)


# --- Enrolling ---------------------------------------------------------------------------------------
def enrolling(client: Any, **changes: Any) -> dict[str, Any]:
    return {"client": client.uuid, "requested_on": timezone.localdate().isoformat()} | changes


def test_one_enrols_ones_own_clients_only(course: Course) -> None:
    client = factories.ClientFactory()
    colleague = factories.UserFactory(organisation=client.organisation)
    key = {"idempotency_key": client.uuid}
    assert as_user(colleague).post(at("enrol", course), enrolling(client, **key)).status_code == 422
    assert as_user(course.created_by).post(at("enrol", course), enrolling(client, **key)).status_code == 422
    coordinator = as_user(factories.UserFactory(roles=["coordinator"]))
    assert coordinator.post(at("enrol", course), enrolling(client, **key)).status_code == 403
    browser = as_user(client.owner)
    for _ in range(2):
        assert browser.post(at("enrol", course), enrolling(client, **key)).status_code == 302
    assert Booking.objects.get().client == client


def test_an_appointment_at_the_time_of_the_course_is_warned_of(course: Course) -> None:
    client = factories.ClientFactory()
    lesson = courses.lessons(course)[0]
    slot = factories.SlotFactory(session=factories.SessionFactory(start_at=lesson.start_at))
    made = factories.BookingFactory(slot=slot, client=client, holder=client.owner)
    browser = as_user(client.owner)
    said = enrolling(client, idempotency_key=client.uuid)
    assert "Zur selben Zeit wie der Kurs" in text(browser.post(at("enrol", course), said, follow=True))
    assert "Zu dieser Zeit ist Kurs" in text(browser.get(at("booking", made)))


def test_a_full_course_offers_the_waiting_list() -> None:
    course = offers.enter(capacity=1)
    first, second = factories.ClientFactory(), factories.ClientFactory()
    enrolments.enrol(course, client=first, by=first.owner)
    browser = as_user(second.owner)
    page = text(browser.get(at("enrol", course)))
    assert "Auf die Warteliste" in page
    assert "Verbindlich anmelden" not in page
    said = enrolling(second, idempotency_key=second.uuid)
    assert browser.post(at("enrol", course), said).status_code == 409
    assert browser.post(at("enrol", course), said | {"act": "wait"}).status_code == 302
    assert WaitingEntry.objects.get().slot == course.slot
    assert "1 Person wartet" in text(browser.get(at("course", course)))
    assert "auf der Warteliste" in text(browser.get(reverse("clients:detail", args=[second.uuid])))


def test_guests_are_entered_by_name_for_events() -> None:
    by = offers.staff()
    event = offers.enter(type="training", audience="third_parties", by=by)
    said = {"guest": "Herr Weiß", "requested_on": timezone.localdate(), "idempotency_key": event.uuid}
    assert as_user(by).post(at("enrol", event), said).status_code == 302
    assert "Herr Weiß" in text(as_user(by).get(at("course", event)))
    assert "Herr Weiß" not in text(as_user(factories.UserFactory()).get(at("course", event)))


def test_ending_is_for_the_case_team_and_the_school(course: Course, place: Any) -> None:
    said = {"outcome": "left", "left_reason": "work", "ended_on": timezone.localdate()}
    url = at("end_place", place)
    colleague = factories.UserFactory(organisation=place.client.organisation)
    other = offers.staff(organisation=factories.OrganisationFactory(name="Andere"))
    for stranger in (colleague, other):
        assert as_user(stranger).post(url, said).status_code == 404
    browser = as_user(place.client.owner)
    assert browser.post(url, said | {"left_reason": ""}).status_code == 422
    assert browser.post(url, said).status_code == 302
    place.refresh_from_db()
    assert (place.status, place.enrolment.left_reason) == ("cancelled", "work")
    page = text(browser.get(reverse("clients:detail", args=[place.client.uuid])))
    assert "vorzeitig beendet" in page


# --- Attendance --------------------------------------------------------------------------------------
@pytest.fixture
def lesson(course: Course) -> Slot:
    first = courses.lessons(course)[0]
    start_at = timezone.now() - timedelta(minutes=1)
    Slot.objects.filter(pk=first.pk).update(start_at=start_at, end_at=start_at + timedelta(hours=3))
    return first


def test_a_tap_marks_and_the_same_tap_takes_it_back(course: Course, lesson: Slot, place: Any) -> None:
    browser = as_user(course.created_by)
    answer = browser.post(
        at("roll", lesson), {"place": place.uuid, "status": "present"}, headers={"HX-Request": "true"}
    )
    assert Attendance.objects.get().status == "present"
    assert 'aria-pressed="true"' in text(answer)
    assert "1 da, 0 entschuldigt, 0 gefehlt" in text(answer)
    browser.post(at("roll", lesson), {"place": place.uuid, "status": ""})
    assert not Attendance.objects.exists()
    assert browser.post(at("roll", lesson), {"place": place.uuid, "status": "nonsense"}).status_code == 400
    assert browser.post(at("roll", lesson), {"place": lesson.uuid, "status": "present"}).status_code == 404


def test_the_list_is_for_those_who_run_the_course(course: Course, lesson: Slot, place: Any) -> None:
    other = offers.staff(organisation=factories.OrganisationFactory(name="Andere"))
    for url in (at("roll", lesson), at("participants", course)):
        assert "Özdemir, Ada" in text(as_user(course.created_by).get(url))
        assert as_user(other).get(url).status_code == 404
        for user in (place.client.owner, factories.UserFactory(roles=["coordinator"])):
            assert as_user(user).get(url).status_code == 403


def test_nobody_can_be_tapped_before_the_day(course: Course, place: Any) -> None:
    later = courses.lessons(course)[2]
    browser = as_user(course.created_by)
    assert "aria-pressed" not in text(browser.get(at("roll", later)))
    refused = browser.post(at("roll", later), {"place": place.uuid, "status": "present"})
    assert refused.status_code == 409
    assert "ab dem Tag des Kurses" in text(refused)


def test_the_sheet_has_a_column_for_each_date_and_what_is_marked(
    course: Course, lesson: Slot, place: Any
) -> None:
    Attendance.objects.create(
        lesson=lesson, booking=place, status="excused", marked_at=timezone.now(), marked_by=place.holder
    )
    page = text(as_user(course.created_by).get(at("participants", course)))
    assert page.count('<th scope="col">') == 10
    assert "entschuldigt" in page
    looked = AuditEvent.objects.about(place.client).get(verb="printed")
    assert looked.actor == course.created_by.uuid


def test_the_clients_page_shows_how_often_they_were_there(course: Course, lesson: Slot, place: Any) -> None:
    Attendance.objects.create(
        lesson=lesson, booking=place, status="present", marked_at=timezone.now(), marked_by=place.holder
    )
    browser: Client = as_user(place.client.owner)
    page = text(browser.get(reverse("clients:detail", args=[place.client.uuid])))
    assert course.title in page
    assert "1 da, 0 entschuldigt, 0 gefehlt" in page
