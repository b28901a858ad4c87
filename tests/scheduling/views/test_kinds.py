"""The coordination maintains the kinds of appointment."""

from typing import Any

import pytest
from django.urls import reverse

from scheduling import kinds
from scheduling.forms.kinds import FIELDS, KindForm
from scheduling.models import AppointmentKind
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, ADD, BEGIN = (reverse(f"scheduling:{name}") for name in ("kinds", "add_kind", "begin_kinds"))


def coordinator(**fields: Any) -> Any:
    return factories.UserFactory(roles=["coordinator"], **fields)


def typed(**changes: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    shown = KindForm(user=coordinator())
    values = {name: shown[name].initial for name in FIELDS}
    values |= {"name": "Wohnen", "public_title": "Termin"} | changes
    sent = {name: value for name, value in values.items() if value is not None and value is not False}
    return {name: "on" if value is True else value for name, value in sent.items()}


@pytest.mark.parametrize(
    ("role", "status"), [("coordinator", 200), ("caseworker", 403), ("administrator", 403)]
)
def test_who_maintains_them(role: str, status: int) -> None:
    kind = factories.KindFactory()
    browser = as_user(factories.UserFactory(roles=[role]))
    urls = [LIST, ADD, reverse("scheduling:kind", args=[kind.uuid])]
    assert {browser.get(url).status_code for url in urls} == {status}


def test_kinds_of_another_district_do_not_exist() -> None:
    foreign = factories.KindFactory(district=factories.DistrictFactory(name="Nachbarkreis"), name="Fern")
    browser = as_user(coordinator())
    url = reverse("scheduling:kind", args=[foreign.uuid])
    assert browser.get(url).status_code == browser.post(url, typed()).status_code == 404
    assert "Fern" not in browser.get(LIST).content.decode()


def test_the_usual_kinds_come_with_one_button() -> None:
    browser = as_user(coordinator())
    assert "Übliche Arten ergänzen" in browser.get(LIST).content.decode()
    page = browser.post(BEGIN, follow=True).content.decode()
    assert "16 Arten sind ergänzt." in page
    assert "Schuldnerberatung" in page
    assert "Übliche Arten ergänzen" not in page


def test_a_kind_is_entered_and_changed() -> None:
    browser = as_user(coordinator())
    assert browser.post(ADD, typed(minutes=40, is_sensitive=True)).status_code == 302
    kind = AppointmentKind.objects.get()
    assert (kind.name, kind.minutes, kind.is_sensitive, kind.needs_client) == ("Wohnen", 40, True, True)
    url = reverse("scheduling:kind", args=[kind.uuid])
    assert browser.post(url, typed(name="Wohnung", minutes=50, needs_client=False)).status_code == 302
    kind.refresh_from_db()
    assert (kind.name, kind.minutes, kind.is_sensitive, kind.needs_client) == ("Wohnung", 50, False, False)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"public_title": "Schuldnerberatung"}, "„Schuldnerberatung“"),
        ({"public_title": "Asyltermin"}, "„Asyltermin“"),
        ({"minutes": "3"}, "mindestens 5"),
        ({"capacity": "0"}, "mindestens 1"),
        ({"buffer_after_minutes": "300"}, "höchstens 240"),
        ({"category": "consultation"}, "keine gültige Auswahl"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(changes: dict[str, str], told: str) -> None:
    answer = as_user(coordinator()).post(ADD, typed(**changes))
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not AppointmentKind.objects.exists()


def test_the_consultation_stays_what_it_is() -> None:
    user = coordinator()
    kind = factories.KindFactory(code="trauma_consultation", category="consultation", needs_referral=True)
    form = typed(name="Traumasprechstunde", category="consultation", minutes=70)
    assert as_user(user).post(reverse("scheduling:kind", args=[kind.uuid]), form).status_code == 302
    kind.refresh_from_db()
    assert (kind.category, kind.needs_referral, kind.minutes) == ("consultation", True, 70)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_for_many(number: int, django_assert_num_queries: Any) -> None:
    for n in range(number):
        factories.KindFactory(code=f"k{n}", name=f"Art {n}")
    browser = as_user(coordinator())
    browser.get(LIST)
    with django_assert_num_queries(4):
        assert len(browser.get(LIST).context["kinds"]) == number


def test_two_of_one_name_are_refused_politely() -> None:
    user = coordinator()
    kinds.save(None, name="Wohnen", public_title="Termin", by=user)
    answer = as_user(user).post(ADD, typed())
    assert answer.status_code == 422
    assert "gibt es schon" in answer.content.decode()
