"""Asking for an exception, and the coordinator's page that shows case numbers and reasons only."""

import pytest
from django.urls import reverse

from consultations import exceptions, referrals
from consultations.models import Clarification, ClarificationException
from notifications import notices
from tests import factories
from tests.consultations.people import three
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db

LIST = reverse("consultations:exceptions")


def ask_of(referral):
    return reverse("consultations:ask_exception", args=[referral.uuid])


def decide_of(exception):
    return reverse("consultations:decide_exception", args=[exception.uuid])


def typed(exception, **fields):
    return {f"{exception.uuid}-{name}": value for name, value in fields.items()}


def test_the_case_team_asks_from_the_referral():
    referral = factories.ReferralFactory()
    answer = as_user(referral.author).post(ask_of(referral), {"reason": "Neue Lage"})
    assert answer.url == reverse("consultations:referral", args=[referral.uuid, "uebersicht"])
    assert ClarificationException.objects.get().client == referral.client


def test_asking_twice_is_explained():
    referral = factories.ReferralFactory()
    exceptions.request(referral.client, reason="Neue Lage", by=referral.author)
    answer = as_user(referral.author).post(ask_of(referral), {"reason": "Noch einmal"})
    assert answer.status_code == 409
    assert ClarificationException.objects.count() == 1


def test_the_coordinator_sees_the_case_number_and_no_name():
    client = factories.ClientFactory(given_name="Kanari", family_name="Enname", case_number="F-7777")
    exceptions.request(client, reason="Neue Lage", by=client.owner)
    page = as_user(factories.UserFactory(roles=["coordinator"])).get(LIST).content.decode()
    assert "F-7777" in page
    assert "Neue Lage" in page
    assert "Kanari" not in page
    assert "Enname" not in page


def test_the_coordinator_decides_with_a_reason():
    client = factories.ClientFactory()
    asked = exceptions.request(client, reason="Neue Lage", by=client.owner)
    browser = as_user(factories.UserFactory(roles=["coordinator"]))
    without = browser.post(decide_of(asked), typed(asked, allowed="yes"))
    assert without.status_code == 422
    browser.post(decide_of(asked), typed(asked, allowed="yes", reason="Nachvollziehbar"))
    asked.refresh_from_db()
    assert (asked.allowed, asked.decision_reason) == (True, "Nachvollziehbar")
    again = browser.post(decide_of(asked), typed(asked, allowed="no", reason="Doch nicht"))
    assert again.status_code == 409
    asked.refresh_from_db()
    assert asked.allowed is True


def overview(referral):
    address = reverse("consultations:referral", args=[referral.uuid, "uebersicht"])
    return as_user(referral.author).get(address).content.decode()


def test_the_case_team_hears_what_was_decided_and_why():
    referral = factories.ReferralFactory()
    Clarification.objects.create(
        client=referral.client, referral=factories.ReferralFactory(client=referral.client)
    )
    assert "Die Koordination schreibt dazu" not in overview(referral)
    asked = exceptions.request(referral.client, reason="Neue Lage", by=referral.author)
    by = factories.UserFactory(roles=["coordinator"])
    exceptions.decide(asked, allowed=False, reason="Erst die Hausarztpraxis", by=by)
    assert [line.url for line in notices.lines(referral.author)] == [reverse("consultations:referrals")]
    for page in (overview(referral), as_user(referral.author).get(ask_of(referral)).content.decode()):
        assert "Ausnahme abgelehnt" in page
        assert "Erst die Hausarztpraxis" in page
    again = exceptions.request(referral.client, reason="Jetzt erst recht", by=referral.author)
    assert "Ausnahme abgelehnt" not in overview(referral)
    exceptions.decide(again, allowed=True, reason="Leuchtet ein", by=by)
    assert "Ausnahme erlaubt" in overview(referral)
    assert "Leuchtet ein" in overview(referral)


def test_an_exception_that_was_used_is_no_answer_to_the_next_question():
    referral = factories.ReferralFactory()
    asked = exceptions.request(referral.client, reason="Neue Lage", by=referral.author)
    by = factories.UserFactory(roles=["coordinator"])
    exceptions.decide(asked, allowed=True, reason="Leuchtet ein", by=by)
    first = factories.ReferralFactory(client=referral.client)
    Clarification.objects.create(client=referral.client, referral=first, exception=asked)
    assert exceptions.answer(referral.client) is None


def test_nobody_decides_about_what_nobody_needs_any_more():
    referral = factories.ReferralFactory()
    other = factories.ReferralFactory(client=referral.client)
    asked = exceptions.request(referral.client, reason="Neue Lage", by=referral.author)
    referrals.withdraw(other, by=referral.author)
    assert ClarificationException.objects.open().get() == asked
    referrals.withdraw(referral, by=referral.author)
    assert not ClarificationException.objects.exists()
    browser = as_user(factories.UserFactory(roles=["coordinator"]))
    answer = browser.post(decide_of(asked), typed(asked, allowed="yes", reason="Gut"))
    assert answer.status_code == 404
    assert "Diese Bitte gibt es nicht mehr" in answer.content.decode()


def test_nobody_else_enters():
    owner, colleague, stranger = three()
    asked = exceptions.request(factories.ClientFactory(owner=owner), reason="x", by=owner)
    for other in (owner, colleague, stranger):
        assert as_user(other).get(LIST).status_code == 403
        assert (
            as_user(other).post(decide_of(asked), typed(asked, allowed="yes", reason="x")).status_code == 403
        )
    elsewhere = factories.UserFactory(roles=["coordinator"], organisation=stranger.organisation)
    assert as_user(elsewhere).post(decide_of(asked), {}).status_code == 404
    asked.refresh_from_db()
    assert asked.allowed is None


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(rows, django_assert_num_queries):
    for _row in range(rows):
        client = factories.ClientFactory()
        exceptions.request(client, reason="x", by=client.owner)
    browser = as_user(factories.UserFactory(roles=["coordinator"]))
    browser.get(LIST)
    with django_assert_num_queries(6):  # session, user, second factor; waiting, audit, decided
        browser.get(LIST)
