"""What is to be sent, written in the transaction of the act it tells of. Nothing is sent here."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from accounts.rows import Asked, Statement, Write
from clients import contact
from clients.models import Client, Consent
from notifications.models import Message
from notifications.models.message import MessageQuerySet
from notifications.reasons import BAD_NUMBER


@dataclass(frozen=True)
class Draft:
    """One message to be: its unique key, its kind, the facts its text is rendered from, its times."""

    key: str
    kind: Message.Kind
    context: dict[str, Any]
    send_at: datetime
    expires_at: datetime


# One round trip for all of them, the look for a consent included. A key that is queued, under way or
# done stays as it is; one that was withdrawn, or refused for its number, reached nobody and may be
# queued anew.
_NO_SUCH_NUMBER = ", ".join(f"'{code}'" for code in sorted(BAD_NUMBER))
_INSERT = Statement(
    f"""
    INSERT INTO notifications_message AS message (
        uuid, district_id, client_id, language, key, kind, context, send_at, expires_at,
        status, attempts, gateway_id, body_key, error_code, created_at
    )
    SELECT gen_random_uuid(), %(district)s, %(client)s, %(language)s, draft.key, draft.kind, draft.context,
        draft.send_at, draft.expires_at, 'queued', 0, '', '', '', statement_timestamp()
    FROM jsonb_to_recordset(%(drafts)s::jsonb) AS draft(
        key text, kind text, context jsonb, send_at timestamptz, expires_at timestamptz
    )
    WHERE EXISTS ({{consent}})
    ON CONFLICT (key) DO UPDATE SET
        language = excluded.language, context = excluded.context, send_at = excluded.send_at,
        expires_at = excluded.expires_at, status = 'queued', error_code = '', settled_at = NULL
    WHERE message.status = 'withdrawn'
        OR (message.status = 'failed' AND message.error_code IN ({_NO_SUCH_NUMBER}))
    RETURNING message.key
    """,  # noqa: S608 (constants only)
    consent=Asked(lambda client: Consent.objects.to_sms().filter(client=client).values("pk"), client=int),
)


def enqueue_all(client: Client, drafts: Iterable[Draft]) -> list[str]:
    """Queue several messages to one client with one query; returns the keys of those queued now.

    `context` holds neutral facts only: `start_at` (ISO), `zone`, `place`, and for the link
    `route` (URL name) and `about` (UUID). Nothing is queued while an obstacle stands.
    """
    values = _values(client, drafts)
    return [key for (key,) in _INSERT.rows(**values)] if values else []


def enqueue_write(client: Client, drafts: Iterable[Draft]) -> Write | None:
    """The same as a value, to be written together with what else the act leaves; None: nothing to queue."""
    values = _values(client, drafts)
    return _INSERT.write(**values) if values else None


def _values(client: Client, drafts: Iterable[Draft]) -> dict[str, Any] | None:
    wanted = list(drafts)
    # Whether they consented, the statement asks itself.
    if not wanted or contact.sms_obstacles(client, has_consent=True):
        return None
    return {
        "district": client.district_id,
        "client": client.pk,
        "language": client.language,
        "drafts": _json([vars(draft) for draft in wanted]),
    }


_json = json.JSONEncoder(default=datetime.isoformat).encode


def withdraw(key_prefix: str) -> int:
    """Take back what has not left yet; returns how many rows that concerned."""
    return _take_back(for_key_prefix(key_prefix))


def withdraw_all(client: Client) -> int:
    """Take back everything that has not left yet to this client."""
    return _take_back(Message.objects.filter(client=client))


def for_key_prefix(key_prefix: str) -> MessageQuerySet:
    """The messages about one thing, in the order they are due."""
    return Message.objects.filter(key__startswith=key_prefix).order_by("send_at", "id")


def by_key_prefix(key_prefixes: Sequence[str]) -> dict[str, list[Message]]:
    """The messages about several things, each list in the order they are due, with one query.

    A prefix ends with its separator: `booking:<uuid>:`.
    """
    found: dict[str, list[Message]] = {prefix: [] for prefix in key_prefixes}
    if found:
        about_them = reduce(or_, (Q(key__startswith=prefix) for prefix in found))
        for message in Message.objects.filter(about_them).order_by("send_at", "id"):
            next(found[prefix] for prefix in found if message.key.startswith(prefix)).append(message)
    return found


def _take_back(messages: MessageQuerySet) -> int:
    # One statement: a row claimed by a worker meanwhile is seen as it is then. What is under way
    # cannot be called back, but it must not be tried a second time: its life ends where the attempt began,
    # which tells it from one whose time has come (`Message.taken_back`).
    waiting, under_way = Message.Status.QUEUED, Message.Status.SENDING
    return messages.filter(status__in=[waiting, under_way]).update(
        status=Case(When(status=waiting, then=Value(Message.Status.WITHDRAWN)), default=F("status")),
        settled_at=Case(When(status=waiting, then=Now()), default=F("settled_at")),
        expires_at=Case(When(status=under_way, then=F("claimed_at")), default=F("expires_at")),
    )
