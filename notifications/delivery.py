"""Sending what is due: claim, send, record; and settling what was left in between.

The gateway has no idempotency key. So the attempt is committed before the call, and a row found in
`sending` is never tried again before the gateway's list, or its callback, has said what became of
it. What neither can say is shown to a person as "unklar".
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Func, IntegerField, OuterRef, Q
from django.db.models.functions import Now
from django.urls import NoReverseMatch

from accounts import audit
from accounts.models import Channel, User
from clients import contact
from clients.contact import sms_obstacles
from clients.models import Consent
from notifications import channels, parcels
from notifications.channels.base import Answer, Gateway, Mail, Sms, Trace, Verdict
from notifications.models import DeliveryEvent, Message
from notifications.models.message import TOLD_OTHERWISE, MessageQuerySet
from notifications.reasons import BAD_NUMBER, OPTED_OUT

log = logging.getLogger(__name__)
Status = Message.Status

BATCH = 200
# One round ends after this, so that the worker can do other things, or stop.
ROUND = timedelta(seconds=30)
# Longer than any living worker can still be busy with a claim: pace, time-outs and `LEAVE_WITHIN`.
SETTLE_AFTER = timedelta(minutes=3)
LEAVE_WITHIN = timedelta(minutes=1)
# When list and callback have said nothing for this long, a person is asked.
GIVE_UP_AFTER = timedelta(minutes=30)
# Clocks may differ this much: ours, the database's, the gateway's.
SLACK = timedelta(minutes=15)
MORNING, NIGHT = 8, 20
# Any numbers that nobody else uses for `pg_advisory_lock`: slow e-mail does not hold up SMS.
_ONE_AT_A_TIME = {Message.Channel.SMS: 5_277_001, Message.Channel.EMAIL: 5_277_002}


# --- Sending -------------------------------------------------------------------------------------
def deliver_due(gateway: Gateway | None = None) -> int:
    """Send what is due by this gateway's channel (SMS without one), batch by batch, for at most half a
    minute; returns how many were accepted.

    Safe to run anywhere at any time: a second run meanwhile does nothing, because the pace of a
    sender is counted in one place.
    """
    gateway = gateway or channels.gateway()
    accepted = 0
    with _alone(gateway.carries) as alone:
        if not alone:
            return 0
        _expire(gateway.carries)
        ends_at = time.monotonic() + ROUND.total_seconds()
        with gateway.connected():
            while time.monotonic() < ends_at and (batch := _claim(gateway)):
                answers = gateway.send([parcel for _, parcel in batch])
                _record(
                    [_outcome(message, answer) for (message, _), answer in zip(batch, answers, strict=True)]
                )
                accepted += sum(answer.verdict == Verdict.ACCEPTED for answer in answers)
    return accepted


@contextmanager
def _alone(channel: Message.Channel) -> Iterator[bool]:
    """Whether nobody else is sending by this channel. The lock dies with the connection, so with a
    killed worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ONE_AT_A_TIME[channel]])
        (alone,) = cursor.fetchone()
    try:
        yield alone
    finally:
        if alone and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME[channel]])


def _expire(channel: Message.Channel) -> None:
    """A message whose time has passed dies."""
    Message.objects.filter(channel=channel, status=Status.QUEUED, expires_at__lte=Now()).update(
        status=Status.EXPIRED, settled_at=Now()
    )


class _LocalHour(Func):
    """The hour of the day in a zone, by the database's clock."""

    template = "EXTRACT(HOUR FROM statement_timestamp() AT TIME ZONE %(expressions)s)::integer"
    output_field = IntegerField()


def _due(gateway: Gateway) -> MessageQuerySet:
    consent = Consent.objects.valid().filter(purpose=Consent.Purpose.SMS, client=OuterRef("client"))
    due = Message.objects.filter(
        channel=gateway.carries, status=Status.QUEUED, send_at__lte=Now(), expires_at__gt=Now()
    )
    if gateway.rings_telephones:
        due = due.annotate(hour=_LocalHour(F("district__zone"))).filter(hour__gte=MORNING, hour__lt=NIGHT)
    return due.annotate(has_consent=Exists(consent), now=Now()).select_related("client", "user", "district")


def _claim(gateway: Gateway) -> list[tuple[Message, Any]]:
    """Take the next batch: ours from this commit on, whatever happens to us."""
    with transaction.atomic(durable=True):
        due = (
            _due(gateway)
            .order_by("send_at", "id")
            .select_for_update(skip_locked=True, no_key=True, of=("self",))
        )
        taken = list(due[: min(BATCH, gateway.at_once)])
        batch = [(message, parcel) for message in taken if (parcel := _prepare(message)) is not None]
        Message.objects.bulk_update(
            taken, ["status", "attempts", "claimed_at", "body_key", "error_code", "settled_at"]
        )
        _note((message, message.status, message.error_code) for message in taken)
    return batch


