"""Whether this is the database that has been sending, or a copy of it.

The outbox notes in which database it lives (`OutboxPlace`). A backup restored elsewhere, or one that
took this one back in time, still names the first: then nothing leaves until
`manage.py reconcile_restored` has found out what has left since (`notifications.restored`).
"""

import logging
from datetime import datetime, timedelta

from django.db import connection

from notifications.models import OutboxPlace

log = logging.getLogger(__name__)
_NOTED_EVERY = timedelta(minutes=1)

# What PostgreSQL calls this very database: the cluster keeps its number through every backup of its
# files and raises the timeline when one of them is recovered; a dump gets a new cluster or database.
_IDENTITY = """
    SELECT concat_ws(':',
        CASE WHEN has_function_privilege('pg_control_system()', 'execute')
            THEN (SELECT system_identifier FROM pg_control_system()) END,
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        left(pg_walfile_name(pg_current_wal_lsn()), 8)
    ), statement_timestamp()
"""


def may_send() -> bool:
    """Whether the outbox may be worked on here. Notes the time, so that a backup knows its moment."""
    identity, now = identify()
    place = OutboxPlace.objects.filter(pk=1).first() or _first(identity, now)
    if place.identity != identity and place.held_since is None:
        log.error(
            "This database is a restored backup: no message leaves before manage.py reconcile_restored."
        )
        OutboxPlace.objects.filter(pk=1).update(held_since=now)
        return False
    if place.held_since is not None:
        return False
    if now - place.seen_at >= _NOTED_EVERY:
        OutboxPlace.objects.filter(pk=1).update(seen_at=now)
    return True


def hold() -> OutboxPlace:
    """Stop sending, until it is released; the backup's moment stays as it is."""
    identity, now = identify()
    place = OutboxPlace.objects.filter(pk=1).first() or _first(identity, now)
    if place.held_since is None:
        place.held_since = now
        place.save(update_fields=["held_since"])
    return place


def release() -> None:
    """From now on this is the database that sends."""
    identity, now = identify()
    OutboxPlace.objects.filter(pk=1).update(identity=identity, seen_at=now, held_since=None)


def held_since() -> datetime | None:
    """Since when nothing leaves because this is a restored backup; None where messages leave."""
    return OutboxPlace.objects.filter(held_since__isnull=False).values_list("held_since", flat=True).first()


def identify() -> tuple[str, datetime]:
    """What PostgreSQL calls this database, and what time it has."""
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITY)
        identity, now = cursor.fetchone()
    return str(identity), now


def _first(identity: str, now: datetime) -> OutboxPlace:
    return OutboxPlace.objects.get_or_create(pk=1, defaults={"identity": identity, "seen_at": now})[0]
