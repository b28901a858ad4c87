"""The list to rebook: whom to call."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from scheduling import sessions
from scheduling.models import Booking, Rebooking
from tests import factories
from tests.scheduling import planned
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
URL = reverse("scheduling:rebook")


def lose(*owners: User) -> list[Booking]:
    """One booking of each owner's client, in a session that is cancelled."""
    session = planned.plan(
        blocks=(planned.CONSULTATION,) * len(owners), specialist=planned.specialist()
    ).sessions.earliest("start_at")
    for slot, owner in zip(session.slots.all(), owners, strict=True):
        client = factories.ClientFactory(owner=owner, given_name="Amal", mobile="+4915112345678")
        factories.BookingFactory(slot=slot, client=client, holder=owner)
    return sessions.cancel(session, reason="Fortbildung", by=planned.coordinator())


def test_a_caseworker_sees_whom_to_call_and_why() -> None:
    anna = factories.UserFactory()
    (booking,) = lose(anna)
    assert booking.client is not None
    page = as_user(anna).get(URL).content.decode()
    assert "Amal Haddad" in page
    assert 'href="tel:+4915112345678"' in page
    assert "Fortbildung" in page
    assert "Arabisch" in page
    assert AuditEvent.objects.about(booking.client).get(is_look=True).actor == anna.uuid


@pytest.mark.parametrize("organisation", ["AWO", "Caritas"])
def test_colleagues_and_strangers_see_nothing_of_it(organisation: str) -> None:
    (booking,) = lose(factories.UserFactory())
    entry = Rebooking.objects.get()
    other = as_user(factories.UserFactory(organisation__name=organisation))
    page = other.get(URL).content.decode()
    assert "Amal" not in page
    assert "Nichts neu zu vergeben" in page
    url = reverse("scheduling:settle_rebooking", args=[entry.uuid])
    assert other.post(url, {"outcome": "rebooked"}).status_code == 404
    entry.refresh_from_db()
    assert entry.settled_at is None
    assert not AuditEvent.objects.about(booking.client).filter(is_look=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["specialist", "administrator", "team_lead"])
def test_others_have_no_such_page(role: str) -> None:
    if role == "team_lead":
        assert as_user(factories.UserFactory(roles=[role])).get(URL).status_code == 403
    else:
        assert as_user(factories.UserFactory(roles=[role])).get(URL).status_code == 403


def test_the_coordinator_sees_counts_and_no_one() -> None:
    lose(factories.UserFactory(), factories.UserFactory(organisation__name="Caritas"))
    page = as_user(planned.coordinator()).get(URL).content.decode()
    assert [page.count(name) for name in (">AWO<", ">Caritas<", "Amal", "tel:")] == [1, 1, 0, 0]


@pytest.mark.parametrize("outcome", ["rebooked", "not_wanted"])
def test_an_entry_is_settled(outcome: str) -> None:
    anna = factories.UserFactory()
    lose(anna)
    entry = Rebooking.objects.get()
    browser = as_user(anna)
    url = reverse("scheduling:settle_rebooking", args=[entry.uuid])
    assert browser.post(url, {"outcome": outcome}).status_code == 302
    entry.refresh_from_db()
    assert (entry.outcome, entry.settled_by) == (outcome, anna)
    assert "Nichts neu zu vergeben" in browser.get(URL).content.decode()


def test_an_unknown_outcome_changes_nothing() -> None:
    anna = factories.UserFactory()
    lose(anna)
    entry = Rebooking.objects.get()
    as_user(anna).post(reverse("scheduling:settle_rebooking", args=[entry.uuid]), {"outcome": "vielleicht"})
    entry.refresh_from_db()
    assert entry.settled_at is None


def test_a_case_consultation_is_listed_without_anyone_to_call() -> None:
    anna = factories.UserFactory()
    session = planned.plan(blocks=(planned.CONSULTATION,)).sessions.earliest("start_at")
    factories.BookingFactory(slot=session.slots.get(), holder=anna)
    sessions.cancel(session, reason="krank", by=planned.coordinator())
    page = as_user(anna).get(URL).content.decode()
    assert "Fallberatung" in page
    assert "tel:" not in page


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_entry_and_for_many(
    number: int, django_assert_num_queries: Any
) -> None:
    anna = factories.UserFactory()
    lose(*[anna] * number)
    browser: Client = as_user(anna)
    browser.get(URL)
    with django_assert_num_queries(6):
        assert len(browser.get(URL).context["entries"]) == number
