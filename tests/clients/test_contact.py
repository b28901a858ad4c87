"""Whether an SMS may go to somebody, and consents."""

from datetime import date

import pytest

from accounts.models import AuditEvent, Channel
from clients import consents, contact
from clients.models import Consent
from tests.factories import ClientFactory, ConsentFactory, UserFactory

pytestmark = pytest.mark.django_db


def codes(client):
    return [obstacle.code for obstacle in contact.sms_obstacles(client)]


def test_with_consent_and_a_safe_confirmed_number_nothing_stands_in_the_way():
    client = ConsentFactory().client
    assert codes(client) == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("mobile", "", "no_number"),
        ("mobile_confirmed_at", None, "not_confirmed"),
        ("safe_to_text", False, "not_safe"),
        ("literacy", "does_not_read", "does_not_read"),
    ],
)
def test_each_obstacle_stands_for_itself(field, value, code):
    client = ConsentFactory().client
    setattr(client, field, value)
    assert codes(client) == [code]


def test_all_obstacles_are_named_at_once():
    client = ClientFactory(mobile="", safe_to_text=False)
    assert codes(client) == ["no_consent", "no_number", "not_safe"]


def test_a_consent_to_a_consultation_is_none_to_sms():
    client = ConsentFactory(purpose=Consent.Purpose.CONSULTATION).client
    assert codes(client) == ["no_consent"]


def test_keine_sms_mehr_holds_until_a_new_yes():
    client = ConsentFactory().client
    contact.opt_out(client, channel=Channel.LINK)
    contact.opt_out(client, channel=Channel.LINK)
    assert codes(client) == ["opted_out"]
    assert AuditEvent.objects.get(verb="opted_out").channel == "link"
    before = client.consents.get()
    consents.give_sms(client, by=client.owner, explained_in="ar", given_on=date(2026, 11, 2))
    client.refresh_from_db()
    before.refresh_from_db()
    assert (codes(client), before.revoked_by) == ([], client.owner)


def test_nicht_meine_nummer_makes_all_links_dead_once():
    client = ConsentFactory().client
    contact.wrong_number(client, channel=Channel.LINK)
    contact.wrong_number(client, channel=Channel.LINK)
    client.refresh_from_db()
    assert client.link_version == 2
    assert codes(client) == ["wrong_number"]


def test_sms_consent_given_twice_is_one():
    client = ClientFactory()
    first = consents.give_sms(client, by=client.owner, explained_in="ar", given_on=date(2026, 11, 2))
    second = consents.give_sms(client, by=client.owner, explained_in="de", given_on=date(2026, 11, 3))
    assert first == second
    assert client.consents.count() == 1


def test_a_consent_is_revoked_once_and_the_trail_says_by_whom():
    consent = ConsentFactory()
    deputy = UserFactory()
    consents.revoke(consent, by=consent.client.owner)
    consents.revoke(consent, by=deputy)
    consent.refresh_from_db()
    assert consent.revoked_by == consent.client.owner
    assert AuditEvent.objects.get(verb="consent_revoked").actor == consent.client.owner.uuid
