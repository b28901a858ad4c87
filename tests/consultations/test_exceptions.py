"""A second clarification: asked by the case team, decided once by the coordinator, with reasons."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEvent
from clients.models import Client
from consultations import exceptions
from consultations.models import ClarificationException
from scheduling.problems import Refused
from tests import factories
from tests.consultations.people import three

pytestmark = pytest.mark.django_db


def refused(rule, *args, **kwargs) -> list[str]:
    with pytest.raises(Refused) as caught, transaction.atomic():
        rule(*args, **kwargs)
    return caught.value.codes


def verbs(exception: ClarificationException) -> list[str]:
    return list(AuditEvent.objects.about(exception).order_by("pk").values_list("verb", flat=True))


def coordinator(**fields):
    return factories.UserFactory(roles=["coordinator"], **fields)


def test_a_request_is_decided_once_with_who_when_and_why():
    client = factories.ClientFactory()
    asked = exceptions.request(client, reason="Neue Lage", by=client.owner)
    decided = exceptions.decide(asked, allowed=False, reason="Zuerst Hausarzt", by=coordinator())
    decided.refresh_from_db()
    assert (decided.allowed, decided.decision_reason) == (False, "Zuerst Hausarzt")
    assert decided.decided_at is not None
    again = {"allowed": True, "reason": "Doch", "by": coordinator()}
    assert refused(exceptions.decide, asked, **again) == ["decided"]
    assert verbs(asked) == ["exception_requested", "exception_declined"]


def test_both_sides_give_a_reason():
    client = factories.ClientFactory()
    assert refused(exceptions.request, client, reason=" ", by=client.owner) == ["needs_a_reason"]
    asked = exceptions.request(client, reason="Neue Lage", by=client.owner)
    no_reason = {"allowed": True, "reason": "", "by": coordinator()}
    assert refused(exceptions.decide, asked, **no_reason) == ["needs_a_reason"]
    asked.refresh_from_db()
    assert asked.decided_at is None


def test_one_request_at_a_time_and_none_while_one_is_unused():
    client = factories.ClientFactory()
    asked = exceptions.request(client, reason="Neue Lage", by=client.owner)
    again = {"reason": "Noch einmal", "by": client.owner}
    assert refused(exceptions.request, client, **again) == ["exception_asked"]
    exceptions.decide(asked, allowed=True, reason="Gut", by=coordinator())
    assert refused(exceptions.request, client, **again) == ["already_allowed"]
    assert ClarificationException.objects.count() == 1


def test_after_a_no_one_may_ask_again():
    client = factories.ClientFactory()
    asked = exceptions.request(client, reason="Neue Lage", by=client.owner)
    exceptions.decide(asked, allowed=False, reason="Nein", by=coordinator())
    assert exceptions.request(client, reason="Wieder neu", by=client.owner).pk != asked.pk


def test_two_open_requests_are_refused_by_the_database():
    client = factories.ClientFactory()
    asked = exceptions.request(client, reason="Neue Lage", by=client.owner)
    asked.pk, asked.uuid = None, client.uuid
    with pytest.raises(IntegrityError, match="exception_one_open_per_client"), transaction.atomic():
        asked.save(force_insert=True)


def test_only_the_case_team_asks():
    owner, colleague, stranger = three()
    client = factories.ClientFactory(owner=owner)
    for other in (colleague, stranger):
        assert refused(exceptions.request, client, reason="x", by=other) == ["not_own_case"]
    assert exceptions.request(client, reason="x", by=owner).requested_by == owner


def test_only_the_districts_coordinator_decides():
    owner, colleague, stranger = three()
    asked = exceptions.request(factories.ClientFactory(owner=owner), reason="x", by=owner)
    for other in (owner, colleague, stranger):
        with pytest.raises(PermissionDenied):
            exceptions.decide(asked, allowed=True, reason="x", by=other)
    elsewhere = coordinator(organisation=stranger.organisation)
    with pytest.raises(ClarificationException.DoesNotExist):
        exceptions.decide(asked, allowed=True, reason="x", by=elsewhere)
    asked.refresh_from_db()
    assert asked.allowed is None
    assert exceptions.decide(asked, allowed=True, reason="x", by=coordinator()).allowed is True


def test_the_coordinator_reaches_the_request_but_not_the_client():
    asked = exceptions.request(client := factories.ClientFactory(), reason="x", by=client.owner)
    person = coordinator()
    assert ClarificationException.objects.for_user(person).get() == asked
    assert not Client.objects.for_user(person).exists()


def test_reasons_are_sealed():
    client = factories.ClientFactory()
    asked = exceptions.request(client, reason="geheimer Grund", by=client.owner)
    exceptions.decide(asked, allowed=True, reason="geheime Antwort", by=coordinator())
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM consultations_clarificationexception e")
        assert "geheim" not in cursor.fetchone()[0]
