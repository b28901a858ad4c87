"""Sending what is due: claim, send, record; and settling what was left in between.

The gateway has no idempotency key. So the attempt is committed before the call, and a row found in
`sending` is never tried again before the gateway's list, or its callback, has said what became of
it. What neither can say is shown to a person as "unklar".
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q
from django.db.models.functions import Now

from accounts import audit
from accounts.models import District, User
from notifications import channels, claiming, parcels, place
from notifications.channels.base import Gateway, Trace, Verdict
from notifications.models import DeliveryEvent, Message
from notifications.models.message import TOLD_OTHERWISE
from notifications.recording import NOT_ACCEPTED, RECALLED, Outcome, heed, outcome, record, ring

Status = Message.Status

# One round ends after this, so that the worker can do other things, or stop.
ROUND = timedelta(seconds=30)
# Longer than any living worker can still be busy with a claim: pace, time-outs and `LEAVE_WITHIN`.
SETTLE_AFTER = timedelta(minutes=3)
# When list and callback have said nothing for this long, a person is asked.
GIVE_UP_AFTER = timedelta(minutes=30)
# Clocks may differ this much: ours, the database's, the gateway's.
SLACK = timedelta(minutes=15)
# Seconds after which answers are written down, and those who wait are asked for once more.
TICK = 0.05
# After an outage many die at once.
_AT_A_TIME = 200
# Any numbers that nobody else uses for `pg_advisory_lock`: slow e-mail does not hold up SMS.
_ONE_AT_A_TIME = {Message.Channel.SMS: 5_277_001, Message.Channel.EMAIL: 5_277_002}
# Where nobody else looks after the time of what a person has to say, the round for SMS does.
_DIE_WITH = {
    Message.Channel.SMS: [Message.Channel.SMS, Message.Channel.PERSON],
    Message.Channel.EMAIL: [Message.Channel.EMAIL],
}


# --- Sending -------------------------------------------------------------------------------------
def deliver_due(gateway: Gateway | None = None) -> int:
    """Send what is due by this gateway's channel (SMS without one) for at most half a minute; returns
    how many were accepted.

    Safe to run anywhere at any time: a second run meanwhile does nothing, because the pace of a
    sender is counted in one place.
    """
    gateway = gateway or channels.gateway()
    with _alone(gateway.carries) as alone:
        if not (alone and place.may_send()):
            return 0
        _expire(gateway.carries)
        try:
            with gateway.connected():
                return _deliver(gateway, until=time.monotonic() + ROUND.total_seconds())
        finally:
            # Whatever broke off: what is left there is settled, not sent by the next round.
            gateway.waiting.clear()


def _deliver(gateway: Gateway, until: float) -> int:
    """Claim no more than can leave at once, so that what waits can still be taken back."""
    accepted = 0
    under_way: dict[UUID, Message] = {}
    seen_to: set[int] = set()
    while True:
        may_claim = time.monotonic() < until and gateway.under_way < gateway.at_once
        districts = (
            [one for one in claiming.due_districts(gateway) if one.pk not in seen_to] if may_claim else []
        )
        for district in districts:
            under_way |= _claim(gateway, district, seen_to)
        if under_way:
            accepted += _pass_on(gateway, under_way)
        elif not districts:
            return accepted
        else:
            time.sleep(min(gateway.pace.wait(gateway.sender(one.sender_name)) for one in districts))


def _claim(gateway: Gateway, district: District, seen_to: set[int]) -> dict[UUID, Message]:
    """Take what this district's sender may send now, and hand it over."""
    room = min(gateway.at_once - gateway.under_way, gateway.pace.at_a_time())
    if room <= 0 or gateway.pace.wait(gateway.sender(district.sender_name)) > 0:
        return {}
    batch, has_more = claiming.claim(gateway, district, room)
    if not has_more:
        seen_to.add(district.pk)
    gateway.start([parcel for _, parcel in batch])
    return {message.uuid: message for message, _ in batch}


def _pass_on(gateway: Gateway, under_way: dict[UUID, Message]) -> int:
    """Let what is in the gateway's hands go on for a moment, and write down what came of it; returns
    how many were accepted."""
    outcomes = []
    for message in _taken_back([under_way[uuid] for uuid in gateway.waiting]):
        if gateway.recall(message.uuid):
            del under_way[message.uuid]
            outcomes.append(Outcome(message.pk, message.attempts, RECALLED, Status.WITHDRAWN))
    answers = gateway.finished(TICK)
    outcomes += [outcome(under_way.pop(parcel.uuid), answer) for parcel, answer in answers]
    record(outcomes)
    return sum(answer.verdict == Verdict.ACCEPTED for _, answer in answers)


