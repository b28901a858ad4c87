"""Connecting and removing one's calendar from elsewhere."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scheduling import external
from scheduling.models import Absence, ExternalCalendar, Resource
from tests import factories
from tests.scheduling.test_external import file
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
PAGE = reverse("scheduling:external")
SOON = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def doctor() -> Resource:
    made: Resource = factories.SpecialistFactory()
    return made


@pytest.fixture
def browser(doctor: Resource) -> Client:
    assert doctor.user is not None
    return as_user(doctor.user)


def ics(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("praxis.ics", data, content_type="text/calendar")


def test_a_file_is_read_at_once(browser: Client) -> None:
    soon = timezone.now() + timedelta(days=2)
    answer = browser.post(PAGE, {"name": "Praxis", "file": ics(file(soon))}, follow=True)
    assert "Die Datei ist gelesen." in answer.content.decode()
    assert "Praxis" in answer.content.decode()
    assert Absence.objects.count() == 1


def test_an_address_waits_for_its_minute(browser: Client) -> None:
    answer = browser.post(PAGE, {"name": "Praxis", "address": "webcal://example.org/a.ics"}, follow=True)
    assert "wartet" in answer.content.decode()
    assert ExternalCalendar.objects.get().address == "https://example.org/a.ics"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": "A"}, "Bitte geben Sie eine Adresse an oder wählen Sie eine Datei."),
        (
            {"name": "A", "address": "http://example.org/"},
            "Die Adresse muss mit https:// oder webcal:// beginnen.",
        ),
        ({"name": "A", "file": b"<html>"}, "Das ist keine Kalenderdatei"),
        ({"name": "A", "file": b""}, "Das ist keine Kalenderdatei"),
        ({"name": "A", "file": b"x" * 1_000_001}, "Die Datei ist zu groß."),
        ({"file": file()}, "name"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_kept(browser: Client, typed: dict[str, Any], words: str) -> None:
    data = {key: ics(value) if isinstance(value, bytes) else value for key, value in typed.items()}
    answer = browser.post(PAGE, data)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ExternalCalendar.objects.exists()


@pytest.mark.promise(23)
def test_a_file_beyond_all_measure_is_refused_before_it_is_read(browser: Client) -> None:
    answer = browser.post(PAGE, {"name": "A", "file": ics(b"x" * 3_000_000)})
    assert answer.status_code in {400, 413}
    assert not ExternalCalendar.objects.exists()


def test_a_sixth_is_refused_in_words(browser: Client) -> None:
    for _ in range(6):
        answer = browser.post(PAGE, {"name": "A", "file": ics(file())})
    assert answer.status_code == 422
    assert "Mehr als fünf Kalender gehen nicht." in answer.content.decode()


def test_what_went_wrong_last_stands_beside_it(browser: Client, doctor: Resource) -> None:
    assert doctor.user is not None
    external.subscribe(doctor, name="Praxis", address="https://example.org/a.ics", by=doctor.user)
    ExternalCalendar.objects.update(fault="unreachable", read_at=timezone.now())
    page = browser.get(PAGE).content.decode()
    assert "Unter dieser Adresse ist niemand zu erreichen." in page
    assert "Was wir zuletzt gelesen haben, gilt weiter." in page
    assert "example.org" not in page


def test_only_its_owner_sees_and_removes_it(browser: Client, doctor: Resource) -> None:
    browser.post(PAGE, {"name": "Kanarienvogel", "file": ics(file())})
    calendar = ExternalCalendar.objects.get()
    url = reverse("scheduling:remove_external", args=[calendar.uuid])
    others = [
        factories.SpecialistFactory(name="Dr. Anders").user,
        factories.UserFactory(),
        factories.UserFactory(organisation__name="Caritas", roles=["coordinator"]),
    ]
    for other in others:
        stranger = as_user(other)
        assert stranger.get(url).status_code == stranger.post(url).status_code == 404
        assert calendar.name not in stranger.get(PAGE).content.decode()
    assert ExternalCalendar.objects.count() == 1
    assert "Kalender entfernen?" in browser.get(url).content.decode()
    browser.post(url)
    assert not ExternalCalendar.objects.exists()


def test_who_holds_nothing_has_nothing_to_block() -> None:
    browser = as_user(factories.UserFactory())
    assert "Für Sie gibt es nichts zu sperren" in browser.get(PAGE).content.decode()
    browser.post(PAGE, {"name": "A", "file": ics(file())})
    assert not ExternalCalendar.objects.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_however_long(
    browser: Client, number: int, django_assert_num_queries: Any
) -> None:
    for _ in range(number):
        browser.post(PAGE, {"name": "A", "file": ics(file())})
    browser.get(PAGE)
    with django_assert_num_queries(5):  # session, user, device; resource, calendars
        browser.get(PAGE)
