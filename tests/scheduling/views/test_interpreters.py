"""The interpreters' coordination: what is to confirm, the register, and nothing about any client."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from scheduling import interpreter_link
from scheduling.models import Interpreter, InterpreterAssignment, InterpreterPool
from tests import factories
from tests.scheduling.test_assignments import book, free_always, of, slot
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, REGISTER = reverse("scheduling:assignments"), reverse("scheduling:interpreter_register")


@pytest.fixture
def browser() -> Client:
    return as_user(factories.UserFactory(roles=["interpreter_coordinator"]))


@pytest.fixture
def assignment() -> InterpreterAssignment:
    free_always(name="Samira Khoury")
    return of(book(slot()))


def page(found: InterpreterAssignment, name: str = "assignment") -> str:
    return reverse(f"scheduling:{name}", args=[found.uuid])


def test_only_the_coordination_of_the_district_enters(browser: Client, assignment: Any) -> None:
    foreign = factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    stranger = as_user(factories.UserFactory(roles=["interpreter_coordinator"], organisation=foreign))
    caseworker = as_user(assignment.booking.holder)
    assert browser.get(page(assignment)).status_code == 200
    assert caseworker.get(page(assignment)).status_code == caseworker.get(LIST).status_code == 403
    for url in (
        page(assignment),
        page(assignment, "act_on_assignment"),
        page(assignment, "offer_assignment"),
    ):
        assert stranger.post(url, {"act": "confirm"}).status_code in (404, 405)
    assert stranger.get(page(assignment)).status_code == 404
    assert "Khoury" not in stranger.get(LIST).content.decode()
    assert of(assignment.booking).status == "requested"


def test_nothing_about_the_client_stands_on_it(browser: Client, assignment: Any) -> None:
    client = assignment.booking.client
    for url in (LIST, page(assignment)):
        text = browser.get(url).content.decode()
        assert "Samira Khoury" in text
        assert "Arabisch" in text
        for word in (client.given_name, client.family_name, client.case_number):
            assert word not in text


def test_a_confirmation_is_entered(browser: Client, assignment: Any) -> None:
    assert browser.post(page(assignment, "act_on_assignment"), {"act": "confirm"}).status_code == 302
    assert of(assignment.booking).status == "confirmed"
    assert browser.get(LIST).context["confirmed"] == [assignment]
    assert browser.post(page(assignment, "act_on_assignment"), {"act": "burn"}).status_code == 400


def test_after_a_refusal_the_next_one_is_shown(browser: Client, assignment: Any) -> None:
    answer = browser.post(page(assignment, "act_on_assignment"), {"act": "decline"}, follow=True)
    assert "noch niemand" in answer.content.decode()
    assert [one.interpreter for one in browser.get(LIST).context["open"]] == [None]


def test_somebody_else_is_asked_and_the_old_link_is_dead(browser: Client, assignment: Any) -> None:
    other = free_always(name="Rima Darwish")
    old = "/" + browser.get(page(assignment)).context["link"].split("/", 3)[3]
    assert Client().get(old).status_code == 200
    chosen = {"interpreter": str(other.resource.uuid)}
    assert browser.post(page(assignment, "offer_assignment"), chosen).status_code == 302
    assert (of(assignment.booking).interpreter, of(assignment.booking).status) == (other, "offered")
    assert Client().get(old).status_code == 404
    man = free_always(gender="m")
    wrong = {"interpreter": str(man.resource.uuid)}
    assert browser.post(page(assignment, "offer_assignment"), wrong).status_code == 422
    assert of(assignment.booking).interpreter == other


def test_what_is_over_is_refused_calmly(browser: Client, assignment: Any) -> None:
    assert browser.post(page(assignment, "act_on_assignment"), {"act": "done"}).status_code == 409
    assert of(assignment.booking).status == "requested"


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(
    browser: Client, number: int, django_assert_num_queries: Any
) -> None:
    for _ in range(number):
        free_always()
        book(slot())
    browser.get(LIST)
    with django_assert_num_queries(5):
        assert len(browser.get(LIST).context["open"]) == number


# --- The register ----------------------------------------------------------------------------------
PERSON = {
    "name": "Samira Khoury", "gender": "f", "qualification": "trained", "modes": ["on_site", "phone"],
    "for_psychological_talks": "on", "secrecy_declared_on": "2026-03-02", "hourly_rate": "25,50",
    "is_active": "on", "row-TOTAL_FORMS": "2", "row-INITIAL_FORMS": "0",
    "row-0-language": "ar", "row-0-dialect": "Syrien", "row-1-language": "fr", "row-1-dialect": "",
}  # fmt: skip


def test_a_pool_and_a_person_are_entered_and_changed(browser: Client) -> None:
    typed = {"name": "Pool", "lead_workdays": "5", "for_psychological_talks": "on", "is_active": "on"}
    assert browser.post(reverse("scheduling:add_interpreter_pool"), typed).status_code == 302
    pool = InterpreterPool.objects.get()
    person = PERSON | {"pool": str(pool.uuid)}
    assert browser.post(reverse("scheduling:add_interpreter"), person).status_code == 302
    one = Interpreter.objects.get()
    assert (one.resource.name, one.resource.languages, one.hourly_cents) == (
        "Samira Khoury",
        ["ar", "fr"],
        2550,
    )
    assert {(row.language, row.dialect) for row in one.languages.all()} == {("ar", "Syrien"), ("fr", "")}
    assert list(Interpreter.objects.for_consultations()) == [one]
    assert one.is_fit
    url = reverse("scheduling:interpreter", args=[one.resource.uuid])
    assert browser.post(url, person | {"is_relative": "on", "row-0-language": ""}).status_code == 302
    one = Interpreter.objects.get()
    assert [row.language for row in one.languages.all()] == ["fr"]
    assert not one.is_fit
    assert "nicht geeignet" in browser.get(REGISTER).content.decode()


def test_a_person_without_a_language_or_of_a_foreign_pool_is_refused(browser: Client) -> None:
    foreign = factories.PoolFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    pool = factories.PoolFactory()
    silent = PERSON | {"pool": str(pool.uuid), "row-0-language": "", "row-1-language": ""}
    for typed in (silent, PERSON | {"pool": str(foreign.uuid)}):
        assert browser.post(reverse("scheduling:add_interpreter"), typed).status_code == 422
    assert not Interpreter.objects.exists()
    assert browser.get(reverse("scheduling:interpreter_pool", args=[foreign.uuid])).status_code == 404


def test_names_are_used_once(browser: Client) -> None:
    pool = factories.PoolFactory()
    typed = {"name": pool.name, "lead_workdays": "5"}
    assert browser.post(reverse("scheduling:add_interpreter_pool"), typed).status_code == 422
    person = PERSON | {"pool": str(pool.uuid)}
    browser.post(reverse("scheduling:add_interpreter"), person)
    assert browser.post(reverse("scheduling:add_interpreter"), person).status_code == 422
    assert (InterpreterPool.objects.count(), Interpreter.objects.count()) == (1, 1)


# --- The link ----------------------------------------------------------------------------------------
def link(found: InterpreterAssignment) -> str:
    return "/" + interpreter_link.url(found).split("/", 3)[3]


def test_looking_changes_nothing_and_says_nothing_about_the_client(assignment: Any) -> None:
    answer = Client().get(link(assignment))
    text = answer.content.decode()
    client = assignment.booking.client
    for word in (client.given_name, client.family_name, client.case_number, "Sprechstunde", "Trauma"):
        assert word not in text
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert of(assignment.booking).status == "requested"


def test_the_pool_confirms_without_signing_in(assignment: Any) -> None:
    visitor = Client(enforce_csrf_checks=True)
    assert visitor.post(link(assignment), {"say": "confirm"}).status_code == 302
    assert of(assignment.booking).status == "confirmed"
    assert "Vielen Dank" in visitor.get(link(assignment)).content.decode()


def test_the_pool_declines_and_the_next_is_asked(assignment: Any) -> None:
    other = free_always()
    address = link(assignment)
    assert "Absage ist eingetragen" in Client().post(address, {"say": "decline"}).content.decode()
    assert of(assignment.booking).interpreter == other
    assert Client().post(address, {"say": "confirm"}).status_code == 404
    assert of(assignment.booking).status == "requested"


def test_a_forged_or_late_link_opens_nothing(assignment: Any) -> None:
    address = link(assignment)
    forged = address[:-1] + ("a" if address[-1] != "a" else "b")
    assert Client().post(forged, {"say": "confirm"}).status_code == 404
    assert Client().post(address, {"say": "perhaps"}).status_code == 400
    now = timezone.now()
    booking = assignment.booking
    type(booking).objects.filter(pk=booking.pk).update(
        start_at=now - timedelta(minutes=1), end_at=now + timedelta(minutes=1)
    )
    assert Client().post(address, {"say": "confirm"}).status_code == 404
    assert of(booking).status == "requested"
