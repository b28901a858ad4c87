"""One's own account, the language of the pages, the crisis card, the public texts."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD, CrisisNumberFactory, DistrictFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
PROFILE = {"name": "Anna", "phone": "07141 144-12", "email": "", "language": "de"}


@pytest.fixture
def user() -> User:
    return UserFactory(username="anna", name="Anna Alt", password=PASSWORD)


class TestProfile:
    def test_is_changed(self, user: User) -> None:
        as_user(user).post("/konto/", PROFILE)
        user.refresh_from_db()
        assert (user.name, user.phone) == ("Anna", "07141 144-12")

    def test_nobody_gives_themselves_a_role(self, user: User) -> None:
        as_user(user).post("/konto/", {**PROFILE, "roles": ["administrator"], "username": "chef"})
        user.refresh_from_db()
        assert (user.roles, user.username) == (["caseworker"], "anna")

    def test_a_mistake_changes_nothing(self, user: User) -> None:
        response = as_user(user).post("/konto/", {**PROFILE, "email": "kein Postfach"})
        assert response.status_code == 422
        assert "Anna Alt" in response.text, "the page still greets the person by their name"
        user.refresh_from_db()
        assert user.name == "Anna Alt"


class TestPassword:
    NEW = "vier ganz andere Wörter"

    def test_a_new_one_signs_out_everywhere_else(self, user: User) -> None:
        here, elsewhere = as_user(user), as_user(user)
        here.post("/konto/passwort/", {"current": PASSWORD, "password": self.NEW, "again": self.NEW})
        user.refresh_from_db()
        assert user.check_password(self.NEW)
        assert here.get("/konto/").status_code == 200
        assert elsewhere.get("/konto/").status_code == 302

    def test_the_present_one_must_be_known(self, user: User) -> None:
        data = {"current": "geraten", "password": self.NEW, "again": self.NEW}
        response = as_user(user).post("/konto/passwort/", data)
        assert "nicht Ihr jetziges Passwort" in response.text
        user.refresh_from_db()
        assert user.check_password(PASSWORD)


class TestLanguage:
    @pytest.mark.parametrize("address", ["konto", "-1", "https://elsewhere.example/", "//elsewhere.example"])
    def test_leads_on_to_pages_of_ours_only(self, user: User, address: str) -> None:
        response = as_user(user).post("/sprache/", {"language": "en", "next": address})
        assert response.headers["Location"] == "/"

    def test_is_kept_for_somebody_signed_in(self, user: User) -> None:
        client = as_user(user)
        client.post("/sprache/", {"language": "en", "next": "/konto/"})
        user.refresh_from_db()
        assert user.language == "en"
        assert client.get("/konto/")["Content-Language"] == "en"
        assert as_user(user).get("/konto/")["Content-Language"] == "en"

    def test_is_kept_for_somebody_who_has_not_signed_in_yet(self, client: Client, user: User) -> None:
        client.post("/sprache/", {"language": "en"})
        assert client.get("/anmelden/")["Content-Language"] == "en"
        client.post("/anmelden/", {"username": "anna", "password": PASSWORD})
        assert client.get("/anmelden/einrichten/")["Content-Language"] == "en"

    def test_the_profile_outranks_an_earlier_choice(self, user: User) -> None:
        client = as_user(user)
        client.post("/sprache/", {"language": "en"})
        client.post("/konto/", PROFILE)
        assert client.get("/konto/")["Content-Language"] == "de"

    def test_an_unknown_one_is_ignored(self, client: Client) -> None:
        client.post("/sprache/", {"language": "xx"})
        assert client.get("/anmelden/")["Content-Language"] == "de"

    def test_the_browsers_is_taken_at_first(self, client: Client) -> None:
        response = client.get("/anmelden/", headers={"Accept-Language": "en-GB,en;q=0.9"})
        assert response["Content-Language"] == "en"
        assert "Accept-Language" in response["Vary"]


class TestCrisisCard:
    def test_shows_the_districts_numbers_in_order(self, user: User) -> None:
        CrisisNumberFactory(label="Klinik am Park", phone="07141 99-0", position=2)
        CrisisNumberFactory(label="Notruf", phone="112", position=1)
        CrisisNumberFactory(district=DistrictFactory(name="Anderer Kreis"), label="Fremde Klinik")
        page = as_user(user).get("/krisenkarte/").text
        assert page.index("Notruf") < page.index("Klinik am Park")
        assert 'href="tel:+497141990"' in page
        assert "Fremde Klinik" not in page

    def test_says_what_to_do_first(self, user: User) -> None:
        page = as_user(user).get("/krisenkarte/").text
        assert "nicht allein" in page
        assert "112" in page

    def test_wants_both_factors(self, client: Client) -> None:
        assert client.get("/krisenkarte/").status_code == 302


@pytest.mark.parametrize("address", ["/impressum/", "/datenschutz/", "/barrierefreiheit/"])
def test_public_texts_name_whom_to_call(client: Client, user: User, address: str) -> None:
    page = client.get(address).text
    assert user.district.name in page
    assert user.district.contact_phone in page
    assert as_user(user).get(address).status_code == 200
