"""The team lead hands cases over, without seeing clients."""

import pytest
from django.urls import reverse

from tests.factories import ClientFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


def lead(**kwargs):
    return UserFactory(roles=["team_lead"], **kwargs)


def test_the_lead_sees_numbers_and_colleagues_but_no_client():
    case = ClientFactory()
    page = as_user(lead()).get(reverse("clients:assignments")).content.decode()
    assert case.case_number in page
    assert case.owner.name in page
    assert "Haddad" not in page


def test_the_lead_hands_a_case_over():
    case, new = ClientFactory(), UserFactory()
    as_user(lead()).post(
        reverse("clients:assign", args=[case.uuid]), {"owner": new.pk, "deputy": case.owner.pk}
    )
    old = case.owner
    case.refresh_from_db()
    assert (case.owner, case.deputy) == (new, old)


def test_owner_and_deputy_must_differ():
    case = ClientFactory()
    response = as_user(lead()).post(
        reverse("clients:assign", args=[case.uuid]), {"owner": case.owner.pk, "deputy": case.owner.pk}
    )
    assert "jemand anderes" in response.content.decode()


def test_another_organisations_lead_has_no_such_case():
    case, new = ClientFactory(), UserFactory()
    other = lead(organisation=OrganisationFactory(name="Caritas"))
    response = as_user(other).post(reverse("clients:assign", args=[case.uuid]), {"owner": new.pk})
    old = case.owner
    case.refresh_from_db()
    assert response.status_code == 404
    assert case.owner == old


@pytest.mark.parametrize(
    "person", [UserFactory, lambda: UserFactory(organisation=OrganisationFactory(name="Caritas"))]
)
def test_caseworkers_do_not_assign(person):
    case = ClientFactory()
    assert as_user(person()).get(reverse("clients:assign", args=[case.uuid])).status_code == 403
    assert as_user(person()).get(reverse("clients:assignments")).status_code == 403


def test_the_list_says_whose_owner_leads_no_cases_any_more():
    led, left = ClientFactory(), ClientFactory()
    left.owner.roles = ["coordinator"]
    left.owner.save()
    shown = as_user(lead()).get(reverse("clients:assignments")).content.decode()
    rows = [row for row in shown.split("<tr>") if "führt keine Fälle mehr" in row]
    assert [left.case_number in row for row in rows] == [True]
    assert led.case_number in shown


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(rows, django_assert_num_queries):
    person = lead()
    for _ in range(rows):
        ClientFactory(deputy=UserFactory())
    browser = as_user(person)
    browser.get(reverse("clients:assignments"))
    with django_assert_num_queries(4):
        # session, user, second factor, cases
        browser.get(reverse("clients:assignments"))
