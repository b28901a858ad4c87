"""What open browsers hear: neutral facts about slots, announced after the commit.

After, because a NOTIFY inside the booking transaction makes commits queue behind each other. A frame
lost in between is made good by the hub, which re-reads what changed (`hub.py`).
"""

import json
from functools import partial
from uuid import UUID

from django.db import connection, transaction

from accounts.models import User
from scheduling.models import Slot

CHANNEL = "live"

# One topic a district and day, in the district's zone.
_TOPIC = "d.uuid || '/' || to_char(s.start_at AT TIME ZONE d.zone, 'YYYY-MM-DD')"

# The public face of slots, computed by the database at one moment: version, state and free seats fit
# together. Times are seconds since 1970 by the database's clock.
FRAMES = f"""
    SELECT {_TOPIC} AS topic, s.uuid::text AS slot, s.version, s.changed_at, json_build_object(
        'topic', {_TOPIC},
        'slot', s.uuid,
        'version', s.version,
        'state', CASE
            WHEN NOT s.is_open THEN 'closed'
            WHEN seats.living < s.capacity THEN 'free'
            WHEN seats.holds > 0 THEN 'held'
            ELSE 'taken'
        END,
        'free', CASE WHEN s.is_open THEN greatest(s.capacity - seats.living, 0) ELSE 0 END,
        'held_until', CASE WHEN s.is_open AND seats.living >= s.capacity
            THEN extract(epoch FROM seats.held_until) END,
        'now', extract(epoch FROM clock_timestamp())
    )::text AS frame
    FROM scheduling_slot s
    JOIN accounts_district d ON d.id = s.district_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS living,
            count(*) FILTER (WHERE b.status = 'tentative') AS holds,
            min(b.held_until) AS held_until
        FROM scheduling_booking b
        WHERE b.slot_id = s.id AND b.status <> 'cancelled'
            AND (b.status <> 'tentative' OR b.held_until > clock_timestamp())
    ) seats
"""  # noqa: S608 (constants only)


def topic(district: UUID, day: str) -> str:
    """The name of a district's day (`day` as YYYY-MM-DD)."""
    return f"{district}/{day}"


def slot_changed(slot: Slot) -> None:
    """After the commit, tell everyone who watches the slot's day. A failure to tell harms no booking."""
    transaction.on_commit(partial(_announce_slot, slot.pk), robust=True)


def rights_changed(user: User) -> None:
    """After the commit, close the person's open sockets; who may still look comes back by itself."""
    transaction.on_commit(partial(_notify, json.dumps({"rights": str(user.uuid)})), robust=True)


def _announce_slot(slot_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_notify(%s, frame) FROM ({FRAMES} WHERE s.id = %s) frames",  # noqa: S608
            [CHANNEL, slot_id],
        )


def _notify(payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