def _taken_back(messages: list[Message]) -> list[Message]:
    """Those of them that must not leave any more: cancelled, moved, or opted out of since they were
    claimed. Asked right before the call."""
    if not messages:
        return []
    wanted = set(
        Message.objects.filter(
            pk__in=[message.pk for message in messages], status=Status.SENDING, expires_at__gt=Now()
        ).values_list("pk", flat=True)
    )
    return [message for message in messages if message.pk not in wanted]


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
    """A message whose time has passed dies, and whoever it concerns hears that it never left, or that
    nobody has said it."""
    over = Message.objects.filter(channel__in=_DIE_WITH[channel], status=Status.QUEUED, expires_at__lte=Now())
    while over.exists():
        with transaction.atomic():
            # Tried once and taken back meanwhile: nobody was to be told any more.
            over.filter(expires_at__lte=F("claimed_at")).update(status=Status.WITHDRAWN, settled_at=Now())
            some = over.select_for_update(no_key=True, of=("self",)).select_related("client")
            died = list(some.order_by("pk")[:_AT_A_TIME])
            ids = [message.pk for message in died]
            Message.objects.filter(pk__in=ids).update(status=Status.EXPIRED, settled_at=Now())
            for message in died:
                message.status = Status.EXPIRED
                ring(message)


# --- Settling --------------------------------------------------------------------------------------
def settle(
    gateway: Gateway | None = None,
    *,
    after: timedelta = SETTLE_AFTER,
    give_up: timedelta = GIVE_UP_AFTER,
    is_restored: bool = False,
) -> None:
    """Find out what became of attempts that nobody recorded, before anything is tried again.

    Found in the gateway's list: recorded. Not in it: never accepted, so due again unless its time
    has passed. No list to look into: wait for the callback, after `give_up` ask a person.

    While a restored backup waits to be reconciled, only that does this (`is_restored`): then something
    else on the list, sent in words we do not know any more, leaves the message unclear.
    """
    if not is_restored and place.held_since():
        return
    gateway = gateway or channels.gateway()
    with gateway.connected():
        for to, messages in groupby(_unsettled(gateway, after, give_up), parcels.recipient):
            record(_settled(list(messages), gateway, to, is_restored=is_restored))


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


def _settled(messages: list[Message], gateway: Gateway, to: str, *, is_restored: bool) -> list[Outcome]:
    """What the list says about these messages to one number or address."""
    claimed = [message.claimed_at for message in messages if message.claimed_at is not None]
    traces = gateway.traces(to, since=min(claimed) - SLACK) if to else None
    if traces is None:
        return [_unclear(message) for message in messages if getattr(message, "is_hopeless")]
    known = Message.objects.filter(gateway_id__in=[trace.gateway_id for trace in traces])
    taken = set(known.values_list("gateway_id", flat=True))
    found: dict[int, Trace] = {}
    for message in messages:
        trace = _trace_of(message, [trace for trace in traces if trace.gateway_id not in taken])
        if trace is not None:
            taken.add(trace.gateway_id)
            found[message.pk] = trace
    has_strangers = is_restored and any(trace.gateway_id not in taken for trace in traces)
    return [_outcome_of(message, found.get(message.pk), has_strangers) for message in messages]


def _trace_of(message: Message, traces: list[Trace]) -> Trace | None:
    # Two messages may read alike; each trace is the proof of one of them, the oldest first.
    alike = [trace for trace in traces if parcels.body_key(trace.body) == message.body_key]
    return min(alike, key=lambda trace: trace.accepted_at, default=None)


def _outcome_of(message: Message, trace: Trace | None, has_strangers: bool) -> Outcome:
    if trace is not None:
        return Outcome(
            message.pk, message.attempts, "found", trace.status, trace.gateway_id, trace.error_code
        )
    if has_strangers:
        return _unclear(message)
    if message.taken_back:
        status = Status.WITHDRAWN
    else:
        status = Status.EXPIRED if getattr(message, "is_late") else Status.QUEUED
    return Outcome(message.pk, message.attempts, NOT_ACCEPTED, status)


def _unclear(message: Message) -> Outcome:
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
        message.status = status
        ring(message)
    if status == Status.FAILED:
        heed(message.pk, error_code)
    return True
