"""Rooms, and the address that must tell nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling import resources
from scheduling.models import Resource
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("scheduling:rooms"), reverse("scheduling:add_room")
TYPED = {"name": "Zimmer 12", "address": "Hauptstr. 1, Zimmer 12", "way": "Aufzug im Hof", "is_active": "on"}


@pytest.fixture
def browser() -> Client:
    return as_user(factories.UserFactory(roles=["administrator"]))


@pytest.mark.parametrize(
    ("role", "status"),
    [("coordinator", 200), ("administrator", 200), ("caseworker", 403), ("specialist", 403)],
)
def test_who_manages_rooms(role: str, status: int) -> None:
    room = factories.RoomFactory()
    browser = as_user(factories.UserFactory(roles=[role]))
    urls = [LIST, ADD, reverse("scheduling:room", args=[room.uuid])]
    assert {browser.get(url).status_code for url in urls} == {status}


def test_rooms_of_other_districts_do_not_exist(browser: Client) -> None:
    foreign = factories.RoomFactory(district=factories.DistrictFactory(name="Nachbarkreis"), name="Fern")
    url = reverse("scheduling:room", args=[foreign.uuid])
    assert browser.get(url).status_code == browser.post(url, TYPED).status_code == 404
    assert "Fern" not in browser.get(LIST).content.decode()
    foreign.refresh_from_db()
    assert foreign.name == "Fern"


def test_a_specialist_is_no_room(browser: Client) -> None:
    specialist = factories.SpecialistFactory()
    assert browser.get(reverse("scheduling:room", args=[specialist.uuid])).status_code == 404


def test_a_room_is_entered_and_changed(browser: Client) -> None:
    assert browser.post(ADD, TYPED).status_code == 302
    room = Resource.objects.get()
    assert (room.kind, room.address, room.way, room.is_active) == (
        "room",
        "Hauptstr. 1, Zimmer 12",
        "Aufzug im Hof",
        True,
    )
    url = reverse("scheduling:room", args=[room.uuid])
    browser.post(url, {"name": "Zimmer 12", "address": "Hauptstr. 2"})
    room.refresh_from_db()
    assert (room.address, room.way, room.is_active) == ("Hauptstr. 2", "", False)
    assert list(AuditEvent.objects.about(room).order_by("pk").values_list("verb", flat=True)) == [
        "added",
        "changed",
    ]


def test_two_rooms_of_one_name_are_refused_politely(browser: Client) -> None:
    browser.post(ADD, TYPED)
    again = browser.post(ADD, TYPED)
    assert again.status_code == 422
    assert "gibt es schon" in again.content.decode()
    assert Resource.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "text", "word"),
    [
        ("address", "Traumazentrum, Hauptstr. 1", "Traumazentrum"),
        ("address", "Psychosoziale Stelle, Hof 2", "Psychosoziale"),
        ("address", "Praxis Facharzt, 2. OG", "Facharzt"),
        ("address", "Migrationsberatung, Zi. 3", "Migrationsberatung"),
        ("address", "Flüchtlingsamt Zi. 3", "Flüchtlingsamt"),
        ("way", "Eingang der Klinik", "Klinik"),
        ("address", "Dr. Weber, Hauptstr. 1", "Weber"),
    ],
)
def test_an_address_that_tells_is_refused(browser: Client, field: str, text: str, word: str) -> None:
    factories.UserFactory(roles=["specialist"], name="Dr. Anna Weber")
    response = browser.post(ADD, TYPED | {field: text})
    assert response.status_code == 422
    assert f"„{word}“" in response.content.decode()
    assert not Resource.objects.exists()


@pytest.mark.parametrize(
    "address", ["Klinikstr. 5, Zi. 2", "Am Quarzturm 3", "Schwarzthal 7", "Weberstraße 3", "Arztgasse 1"]
)
def test_a_street_is_only_a_street(browser: Client, address: str) -> None:
    factories.UserFactory(roles=["specialist"], name="Dr. Anna Weber")
    assert browser.post(ADD, TYPED | {"address": address}).status_code == 302


def test_the_rule_itself_refuses_too() -> None:
    by = factories.UserFactory(roles=["administrator"])
    with pytest.raises(ValueError, match="Klinik"):
        resources.save_room(None, name="x", address="Klinik, Hof 2", by=by)


def test_letters_that_make_every_message_longer_are_warned_of(browser: Client) -> None:
    page = browser.post(ADD, TYPED | {"address": "Hauptstr. 1 – Hof „B“"}, follow=True).content.decode()
    assert "– „ “" in page
    assert Resource.objects.get().address == "Hauptstr. 1 – Hof „B“"
    assert "länger" not in browser.post(ADD, TYPED, follow=True).content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_room_and_for_many(
    browser: Client, number: int, django_assert_num_queries: Any
) -> None:
    for n in range(number):
        factories.RoomFactory(name=f"Zimmer {n}")
    browser.get(LIST)
    with django_assert_num_queries(4):
        assert len(browser.get(LIST).context["rooms"]) == number


def test_an_empty_list_teaches_the_next_step(browser: Client) -> None:
    assert "Noch kein Raum" in browser.get(LIST).content.decode()


# --- Specialists -----------------------------------------------------------------------------------
def test_a_specialist_becomes_a_resource_once() -> None:
    user = factories.UserFactory(roles=["specialist"], name="Dr. Weber")
    made = resources.ensure_specialist(user, by=user)
    assert resources.ensure_specialist(user, by=user) == made
    assert (made.kind, made.name, made.user) == ("specialist", "Dr. Weber", user)
    assert AuditEvent.objects.about(made).get().verb == "added"


def test_two_specialists_of_one_name_can_be_told_apart() -> None:
    first, second = (factories.UserFactory(roles=["specialist"], name="Dr. Weber") for _ in range(2))
    names = {resources.ensure_specialist(user, by=None).name for user in (first, second)}
    assert names == {"Dr. Weber", f"Dr. Weber ({second.username})"}


def test_nobody_else_becomes_a_specialist() -> None:
    with pytest.raises(ValueError, match="not a specialist"):
        resources.ensure_specialist(factories.UserFactory(), by=None)


def test_a_room_in_use_that_is_no_longer_offered_says_what_stays_there(browser: Client) -> None:
    room = factories.RoomFactory()
    values = {"name": room.name, "address": room.address}
    url = reverse("scheduling:room", args=[room.uuid])
    assert "bleibt dort" not in browser.post(url, values, follow=True).content.decode()
    factories.SessionFactory(room=room, start_at=timezone.now() + timedelta(days=9))
    assert "bleibt dort" in browser.post(url, values, follow=True).content.decode()
    assert "bleibt dort" not in browser.post(url, values | {"is_active": "on"}, follow=True).content.decode()
