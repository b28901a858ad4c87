"""Faults for tests of the loop: people who act at the same instant, and processes that die half-way."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from typing import Any

from django.db import connection, connections

from tests import rounds

Act = Callable[[], Any]


class _Team:
    """Threads with a connection each that stay for the next race: with fifty rivals, opening and warming
    the connections took most of the time. Sent home by `send_home`."""

    MOST = 64

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._size = 0

    def run(self, acts: Sequence[Act]) -> list[Any]:
        """Each act in a thread of its own, started together; what each gave or raised, in order."""
        assert len(acts) <= self.MOST
        self._size = max(self._size, len(acts))
        self._threads = self._threads or ThreadPoolExecutor(self.MOST)
        start = threading.Barrier(len(acts))
        running = [self._threads.submit(_started_together, start, act) for act in acts]
        wait(running, timeout=60)
        return [one.result() if one.done() else None for one in running]

    def send_home(self) -> None:
        """Close all connections and end the threads."""
        if self._threads:
            self.run([connections.close_all] * self._size)
            self._threads.shutdown()
        self._threads, self._size = None, 0


def _started_together(start: threading.Barrier, act: Act) -> Any:
    try:
        start.wait(timeout=10)
        return act()
    except Exception as error:  # noqa: BLE001 (the test looks at it)
        return error
    finally:
        if connection.errors_occurred or connection.in_atomic_block:
            connection.close()


_team = _Team()
send_home = _team.send_home


def at_once(*acts: Act) -> list[Any]:
    """Run the acts in threads of their own, started together; what each gave or raised, in order."""
    return _team.run(acts)


def statements() -> Iterator[int]:
    """After which statements to kill: the first, the second…; every third only outside `make promises`."""
    return count(1, rounds.of(1, quick=3))


def killed_after(statement: int, act: Act) -> bool:
    """Run the act in a process of its own that is killed (-9) right after its n-th SQL statement.

    False when the act was over before that many statements.
    """
    connections.close_all()
    send_home()
    child = os.fork()
    if child == 0:
        _run_and_die(statement, act)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


def _run_and_die(statement: int, act: Act) -> None:
    left = statement

    def dying(execute: Any, *args: Any) -> Any:
        nonlocal left
        result = execute(*args)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    try:
        with connection.execute_wrapper(dying):
            act()
    except BaseException:  # noqa: BLE001 (nothing may run on in a copy of the test session)
        os._exit(1)
    os._exit(0)
