"""Calendar feeds: a person's appointments under a secret address that calendars ask for again and again.

A feed is joined, not built: each appointment's VEVENT is kept as it was last written (`RenderedEvent`),
and a version per person (`FeedVersion`) says without looking at an appointment whether anything changed.
The version rises inside the transactions of the rules, for people who have a feed only, so that who
has none costs a booking nothing but the question.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import District, User
from accounts.rows import Write, together
from scheduling import ical
from scheduling.models import Booking, CalendarFeed, FeedVersion, Session

PAST_DAYS = 90
CANCELLED_DAYS = 30
# Of the text's form; raised when `ical` writes events differently, so that nothing kept is served.
_FORM = 2
_NOTED_EVERY = timedelta(hours=1)

# Everything an answer depends on, in one row and without an appointment. Whose cases one has is told
# by the number and a checksum of them: the room below does not know of feeds.
_SUBSCRIBER = """
    SELECT feed.id, feed.user_id, feed.last_read_at, district.zone, clock_timestamp(), concat_ws(
        '-', version.version, caseload.number, caseload.mark, district.zone,
        (clock_timestamp() AT TIME ZONE district.zone)::date
    )
    FROM scheduling_calendarfeed feed
    JOIN accounts_user person ON person.id = feed.user_id AND person.is_active
    JOIN accounts_district district ON district.id = person.district_id
    JOIN scheduling_feedversion version ON version.user_id = feed.user_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, coalesce(sum(hashint8(id)), 0) AS mark
        FROM clients_client WHERE owner_id = feed.user_id OR deputy_id = feed.user_id
    ) caseload
    WHERE feed.digest = %s AND feed.revoked_at IS NULL
"""

# What one holds and what one's own clients have, as `Booking.objects.for_user`, each half by its index.
# A seat in a course is none of it: it spans the term, and its dates are sessions of the teacher's.
_MINE = f"""
    WITH mine AS (
        SELECT id FROM scheduling_booking WHERE holder_id = %(user)s AND client_id IS NULL
        UNION
        SELECT booking.id FROM scheduling_booking booking JOIN clients_client client ON client.id = client_id
        WHERE client.owner_id = %(user)s OR client.deputy_id = %(user)s
    )
    SELECT booking.id, kept.text
    FROM scheduling_booking booking
    JOIN mine ON mine.id = booking.id
    JOIN scheduling_slot slot ON slot.id = booking.slot_id
    LEFT JOIN scheduling_renderedevent kept
        ON kept.booking_id = booking.id AND kept.sequence = booking.ical_sequence
    WHERE booking.status <> 'tentative' AND slot.format <> 'course'
        AND booking.end_at > clock_timestamp() - interval '{PAST_DAYS} days'
        AND (booking.status <> 'cancelled'
            OR booking.cancelled_at > clock_timestamp() - interval '{CANCELLED_DAYS} days')
    ORDER BY booking.start_at, booking.id
"""  # noqa: S608 (constants only)

# An appointment's own place is left out: it is encrypted at rest, and free text may tell.
_TO_WRITE = """
    SELECT booking.id, booking.uuid, booking.ical_sequence, booking.status = 'cancelled', kind.public_title,
        CASE WHEN booking.place <> '' THEN '' ELSE coalesce(room.address, session.place) END,
        booking.start_at, booking.end_at
    FROM scheduling_booking booking
    JOIN scheduling_slot slot ON slot.id = booking.slot_id
    JOIN scheduling_appointmentkind kind ON kind.id = slot.kind_id
    JOIN scheduling_session session ON session.id = slot.session_id
    LEFT JOIN scheduling_resource room ON room.id = session.room_id
    WHERE booking.id = ANY(%s)
"""

_KEEP = """
    INSERT INTO scheduling_renderedevent (booking_id, sequence, text, rendered_at)
    SELECT *, %s FROM unnest(%s::bigint[], %s::int[], %s::text[])
    ON CONFLICT (booking_id) DO UPDATE
    SET sequence = excluded.sequence, text = excluded.text, rendered_at = excluded.rendered_at
    WHERE scheduling_renderedevent.sequence < excluded.sequence
        OR scheduling_renderedevent.sequence = excluded.sequence
            AND scheduling_renderedevent.rendered_at < excluded.rendered_at
