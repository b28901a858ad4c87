"""What open browsers hear: neutral facts about slots, announced after the commit.

A frame lost between commit and announcement is made good by the hub, which reads again what changed.
"""

import json
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection

from accounts.announcements import CHANNEL, after_commit
from scheduling.models import Calendar, Session, Slot

# One topic a calendar and day, in the district's zone. The session's day: a session is watched whole.
_TOPIC = "c.uuid || '/' || to_char(se.start_at AT TIME ZONE d.zone, 'YYYY-MM-DD')"

# The public face of slots, computed by the database at one moment, so that version, state and free
# seats fit together. `held_until` in seconds since 1970.
_FRAMES = f"""
    SELECT {_TOPIC} AS topic, s.uuid::text AS slot, s.version, json_build_object(
        'topic', {_TOPIC},
        'slot', s.uuid,
        'version', s.version,
        'state', CASE
            WHEN NOT s.is_open THEN 'closed'
            WHEN seats.living < s.capacity AND away.is_away THEN 'away'
            WHEN seats.living < s.capacity THEN 'free'
            WHEN seats.holds > 0 THEN 'held'
            ELSE 'taken'
        END,
        'free', CASE WHEN s.is_open AND NOT away.is_away
            THEN greatest(s.capacity - seats.living, 0) ELSE 0 END,
        'held_until', CASE WHEN s.is_open AND seats.living >= s.capacity
            THEN extract(epoch FROM seats.held_until) END
    )::text AS frame
    FROM scheduling_slot s
    JOIN scheduling_session se ON se.id = s.session_id
    JOIN scheduling_calendar c ON c.id = se.calendar_id
    JOIN accounts_district d ON d.id = s.district_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS living,
            count(*) FILTER (WHERE b.status = 'tentative') AS holds,
            min(b.held_until) AS held_until
        FROM scheduling_booking b
        WHERE b.slot_id = s.id AND b.status <> 'cancelled'
            AND (b.status <> 'tentative' OR b.held_until > clock_timestamp())
    ) seats
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM scheduling_absence a
            WHERE a.resource_id IN (se.specialist_id, se.room_id)
                AND a.during && tstzrange(s.start_at, s.end_at)
        ) AS is_away
    ) away
"""  # noqa: S608 (constants only)

_ANNOUNCE = f"SELECT pg_notify(%s, frame) FROM ({_FRAMES} WHERE s.id = %s) frames"  # noqa: S608
_NEWS = "news/"
# Topics given by name: the day begins and ends where the district's clocks say.
FRAMES_OF_TOPICS = f"""{_FRAMES}
    JOIN unnest(%s::text[]) AS watched(name) ON c.uuid = split_part(watched.name, '/', 1)::uuid
        AND se.start_at >= split_part(watched.name, '/', 2)::timestamp AT TIME ZONE d.zone
        AND se.start_at < (split_part(watched.name, '/', 2)::timestamp + interval '1 day') AT TIME ZONE d.zone
    ORDER BY s.start_at
"""
FRAMES_SINCE = f"{_FRAMES} WHERE s.changed_at >= %s AND c.uuid = ANY(%s::uuid[]) ORDER BY s.changed_at"


class Frame(NamedTuple):
    """One slot's public face at one version; `text` goes to browsers as it is."""

    topic: str
    slot: str
    version: int
    text: str


def topic(session: Session) -> str:
    """The name under which the session's day is watched."""
    on = session.start_at.astimezone(session.district.tz).date()
    return f"{session.calendar.uuid}/{on.isoformat()}"


def address(*topics: str) -> str:
    """Where a browser hears of these days, on one socket (scheduling/routing.py); nowhere of none."""
    if not topics:
        return ""
    if len(topics) == 1:
        return f"/live/slots/{topics[0]}/"
    return f"/live/slots/?{urlencode([('day', each) for each in topics], safe='/')}"


def frames(topics: list[str]) -> list[Frame]:
    """The present state of every slot of these topics."""
    with connection.cursor() as cursor:
        cursor.execute(FRAMES_OF_TOPICS, [topics])
        return [Frame(*row) for row in cursor.fetchall()]


def news_of(person: UUID) -> str:
    """The name under which a person's news is heard."""
    return f"{_NEWS}{person}"


def is_news(name: str) -> bool:
    """Whether the topic is a person's news, not a day with slots."""
    return name.startswith(_NEWS)


def rights_changed(calendar: Calendar) -> None:
    """After the commit, let everyone who watches the calendar ask anew whether they may."""
    after_commit("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"calendar": str(calendar.uuid)})])


def slot_changed(slot: Slot) -> None:
    """After the commit, tell everyone who watches the slot's day. A failure to tell harms no booking."""
    after_commit(_ANNOUNCE, [CHANNEL, slot.pk])
