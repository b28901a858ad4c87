"""`make run`: the whole service on this machine, with the demo district.

Starts PostgreSQL (embedded unless `DATABASE_URL` says otherwise), migrates as the owner, loads the
demo into an empty database, starts the web server and one worker as the application's role, waits
until both answer, and says where and with which accounts. Whoever stops this stops all of it.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from config import embedded_db

CHECKOUT = embedded_db.CHECKOUT
PYTHON = sys.executable
# Sockets are ours to speak on; a browser has nothing to send but a ping.
DAPHNE = ("-m", "daphne", "--verbosity=0", "--no-server-name", "--websocket-max-message-size=4096")
# Several jobs at once, so that a slow SMS gateway does not hold up the holds that end.
WORKER = (
    "manage.py",
    "procrastinate",
    "worker",
    "--concurrency=4",
    "--delete-jobs=successful",
    "--shutdown-graceful-timeout=5",
)
# The demo's own mail server, which shows on a page what it received.
MAILBOX = ("manage.py", "demo_mailbox")
# In front of each of them: killed as we may be, none of them keeps the port or works on.
BOUND = ("-m", "config.bound")
READY_SECONDS = 120
GRACE_SECONDS = 10
# Any number that nobody else uses for `pg_advisory_lock`.
_PREPARING = 5_277_000


class Stopped(BaseException):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, a closed terminal)."""


class CannotRun(Exception):
    """The service does not come up; the text is one line for the person at the terminal."""


def chosen_port() -> int:
    """The port from the environment, if it is one and free."""
    given = os.environ.get("PORT") or "8000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise CannotRun(f"PORT={given} is not a port number.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(given)))
        except PermissionError:
            raise CannotRun(f"Port {given} needs root; choose one from 1024: PORT=8123 make run") from None
        except OSError:
            raise CannotRun(f"Port {given} is taken; choose another one: PORT=8123 make run") from None
    return int(given)


def demo_environment(port: int, database: dict[str, str]) -> dict[str, str]:
    """The environment of every process of the demo."""
    address = os.environ.get("PUBLIC_URL") or f"http://localhost:{port}"
    mail = os.environ.get("EMAIL_URL") or f"smtp://127.0.0.1:{_free_port()}"
    ours = {"SPRECHSTUNDE_MODE": "demo", "PUBLIC_URL": address, "EMAIL_URL": mail}
    return {**os.environ, **database, **ours}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def manage(environment: dict[str, str], *command: str, role: str = "app") -> None:
    """Run a management command as one of the database roles, to its end or to ours."""
    process = _start(["manage.py", *command], {**environment, "SPRECHSTUNDE_DB_ROLE": role})
    try:
        code = process.wait()
    finally:
        _end([process])
    if code:
        raise CannotRun(f"manage.py {command[0]} failed (see above).")


def _start(arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A Python program in a process group of its own: Ctrl-C reaches us alone, and we end it."""
    command = [PYTHON, *BOUND, str(os.getpid()), *arguments]
    return subprocess.Popen(command, cwd=CHECKOUT, env=environment, start_new_session=True)


@contextmanager
def one_at_a_time(address: str) -> Iterator[None]:
    """Two who start at once, on two ports, make the tables and load the demo one after the other."""
    try:
        database = psycopg.connect(address, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as problem:
        raise CannotRun(f"The database does not answer: {problem}") from None
    with database:
        # Asked again and again: a migration that makes an index beside the running service waits for
        # every statement under way.
        while database.execute("SELECT pg_try_advisory_lock(%s)", [_PREPARING]).fetchone() != (True,):
            time.sleep(0.2)
        yield


@contextmanager
def processes(environment: dict[str, str], port: int) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Web server, worker and mailbox; gone when the block ends."""
    commands = {
        "web server": [*DAPHNE, "--bind=127.0.0.1", f"--port={port}", "config.asgi:application"],
        "worker": [*WORKER],
    }
    if not os.environ.get("EMAIL_URL"):
        commands["mailbox"] = [*MAILBOX]
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            started[name] = _start(command, environment)
        yield started
    finally:
        _end(list(started.values()))


def _end(running: list[subprocess.Popen[bytes]]) -> None:
    """Ask all to stop, then make sure."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, number)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(process.poll() is None for process in running) and time.monotonic() < deadline:
            time.sleep(0.05)


def answers(port: int) -> bool:
    """Whether web server, database and worker say they are well."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=6) as response:
            return bool(response.status == 200)
    except (URLError, HTTPException, OSError):
        return False


def _check_alive(running: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in running.items():
        if process.poll() is not None:
            raise CannotRun(f"The {name} ended by itself (see above).")


def wait_until_ready(running: dict[str, subprocess.Popen[bytes]], port: int) -> None:
    """Return when `/healthz` is content."""
    deadline = time.monotonic() + READY_SECONDS
    while not answers(port):
        _check_alive(running)
        if time.monotonic() > deadline:
            raise CannotRun(f"No answer from http://localhost:{port}/healthz within {READY_SECONDS} seconds.")
        time.sleep(0.2)


# --- Being stopped -----------------------------------------------------------------------------
def _stop(number: int, frame: FrameType | None) -> None:
    for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)  # we are tidying up, which has its own time limit
    raise Stopped


class Starter:
    """Whoever started us, as it was at that time: a shell, `make`, a service manager.

    When it is gone, so are we. And a `make` that is interrupted alone (`kill -INT`, not Ctrl-C) drops
    its handler and waits for us without passing the signal on: that counts as being asked to stop.
    """

    def __init__(self) -> None:
        self._pid = os.getppid()
        self._caught_interrupts = self._catches_interrupts()

    def check(self) -> None:
        """Raise `Stopped` when the starter is gone or was interrupted."""
        if os.getppid() != self._pid or (self._caught_interrupts and not self._catches_interrupts()):
            raise Stopped

    def _catches_interrupts(self) -> bool:
        """Whether it has a handler for SIGINT (where /proc can tell)."""
        try:
            status = Path(f"/proc/{self._pid}/status").read_text()
        except OSError:
            return False
        caught = re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
        return bool(caught and int(caught[1], 16) & 1 << (signal.SIGINT - 1))


def watch(
    running: dict[str, subprocess.Popen[bytes]], starter: Starter, is_serving: Callable[[], bool]
) -> None:
    """Return never, but raise when a process or the database ends, or the starter wants no more."""
    while True:
        _check_alive(running)
        if not is_serving():
            raise CannotRun("The database ended by itself; nothing is lost, start again.")
        starter.check()
        time.sleep(0.5)


def serve() -> None:
    """Bring everything up, and hold it."""
    starter = Starter()
    port = chosen_port()
    with embedded_db.addresses("run") as database:
        environment = demo_environment(port, database)
        with one_at_a_time(database["DATABASE_OWNER_URL"]):
            manage(environment, "migrate", "--no-input", "--verbosity=0", role="owner")
            manage(environment, "load_demo")
        with processes(environment, port) as running:
            wait_until_ready(running, port)
            print(f"\nSprechstunde: {environment['PUBLIC_URL']}  (Ctrl-C stops it)\n", flush=True)
            manage(environment, "demo_accounts")
            watch(running, starter, partial(embedded_db.is_serving, "run"))


def main() -> int:
    """The exit code: 0 when stopped, 1 when it does not come up or something ends by itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        serve()
    except Stopped:
        print("\nStopped.", flush=True)
    except (CannotRun, embedded_db.DatabaseError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