"""

# The sessions somebody holds, each one event; titled by what is in it. A course's term is no session.
# What rises with each change are seconds, counted from 2026: iCalendar's numbers end at 2 147 483 647.
_SESSIONS = f"""
    SELECT session.uuid,
        coalesce(extract(epoch FROM
            greatest(session.moved_at, session.cancelled_at) - timestamptz '2026-01-01Z')::bigint, 0),
        session.status = 'cancelled', block.public_title, coalesce(room.address, session.place),
        session.start_at, session.end_at
    FROM scheduling_session session
    JOIN scheduling_resource holder ON holder.id = session.specialist_id AND holder.user_id = %s
    LEFT JOIN scheduling_resource room ON room.id = session.room_id
    JOIN LATERAL (
        SELECT kind.public_title FROM scheduling_slot slot
        JOIN scheduling_appointmentkind kind ON kind.id = slot.kind_id
        WHERE slot.session_id = session.id AND slot.format <> 'course'
        ORDER BY slot.start_at LIMIT 1
    ) block ON true
    WHERE session.end_at > clock_timestamp() - interval '{PAST_DAYS} days'
        AND (session.status <> 'cancelled'
            OR session.cancelled_at > clock_timestamp() - interval '{CANCELLED_DAYS} days')
    ORDER BY session.start_at, session.id
"""  # noqa: S608 (constants only)

# Locked in one order first: two rules that concern the same two people never wait for each other in turn.
_RAISE = """
    UPDATE scheduling_feedversion SET version = version + 1, changed_at = statement_timestamp()
    WHERE user_id IN (
        SELECT user_id FROM scheduling_feedversion WHERE user_id IN ({people})
        ORDER BY user_id FOR NO KEY UPDATE
    )
"""
_RAISE_OF_PEOPLE = _RAISE.format(people="%s, %s, %s")

_FORGET = """
    DELETE FROM scheduling_renderedevent kept USING scheduling_booking booking
    WHERE booking.id = kept.booking_id AND booking.district_id = %s
"""


class Subscriber(NamedTuple):
    """Whose feed is asked for, and what its answer is marked with."""

    feed_id: int
    user_id: int
    last_read_at: datetime | None
    zone: ZoneInfo
    now: datetime
    etag: str


# --- The address -----------------------------------------------------------------------------------
def of_user(user: User) -> CalendarFeed | None:
    """The person's living feed, if there is one."""
    return CalendarFeed.objects.for_user(user).living().first()


@transaction.atomic
def create(*, by: User) -> str:
    """A new address for one's own feed, given out this once; the one before stops working."""
    _lock(by)
    _revoke(by)
    token = secrets.token_urlsafe(16)  # 128 bits
    feed = CalendarFeed.objects.create(user=by, digest=_digest(token))
    FeedVersion.objects.get_or_create(user=by, defaults={"changed_at": timezone.now()})
    audit.record("feed_created", feed, by=by)
    return settings.PUBLIC_URL + reverse("scheduling:feed", args=[token])


@transaction.atomic
def revoke(*, by: User) -> None:
    """One's address stops working with the next request. Having none is no problem."""
    _lock(by)
    _revoke(by)


def _revoke(user: User) -> None:
    feed = of_user(user)
    if feed is not None:
        feed.revoked_at = timezone.now()
        feed.save(update_fields=["revoked_at"])
        audit.record("feed_revoked", feed, by=user)


def _lock(user: User) -> None:
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=user.pk)


def _digest(token: str) -> str:
    # The token is random as a whole: there is nothing to guess that a slow digest would protect.
    return hashlib.sha256(token.encode()).hexdigest()


# --- What changed ----------------------------------------------------------------------------------
def appointment_changed(booking: Booking) -> None:
    """The feeds that show this appointment answer anew. One statement, inside the rule's transaction."""
    together(changed_write(booking))


def changed_write(booking: Booking) -> Write:
    """The same as a value, to be written together with what else the act leaves."""
    client = booking.client
    keepers = (client.owner_id, client.deputy_id) if client else (None, None)
    return Write(_RAISE_OF_PEOPLE, (booking.holder_id, *keepers))


def sessions_changed(sessions: Iterable[Session]) -> None:
    """The feeds of those who hold these sessions answer anew. One statement."""
    holders = {session.specialist_id for session in sessions} - {None}
    if holders:
        _raise("SELECT user_id FROM scheduling_resource WHERE id = ANY(%s)", sorted(holders))