def _prepare(message: Message) -> Sms | Mail | None:
    """Mark the message as under way, or with what stands against it."""
    now: datetime = getattr(message, "now")
    if message.client is not None:
        obstacles = sms_obstacles(message.client, has_consent=getattr(message, "has_consent"))
        if obstacles:
            _end(message, Status.WITHDRAWN, obstacles[0].code)
            return None
    try:
        parcel = parcels.parcel(
            message, now=now, leave_before=time.monotonic() + LEAVE_WITHIN.total_seconds()
        )
    except parcels.NoAddressError:
        _end(message, Status.FAILED, "no_address")
        return None
    except (KeyError, ValueError, NoReverseMatch) as error:
        log.error("Message %s cannot be written: %s", message.uuid, type(error).__name__)
        _end(message, Status.FAILED, "text")
        return None
    message.status, message.claimed_at, message.error_code = Status.SENDING, now, ""
    message.attempts += 1
    message.body_key = parcels.body_key(parcel.content)
    return parcel


def _end(message: Message, status: Message.Status, code: str) -> None:
    message.status, message.error_code, message.settled_at = status, code, getattr(message, "now")


# --- Recording -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outcome:
    """What an attempt came to; `status` None leaves the row as it is, to be settled."""

    id: int
    attempts: int
    said: str
    status: str | None
    gateway_id: str = ""
    error_code: str = ""
    wait_seconds: float = 0


_STATUS = {Verdict.ACCEPTED: Status.SENT, Verdict.REFUSED: Status.FAILED, Verdict.LATER: Status.QUEUED}


def _outcome(message: Message, answer: Answer) -> Outcome:
    wait = answer.wait or _back_off(message.attempts)
    return Outcome(
        id=message.pk,
        attempts=message.attempts,
        said=answer.verdict.value,
        status=_STATUS.get(answer.verdict),
        gateway_id=answer.gateway_id,
        error_code=answer.error_code,
        wait_seconds=wait.total_seconds(),
    )


def _back_off(attempts: int) -> timedelta:
    """2, 4, 8 … seconds, at most ten minutes."""
    return timedelta(seconds=min(2 ** min(attempts, 10), 600))


# Only a row still in this very attempt changes its state: a callback may have been faster.
_RECORD = """
    UPDATE notifications_message AS message SET
        status = outcome.status,
        gateway_id = COALESCE(NULLIF(outcome.gateway_id, ''), message.gateway_id),
        error_code = outcome.error_code,
        send_at = CASE WHEN outcome.status = 'queued'
            THEN statement_timestamp() + make_interval(secs => outcome.wait_seconds) ELSE message.send_at END,
        sent_at = CASE WHEN outcome.status IN ('sent', 'delivered')
            THEN statement_timestamp() ELSE message.sent_at END,
        settled_at = CASE WHEN outcome.status IN ('sent', 'queued')
            THEN NULL ELSE statement_timestamp() END
    FROM jsonb_to_recordset(%s::jsonb) AS outcome(
        id bigint, attempts integer, status text, gateway_id text, error_code text, wait_seconds float
    )
    WHERE message.id = outcome.id AND message.attempts = outcome.attempts
        AND message.status = 'sending' AND outcome.status IS NOT NULL
"""


def _record(outcomes: Sequence[Outcome]) -> None:
    """Write down what became of these attempts, all with one statement, then see to the refused."""
    if not outcomes:
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_RECORD, [json.dumps([asdict(outcome) for outcome in outcomes])])
        DeliveryEvent.objects.bulk_create(
            DeliveryEvent(message_id=outcome.id, status=outcome.said, error_code=outcome.error_code)
            for outcome in outcomes
        )
    for outcome in outcomes:
        if outcome.status == Status.FAILED:
            _heed(outcome.id, outcome.error_code)


def _note(events: Iterator[tuple[Message, str, str]]) -> None:
    DeliveryEvent.objects.bulk_create(
        DeliveryEvent(message=message, status=status, error_code=code) for message, status, code in events
    )


def _heed(message_id: int, error_code: str) -> None:
    """Draw the conclusion for the client: no SMS any more, or a number to be checked.

    Outside the message's transaction, because clients are locked before messages.
    """
    if error_code not in BAD_NUMBER | OPTED_OUT:
        return
    message = Message.objects.select_related("client__district").get(pk=message_id)
    client, tried_at = message.client, message.claimed_at
    if client is None:
        return
    if error_code in OPTED_OUT:
        contact.opt_out(client, channel=Channel.SMS)
    elif client.mobile_confirmed_at and tried_at and client.mobile_confirmed_at < tried_at:
        contact.number_failed(client, channel=Channel.SMS)


