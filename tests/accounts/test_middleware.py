"""What stands between a request and its view."""

from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, reverse
from django.utils import timezone

from accounts.access import after_password, public, requires, signed_in
from accounts.models import User
from accounts.roles import Permission, Role
from tests.factories import PASSWORD, DistrictFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def undeclared(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def zone(request: HttpRequest) -> HttpResponse:
    return HttpResponse(timezone.get_current_timezone_name())


urlpatterns = [
    path("undeclared/", undeclared),
    path("public/", public("a test")(lambda request: HttpResponse("in"))),
    path("half/", after_password(lambda request: HttpResponse("in"))),
    path("in/", signed_in(lambda request: HttpResponse("in"))),
    path("audit/", requires(Permission.READ_AUDIT)(lambda request: HttpResponse("in"))),
    path(
        "either/",
        requires(Permission.READ_AUDIT, Permission.SEE_BOARD)(lambda request: HttpResponse("in")),
    ),
    path("zone/", signed_in(zone)),
    path("", include("config.urls")),
]


@pytest.fixture
def user() -> User:
    return UserFactory(username="anna", password=PASSWORD, roles=[Role.CASEWORKER.value])


@pytest.fixture
def half(client: Client, user: User) -> Client:
    client.post("/anmelden/", {"username": "anna", "password": PASSWORD})
    return client


def _enters(client: Client, address: str) -> bool:
    return client.get(address).text == "in"


def test_a_view_that_does_not_say_who_may_enter_lets_nobody_in(user: User) -> None:
    with pytest.raises(ImproperlyConfigured, match="undeclared does not declare who may enter"):
        as_user(user).get("/undeclared/")


def test_who_gets_how_far(client: Client, half: Client, user: User) -> None:
    doors = ["/public/", "/half/", "/in/"]
    assert [_enters(Client(), door) for door in doors] == [True, False, False]
    assert [_enters(half, door) for door in doors] == [True, True, False]
    assert [_enters(as_user(user), door) for door in doors] == [True, True, True]


def test_without_the_role_it_is_refused_with_a_page_that_says_so(user: User) -> None:
    response = as_user(user).get("/audit/")
    assert response.status_code == 403
    assert "nicht für Sie freigegeben" in response.text


def test_one_of_several_permissions_is_enough(user: User) -> None:
    assert _enters(as_user(user), "/either/")


def test_somebody_without_any_role_enters_only_what_is_for_all(user: User) -> None:
    User.objects.update(roles=[])
    client = as_user(user)
    assert _enters(client, "/in/")
    assert client.get("/either/").status_code == 403


@pytest.mark.parametrize("header", ["HX-Request", "X-Requested-With", "X-Background"])
def test_a_script_gets_401_and_where_to_sign_in(client: Client, header: str) -> None:
    response = client.post("/in/", headers={header: "1", "Referer": "http://testserver/konto/?a=b"})
    assert response.status_code == 401
    assert response["X-Sign-In"] == "/anmelden/?next=%2Fkonto%2F"


def test_a_form_sent_too_late_comes_back_to_its_page(client: Client) -> None:
    response = client.post("/in/", headers={"Referer": "http://testserver/konto/"})
    assert response["Location"] == "/anmelden/?next=%2Fkonto%2F"


def test_where_a_form_came_from_may_be_unknown(client: Client) -> None:
    assert client.post("/in/")["Location"] == "/anmelden/?next=%2F"


def test_a_closed_account_is_out_at_once(user: User) -> None:
    client = as_user(user)
    assert _enters(client, "/in/")
    User.objects.update(is_active=False)
    assert not _enters(client, "/in/")


def test_times_are_those_of_the_persons_district(user: User) -> None:
    far = OrganisationFactory(district=DistrictFactory(name="Büsingen", zone="Europe/Busingen"))
    assert as_user(UserFactory(organisation=far)).get("/zone/").text == "Europe/Busingen"
    assert as_user(user).get("/zone/").text == "Europe/Berlin"


@pytest.fixture
def production() -> Iterator[None]:
    with override_settings(SESSION_COOKIE_SECURE=True):
        yield


def test_in_production_cookies_travel_encrypted_only(production: None, client: Client, user: User) -> None:
    client.post("/anmelden/", {"username": "anna", "password": PASSWORD})
    assert client.cookies["sessionid"]["secure"]


def test_an_address_that_only_takes_forms_says_where_to_go() -> None:
    answer = as_user(UserFactory()).get(reverse("accounts:sign_out"))

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert "Es ist nichts geschehen und nichts verloren" in answer.content.decode()


def test_no_browser_keeps_what_is_behind_a_door(client: Client, half: Client, user: User) -> None:
    """Else the back button shows it to whoever comes after signing out."""
    for behind in (half.get("/half/"), as_user(user).get("/in/"), client.get("/in/")):
        assert "no-store" in behind["Cache-Control"]
        assert "private" in behind["Cache-Control"]
    assert not client.get("/public/").has_header("Cache-Control")
