"""A restored backup sends nothing twice, nothing too late, and nothing at all before somebody has looked."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from accounts.models import User
from accounts.roles import Role
from consultations import today
from notifications import channels, delivery, parcels, place, restored, wording
from notifications.channels.base import Sms
from notifications.channels.memory import MemoryGateway
from notifications.models import DeliveryEvent, Message, OutboxPlace
from tests.factories import UserFactory
from tests.notifications.messages import claimed, queued

pytestmark = [pytest.mark.django_db, pytest.mark.promise(28)]
Status = Message.Status
TABLES = ("notifications_message", "notifications_deliveryevent", "notifications_outboxplace")


@pytest.fixture
def gateway(settings) -> MemoryGateway:
    """The district's gateway, which remembers whatever happens to our database."""
    settings.SMS_BACKEND, settings.MAIL_BACKEND = "memory", ""
    made = channels.gateway()
    assert isinstance(made, MemoryGateway)
    MemoryGateway.__init__(made)
    return made


class Backup:
    """The rows of the outbox as they were, and putting them back into "another" database."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"CREATE TEMP TABLE backup_{table} AS SELECT * FROM {table}")

    def restore(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM notifications_deliveryevent")
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table}")
                cursor.execute(f"INSERT INTO {table} SELECT * FROM backup_{table}")
        # What it was copied from had another name.
        OutboxPlace.objects.update(identity="1:2:3")


def states() -> Counter[str]:
    return Counter(Message.objects.values_list("status", flat=True))


def sent_twice(gateway: MemoryGateway) -> list[str]:
    return [number for number, times in Counter(one.number for one in gateway.sent).items() if times > 1]


@pytest.fixture
def backup(gateway: MemoryGateway) -> Backup:
    """Taken while ten messages wait and the outbox is at work; five of them leave afterwards."""
    messages = [queued() for _ in range(10)]
    Message.objects.filter(pk__in=[one.pk for one in messages[5:]]).update(send_at=Now() + timedelta(hours=1))
    assert place.may_send()
    made = Backup()
    assert delivery.deliver_due(gateway) == 5
    return made


def test_without_looking_first_a_restored_backup_sends_twice(backup: Backup, gateway: MemoryGateway) -> None:
    """The control: a copy that takes itself for the original."""
    backup.restore()
    OutboxPlace.objects.update(identity=place.identify()[0])

    delivery.deliver_due(gateway)

    assert len(sent_twice(gateway)) == 5


def test_a_restored_backup_is_noticed_and_held(backup: Backup, gateway: MemoryGateway, caplog) -> None:
    backup.restore()

    assert delivery.deliver_due(gateway) == 0
    delivery.settle(gateway, after=timedelta(), give_up=timedelta())
    assert delivery.deliver_due(gateway) == 0

    assert states() == {Status.QUEUED: 10}
    assert place.held_since() is not None
    assert caplog.text.count("restored backup") == 1


def test_what_was_sent_since_is_recorded_and_the_rest_leaves(backup: Backup, gateway: MemoryGateway) -> None:
    backup.restore()
    late = queued(lives=timedelta(seconds=1))
    Message.objects.filter(pk=late.pk).update(expires_at=Now())
    never_left = queued()

    call_command("reconcile_restored")
    assert place.held_since() is None
    assert states() == {Status.SENT: 5, Status.QUEUED: 6, Status.EXPIRED: 1}

    assert delivery.deliver_due(gateway) == 1
    assert gateway.sent[-1].uuid == never_left.uuid
    assert sent_twice(gateway) == []


def test_what_was_under_way_in_the_backup_is_settled_too(gateway: MemoryGateway) -> None:
    queued(), queued()
    (_, accepted), _ = claimed(gateway)
    place.may_send()
    backup = Backup()
    gateway.accept(accepted)
    backup.restore()

    call_command("reconcile_restored")
    assert states() == {Status.SENT: 1, Status.QUEUED: 1}
    delivery.deliver_due(gateway)

    assert states() == {Status.SENT: 2}
    assert sent_twice(gateway) == []


def test_something_else_to_that_number_leaves_it_unclear(backup: Backup, gateway: MemoryGateway) -> None:
    """The appointment was moved after the backup: the text that left is none we know."""
    backup.restore()
    message = queued("+4915100000077")
    parcel = parcels.parcel(message, wording.of(message.district), now=message.send_at, leave_before=0)
    assert isinstance(parcel, Sms)
    gateway.accept(replace(parcel, body="Neue Zeit: Do 10:00"))

    call_command("reconcile_restored")
    delivery.deliver_due(gateway)

    message.refresh_from_db()
    assert message.status == Status.UNCLEAR
    assert sent_twice(gateway) == []


def test_without_a_list_nothing_is_sent_blindly(backup: Backup, gateway: MemoryGateway) -> None:
    backup.restore()
    gateway.has_list = False

    with pytest.raises(CommandError, match="5 messages could not be looked up"):
        call_command("reconcile_restored")
    assert delivery.deliver_due(gateway) == 0

    call_command("reconcile_restored", "--give-up")
    assert states() == {Status.UNCLEAR: 5, Status.QUEUED: 5}
    assert place.held_since() is None
    assert delivery.deliver_due(gateway) == 0
    assert sent_twice(gateway) == []


def test_a_callback_clears_up_what_the_backup_does_not_know(backup: Backup, gateway: MemoryGateway) -> None:
    sent = gateway.sent[0].uuid
    backup.restore()
    gateway.has_list = False
    restored.reconcile(gives_up=True)

    assert delivery.report(sent, Status.DELIVERED, said="delivered", gateway_id="memory-1")
    assert Message.objects.get(uuid=sent).status == Status.DELIVERED


def test_a_message_found_as_sent_is_the_same_as_any_other(backup: Backup, gateway: MemoryGateway) -> None:
    """What the list says is recorded with its id, counts as one attempt and is reported on later."""
    backup.restore()

    call_command("reconcile_restored")

    sent = gateway.sent[0].uuid
    found = Message.objects.get(uuid=sent)
    assert (found.status, found.attempts, found.gateway_id) == (Status.SENT, 1, "memory-1")
    assert [event.status for event in found.events.all()] == ["restored", "found"]
    assert delivery.report(sent, Status.DELIVERED, said="delivered", gateway_id="memory-1")


def test_what_could_not_be_looked_up_is_found_as_sent_later(backup: Backup, gateway: MemoryGateway) -> None:
    """The list could not be read at first; once it can, what left is known and nothing leaves again."""
    backup.restore()
    gateway.has_list = False
    with pytest.raises(CommandError):
        call_command("reconcile_restored")
    assert states()[Status.SENDING] == 5

    gateway.has_list = True
    call_command("reconcile_restored")
    delivery.deliver_due(gateway)

    assert states() == {Status.SENT: 5, Status.QUEUED: 5}
    assert Message.objects.filter(attempts=1, status=Status.SENT).count() == 5
    assert sent_twice(gateway) == []


def test_those_in_charge_see_on_heute_that_nothing_leaves() -> None:
    coordinator, administrator, caseworker = (
        UserFactory(roles=[role]) for role in (Role.COORDINATOR, Role.ADMINISTRATOR, Role.CASEWORKER)
    )
    assert rows_of(coordinator) == rows_of(administrator) == []

    place.hold()

    assert len(rows_of(coordinator)) == len(rows_of(administrator)) == 1
    assert rows_of(caseworker) == []
    place.release()
    assert rows_of(coordinator) == []


def rows_of(user: User) -> list[str]:
    return [todo.text for todo in today.of(user).todos if "gehen keine SMS" in todo.text]


def test_reconciling_where_nothing_was_restored_does_no_harm(backup: Backup, gateway: MemoryGateway) -> None:
    call_command("reconcile_restored")

    assert states() == {Status.SENT: 5, Status.QUEUED: 5}
    assert not DeliveryEvent.objects.filter(status="restored").exists()


def test_every_database_has_a_name_of_its_own() -> None:
    """Two databases of one cluster differ; asked again, one stays the same."""
    here, _ = place.identify()
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    known = {
        name: parameters[name]
        for name in ("dbname", "user", "host", "port", "password")
        if parameters.get(name)
    }
    with psycopg.connect(**known) as other:
        (there, _) = other.execute(place._IDENTITY).fetchone() or ("", None)

    assert here == place.identify()[0]
    assert here != there
    assert here.split(":")[0] == there.split(":")[0] != ""


def test_the_outbox_notes_the_time_for_the_next_backup() -> None:
    place.may_send()
    OutboxPlace.objects.update(seen_at=Now() - timedelta(hours=1))

    assert place.may_send()

    assert OutboxPlace.objects.get().seen_at > place.identify()[1] - timedelta(minutes=1)
