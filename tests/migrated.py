"""The test database: migrated once, then copied, which takes a tenth of a second instead of many."""

import hashlib
import os
import subprocess
import sys

import psycopg
from django.conf import settings
from psycopg import sql

from config.embedded_db import SUPERUSER, cluster, elsewhere
from tests import emptying

_PREFIX = "test_migrated_"

# Statistics gathered while a test has loaded many rows and not committed them say that full tables are
# empty. The plans made from that took a minute for what takes a second, now and then. Without statistics
# PostgreSQL goes by the size of the files.
_NO_AUTOVACUUM = """
DO $$ DECLARE name regclass; BEGIN
    FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relowner = current_user::regrole LOOP
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', name);
    END LOOP;
END $$
"""


def template() -> str:
    """The name of a migrated database to copy.

    It is made by the first who needs it and kept for as long as the migrations stay as they are.
    """
    with _owner() as db:
        db.execute("SELECT pg_advisory_lock(hashtext('migrated'))")
        emptying.allow(db, superuser=cluster("test").url(SUPERUSER, "postgres"))
        name = _PREFIX + _digest()
        found = db.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
        names = {str(row[0]) for row in found}
        if name not in names:
            for stale in names:
                _run(db, "DROP DATABASE {} WITH (FORCE)", stale)
            _make(db, name)
        return name


def create(name: str, *, template: str | None) -> None:
    """Create the database `name`, as a copy of the template or empty.

    Whoever uses the copy migrates it nevertheless: that takes a moment where nothing is missing.
    """
    with _owner() as db:
        if template is None:
            _run(db, "CREATE DATABASE {}", name)
        else:
            # PostgreSQL copies for one at a time.
            db.execute("SELECT pg_advisory_lock(hashtext('migrated'))")
            _run(db, "CREATE DATABASE {} TEMPLATE {}", name, template)
        # Nothing here has to outlive a power failure, so nobody waits for the disk; all else that a
        # commit means stays. That the service's own settings are durable is shown elsewhere.
        _run(db, "ALTER DATABASE {} SET synchronous_commit = off", name)
        # The estimates of databases without statistics are high: compiling took longer than the rest.
        _run(db, "ALTER DATABASE {} SET jit = off", name)
    if template:
        with psycopg.connect(_address(name), autocommit=True) as db:
            db.execute(_NO_AUTOVACUUM)


def drop(name: str) -> None:
    """Drop the database, whoever is still connected."""
    with _owner() as db:
        _run(db, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def addresses(name: str) -> dict[str, str]:
    """The variables of the environment that lead both roles to another database of the server."""
    return {variable: _address(name, variable) for variable in ("DATABASE_URL", "DATABASE_OWNER_URL")}


def _address(name: str, variable: str = "DATABASE_OWNER_URL") -> str:
    return elsewhere(os.environ[variable], name)


def _owner() -> psycopg.Connection:
    return psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)


def _make(db: psycopg.Connection, name: str) -> None:
    """Migrate a new database and only then give it the template's name."""
    part = name + "_part"
    _run(db, "CREATE DATABASE {}", part)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_OWNER_URL": _address(part)},
        check=True,
    )
    _run(db, "ALTER DATABASE {} RENAME TO {}", part, name)


def _digest() -> str:
    """Changes with our migrations, with what they grant, and with the packages that have some."""
    files = [
        *settings.BASE_DIR.glob("*/migrations/*.py"),
        settings.BASE_DIR / "accounts" / "db_roles.py",
        settings.BASE_DIR / "requirements.lock",
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:12]


def _run(db: psycopg.Connection, statement: str, *names: str) -> None:
    db.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
