"""Real server processes for tests, against the test database, as `make run` has them."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from config.run import DAPHNE, WORKER

READY_SECONDS = 30


def free_port() -> int:
    """A port nobody listens on just now, below those that connections get by themselves.

    So it is still free when a server that was ended comes back, whoever else is at work.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def database_url(role: str) -> str:
    """The address of the test database for a role of `embedded_db.ROLES`."""
    name = "DATABASE_URL" if role == "app" else "DATABASE_OWNER_URL"
    address, _, query = os.environ[name].partition("?")
    return f"{address.rsplit('/', 1)[0]}/{connection.settings_dict['NAME']}?{query}".rstrip("?")


class Process:
    """A child process that can be killed, paused and started again. `environment` adds to ours."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.command = [sys.executable, *command]
        self.log = log
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"},
            "SPRECHSTUNDE_MODE": "test",
            "SPRECHSTUNDE_DB_ROLE": "app",
            "DATABASE_URL": database_url("app"),
            "DB_POOL_SIZE": "40",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; what it prints goes to its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal (SIGKILL for a crash) and wait until it is gone."""
        if self._process is None:
            return
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(15)
        self._process = None

    def pause(self) -> None:
        """Stop it as a laptop lid does."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.killpg(self.pid, signal.SIGCONT)

    def said(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text() if self.log.exists() else ""


class Worker(Process):
    """The background worker."""

    def __init__(self, log: Path, **environment: str) -> None:
        super().__init__([*WORKER], environment, log)


class Daphne(Process):
    """The web server on a port of its own; the port stays the same over a restart."""

    def __init__(self, log: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            [*DAPHNE, "--bind=127.0.0.1", f"--port={self.port}", "config.asgi:application"],
            {"PUBLIC_URL": self.url, **environment},
            log,
        )

    def start(self) -> None:
        """Start it and wait until it answers."""
        super().start()
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            assert self.is_running, f"Daphne ended:\n{self.said()}"
            assert time.monotonic() < deadline, f"Daphne does not answer:\n{self.said()}"
            time.sleep(0.05)

    def restart(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it and start it again at the same address."""
        self.end(number)
        self.start()

    def _answers(self) -> bool:
        try:
            urlopen(f"{self.url}/static/css/house.css", timeout=5).close()
        except (URLError, OSError):
            return False
        return True


class DatabaseProxy:
    """Stands between a server process and PostgreSQL, to cut the line or let it fall silent.

    Listens on a socket file in `folder`; `url` is the application's address through it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".s.PGSQL.5432"
        self._upstream = conninfo_to_dict(database_url("app"))
        self._lines: list[socket.socket] = []
        self._silent = threading.Event()
        user, name = self._upstream["user"], self._upstream["dbname"]
        self.url = f"postgresql://{user}@/{name}?host={folder}"

    def open(self) -> None:
        """Take connections and pass on what is said."""
        self._silent.clear()
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._path))
        listener.listen(64)
        self._lines.append(listener)
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def cut(self) -> None:
        """All connections break, new ones are refused."""
        # shutdown() wakes the threads that wait on these; close() alone would not.
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self._lines.clear()
        self._path.unlink(missing_ok=True)

    def fall_silent(self) -> None:
        """Connections stay, nothing is passed on: a network that swallows everything."""
        self._silent.set()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = self._connect()
                self._lines += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=[source, target], daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self._upstream.get("host", "127.0.0.1")), int(self._upstream.get("port") or 5432)
        if host.startswith("/"):
            far = socket.socket(socket.AF_UNIX)
            far.connect(f"{host}/.s.PGSQL.{port}")
            return far
        return socket.create_connection((host, port))

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while heard := source.recv(65536):
                if not self._silent.is_set():
                    target.sendall(heard)
            target.shutdown(socket.SHUT_RDWR)
