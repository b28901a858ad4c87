"""A backup of a system at work, restored onto an empty machine by the commands of docs/operations.md.

The first system goes on after the backup was taken, as it does; the second finds the same gateway.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings

from accounts import audit, audit_chain
from config import embedded_db
from notifications import delivery, outbox
from notifications.channels.sms import TwilioGateway
from notifications.models import Message
from tests.browsing import wait_until
from tests.factories import UserFactory
from tests.notifications.messages import claimed, queued
from tests.notifications.twilio_server import Fault, TwilioServer
from tests.servers import Worker, database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise(28)]
Status = Message.Status
LATER = timedelta(hours=1)


class EmptyMachine:
    """A cluster of its own, with the roles and the empty database that a first start makes."""

    def __init__(self, folder: Path) -> None:
        self.cluster = embedded_db.cluster("restored")
        embedded_db.discard(self.cluster)
        embedded_db.start(self.cluster)
        self._folder = folder

    def environment(self, **others: str) -> dict[str, str]:
        return {**os.environ, **self.cluster.environment(), "SPRECHSTUNDE_DB_ROLE": "app", **others}

    def run(self, command: str, **environment: str) -> str:
        """Carry out a command of the handbook; what it says."""
        programs = embedded_db.binaries(self.cluster)
        path = os.pathsep.join((str(Path(sys.executable).parent), str(programs), os.environ["PATH"]))
        command = command.replace("manage.py", f"{sys.executable} {django_settings.BASE_DIR}/manage.py")
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self._folder,
            env={**self.environment(PATH=path), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.cluster.url("app")) as database:
            return database.execute(query.encode()).fetchall()

    def change(self, statement: str) -> None:
        with psycopg.connect(self.cluster.url("app")) as database:
            database.execute(statement.encode())

    def is_held(self) -> bool:
        return bool(self.ask("SELECT 1 FROM notifications_outboxplace WHERE held_since IS NOT NULL"))

    def states(self) -> Counter[str]:
        return Counter(str(status) for (status,) in self.ask("SELECT status FROM notifications_message"))


def handbook(program: str) -> str:
    """The one command of docs/operations.md that begins so."""
    text = (django_settings.BASE_DIR / "docs" / "operations.md").read_text()
    (found,) = set(re.findall(rf"^ *({re.escape(program)}\b.*)$", text, re.MULTILINE))
    return str(found)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[EmptyMachine]:
    made = EmptyMachine(tmp_path)
    yield made
    embedded_db.discard(made.cluster)


@pytest.fixture
def second_worker(machine: EmptyMachine, twilio: TwilioServer, tmp_path: Path) -> Iterator[Worker]:
    process = Worker(tmp_path / "worker.log", **machine.environment(**account(twilio)))
    yield process
    process.end()


def account(twilio: TwilioServer) -> dict[str, str]:
    return {
        "SMS_BACKEND": "twilio",
        "TWILIO_ACCOUNT_SID": django_settings.TWILIO_ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": django_settings.TWILIO_AUTH_TOKEN,
        "TWILIO_API_URL": twilio.url,
    }


def sealed_trail() -> str:
    """Something in the audit trail; the head that is kept elsewhere."""
    for _ in range(3):
        person = UserFactory()
        audit.record("changed", person, by=person, fields=["name"])
    audit_chain.seal()
    head = audit_chain.head()
    assert head is not None
    return str(head.chain_hash)


def test_a_dump_restored_elsewhere_sends_nothing_twice_and_nothing_stale(
    gateway: TwilioGateway, twilio: TwilioServer, machine: EmptyMachine, second_worker: Worker
) -> None:
    head = sealed_trail()
    # A system at work: sent, perhaps sent, in a worker's hands, due, and due later.
    [queued(), queued()]
    delivery.deliver_due(gateway)
    queued()
    twilio.faults, twilio.list_is_up = [Fault.ACCEPT_500], False
    delivery.deliver_due(gateway)
    delivery.settle(gateway, after=timedelta(), give_up=timedelta())
    twilio.list_is_up = True
    [queued(), queued()]
    assert len(claimed(gateway)) == 2
    [queued(), queued(), queued()]
    later = queued(due=LATER)
    moved = queued("+4915100000077", due=LATER)
    # It is night there, and by the morning the time has passed.
    queued(hour=3, lives=timedelta(seconds=2))

    machine.run(handbook("pg_dump"), DATABASE_OWNER_URL=database_url("owner"))

    # It sends on; one appointment is moved, and its client told.
    outbox.withdraw(moved.key)
    queued("+4915100000077")
    delivery.settle(gateway, after=timedelta())
    delivery.deliver_due(gateway)
    sent = Counter(message["to"] for message in twilio.accepted)
    assert set(sent.values()) == {1}
    assert len(sent) == 9

    # It is lost; the backup comes onto an empty machine, whose worker runs at once.
    machine.run(handbook("pg_restore"))
    machine.run(handbook("vacuumdb"))
    assert machine.ask("SELECT 1 FROM pg_stats WHERE tablename = 'notifications_message'")
    machine.change(f"UPDATE notifications_message SET send_at = now() WHERE id = {moved.pk}")
    second_worker.start()
    assert "links are right" in machine.run(f"manage.py verify_audit --head {head}")
    wait_until(lambda: machine.ask("SELECT 1 FROM notifications_outboxplace WHERE held_since IS NOT NULL"))
    assert machine.states() == {Status.SENT: 2, Status.UNCLEAR: 1, Status.SENDING: 2, Status.QUEUED: 6}

    said = machine.run(handbook("manage.py reconcile_restored"), **account(twilio))

    assert "sending" not in said
    settled = {Status.SENT: 7, Status.UNCLEAR: 2, Status.EXPIRED: 1, Status.QUEUED: 1}
    assert machine.states() == settled
    assert Counter(message["to"] for message in twilio.accepted) == sent

    # And the restored system does its work.
    machine.change(f"UPDATE notifications_message SET send_at = now() WHERE id = {later.pk}")
    wait_until(lambda: machine.states()[Status.SENT] == 8)
    sent[later.addressee.mobile] += 1
    assert Counter(message["to"] for message in twilio.accepted) == sent
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        machine.change("DELETE FROM accounts_auditevent")
