"""Whether rivals have met: one of them waits for a lock."""

from django.db import connection


def somebody_waits() -> bool:
    """Whether anybody on this database waits for a lock, also when we ask inside a transaction."""
    with connection.cursor() as cursor:
        # Whom PostgreSQL knows to be connected it looks up once a transaction, else.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        (waits,) = cursor.fetchone()
    return bool(waits)
