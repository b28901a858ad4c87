"""Pages about the people who work here."""

from typing import Any

import pytest
from django.test import Client

from accounts import second_factor, users
from accounts.models import AuditEvent, User
from accounts.roles import Role
from tests.accounts.views.three import Three, three
from tests.factories import PASSWORD, ClientFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
URL = "/verwaltung/personen/"


@pytest.fixture
def people() -> Three:
    return three()


def _path(response: Any) -> str:
    """The link shown on the page, without the host."""
    return str(response.context["address"]).removeprefix("http://localhost:8000")


def test_an_invited_person_gets_in_by_the_link_shown_once(people: Three) -> None:
    response = people.administrator.post(
        f"{URL}neu/",
        {
            "name": "Nora Neu",
            "username": "Nora.Neu",
            "organisation": people.by.organisation.pk,
            "roles": ["caseworker"],
        },
    )
    assert "no-store" in response["Cache-Control"]
    link = _path(response)
    assert link in response.text
    newcomer = Client()
    assert newcomer.get(link)["Referrer-Policy"] == "strict-origin"
    newcomer.post(link, {"password": PASSWORD, "again": PASSWORD})
    response = newcomer.get("/anmelden/code/")
    assert response["Location"].startswith("/anmelden/einrichten/")
    nora = User.objects.get(username="nora.neu")
    newcomer.get(response["Location"])
    newcomer.post("/anmelden/einrichten/", {"code": _pending_code(nora)})
    assert newcomer.get("/konto/").status_code == 200


def _pending_code(user: User) -> str:
    return second_factor.current_code(second_factor.begin(user).secret)


@pytest.mark.parametrize("username", ["", "ä", "mit leerzeichen", "verwaltung", "a;b"])
def test_a_user_name_that_will_not_do_is_refused(people: Three, username: str) -> None:
    data = {"name": "Nora", "username": username, "organisation": people.by.organisation.pk}
    response = people.administrator.post(f"{URL}neu/", data)
    assert response.status_code == 422
    assert not User.objects.filter(name="Nora").exists()


def test_nobody_is_invited_into_another_districts_organisation(people: Three) -> None:
    foreign = OrganisationFactory(name="Fremde", district__name="Anderer Kreis")
    data = {"name": "Nora", "username": "nora", "organisation": foreign.pk}
    assert people.administrator.post(f"{URL}neu/", data).status_code == 422
    assert not User.objects.filter(name="Nora").exists()


def test_the_list_holds_ones_own_district(people: Three) -> None:
    page = people.administrator.get(URL).text
    assert "Vera Verwaltung" in page
    assert User.objects.get(organisation__name="DRK").name not in page


def test_the_list_costs_as_much_with_three_as_with_one(people: Three, django_assert_num_queries: Any) -> None:
    people.administrator.get(URL)
    with django_assert_num_queries(4):
        people.administrator.get(URL)
    UserFactory.create_batch(3)
    with django_assert_num_queries(4):
        people.administrator.get(URL)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("", {"name": "Anders", "roles": ["coordinator"]}),
        ("passwort/", {}),
        ("faktor/", {"reason": "lost"}),
        ("schliessen/", {}),
        ("link/", {}),
    ],
)
def test_only_the_districts_administrator_changes_somebody(
    people: Three, what: str, data: dict[str, Any]
) -> None:
    user = UserFactory(password=PASSWORD, name="Berta")
    device = second_factor.give(user, second_factor.new_secret())
    url, data = f"{URL}{user.uuid}/{what}", {**data, "organisation": user.organisation.pk}
    assert people.colleague.post(url, data).status_code == 403
    assert people.stranger.post(url, data).status_code == 404
    user.refresh_from_db()
    assert (user.name, user.roles, user.is_active) == ("Berta", ["caseworker"], True)
    assert user.has_usable_password()
    assert second_factor.device_of(user) == device
    assert not AuditEvent.objects.about(user).exists()


def test_a_new_role_acts_at_the_persons_next_request(people: Three) -> None:
    user = UserFactory(roles=["caseworker"])
    client = as_user(user)
    assert client.get("/protokoll/").status_code == 403
    data = {"name": user.name, "organisation": user.organisation.pk, "roles": ["data_protection_officer"]}
    people.administrator.post(f"{URL}{user.uuid}/", data)
    assert client.get("/protokoll/").status_code == 200
    people.administrator.post(f"{URL}{user.uuid}/", {**data, "roles": []})
    assert client.get("/protokoll/").status_code == 403


