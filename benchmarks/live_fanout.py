"""One slot change to a thousand browsers, and to three thousand: our hub against what is around.

Measured per delivery: CPU time of the server's process, against `websockets.broadcast`; when the last
browser has it, against plain Channels consumers in one group on the same server; what a delivery costs
among three times as many; and what an open socket weighs, against one of Daphne's that does nothing.
The browsers are processes of their own (`crowd.py`). Ours is the real door: signed in, by the database.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self

import websockets.sync.client
from django.conf import settings
from django.db import transaction

from benchmarks import database
from benchmarks.frame import Effort, Goal, Result, side_by_side
from config.embedded_db import CHECKOUT
from scheduling import hub, live, seats
from scheduling.models import Slot
from tests import factories, sign_in
from tests.servers import Daphne, Process, free_port

CPU, DELIVERED, MORE, MEMORY = (Goal("<=", ratio) for ratio in (5, 0.25, 1.5, 1.5))
# The hub gathers a burst on one slot and sends it once; here is no burst.
_APART = 2 * hub.GATHER_SECONDS
_PAGE = os.sysconf("SC_PAGE_SIZE") / 1024


def measure(effort: Effort) -> Iterator[Result]:
    """CPU, time until all have it, cost among more, memory."""
    number, rounds, changes = effort.of(1000, 8), effort.of(7, 1), effort.of(20, 2)
    slot, cookie = _place()
    database.analyse()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        daphne, plain, limit = _servers(stack, Path(folder))
        ours = Side(daphne.pid, lambda: _change(slot))
        topic = f"/live/slots/{live.topic(slot.session)}/"

        def crowd(port: int, path: str, many: int) -> Crowd:
            return stack.enter_context(Crowd(port, path, cookie, many))

        # The first few make each server load what it needs.
        few = effort.of(50, 2)
        ours.crowds = [crowd(daphne.port, topic, few)]
        idle = [crowd(plain.port, "/idle/", few)]
        empty = daphne_kib, plain_kib = _kib(daphne.pid), _kib(plain.pid)
        ours.crowds.append(crowd(daphne.port, topic, number - few))
        idle.append(crowd(plain.port, "/idle/", number - few))
        grown = _kib(daphne.pid) - daphne_kib, _kib(plain.pid) - plain_kib
        memory = [(grown[0] / (number - few), max(grown[1], 1) / (number - few))]
        for one in idle:
            one.leave()

        group = Side(plain.pid, _teller(stack, plain.port, slot), [crowd(plain.port, "/watch/", number)])
        broadcast = Side(limit.pid, _teller(stack, limit.port, slot), [crowd(limit.port, "/watch/", number)])
        turns = [[side.tell(changes) for side in (ours, broadcast, group)] for _ in range(rounds + 1)][1:]
        ours.crowds.append(crowd(daphne.port, topic, 2 * number))
        among_more = [ours.tell(changes) for _ in range(rounds + 1)][1:]

    sockets = f"{number} sockets, {changes} changes a round"
    yield side_by_side(
        "live-fanout",
        [(mine.cpu, theirs.cpu) for mine, theirs, _ in turns],
        goal=CPU,
        unit="µs CPU a delivery",
        note=f"cpu, {sockets}, against websockets.broadcast",
    )
    yield side_by_side(
        "live-fanout",
        [(mine.until_all, theirs.until_all) for mine, _, theirs in turns],
        goal=DELIVERED,
        unit="ms until all have it",
        note=f"delivered, {sockets}, against plain Channels consumers in one group",
    )
    yield side_by_side(
        "live-fanout",
        [(more.cpu, mine.cpu) for more, (mine, *_) in zip(among_more, turns, strict=True)],
        goal=MORE,
        unit="µs CPU a delivery",
        note=f"more, {3 * number} sockets against {number}",
    )
    note = (
        f"memory, {number - few} more sockets, against Daphne's that do nothing; from {empty[0]:.0f} KiB on"
    )
    yield side_by_side("live-fanout", memory, goal=MEMORY, unit="KiB a socket", note=note)


def _place() -> tuple[Slot, str]:
    """A slot of a session, and the cookie of somebody who may watch it."""
    slot = factories.SlotFactory()
    session = sign_in.as_user(factories.UserFactory()).cookies[settings.SESSION_COOKIE_NAME].value
    return slot, f"{settings.SESSION_COOKIE_NAME}={session}"


def _change(slot: Slot) -> None:
    """As every rule ends: a new version, announced after the commit."""
    with transaction.atomic():
        seats.touch(slot)


def _teller(stack: ExitStack, port: int, slot: Slot) -> Callable[[], None]:
    """Sends the same frame through the other servers."""
    [frame] = live.frames([live.topic(slot.session)])
    line = stack.enter_context(closing(websockets.sync.client.connect(f"ws://127.0.0.1:{port}/tell/")))
    return lambda: line.send(frame.text)


class Told:
    """What some changes cost: µs of the server's CPU a delivery, ms until the last browser had it."""

    def __init__(self, cpu: float, until_all: float) -> None:
        self.cpu, self.until_all = cpu, until_all


class Side:
    """A server with its crowds, and how a change is made known there."""

    def __init__(self, pid: int, change: Callable[[], None], crowds: list["Crowd"] | None = None) -> None:
        self._pid = pid
        self._change = change
        self.crowds = crowds or []

    def tell(self, changes: int) -> Told:
        """One change after the other, each when all have heard of the one before."""
        before, seconds = _cpu(self._pid), 0.0
        for _ in range(changes):
            time.sleep(_APART)
            began = time.monotonic()
            self._change()
            seconds += max(crowd.heard_at() for crowd in self.crowds) - began
        used = _cpu(self._pid) - before
        deliveries = changes * sum(crowd.number for crowd in self.crowds)
        return Told(1e6 * used / deliveries, 1e3 * seconds / changes)


class Crowd:
    """Many browsers (crowd.py)."""

    def __init__(self, port: int, path: str, cookie: str, number: int) -> None:
        self.number = number
        origin = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "benchmarks.crowd", str(port), path, origin, cookie, str(number)]
        self._process = subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        if (said := self._hear()) != "ready":
            raise RuntimeError(f"the crowd said {said!r}")
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """All of them go."""
        self._process.kill()
        self._process.communicate()

    def heard_at(self) -> float:
        """When the last of them heard of one more change."""
        print(1, file=self._process.stdin, flush=True)
        return float(self._hear())

    def _hear(self) -> str:
        assert self._process.stdout is not None
        if not (said := self._process.stdout.readline().strip()):
            raise RuntimeError("the crowd is gone")
        return said


class _Broadcaster(Process):
    def __init__(self, log: Path) -> None:
        self.port = free_port()
        super().__init__(["-m", "benchmarks.broadcaster", str(self.port)], {}, log)


def _servers(stack: ExitStack, folder: Path) -> tuple[Daphne, Daphne, _Broadcaster]:
    """Ours at the real door, Daphne with plain sockets, and the broadcaster."""
    ours, plain = Daphne(folder / "ours.log"), Daphne(folder / "plain.log")
    plain.command[-1] = "benchmarks.plain_sockets:application"
    limit = _Broadcaster(folder / "limit.log")
    for server in (ours, plain, limit):
        server.start()
        stack.callback(server.end)
    while "ready" not in limit.said():
        time.sleep(0.05)
    return ours, plain, limit


def _cpu(pid: int) -> float:
    """Seconds of CPU the process has used, all its threads together; to the nanosecond, unlike `times`."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text(encoding="utf-8").split()[0]) for thread in threads) / 1e9


def _kib(pid: int) -> float:
    """KiB of memory the process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE
