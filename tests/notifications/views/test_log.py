"""What staff see of messages: their own clients' only, each with its state and a reason they understand."""

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients import contact
from notifications import delivery
from notifications.channels.memory import MemoryGateway
from notifications.models import Message
from tests.factories import OrganisationFactory, UserFactory
from tests.notifications.messages import queued
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
Status = Message.Status
LOG = reverse("notifications:log")


@pytest.fixture
def message():
    return queued()


def log_of(person) -> str:
    return as_user(person).get(LOG).content.decode()


def failed(message, status=Status.FAILED, code="30003") -> None:
    Message.objects.filter(pk=message.pk).update(status=status, error_code=code, settled_at=timezone.now())


@pytest.mark.promise(12)
def test_owner_and_deputy_see_it_and_nobody_else(message) -> None:
    client = message.client
    client.deputy = UserFactory(organisation=client.organisation)
    client.save()
    colleague = UserFactory(organisation=client.organisation)
    stranger = UserFactory(organisation=OrganisationFactory(name="Caritas", district=client.district))

    for person in (client.owner, client.deputy):
        assert client.full_name in log_of(person)
    for person in (colleague, stranger):
        shown = log_of(person)
        assert client.full_name not in shown
        assert "Noch keine Nachrichten" in shown


@pytest.mark.parametrize("status", Status)
def test_every_state_is_a_word(message, status) -> None:
    Message.objects.update(status=status, claimed_at=timezone.now())

    assert str(status.label) in log_of(message.client.owner)


def test_unclear_is_explained(message) -> None:
    failed(message, Status.UNCLEAR, "")

    shown = log_of(message.client.owner)
    assert "Vielleicht ist die SMS angekommen, vielleicht nicht" in shown
    assert "Bitte anders Bescheid geben" in shown


def test_telling_the_client_otherwise_ends_it(message) -> None:
    failed(message)
    owner = message.client.owner
    assert "Bescheid gegeben" in log_of(owner)

    for _ in range(2):
        as_user(owner).post(reverse("notifications:told_otherwise", args=[message.uuid]))

    assert "Bitte anders Bescheid geben" not in log_of(owner)
    assert AuditEvent.objects.about(message).filter(verb="told_otherwise").count() == 1
    message.refresh_from_db()
    assert message.status == Status.FAILED


def test_a_number_confirmed_since_ends_it_too(message) -> None:
    failed(message)
    message.client.mobile_confirmed_at = timezone.now() + timedelta(seconds=1)
    message.client.save()

    assert "Bitte anders Bescheid geben" not in log_of(message.client.owner)


@pytest.mark.promise(12)
def test_only_ones_own_messages_can_be_settled(message) -> None:
    failed(message)
    stranger = UserFactory(organisation=OrganisationFactory(district=message.district))

    answer = as_user(stranger).post(reverse("notifications:told_otherwise", args=[message.uuid]))

    assert answer.status_code == 404
    assert not message.events.filter(status="told_otherwise").exists()


def test_what_needs_nobody_cannot_be_settled(message) -> None:
    delivery.deliver_due(MemoryGateway())

    as_user(message.client.owner).post(reverse("notifications:told_otherwise", args=[message.uuid]))

    assert not message.events.filter(status="told_otherwise").exists()


def test_the_specialist_has_no_business_here() -> None:
    assert as_user(UserFactory(roles=["specialist"])).get(LOG).status_code == 403


@pytest.mark.parametrize("many", [1, 3])
def test_the_log_costs_the_same_at_any_length(message, django_assert_num_queries, many: int) -> None:
    for _ in range(1, many):
        Message.objects.filter(pk=queued().pk).update(client=message.client)
    Message.objects.update(status=Status.FAILED, settled_at=timezone.now() + timedelta(minutes=1))
    browser = as_user(message.client.owner)
    browser.get(LOG)

    # session, user, second factor; open ends; number of messages, this page of them
    with django_assert_num_queries(6):
        shown = browser.get(LOG).content.decode()
    assert shown.count("Bescheid gegeben") == many


def test_long_logs_have_pages(message, monkeypatch) -> None:
    monkeypatch.setattr("notifications.views.log.ROWS", 1)
    Message.objects.filter(pk=queued(due=timedelta(hours=1)).pk).update(client=message.client)
    browser = as_user(message.client.owner)

    first, second = (browser.get(LOG, {"seite": n}).content.decode() for n in (1, 2))

    assert "Seite 1 von 2" in first
    assert "Seite 2 von 2" in second
    assert first.count("<tr ") == second.count("<tr ") == 2


# --- Beside an appointment -----------------------------------------------------------------------
def beside(about, **context) -> str:
    tag = Template("{% load delivery %}{% delivery_state about obstacles %}")
    return tag.render(Context({"about": about, "obstacles": [], **context}))


def test_beside_an_appointment_stands_what_became_of_its_messages() -> None:
    queued(key="booking:1:booked")
    delivery.deliver_due(MemoryGateway())
    queued(key="booking:1:reminder:1d", due=timedelta(hours=1))
    queued(key="booking:2:booked")

    shown = beside("booking:1:")

    assert shown.count("<li>") == 2
    assert "Erinnerung" in shown
    assert "gesendet" in shown
    assert "geplant" in shown


def test_beside_an_appointment_stands_why_no_message_goes_out(message) -> None:
    contact.opt_out(message.client)

    shown = beside("booking:9:", obstacles=contact.sms_obstacles(message.client))

    assert "Es gehen keine SMS hinaus" in shown
    assert str(contact.OPTED_OUT.text) in shown


def test_a_list_hands_over_the_messages_it_has(message, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert "geplant" in beside([message])
        assert "Keine Nachrichten geplant" in beside([])
