"""Which messages are due, and taking them: the attempt is committed before anybody is called."""

import json
import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.urls import NoReverseMatch

from accounts.models import District
from clients.contact import sms_obstacles
from clients.models import Client, Consent
from notifications import parcels, quiet, recording, rules, wording
from notifications.channels.base import Gateway, Sms
from notifications.models import Message
from notifications.models.message import MessageQuerySet
from notifications.spending import Purse
from notifications.texts import segments

log = logging.getLogger(__name__)
Status = Message.Status

# A claimed message leaves at once or not at all: somebody else may have taken over.
LEAVE_WITHIN = timedelta(minutes=1)

Claimed = list[tuple[Message, Any]]


def due_districts(gateway: Gateway) -> list[District]:
    """The districts with something to send by this gateway."""
    due = _due(gateway).filter(district=OuterRef("pk"))
    return list(District.objects.filter(Exists(due)).select_related("message_rules").order_by("pk"))


def claim(gateway: Gateway, district: District, most: int) -> tuple[Claimed, bool]:
    """Take what is due next, with the parcels to hand over: ours from this commit on, whatever happens
    to us. And whether there may be more."""
    with transaction.atomic(durable=True):
        taken = list(_takeable(gateway, district)[:most])
        turn = _Turn(gateway, district, taken)
        batch = turn.prepare()
        _write(turn.changed)
        for message in turn.changed:
            recording.ring(message)
    return batch, len(taken) == most and not turn.is_stopped


def _due(gateway: Gateway) -> MessageQuerySet:
    return Message.objects.filter(
        channel=gateway.carries, status=Status.QUEUED, send_at__lte=Now(), expires_at__gt=Now()
    )


def _takeable(gateway: Gateway, district: District) -> MessageQuerySet:
    consent = Consent.objects.to_sms().filter(client=OuterRef("client"))
    return (
        _due(gateway)
        .filter(district=district)
        .annotate(has_consent=Exists(consent), now=Now())
        .select_related("client", "user")
        .order_by("send_at", "id")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
    )


# What a turn may change, with one statement: Django's `bulk_update` takes longer to write its own than
# everything else about a claim does.
_CHANGED = {
    "channel": "text",
    "language": "text",
    "status": "text",
    "attempts": "integer",
    "claimed_at": "timestamptz",
    "body_key": "text",
    "error_code": "text",
    "settled_at": "timestamptz",
    "send_at": "timestamptz",
    "segments": "integer",
    "cents": "numeric",
}
_WRITE = f"""
    WITH changed AS (
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS changed(
            id bigint, {", ".join(f"{name} {kind}" for name, kind in _CHANGED.items())}
        )
    ), written AS (
        UPDATE notifications_message AS message
        SET {", ".join(f"{name} = changed.{name}" for name in _CHANGED)}
        FROM changed WHERE message.id = changed.id
    )
    INSERT INTO notifications_deliveryevent (message_id, at, status, error_code)
    SELECT id, statement_timestamp(), status, error_code FROM changed WHERE status <> 'queued'
"""  # noqa: S608 (names of our own)


def _write(messages: Sequence[Message]) -> None:
    """What the turn decided, and an event for each that does not just go on waiting."""
    if not messages:
        return
    rows = [{"id": message.pk, **{name: getattr(message, name) for name in _CHANGED}} for message in messages]
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [json.dumps(rows, default=str)])


class _Turn:
    """One district's turn: what stands against a message, what it costs, what is handed over."""

    def __init__(self, gateway: Gateway, district: District, taken: Sequence[Message]) -> None:
        self.changed: list[Message] = []
        self.is_stopped = False
        self._gateway, self._taken = gateway, taken
        self._rules = rules.of(district)
        self._words = wording.of(district)
        self._purse: Purse | None = None
        for message in taken:
            message.district = district

    def prepare(self) -> Claimed:
        """Mark each message as under way, as waiting for the morning, or with what stands against it."""
        batch = []
        for message in self._taken:
            parcel = self._prepare(message)
            if self.is_stopped:
                break
            self.changed.append(message)
            if parcel is not None:
                batch.append((message, parcel))
        if self._purse is not None:
            self._purse.close()
        return batch

    def _prepare(self, message: Message) -> Any:
        now: datetime = getattr(message, "now")
        if message.channel == Message.Channel.SMS and self._is_held_back(message, message.addressee, now):
            return None
        try:
            parcel = parcels.parcel(
                message, self._words, now=now, leave_before=time.monotonic() + LEAVE_WITHIN.total_seconds()
            )
        except parcels.NoAddressError:
            return _end(message, Status.FAILED, "no_address")
        except parcels.SomebodyCallsError:
            message.channel = Message.Channel.PERSON
            return None
        except (KeyError, ValueError, NoReverseMatch) as error:
            log.error("Message %s cannot be written: %s", message.uuid, type(error).__name__)
            return _end(message, Status.FAILED, "text")
        if isinstance(parcel, Sms) and not self._pay(message, parcel, now):
            return None
        if isinstance(parcel, Sms):
            # As it is written now, whatever was known when it was queued.
            message.language = message.addressee.language
        message.status, message.claimed_at, message.error_code = Status.SENDING, now, ""
        message.attempts += 1
        message.body_key = parcels.body_key(parcel.content)
        return parcel

    def _is_held_back(self, message: Message, client: Client, now: datetime) -> bool:
        """Whether an SMS may not leave now, for good or until its hour comes."""
        if obstacles := sms_obstacles(client, has_consent=getattr(message, "has_consent")):
            _end(message, Status.WITHDRAWN, obstacles[0].code)
        elif _country(client.mobile) not in self._rules.countries:
            _end(message, Status.FAILED, "country")
        elif self._gateway.rings_telephones and not quiet.may_ring(self._rules, client, now):
            message.send_at = quiet.next_moment(self._rules, client, now)
        else:
            return False
        return True

    def _pay(self, message: Message, sms: Sms, now: datetime) -> bool:
        self._purse = self._purse or Purse.of(self._rules, now)
        parts = segments(sms.body)
        price = self._purse.pay(parts)
        if price is None:
            self.is_stopped = True
            return False
        message.segments, message.cents = parts, price
        self._gateway.pace.take(self._gateway.sender(message.district.sender_name), parts)
        return True


def _end(message: Message, status: Message.Status, code: str) -> None:
    message.status, message.error_code, message.settled_at = status, code, getattr(message, "now")


def _country(number: str) -> str:
    """The region of an E.164 number, such as "DE"; empty where it has none."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    # A number of a country with one region belongs there, whatever its digits.
    return phonenumbers.region_code_for_number(parsed) or phonenumbers.region_code_for_country_code(
        parsed.country_code or 0
    )
