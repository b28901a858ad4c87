"""Faults for tests of the loop: people who act at the same instant, and processes that die half-way."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

Act = Callable[[], Any]


def at_once(*acts: Act) -> list[Any]:
    """Run the acts in threads of their own, started together; what each gave or raised, in order."""
    ends: list[Any] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number: int, act: Act) -> None:
        try:
            start.wait(timeout=10)
            ends[number] = act()
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            ends[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return ends


def killed_after(statement: int, act: Act) -> bool:
    """Run the act in a process of its own that is killed (-9) right after its n-th SQL statement.

    False when the act was over before that many statements.
    """
    connections.close_all()
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