# --- Settling --------------------------------------------------------------------------------------
def settle(
    gateway: Gateway | None = None,
    *,
    after: timedelta = SETTLE_AFTER,
    give_up: timedelta = GIVE_UP_AFTER,
) -> None:
    """Find out what became of attempts that nobody recorded, before anything is tried again.

    Found in the gateway's list: recorded. Not in it: never accepted, so due again unless its time
    has passed. No list to look into: wait for the callback, after `give_up` ask a person.
    """
    gateway = gateway or channels.gateway()
    with gateway.connected():
        for to, messages in groupby(_unsettled(gateway, after, give_up), parcels.recipient):
            _record(_settled(list(messages), gateway, to))


def _unsettled(gateway: Gateway, after: timedelta, give_up: timedelta) -> list[Message]:
    is_true: BooleanField[bool, bool] = BooleanField()
    found = (
        Message.objects.filter(channel=gateway.carries, status=Status.SENDING, claimed_at__lte=Now() - after)
        .annotate(
            is_late=ExpressionWrapper(Q(expires_at__lte=Now()), output_field=is_true),
            is_hopeless=ExpressionWrapper(Q(claimed_at__lte=Now() - give_up), output_field=is_true),
        )
        .select_related("client", "user")
        .order_by("claimed_at", "id")
    )
    return sorted(found, key=parcels.recipient)


def _settled(messages: list[Message], gateway: Gateway, to: str) -> list[Outcome]:
    """What the list says about these messages to one number or address."""
    claimed = [message.claimed_at for message in messages if message.claimed_at is not None]
    traces = gateway.traces(to, since=min(claimed) - SLACK) if to else None
    if traces is None:
        return [_unsettled_still(message) for message in messages if getattr(message, "is_hopeless")]
    known = Message.objects.filter(gateway_id__in=[trace.gateway_id for trace in traces])
    taken = set(known.values_list("gateway_id", flat=True))
    outcomes = []
    for message in messages:
        trace = _trace_of(message, [trace for trace in traces if trace.gateway_id not in taken])
        if trace is not None:
            taken.add(trace.gateway_id)
        outcomes.append(_outcome_of(message, trace))
    return outcomes


def _trace_of(message: Message, traces: list[Trace]) -> Trace | None:
    # Two messages may read alike; each trace is the proof of one of them, the oldest first.
    alike = [trace for trace in traces if parcels.body_key(trace.body) == message.body_key]
    return min(alike, key=lambda trace: trace.accepted_at, default=None)


def _outcome_of(message: Message, trace: Trace | None) -> Outcome:
    if trace is not None:
        return Outcome(
            message.pk, message.attempts, "found", trace.status, trace.gateway_id, trace.error_code
        )
    status = Status.EXPIRED if getattr(message, "is_late") else Status.QUEUED
    return Outcome(message.pk, message.attempts, "not_accepted", status)


def _unsettled_still(message: Message) -> Outcome:
    return Outcome(message.pk, message.attempts, "unclear", Status.UNCLEAR)


def told_otherwise(message: Message, *, by: User) -> None:
    """A person has told the client by another way: the message needs nobody's care any more."""
    with transaction.atomic():
        locked = Message.objects.select_for_update(no_key=True).get(pk=message.pk)
        if Message.objects.without_a_sure_end().filter(pk=locked.pk).exists():
            DeliveryEvent.objects.create(message=locked, status=TOLD_OTHERWISE)
            audit.record(TOLD_OTHERWISE, locked, by=by)


# --- Callbacks -------------------------------------------------------------------------------------
_RANK = {Status.SENT: 1, Status.DELIVERED: 2, Status.FAILED: 2}


def report(about: UUID, status: Message.Status, *, said: str, gateway_id: str, error_code: str = "") -> bool:
    """What the gateway says became of a message; True when that is news.

    Goes forward only. Early, repeated and reordered reports do no harm: one may come before we have
    recorded that the message was accepted, and then it records that, too.
    """
    with transaction.atomic():
        message = Message.objects.select_for_update(no_key=True).filter(uuid=about, attempts__gt=0).first()
        if message is None or _RANK.get(Status(message.status), 0) >= _RANK[status]:
            return False
        Message.objects.filter(pk=message.pk).update(
            status=status,
            error_code=error_code,
            gateway_id=message.gateway_id or gateway_id,
            sent_at=message.sent_at or (None if status == Status.FAILED else Now()),
            settled_at=None if status == Status.SENT else Now(),
        )
        DeliveryEvent.objects.create(message=message, status=said[:20], error_code=error_code)
    if status == Status.FAILED:
        _heed(message.pk, error_code)
    return True
