"""The booking rule (lock, checks, booking, audit, messages) against pgbench with the same statements.

A plain kind of appointment, a client who gets SMS, a fresh slot for each booking. Eight clients are
eight processes. The limit sends what the rule sent, prepared, and thinks nothing in between. Both begin in a
district that has bookings already: a connection keeps the plans it made, and those made while tables
were empty read them whole, row by row more with every booking.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self
from uuid import uuid4

from django.db import connection

from accounts.models import AuditEvent
from benchmarks import database, district, pgbench
from benchmarks.district import CLIENTS, SLOTS, USERS
from benchmarks.frame import Effort, Goal, Result, side_by_side
from clients.models import Client
from config.embedded_db import CHECKOUT
from notifications.models import Message
from scheduling import booking
from scheduling.models import Booking, Slot
from tests import factories

GOAL = Goal(">=", 0.5)
MESSAGES = 3  # at booking, early, the day before

# How pgbench counts: the how-manieth slot of all, its client, and the caseworker.
COUNTING = f"""\\set i :i + 1
\\set n :first + :client_id * :each + :i
\\set slot {SLOTS} + :n
\\set client {CLIENTS} + :n % :clients
\\set user {USERS} + :client_id
"""


def measure(effort: Effort) -> Iterator[Result]:
    """One result for one client, one for eight."""
    # Many: on a machine with neighbours one round's ratio says little.
    rounds, clients = effort.of(15, 1), effort.of(2000, 50)
    # Each client is a process, which takes its time to begin.
    cases = [(1, effort.of(200, 5)), (effort.of(8, 2), effort.of(60, 2))]
    start = district.first_start()
    people = district.clients(clients, district.caseworkers())
    history = effort.of(2000, 20)
    needed = history + sum(2 * (rounds + 1) * number * each for number, each in cases)
    slots = district.slots(1 + needed, factories.KindFactory(), start)
    database.analyse()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "booking.sql"
        script.write_text(COUNTING + recorded(slots[0], people[0], start), encoding="utf-8")
        race = Race(script, clients, history=history)
        for number, each in cases:
            pairs = list(race.run(number, each, rounds))
            note = f"{number} client{'s' * (number > 1)}, the limit is pgbench -M prepared"
            yield side_by_side("booking-rule", pairs, goal=GOAL, unit="bookings/s", note=note)


def recorded(slot: Slot, client: Client, start: datetime) -> str:
    """What the rule sends for one booking, as lines of pgbench."""
    form, by, recorder = uuid4(), client.owner, pgbench.Recorder()
    with connection.execute_wrapper(recorder):
        made = booking.book(slot, client=client, by=by, idempotency_key=form)
    begins = f"{pgbench.constant(start)} + (:n)::int * interval '{district.LASTS.seconds} seconds'"
    varying = {
        slot.pk: ":slot",
        client.pk: ":client",
        by.pk: ":user",
        by.uuid: _uuid("(:user)::bigint"),
        by.username: "(:user)::text",
        made.uuid: _uuid("(:n)::bigint + 5000000"),
        form: _uuid("(:n)::bigint + 6000000"),
        slot.start_at: f"({begins})",
        slot.end_at: f"({begins} + interval '{district.LASTS.seconds} seconds')",
    }
    return pgbench.Script(varying).text(recorder.statements())


def _uuid(number: str) -> str:
    return f"lpad(to_hex({number}), 32, '0')::uuid"


class Race:
    """Books fresh slots by turns with the rule and with pgbench, and looks that both did all of it.

    Before the first turn there are `history` bookings, and the planner knows.
    """

    def __init__(self, script: Path, clients: int, *, history: int) -> None:
        self._script = script
        self._clients = clients
        self._next = 1
        self._limit(1, history)
        database.analyse()

    def run(self, number: int, each: int, rounds: int) -> Iterator[tuple[float, float]]:
        """Bookings a second of ours and of the limit, a pair a round, after a round to warm up."""
        with ExitStack() as stack:
            bookers = [stack.enter_context(Booker(worker)) for worker in range(number)]
            for turn in range(rounds + 1):
                pair = self._ours(bookers, each), self._limit(number, each)
                if turn > 0:
                    yield pair

    def _ours(self, bookers: list["Booker"], each: int) -> float:
        with self._fresh(len(bookers) * each) as first:
            for number, booker in enumerate(bookers):
                booker.tell(f"{first + number * each} {each}")
            for booker in bookers:
                booker.hear("ready")
            began = time.perf_counter()
            for booker in bookers:
                booker.tell("go")
            for booker in bookers:
                booker.hear("done")
            return len(bookers) * each / (time.perf_counter() - began)

    def _limit(self, number: int, each: int) -> float:
        with self._fresh(number * each) as first:
            variables = {"first": first, "each": each, "clients": self._clients, "i": -1}
            return pgbench.run(self._script, clients=number, transactions=each, variables=variables)

    @contextmanager
    def _fresh(self, number: int) -> Iterator[int]:
        """The number of the first of so many fresh slots; afterwards each has all a booking leaves."""
        first, self._next = self._next, self._next + number
        before = _written()
        yield first
        more = tuple(now - then for now, then in zip(_written(), before, strict=True))
        if more != (number, number, number * MESSAGES):
            raise RuntimeError(f"{number} bookings left {more} bookings, audit rows and messages")


class Booker:
    """A process that runs the rule (booker.py)."""

    def __init__(self, number: int) -> None:
        command = [sys.executable, "-m", "benchmarks.booker", str(number)]
        self._process = subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.communicate(timeout=20)

    def tell(self, words: str) -> None:
        """Write a line to it."""
        print(words, file=self._process.stdin, flush=True)

    def hear(self, word: str) -> None:
        """Wait until it says this. Raises `RuntimeError` if it says anything else, or nothing any more."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        if said != word:
            raise RuntimeError(f"a booker said {said!r} instead of {word!r}")


def _written() -> tuple[int, int, int]:
    """How many bookings, audit rows and messages there are."""
    return Booking.objects.count(), AuditEvent.objects.count(), Message.objects.count()
