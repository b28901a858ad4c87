"""A private database for one run, on the embedded `test` cluster or on the server of `DATABASE_URL`.

As durable as in production: what PostgreSQL promises by default is neither switched off nor assumed.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from config import embedded_db

DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
TEMPLATE = "BENCHMARK_TEMPLATE"
_PREFIX = "bench_sprechstunde_"
_POOL = "8"


class NotDurable(Exception):
    """The server would forget a booking when the power fails: there is nothing to measure here."""


@contextmanager
def private_database() -> Iterator[None]:
    """An empty, migrated database of our own; the environment leads to it, in the application's role."""
    with embedded_db.addresses("test") as server:
        _drop_leftovers(server["DATABASE_OWNER_URL"])
        name = f"{_PREFIX}{os.getpid()}"
        # The tests have a migrated database to copy.
        template = os.environ.get(TEMPLATE)
        with psycopg.connect(server["DATABASE_OWNER_URL"], autocommit=True) as db:
            names = map(sql.Identifier, (name, template or "template1"))
            db.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        try:
            os.environ.update({key: embedded_db.elsewhere(address, name) for key, address in server.items()})
            os.environ.update(_ENVIRONMENT)
            if not template:
                _migrate()
            yield
        finally:
            _drop(server["DATABASE_OWNER_URL"], name)


# As the web server runs: the application's role, connections from the pool.
_ENVIRONMENT = {
    "SPRECHSTUNDE_MODE": "test",
    "SPRECHSTUNDE_DB_ROLE": "app",
    "DB_POOL_SIZE": _POOL,
    "DJANGO_SETTINGS_MODULE": "config.settings",
}


def durability() -> dict[str, str]:
    """The server's settings a booking's safety stands on, as our own connection sees them.

    Raises `NotDurable` if one of them is off.
    """
    with psycopg.connect(address()) as db:
        found = {name: str(db.execute(f"SHOW {name}").fetchone()[0]) for name in DURABILITY}  # type: ignore[index]
    if set(found.values()) != {"on"}:
        raise NotDurable(f"Not measured, because this server may lose what it confirmed: {found}")
    return found


def address() -> str:
    """The private database in the application's role."""
    return os.environ["DATABASE_URL"]


def analyse() -> None:
    """Let the planner know what was loaded."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as db:
        db.execute("VACUUM ANALYZE")


@cache
def binaries() -> Path:
    """The folder of PostgreSQL's programs that belong to the server."""
    command = [sys.executable, "-m", "config.embedded_db", "--cluster", "test", "available"]
    said = subprocess.run(command, cwd=embedded_db.CHECKOUT, capture_output=True, text=True, check=True)
    return Path(said.stdout.strip())


def _migrate() -> None:
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"]
    owner = {**os.environ, "SPRECHSTUNDE_DB_ROLE": "owner"}
    subprocess.run(command, cwd=embedded_db.CHECKOUT, env=owner, check=True)


def _drop_leftovers(owner: str) -> None:
    """Drop the databases of runs that were killed."""
    with psycopg.connect(owner) as db:
        names = [name for (name,) in db.execute("SELECT datname FROM pg_database")]
    for name in names:
        if re.fullmatch(rf"{_PREFIX}\d+", name) and not _is_alive(int(name.removeprefix(_PREFIX))):
            _drop(owner, name)


def _drop(owner: str, name: str) -> None:
    with psycopg.connect(owner, autocommit=True) as db:
        db.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
