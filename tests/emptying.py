"""Emptying the tables after a transactional test, in a tenth of the time Django takes for it."""

from functools import cache

import psycopg
from django.core.management.color import no_style
from django.db import connection
from psycopg import sql

# What migrating wrote and no test changes. Kept, it need not be written anew after every test.
KEPT = frozenset({"django_content_type", "auth_permission"})

_MAY = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
_ALLOW = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}")

# TRUNCATE gives every table new files and waits until the disk has them; a test fills only a few tables
# with a few rows. Where everything goes, nobody need ask for each row who points at it: a replica asks
# no foreign keys and no triggers. On a server that does not let us be one they are asked, and the owner
# says that deleting is meant; what DELETE may not remove for some other reason TRUNCATE does. The lock
# waits for server processes that are still writing.
_DELETE_OR_TRUNCATE = """
DO $$ BEGIN
    LOCK TABLE {tables} IN EXCLUSIVE MODE;
    BEGIN
        PERFORM set_config('session_replication_role', 'replica', true);
    EXCEPTION WHEN insufficient_privilege THEN
        PERFORM set_config('sprechstunde.erasure', 'on', true);
    END;
    {deletes};
    SET CONSTRAINTS ALL IMMEDIATE;
EXCEPTION WHEN OTHERS THEN
    {truncate}
END $$
"""


def allow(owner: psycopg.Connection, superuser: str) -> None:
    """Let the owner of the test databases be a replica; `superuser` is the address of who may say so."""
    (may,) = owner.execute(_MAY).fetchone() or (False,)
    if not may:
        with psycopg.connect(superuser, autocommit=True) as db:
            db.execute(_ALLOW.format(sql.Identifier(owner.info.user)))


def empty(_: object) -> None:
    """Stands in for `TransactionTestCase._fixture_teardown`."""
    with connection.cursor() as cursor:
        cursor.execute(_statement())


@cache
def _statement() -> str:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = sorted(set(found) - KEPT)
    names = [connection.ops.quote_name(table) for table in tables]
    deletes = "; ".join(f"DELETE FROM {name}" for name in names)
    truncate = " ".join(connection.ops.sql_flush(no_style(), tables))
    return _DELETE_OR_TRUNCATE.format(tables=", ".join(names), deletes=deletes, truncate=truncate)
