"""Signing in: password, then code; back to where one was going; lock-out; idle; out again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts import known_devices, second_factor
from accounts.models import AuditEvent, User
from tests.factories import PASSWORD, UserFactory
from tests.sign_in import as_user, code_of

NOW = datetime(2026, 12, 8, 14, 0, 10, tzinfo=UTC)
SIGN_IN = "/anmelden/"
CODE = "/anmelden/code/"
PROFILE = "/konto/"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(db: None) -> User:
    user = UserFactory(username="anna", password=PASSWORD)
    second_factor.give(user, second_factor.new_secret())
    return user


def _give_password(client: Client, password: str = PASSWORD, **data: str) -> int:
    return client.post(SIGN_IN, {"username": "anna", "password": password, **data}).status_code


def _sign_in_fully(client: Client, user: User, **data: str) -> None:
    _give_password(client, **data)
    client.post(CODE, {"code": code_of(user), **data})


def _may_enter(client: Client) -> bool:
    return client.get(PROFILE).status_code == 200


def _with_session(key: str | None) -> Client:
    client = Client()
    client.cookies["sessionid"] = key or ""
    return client


def test_password_and_code_open_the_pages(client: Client, user: User) -> None:
    assert not _may_enter(client)
    _give_password(client)
    assert not _may_enter(client), "the password alone opens nothing"
    client.post(CODE, {"code": code_of(user)})
    assert _may_enter(client)
    assert "signed_in" in AuditEvent.objects.about(user).values_list("verb", flat=True)


def test_the_name_is_understood_in_any_case(client: Client, user: User) -> None:
    client.post(SIGN_IN, {"username": " Anna ", "password": PASSWORD})
    client.post(CODE, {"code": code_of(user)})
    assert _may_enter(client)


def test_a_wrong_password_opens_nothing_and_is_on_record(client: Client, user: User) -> None:
    response = client.post(SIGN_IN, {"username": "anna", "password": "falsch"})
    assert "Anmeldename oder Passwort stimmt nicht" in response.text
    assert client.get(CODE).status_code == 302
    assert list(AuditEvent.objects.about(user).values_list("verb", flat=True)) == ["failed_to_sign_in"]


def test_an_unknown_name_gets_the_same_answer(client: Client, user: User) -> None:
    known = client.post(SIGN_IN, {"username": "anna", "password": "falsch"})
    unknown = client.post(SIGN_IN, {"username": "otto", "password": "falsch"})
    assert unknown.status_code == known.status_code
    assert unknown.context["form"].errors == known.context["form"].errors


def test_a_closed_account_cannot_sign_in(client: Client, user: User) -> None:
    User.objects.update(is_active=False)
    _give_password(client)
    assert "_auth_user_id" not in client.session


@pytest.mark.promise(26)
def test_a_code_of_the_last_sign_in_is_refused(client: Client, user: User) -> None:
    code = code_of(user)
    _give_password(client)
    client.post(CODE, {"code": code})
    other = Client()
    _give_password(other)
    response = other.post(CODE, {"code": code})
    assert "wurde schon benutzt" in response.text
    assert not _may_enter(other)


def test_a_recovery_code_opens_the_pages_once(client: Client, user: User, clock: object) -> None:
    code = second_factor.renew_recovery_codes(user)[0]
    _give_password(client)
    client.post(CODE, {"code": code})
    assert _may_enter(client)
    other = Client()
    _give_password(other)
    other.post(CODE, {"code": code})
    assert not _may_enter(other)


@pytest.mark.promise(25)
def test_the_session_id_changes_at_the_password_and_at_the_code(client: Client, user: User) -> None:
    client.post("/sprache/", {"language": "en"})
    ids = [client.session.session_key]
    _give_password(client)
    ids.append(client.session.session_key)
    client.post(CODE, {"code": code_of(user)})
    ids.append(client.session.session_key)
    assert len(set(ids)) == 3
    assert not _may_enter(_with_session(ids[1]))


class TestWhereOneWasGoing:
    def test_sign_in_lands_there(self, client: Client, user: User) -> None:
        response = client.get("/konto/notfallcodes/")
        assert response["Location"] == f"{SIGN_IN}?next=%2Fkonto%2Fnotfallcodes%2F"
        response = client.post(
            SIGN_IN, {"username": "anna", "password": PASSWORD, "next": "/konto/notfallcodes/"}
        )
        response = client.post(response["Location"], {"code": code_of(user), "next": "/konto/notfallcodes/"})
        assert response["Location"] == "/konto/notfallcodes/"

    @pytest.mark.parametrize(
        "address", ["https://boese.example/", "//boese.example/", "javascript:alert(1)", "/\\boese.example"]
    )
    def test_never_at_a_foreign_address(self, client: Client, user: User, address: str) -> None:
        _give_password(client, next=address)
        response = client.post(CODE, {"code": code_of(user), "next": address})
        assert response["Location"] == "/"

    def test_somebody_signed_in_does_not_see_the_form(self, user: User) -> None:
        response = as_user(user).get(f"{SIGN_IN}?next=/konto/", follow=True)
        assert response.request["PATH_INFO"] == PROFILE


class TestLockOut:
    @pytest.mark.promise(26)
    def test_five_wrong_passwords_make_the_right_one_wait(
        self, client: Client, user: User, clock: time_machine.Traveller
    ) -> None:
        statuses = [_give_password(client, "falsch") for _ in range(5)]
        assert statuses == [422, 422, 422, 422, 429]
        clock.shift(timedelta(minutes=5))
        response = client.post(SIGN_IN, {"username": "anna", "password": PASSWORD})
        assert "In 10 Minuten können Sie es wieder versuchen" in response.text
        clock.shift(timedelta(minutes=10, seconds=1))
        _sign_in_fully(client, user)
        assert _may_enter(client)

    @pytest.mark.promise(26)
    def test_changing_the_browser_does_not_help(self, user: User) -> None:
        for number in range(5):
            browser = Client(headers={"User-Agent": f"Browser {number}"}, REMOTE_ADDR=f"10.0.0.{number}")
            browser.post(SIGN_IN, {"username": "anna", "password": "falsch"})
        assert _give_password(Client()) == 429

    @pytest.mark.promise(26)
    def test_a_known_device_goes_on(self, client: Client, user: User, clock: time_machine.Traveller) -> None:
        _sign_in_fully(client, user)
        client.post("/abmelden/")
        for _ in range(6):
            _give_password(Client(), "falsch")
        clock.shift(31)
        _sign_in_fully(client, user)
        assert _may_enter(client)

    @pytest.mark.promise(26)
    def test_neither_does_it_lock_others_behind_the_same_address(self, client: Client, user: User) -> None:
        for _ in range(6):
            _give_password(client, "falsch")
        colleague = UserFactory(username="berta", password=PASSWORD)
        client.post(SIGN_IN, {"username": "berta", "password": PASSWORD})
        assert client.session["_auth_user_id"] == str(colleague.pk)

    @pytest.mark.promise(26)
    def test_a_device_known_to_somebody_else_is_unknown_to_this_account(self, user: User) -> None:
        insider = UserFactory(username="berta", password=PASSWORD)
        second_factor.give(insider, second_factor.new_secret())
        browser = Client()
        browser.post(SIGN_IN, {"username": "berta", "password": PASSWORD})
        browser.post(CODE, {"code": code_of(insider)})
        browser.post("/abmelden/")
        assert known_devices.COOKIE in browser.cookies
        for _ in range(5):
            _give_password(browser, "falsch")
        assert _give_password(Client()) == 429

    def test_wrong_codes_say_how_long_to_wait(
        self, client: Client, user: User, clock: time_machine.Traveller
    ) -> None:
        _give_password(client)
        for _ in range(9):
            response = client.post(CODE, {"code": "000000"})
            clock.shift(second_factor.wait(user, place=known_devices.UNKNOWN))
        response = client.post(CODE, {"code": "000000"})
        assert "Bitte warten Sie 9 Minuten" in response.text


class TestGoingOut:
    def test_sign_out_ends_the_session(self, user: User) -> None:
        client = as_user(user)
        old = client.session.session_key
        client.post("/abmelden/")
        assert not _may_enter(_with_session(old))

    def test_sign_out_needs_a_post(self, user: User) -> None:
        client = as_user(user)
        assert client.get("/abmelden/").status_code == 405
        assert _may_enter(client)

    def test_locking_asks_for_a_code_and_comes_back(self, user: User) -> None:
        client = as_user(user)
        response = client.post("/sperren/", {"next": "/konto/notfallcodes/"})
        assert not _may_enter(client)
        response = client.post(response["Location"], {"code": code_of(user), "next": "/konto/notfallcodes/"})
        assert response["Location"] == "/konto/notfallcodes/"
        assert _may_enter(client)


class TestIdle:
    def test_half_an_hour_without_anybody_signs_out(self, user: User, clock: time_machine.Traveller) -> None:
        client = as_user(user)
        assert _may_enter(client)
        clock.shift(timedelta(minutes=29))
        assert _may_enter(client)
        clock.shift(timedelta(minutes=31))
        response = client.get(PROFILE, follow=True)
        assert "Sie waren eine Weile nicht aktiv" in response.text
        assert "_auth_user_id" not in client.session

    def test_saying_one_is_there_keeps_the_session(self, user: User, clock: time_machine.Traveller) -> None:
        client = as_user(user)
        assert _may_enter(client)
        for _ in range(3):
            clock.shift(timedelta(minutes=29))
            assert client.post(reverse("accounts:keep_alive")).json() == {"seconds": 1800}
        assert _may_enter(client)

    def test_what_a_page_asks_for_by_itself_does_not(self, user: User, clock: time_machine.Traveller) -> None:
        client = as_user(user)
        assert _may_enter(client)
        for _ in range(3):
            clock.shift(timedelta(minutes=11))
            client.get(PROFILE, headers={"X-Background": "1"})
        assert not _may_enter(client)

    def test_after_a_working_day_everybody_signs_in_anew(
        self, client: Client, user: User, clock: time_machine.Traveller
    ) -> None:
        _sign_in_fully(client, user)
        for _ in range(25):
            assert _may_enter(client)
            clock.shift(timedelta(minutes=29))
        assert not _may_enter(client)

    def test_a_script_gets_the_address_instead_of_a_page(
        self, user: User, clock: time_machine.Traveller
    ) -> None:
        client = as_user(user)
        assert _may_enter(client)
        clock.shift(timedelta(minutes=31))
        response = client.post(
            "/konto/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/konto/passwort/"}
        )
        assert response.status_code == 401
        assert response["HX-Redirect"] == response["X-Sign-In"] == f"{SIGN_IN}?next=%2Fkonto%2Fpasswort%2F"


def test_the_cookies_are_out_of_reach_of_scripts_and_other_sites(client: Client, user: User) -> None:
    _sign_in_fully(client, user)
    for name in ("sessionid", known_devices.COOKIE):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"


def test_the_device_cookie_names_nobody(client: Client, user: User) -> None:
    _sign_in_fully(client, user)
    assert "anna" not in client.cookies[known_devices.COOKIE].value
    assert str(user.uuid) not in client.cookies[known_devices.COOKIE].value
