"""Enrolment, recovery codes, another phone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
import time_machine
from django.test import Client

from accounts import second_factor
from accounts.models import TotpDevice, User
from tests.factories import PASSWORD, UserFactory
from tests.sign_in import as_user, code_of

NOW = datetime(2026, 12, 8, 14, 0, 10, tzinfo=UTC)
ENROL = "/anmelden/einrichten/"
QR = "/anmelden/einrichten/qr.svg"
CODES = "/konto/notfallcodes/"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def newcomer(db: None) -> User:
    return UserFactory(username="neu", password=PASSWORD)


@pytest.fixture
def at_the_door(client: Client, newcomer: User) -> Client:
    client.post("/anmelden/", {"username": "neu", "password": PASSWORD})
    return client


def _pending_code(user: User) -> str:
    return second_factor.current_code(TotpDevice.objects.get(user=user, confirmed=False).secret)


def test_the_first_sign_in_leads_to_the_enrolment(at_the_door: Client, newcomer: User) -> None:
    response = at_the_door.get("/anmelden/code/?next=/konto/")
    assert response["Location"] == f"{ENROL}?next=%2Fkonto%2F"
    page = at_the_door.get(response["Location"]).text
    secret = TotpDevice.objects.get(user=newcomer).secret
    assert secret in page.replace(" ", "")
    assert QR in page


def test_the_qr_code_is_a_picture_of_the_secret_and_kept_nowhere(at_the_door: Client, newcomer: User) -> None:
    response = at_the_door.get(QR)
    assert response["Content-Type"] == "image/svg+xml"
    assert ElementTree.fromstring(response.content).tag == "{http://www.w3.org/2000/svg}svg"
    assert "style=" not in response.text
    assert "no-store" in response["Cache-Control"]


def test_a_right_code_opens_the_pages_and_shows_ten_codes_once(at_the_door: Client, newcomer: User) -> None:
    at_the_door.get(ENROL)
    response = at_the_door.post(ENROL, {"code": _pending_code(newcomer), "next": "/konto/"})
    assert len(response.context["codes"]) == 10
    assert all(code in response.text for code in response.context["codes"])
    assert "no-store" in response["Cache-Control"]
    assert at_the_door.get("/konto/").status_code == 200
    assert response.context["codes"][0] not in at_the_door.get(CODES).text


def test_a_wrong_code_enrols_nothing(at_the_door: Client, newcomer: User) -> None:
    at_the_door.get(ENROL)
    response = at_the_door.post(ENROL, {"code": "000000"})
    assert "Dieser Code stimmt nicht" in response.text
    assert at_the_door.get("/konto/").status_code == 302


@pytest.mark.parametrize("address", [ENROL, QR])
def test_who_knows_only_the_password_cannot_set_up_another_phone(
    at_the_door: Client, newcomer: User, address: str
) -> None:
    second_factor.give(newcomer, second_factor.new_secret())
    response = at_the_door.get(address)
    assert response["Location"].startswith("/anmelden/code/")
    at_the_door.post(ENROL, {"code": "000000"})
    assert TotpDevice.objects.filter(user=newcomer, confirmed=False).count() == 0


def test_another_phone_asks_for_a_fresh_code_first(newcomer: User, clock: time_machine.Traveller) -> None:
    client = as_user(newcomer)
    clock.shift(timedelta(minutes=6))
    response = client.get(ENROL)
    assert response["Location"] == f"/anmelden/code/?next={ENROL.replace('/', '%2F')}"
    client.post(response["Location"], {"code": code_of(newcomer), "next": ENROL})
    client.get(ENROL)
    clock.shift(30)
    client.post(ENROL, {"code": _pending_code(newcomer)})
    assert TotpDevice.objects.filter(user=newcomer).count() == 1


def test_another_phone_closes_the_sessions_of_the_old_one(
    newcomer: User, clock: time_machine.Traveller
) -> None:
    elsewhere, here = as_user(newcomer), as_user(newcomer)
    here.get(ENROL)
    here.post(ENROL, {"code": _pending_code(newcomer)})
    assert here.get("/konto/").status_code == 200
    assert elsewhere.get("/konto/")["Location"].startswith("/anmelden/")


def test_new_recovery_codes_are_shown_once_and_end_the_old(
    newcomer: User, clock: time_machine.Traveller
) -> None:
    old = second_factor.renew_recovery_codes(newcomer)
    client = as_user(newcomer)
    response = client.post(f"{CODES}neu/")
    assert len(set(response.context["codes"]) - set(old)) == 10
    assert not second_factor.verify(newcomer, old[0])


def test_new_recovery_codes_ask_for_a_fresh_code_first(newcomer: User, clock: time_machine.Traveller) -> None:
    second_factor.renew_recovery_codes(newcomer)
    before = set(newcomer.recovery_codes.values_list("digest", flat=True))
    client = as_user(newcomer)
    clock.shift(timedelta(minutes=6))
    response = client.post(f"{CODES}neu/")
    assert response["Location"].startswith("/anmelden/code/")
    assert set(newcomer.recovery_codes.values_list("digest", flat=True)) == before


def test_the_profile_says_how_many_codes_are_left(newcomer: User) -> None:
    second_factor.renew_recovery_codes(newcomer)
    assert "noch 10 von 10" in as_user(newcomer).get("/konto/").text
