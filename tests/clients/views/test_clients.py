"""The pages of one's own cases."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Channel
from clients import contact, panels
from clients.models import Client, Consent
from tests.factories import ClientFactory, ConsentFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db

ENTRY = {
    "given_name": "Amal",
    "family_name": "Haddad",
    "year_of_birth": "1990",
    "language": "ar",
    "literacy": "reads",
    "mobile": "0151 12345678",
    "mobile_confirmed": "on",
    "safe_to_text": "on",
}


@pytest.fixture
def case():
    return ClientFactory(deputy=UserFactory())


def colleague():
    return UserFactory()


def stranger():
    return UserFactory(organisation=OrganisationFactory(name="Caritas"))


def test_owner_and_deputy_open_the_case_and_the_look_is_on_record(case):
    for person in (case.owner, case.deputy):
        response = as_user(person).get(reverse("clients:detail", args=[case.uuid]))
        assert "Amal Haddad" in response.content.decode()
    assert [event.actor for event in AuditEvent.objects.filter(is_look=True).order_by("id")] == [
        case.owner.uuid,
        case.deputy.uuid,
    ]


@pytest.mark.parametrize("person", [colleague, stranger])
@pytest.mark.parametrize("name", ["detail", "edit", "give_sms_consent"])
def test_for_everybody_else_the_case_does_not_exist(case, person, name):
    response = as_user(person()).get(reverse(f"clients:{name}", args=[case.uuid]))
    assert response.status_code == 404
    assert not AuditEvent.objects.filter(is_look=True).exists()


def test_the_list_shows_own_cases_only(case):
    ClientFactory(given_name="Olena", family_name="Bondar")
    page = as_user(case.owner).get(reverse("clients:list")).content.decode()
    assert "Amal Haddad" in page
    assert "Olena Bondar" not in page


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(rows, django_assert_num_queries):
    caseworker = UserFactory()
    ClientFactory.create_batch(rows, owner=caseworker)
    browser = as_user(caseworker)
    browser.get(reverse("clients:list"))
    with django_assert_num_queries(4):
        # session, user, second factor, cases
        page = browser.get(reverse("clients:list")).content.decode()
    assert page.count("F-") >= rows


def test_an_empty_list_says_what_to_do_first():
    page = as_user(UserFactory()).get(reverse("clients:list")).content.decode()
    assert "Legen Sie die erste Klientin" in page


def test_an_entry_becomes_a_case(case):
    caseworker = UserFactory()
    response = as_user(caseworker).post(reverse("clients:register"), ENTRY | {"family_name": "Yusuf"})
    client = Client.objects.get(owner=caseworker)
    assert response.url == reverse("clients:detail", args=[client.uuid])
    assert client.mobile == "+4915112345678"


def test_a_similar_case_asks_once_and_loses_nothing(case):
    browser = as_user(case.owner)
    response = browser.post(reverse("clients:register"), ENTRY)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Vielleicht schon erfasst" in page
    assert 'value="Haddad"' in page
    assert Client.objects.count() == 1
    browser.post(reverse("clients:register"), ENTRY | {"anyway": "1"})
    assert Client.objects.count() == 2


def test_the_warning_comes_while_typing_and_names_no_foreign_client(case):
    page = as_user(stranger()).post(reverse("clients:similar"), ENTRY).content.decode()
    assert "Ein Fall bei AWO" in page
    assert "Haddad" not in page


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("year_of_birth", "1800", "Bitte ein Jahr zwischen"),
        ("mobile", "12", "gültige Telefonnummer"),
        ("language", "xx", "gültige Auswahl"),
        ("family_name", "", "Diese Angabe fehlt noch."),
    ],
)
def test_bad_input_is_named_and_kept(field, value, error):
    response = as_user(UserFactory()).post(reverse("clients:register"), ENTRY | {field: value})
    page = response.content.decode()
    assert response.status_code == 422
    assert error in page
    assert 'value="Amal"' in page
    assert not Client.objects.exists()


def test_a_change_is_saved_by_the_deputy(case):
    browser = as_user(case.deputy)
    browser.post(reverse("clients:edit", args=[case.uuid]), ENTRY | {"dialect": "Syrien"})
    case.refresh_from_db()
    assert case.dialect == "Syrien"


def test_consent_to_sms_is_given_and_revoked(case):
    browser = as_user(case.owner)
    browser.post(
        reverse("clients:give_sms_consent", args=[case.uuid]),
        {"explained_in": "ar", "interpreter_name": "", "given_on": "2026-11-02"},
    )
    consent = Consent.objects.get(client=case)
    assert consent.recorded_by == case.owner
    assert (
        "keine SMS mehr"
        in browser.get(reverse("clients:revoke_sms_consent", args=[consent.uuid])).content.decode()
    )
    browser.post(reverse("clients:revoke_sms_consent", args=[consent.uuid]))
    consent.refresh_from_db()
    assert consent.revoked_at is not None


@pytest.mark.parametrize("person", [colleague, stranger])
def test_nobody_else_revokes_a_consent(case, person):
    consent = ConsentFactory(client=case)
    response = as_user(person()).post(reverse("clients:revoke_sms_consent", args=[consent.uuid]))
    consent.refresh_from_db()
    assert response.status_code == 404
    assert consent.revoked_at is None


def test_after_no_more_sms_a_new_yes_is_one_step(case):
    before = ConsentFactory(client=case)
    contact.opt_out(case, channel=Channel.LINK)
    browser, address = as_user(case.owner), reverse("clients:give_sms_consent", args=[case.uuid])
    assert address in browser.get(reverse("clients:detail", args=[case.uuid])).content.decode()

    browser.post(address, {"explained_in": "ar", "given_on": timezone.localdate().isoformat()})

    before.refresh_from_db()
    case.refresh_from_db()
    assert before.revoked_by == case.owner
    assert contact.sms_obstacles(case) == []


def test_a_consent_in_the_future_is_refused(case):
    response = as_user(case.owner).post(
        reverse("clients:give_sms_consent", args=[case.uuid]),
        {"explained_in": "ar", "given_on": "2099-01-01"},
    )
    assert "Zukunft" in response.content.decode()
    assert not Consent.objects.exists()


def test_upper_rooms_add_their_panels_in_order(case, monkeypatch):
    monkeypatch.setattr(panels, "_panels", {})
    panels.register("plan", order=20, render=lambda request, client: "zweites")
    panels.register("appointments", order=10, render=lambda request, client: f"erstes {client.case_number}")
    panels.register("empty", order=5, render=lambda request, client: "")
    page = as_user(case.owner).get(reverse("clients:detail", args=[case.uuid])).content.decode()
    assert page.index(f"erstes {case.case_number}") < page.index("zweites")


# --- Safe windows ----------------------------------------------------------------------------------
def test_when_and_how_somebody_is_told_is_agreed_with_them(case) -> None:
    agreed = {"text_from": "16:00", "text_until": "20:30", "with_german_line": "on", "other_way": "letter"}

    answer = as_user(case.owner).post(reverse("clients:edit", args=[case.uuid]), ENTRY | agreed, follow=True)

    case.refresh_from_db()
    assert (f"{case.text_from:%H:%M}", f"{case.text_until:%H:%M}") == ("16:00", "20:30")
    assert (case.with_german_line, case.other_way) == (True, "letter")
    assert "zwischen 16:00 und 20:30 Uhr" in answer.content.decode()


@pytest.mark.parametrize(
    ("window", "told"),
    [
        ({"text_from": "16:00"}, "beide Zeiten"),
        ({"text_until": "16:00"}, "beide Zeiten"),
        ({"text_from": "16:00", "text_until": "16:00"}, "nicht nach dem Anfang"),
    ],
)
def test_half_a_window_is_none(case, window, told) -> None:
    answer = as_user(case.owner).post(reverse("clients:edit", args=[case.uuid]), ENTRY | window)

    assert answer.status_code == 422
    assert told in answer.content.decode()
    case.refresh_from_db()
    assert case.text_from is None
