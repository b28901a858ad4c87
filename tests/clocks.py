"""The database's clock and the host's, each set by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import time_machine
from django.conf import settings
from django.db import connection

_NAMES = ("statement_timestamp", "clock_timestamp", "transaction_timestamp", "now")


@contextmanager
def of_the_database() -> Iterator[None]:
    """Inside a test's transaction, PostgreSQL's clock says what `at` tells it, to everything that asks.

    Functions of the same names stand before PostgreSQL's own; they go with the transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("CREATE SCHEMA by_hand")
        for name in _NAMES:
            cursor.execute(
                f"CREATE FUNCTION by_hand.{name}() RETURNS timestamptz STABLE LANGUAGE sql"
                " AS $$ SELECT COALESCE(NULLIF(current_setting('by_hand.now', true), '')::timestamptz,"
                f" pg_catalog.{name}()) $$"
            )
        app = connection.ops.quote_name(settings.APP_DB_ROLE)
        cursor.execute(f"GRANT USAGE ON SCHEMA by_hand TO {app}")
        cursor.execute(f"SET LOCAL ROLE {app}")
        cursor.execute("SET LOCAL search_path = by_hand, pg_catalog, public")
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path TO DEFAULT")


@contextmanager
def at(now: datetime, *, host_is_ahead: timedelta = timedelta()) -> Iterator[None]:
    """It is `now` by the database's clock, and so much later by that of the host."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('by_hand.now', %s, true)", [now.isoformat()])
    with time_machine.travel(now + host_is_ahead, tick=False):
        yield
