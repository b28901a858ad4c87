"""Several ways out of the house at once: each carries its own, and none waits for another."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils import timezone

from accounts.models import User
from clients.models import Client
from consultations import today
from notifications import channels, delivery, tasks
from notifications.channels.base import Mail, Sms
from notifications.channels.memory import MemoryGateway, MemoryMailGateway
from notifications.models import Message, MessageRules
from notifications.reasons import reason
from tests.factories import ClientFactory
from tests.notifications.messages import claimed, mail, queued

pytestmark = pytest.mark.django_db
Status = Message.Status


def status_of(message: Message) -> str:
    message.refresh_from_db()
    return message.status


def test_each_gateway_takes_what_it_carries() -> None:
    text, letter = queued(), mail("a@example.org")
    sms, post = MemoryGateway(), MemoryMailGateway()

    assert (delivery.deliver_due(sms), delivery.deliver_due(post)) == (1, 1)

    (one,), (other,) = sms.sent, post.sent
    assert isinstance(one, Sms)
    assert one.uuid == text.uuid
    assert other == Mail(
        letter.uuid,
        "a@example.org",
        "Termin",
        "Bitte vormerken.",
        "BEGIN:VCALENDAR",
        "REQUEST",
        other.leave_before,
    )
    assert (status_of(text), status_of(letter)) == (Status.SENT, Status.SENT)


def test_what_a_person_says_no_gateway_takes() -> None:
    client = ClientFactory()
    now = timezone.now()
    told = Message.objects.create(
        district=client.district,
        channel=Message.Channel.PERSON,
        client=client,
        key=f"test:{uuid4()}:",
        kind=Message.Kind.BOOKED,
        language="ar",
        send_at=now,
        expires_at=now + timedelta(hours=1),
    )

    assert delivery.deliver_due(MemoryGateway()) == delivery.deliver_due(MemoryMailGateway()) == 0
    assert status_of(told) == Status.QUEUED


def test_who_reads_no_released_language_is_called_where_the_district_wants_that(settings) -> None:
    """Found out at the claim: nothing is tried, nothing is paid, and the case team tells them."""
    settings.PRODUCTION = True
    message, other = queued(), queued()
    Client.objects.filter(pk=other.addressee.pk).update(language="de")
    MessageRules.objects.update(unreviewed=MessageRules.Unreviewed.CALL)
    sms = MemoryGateway()

    assert delivery.deliver_due(sms) == 1
    assert delivery.deliver_due(sms) == 0

    assert status_of(message) == Status.QUEUED
    assert (message.channel, message.attempts, message.segments) == (Message.Channel.PERSON, 0, 0)
    assert not message.events.exists()
    assert [one.uuid for one in sms.sent] == [other.uuid]
    owner, stranger = message.addressee.owner, other.addressee.owner
    assert [t.args for t in today.of(owner).todos if t.route == "scheduling:told_message"] == [
        (message.uuid,)
    ]
    assert not [t for t in today.of(stranger).todos if t.route == "scheduling:told_message"]


def test_an_address_of_nobodys_account_is_written_to() -> None:
    message = mail()
    Message.objects.filter(pk=message.pk).update(user=None, address="pool@example.org")
    post = MemoryMailGateway()

    delivery.deliver_due(post)

    assert [one.to for one in post.sent] == ["pool@example.org"]


def test_who_has_left_gets_no_mail() -> None:
    gone, nowhere, good = mail("gone@example.org"), mail(""), mail()
    User.objects.filter(email="gone@example.org").update(is_active=False)

    assert delivery.deliver_due(MemoryMailGateway()) == 1

    assert (status_of(gone), gone.error_code) == (Status.FAILED, "no_address")
    assert (status_of(nowhere), status_of(good)) == (Status.FAILED, Status.SENT)
    assert "Adresse" in str(reason(gone))


def test_an_accepted_mail_is_found_again_by_its_content() -> None:
    message = mail("a@example.org")
    post = MemoryMailGateway()
    ((_, parcel),) = claimed(post)
    post.accept(parcel)

    delivery.settle(post, after=timedelta())

    assert (status_of(message), len(post.sent)) == (Status.SENT, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("busy", Message.Channel.values[:2])
def test_a_busy_channel_holds_up_itself_only(busy: str, other_connection) -> None:
    queued(), mail()
    with other_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [delivery._ONE_AT_A_TIME[Message.Channel(busy)]])

    assert delivery.deliver_due(MemoryGateway()) == int(busy != "sms")
    assert delivery.deliver_due(MemoryMailGateway()) == int(busy != "email")


@pytest.fixture
def other_connection():
    other = connection.copy()
    yield other
    other.close()


def test_the_tasks_send_by_every_channel_there_is(settings) -> None:
    text, letter = queued(), mail()
    settings.SMS_BACKEND, settings.MAIL_BACKEND = "memory", ""

    tasks.deliver(0)
    tasks.deliver_mail(0)
    assert (status_of(text), status_of(letter)) == (Status.SENT, Status.QUEUED)

    settings.MAIL_BACKEND = "memory-mail"
    tasks.deliver_mail(0)
    assert status_of(letter) == Status.SENT


class Own(MemoryGateway):
    """A district's own provider, in a file of its own."""


@pytest.mark.parametrize(
    "name", ["carrier pigeon", "no.such.Class", "notifications.channels.gateway", "memory-mail"]
)
def test_a_setting_that_names_no_gateway_is_said(settings, name: str) -> None:
    settings.SMS_BACKEND = name

    with pytest.raises(ImproperlyConfigured, match="SMS_BACKEND"):
        channels.gateway()


def test_a_district_names_its_own_provider(settings) -> None:
    settings.SMS_BACKEND = f"{__name__}.Own"

    assert isinstance(channels.gateway(), Own)
