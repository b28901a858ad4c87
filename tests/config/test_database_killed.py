"""PostgreSQL dies in the middle of the work: what was confirmed stays, and the service is back by itself."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import psycopg
import pytest
from django.urls import reverse

from config import embedded_db
from config.embedded_db import Cluster
from scheduling.models import Slot
from tests import factories
from tests.browsing import wait_until
from tests.servers import Daphne, database_url
from tests.sign_in import Caller

CALLERS = 3


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A database server of its own, which nobody else misses."""
    monkeypatch.setattr(embedded_db, "CHECKOUT", tmp_path)
    with embedded_db.lease("test") as place:
        yield place
    embedded_db.discard(place)


def copy_to(cluster: Cluster) -> None:
    """All that stands in the test database."""
    programs = embedded_db.binaries(cluster)
    dump = subprocess.run(
        [programs / "pg_dump", database_url("owner")], capture_output=True, text=True, check=True
    ).stdout
    target = ["-v", "ON_ERROR_STOP=1", "--quiet", cluster.url(embedded_db.SUPERUSER)]
    subprocess.run([programs / "psql", *target], input=dump, capture_output=True, text=True, check=True)


def kill(cluster: Cluster) -> None:
    """kill -9, as the machine does when memory runs out."""
    os.kill(int((cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


class Load(threading.Thread):
    """Somebody who books one slot after the other, and remembers what was confirmed."""

    def __init__(self, caller: Caller, client: str, slots: Sequence[Slot]) -> None:
        super().__init__()
        self.confirmed: list[str] = []
        self.unanswered = 0
        self.is_over = threading.Event()
        self._caller, self._client, self._slots = caller, client, slots

    def run(self) -> None:
        for slot in self._slots:
            if self.is_over.is_set():
                return
            # The same form, sent until there is an answer.
            said = urlencode({"client": self._client, "idempotency_key": uuid4()})
            while not self.is_over.is_set():
                status, _ = self._caller.post(reverse("scheduling:book", args=[slot.uuid]), said)
                if status == 302:
                    self.confirmed.append(str(slot.uuid))
                    break
                self.unanswered += 1
                self.is_over.wait(0.1)


@pytest.mark.promise(19)
@pytest.mark.django_db(transaction=True)
def test_killed_under_load_it_loses_no_confirmed_booking_and_the_service_comes_back(
    cluster: Cluster, tmp_path: Path, rounds: Callable[[int], int]
) -> None:
    first = factories.SlotFactory()
    slots = [
        factories.SlotFactory(session=first.session, block=n, start_at=first.start_at + timedelta(days=n))
        for n in range(1, 1 + 100 * CALLERS)
    ]
    clients = [factories.ConsentFactory().client for _ in range(CALLERS)]
    server = Daphne(tmp_path / "log", DATABASE_URL=cluster.url("app"))
    callers = [Caller(client.owner, server) for client in clients]
    copy_to(cluster)
    server.start()
    work = [
        Load(caller, str(client.uuid), slots[number::CALLERS])
        for number, (caller, client) in enumerate(zip(callers, clients, strict=True))
    ]

    def confirmed() -> int:
        return sum(len(one.confirmed) for one in work)

    try:
        for one in work:
            one.start()
        for _ in range(rounds(10)):
            before = confirmed()
            wait_until(lambda: confirmed() >= before + CALLERS)  # noqa: B023 (called at once)
            kill(cluster)
            embedded_db.start(cluster)
            since = confirmed()
            wait_until(lambda: confirmed() >= since + CALLERS)  # noqa: B023 (called at once)
        assert server.is_running
    finally:
        for one in work:
            one.is_over.set()
        for one in work:
            one.join()
        server.end()

    with psycopg.connect(cluster.url("owner")) as db:
        booked = db.execute(
            "SELECT slot.uuid::text, booking.uuid FROM scheduling_booking booking"
            " JOIN scheduling_slot slot ON slot.id = booking.slot_id WHERE booking.status = 'booked'"
        ).fetchall()
        told = db.execute("SELECT target FROM accounts_auditevent WHERE verb = 'booked'").fetchall()
        announced = db.execute("SELECT split_part(key, ':', 2) FROM notifications_message").fetchall()
    assert {slot for one in work for slot in one.confirmed} <= {slot for slot, _ in booked}
    assert sum(one.unanswered for one in work) > 0
    # Once each, and never without what belongs to it.
    assert len({slot for slot, _ in booked}) == len(booked)
    assert {booking for _, booking in booked} == {target for (target,) in told}
    assert {str(booking) for _, booking in booked} == {booking for (booking,) in announced}