def test_who_has_cases_stays_in_the_organisation(people: Three) -> None:
    person = UserFactory(organisation=people.by.organisation)
    ClientFactory(owner=person)
    other = OrganisationFactory(name="Andere", district=people.by.district)
    typed = {"name": person.name, "roles": ["caseworker"], "organisation": other.pk}
    response = people.administrator.post(f"{URL}{person.uuid}/", typed)
    assert response.status_code == 422
    assert "führt oder vertritt noch Fälle" in response.text
    person.refresh_from_db()
    assert person.organisation == people.by.organisation


def test_closing_an_account_ends_its_sessions_with_the_next_request(people: Three) -> None:
    user = UserFactory(password=PASSWORD)
    client = as_user(user)
    assert client.get("/konto/").status_code == 200
    people.administrator.post(f"{URL}{user.uuid}/schliessen/")
    assert client.get("/konto/")["Location"].startswith("/anmelden/")
    newly = Client()
    newly.post("/anmelden/", {"username": user.username, "password": PASSWORD})
    assert "_auth_user_id" not in newly.session
    people.administrator.post(f"{URL}{user.uuid}/oeffnen/")
    newly.post("/anmelden/", {"username": user.username, "password": PASSWORD})
    assert "_auth_user_id" in newly.session


def test_a_reset_signs_out_everywhere_and_keeps_the_second_factor(people: Three) -> None:
    user = UserFactory(password=PASSWORD)
    client = as_user(user)
    link = _path(people.administrator.post(f"{URL}{user.uuid}/passwort/"))
    assert client.get("/konto/")["Location"].startswith("/anmelden/")
    newly = Client()
    newly.post(link, {"password": f"{PASSWORD}!", "again": f"{PASSWORD}!"})
    assert newly.get("/konto/").status_code == 302, "the link does not replace the second factor"
    assert newly.get("/anmelden/einrichten/")["Location"].startswith("/anmelden/code/")


def test_resetting_the_second_factor_wants_a_reason_and_asks_to_enrol_anew(people: Three) -> None:
    user = UserFactory(password=PASSWORD)
    client = as_user(user)
    url = f"{URL}{user.uuid}/faktor/"
    assert people.administrator.post(url, {"reason": ""}).status_code == 422
    assert client.get("/konto/").status_code == 200
    people.administrator.post(url, {"reason": "lost"})
    response = client.get("/konto/", follow=True)
    assert response.request["PATH_INFO"] == "/anmelden/einrichten/"


def test_the_last_administrator_cannot_lock_the_district_out(people: Three) -> None:
    url = f"{URL}{people.by.uuid}/"
    data = {"name": people.by.name, "organisation": people.by.organisation.pk, "roles": ["caseworker"]}
    response = people.administrator.post(url, data)
    assert "letzte Person" in response.text
    response = people.administrator.post(f"{url}schliessen/", follow=True)
    assert "letzte Person" in response.text
    people.by.refresh_from_db()
    assert people.by.is_active
    assert people.by.roles == [Role.ADMINISTRATOR.value]


def test_a_new_link_is_for_those_without_a_password(people: Three) -> None:
    invited = users.invite(
        by=people.by, organisation=people.by.organisation, username="neu", name="Neu", roles=[]
    )
    again = _path(people.administrator.post(f"{URL}{invited.user.uuid}/link/"))
    assert Client().get(again).status_code == 200
    assert Client().get(f"/einladung/{invited.secret}/").status_code == 410
    users.set_password_by_link(again.split("/")[2], PASSWORD)
    response = people.administrator.post(f"{URL}{invited.user.uuid}/link/")
    assert response["Location"] == f"{URL}{invited.user.uuid}/passwort/"


class TestInvitation:
    def _link(self, people: Three) -> str:
        user = UserFactory(username="neu", name="Nora Neu")
        return f"/einladung/{users.new_link(user, by=people.by)}/"

    @pytest.mark.parametrize(
        ("password", "again", "why"),
        [
            ("kurz", "kurz", "zu kurz"),
            ("qwerty123456", "qwerty123456", "üblich"),
            ("nora neu 1234", "nora neu 1234", "ähnlich"),
            ("741258963074", "741258963074", "numerisch"),
            (PASSWORD, "etwas anderes!", "verschieden"),
        ],
    )
    def test_a_weak_password_is_refused(self, people: Three, password: str, again: str, why: str) -> None:
        link = self._link(people)
        response = Client().post(link, {"password": password, "again": again})
        assert response.status_code == 422
        assert why in response.text
        assert not User.objects.get(username="neu").has_usable_password()

    def test_a_used_link_says_so_calmly(self, people: Three) -> None:
        link = self._link(people)
        Client().post(link, {"password": PASSWORD, "again": PASSWORD})
        response = Client().get(link)
        assert response.status_code == 410
        assert "Dieser Link gilt nicht mehr" in response.text