@transaction.atomic
def words_changed(district: District) -> None:
    """An address or a neutral title is another one: all events of the district are written anew.

    Rare, and the only changes of an event that raise no appointment's sequence.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [district.pk])
    _raise("SELECT id FROM accounts_user WHERE district_id = %s", district.pk)


def _raise(people: str, value: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RAISE.format(people=people), [value])


# --- The answer ------------------------------------------------------------------------------------
def subscriber(token: str) -> Subscriber | None:
    """Whose feed this token opens, and the mark of its present state; None: no such address (any more).

    One query, which looks at no appointment.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUBSCRIBER, [_digest(token)])
        row = cursor.fetchone()
    if row is None:
        return None
    feed_id, user_id, last_read_at, zone, now, mark = row
    return Subscriber(feed_id, user_id, last_read_at, ZoneInfo(zone), now, f'"{_FORM}-{mark}"')


def note_read(asked: Subscriber) -> None:
    """Remember that the feed is in use; once an hour is enough to tell its owner."""
    if asked.last_read_at is None or asked.now - asked.last_read_at > _NOTED_EVERY:
        CalendarFeed.objects.filter(pk=asked.feed_id).update(last_read_at=asked.now)


def text(asked: Subscriber) -> bytes:
    """The feed as iCalendar: at once where this process has joined it since the last change."""
    found = _joined.get(asked.user_id, asked.etag)
    if found is None:
        since = asked.now - timedelta(days=PAST_DAYS)
        found = ical.feed(asked.zone, since, [*_appointments(asked), *_sessions(asked)])
        _joined.keep(asked.user_id, asked.etag, found)
    return found


def _appointments(asked: Subscriber) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_MINE, {"user": asked.user_id})
        rows = cursor.fetchall()
    stale = [key for key, kept in rows if kept is None or _is_of_another_zone(kept, asked.zone)]
    written = _written(stale, asked) if stale else {}
    for key, kept in rows:
        # Neither: gone in between.
        if event := written.get(key) or kept:
            yield event


def _is_of_another_zone(event: str, zone: ZoneInfo) -> bool:
    """Its times name a zone that this calendar does not describe: the district's is another one by now."""
    return ";TZID=" in event and f";TZID={zone.key}:" not in event


def _written(keys: Sequence[int], asked: Subscriber) -> dict[int, str]:
    """The VEVENTs of these bookings, kept for the next time."""
    with connection.cursor() as cursor:
        cursor.execute(_TO_WRITE, [list(keys)])
        rows = cursor.fetchall()
        written = {key: _event(rest, asked) for key, *rest in rows}
        sequences = [row[2] for row in rows]
        cursor.execute(_KEEP, [asked.now, list(written), sequences, list(written.values())])
    return written


def _sessions(asked: Subscriber) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS, [asked.user_id])
        return [_event(row, asked) for row in cursor.fetchall()]


def _event(row: Sequence[Any], asked: Subscriber) -> str:
    uuid: UUID
    uuid, sequence, is_cancelled, title, address, start_at, end_at = row
    return ical.event_text(
        ical.Entry(uuid, sequence, is_cancelled, title, address or "", start_at, end_at, asked.now),
        asked.zone,
    )


class Joined:
    """The last feeds this process joined, by person, each good as long as its mark is the present one."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._feeds: OrderedDict[int, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, user_id: int, etag: str) -> bytes | None:
        """The person's feed, if it was kept under this mark."""
        with self._lock:
            kept = self._feeds.get(user_id)
            if kept is None or kept[0] != etag:
                return None
            self._feeds.move_to_end(user_id)
            return kept[1]

    def keep(self, user_id: int, etag: str, text: bytes) -> None:
        """Keep the feed; whose was asked for longest ago goes when there is no room."""
        with self._lock:
            self._size += len(text) - len(self._feeds.pop(user_id, ("", b""))[1])
            self._feeds[user_id] = (etag, text)
            while self._size > self._most:
                self._size -= len(self._feeds.popitem(last=False)[1][1])

    def forget(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            self._feeds.clear()
            self._size = 0


_joined = Joined(most_bytes=16_000_000)
forget_joined = _joined.forget
