"""Writing down what became of attempts, and what that says about a client's number."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from django.db import connection, transaction

from accounts.models import Channel, User
from accounts.roles import Role
from clients import contact
from notifications import notices
from notifications.channels.base import Answer, Verdict
from notifications.models import Message
from notifications.notices import What
from notifications.reasons import BAD_NUMBER, OPTED_OUT

Status = Message.Status

# Said of attempts that were certainly not accepted, so cost nothing.
NOT_ACCEPTED = "not_accepted"
RECALLED = "recalled"
_NOT_SURE_TO_ARRIVE = (Status.FAILED, Status.UNCLEAR, Status.EXPIRED)
_FREE = (Verdict.REFUSED.value, Verdict.LATER.value, NOT_ACCEPTED, RECALLED)


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


def outcome(message: Message, answer: Answer) -> Outcome:
    """What the gateway's answer means for the message."""
    # Never sooner than the gateway asks for, nor than our own patience has grown to.
    wait = max(answer.wait or timedelta(), back_off(message.attempts))
    return Outcome(
        id=message.pk,
        attempts=message.attempts,
        said=answer.verdict.value,
        status=_STATUS.get(answer.verdict),
        gateway_id=answer.gateway_id,
        error_code=answer.error_code,
        wait_seconds=wait.total_seconds(),
    )


def back_off(attempts: int) -> timedelta:
    """2, 4, 8 … seconds, at most ten minutes."""
    return timedelta(seconds=min(2 ** min(attempts, 10), 600))


# Only a row still in this very attempt changes its state: a callback may have been faster. What cost
# nothing is paid back in the same breath.
_RECORD = """
    WITH outcome AS (
        SELECT * FROM jsonb_to_recordset(%(outcomes)s::jsonb) AS outcome(
            id bigint, attempts integer, said text, status text, gateway_id text, error_code text,
            wait_seconds float
        )
    ), recorded AS (
        UPDATE notifications_message AS message SET
            status = outcome.status,
            gateway_id = COALESCE(NULLIF(outcome.gateway_id, ''), message.gateway_id),
            error_code = outcome.error_code,
            send_at = CASE WHEN outcome.status = 'queued'
                THEN statement_timestamp() + make_interval(secs => outcome.wait_seconds)
                ELSE message.send_at END,
            sent_at = CASE WHEN outcome.status IN ('sent', 'delivered')
                THEN statement_timestamp() ELSE message.sent_at END,
            settled_at = CASE WHEN outcome.status IN ('sent', 'queued')
                THEN NULL ELSE statement_timestamp() END,
            segments = CASE WHEN outcome.said = ANY(%(free)s) THEN 0 ELSE message.segments END,
            cents = CASE WHEN outcome.said = ANY(%(free)s) THEN 0 ELSE message.cents END
        FROM outcome JOIN notifications_message AS before ON before.id = outcome.id
        WHERE message.id = outcome.id AND message.attempts = outcome.attempts
            AND message.status = 'sending' AND outcome.status IS NOT NULL
        RETURNING message.district_id, message.claimed_at, before.segments, before.cents,
            outcome.said = ANY(%(free)s) AND before.segments > 0 AS is_free
    ), refund AS (
        SELECT recorded.district_id,
            date_trunc('month', recorded.claimed_at AT TIME ZONE district.zone)::date AS month_on,
            count(*) AS messages, sum(recorded.segments) AS segments, sum(recorded.cents) AS cents
        FROM recorded JOIN accounts_district AS district ON district.id = recorded.district_id
        WHERE recorded.is_free
        GROUP BY 1, 2
    ), paid_back AS (
        UPDATE notifications_spending AS spending SET
            messages = spending.messages - refund.messages,
            segments = spending.segments - refund.segments,
            cents = spending.cents - refund.cents
        FROM refund
        WHERE spending.district_id = refund.district_id AND spending.month_on = refund.month_on
    )
    INSERT INTO notifications_deliveryevent (message_id, at, status, error_code)
    SELECT outcome.id, statement_timestamp(), outcome.said, outcome.error_code FROM outcome
"""


def record(outcomes: Sequence[Outcome]) -> None:
    """Write down what became of these attempts, all with one statement, then see to the refused."""
    if not outcomes:
        return
    said = json.dumps([asdict(outcome) for outcome in outcomes])
    not_sure = [outcome for outcome in outcomes if outcome.status in _NOT_SURE_TO_ARRIVE]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_RECORD, {"outcomes": said, "free": list(_FREE)})
        for outcome in not_sure:
            ring(Message.objects.select_related("client").get(pk=outcome.id))
    for outcome in not_sure:
        heed(outcome.id, outcome.error_code)


def ring(message: Message) -> None:
    """What did not arrive, perhaps not, or never left is heard behind the bell: by the case team, or by the
    colleague an e-mail was meant for; of a pool's by who coordinates interpreting. In the transaction that
    says so."""
    if message.status not in _NOT_SURE_TO_ARRIVE:
        return
    key = f"not_arrived:{message.uuid}"
    if message.client is not None:
        if Message.objects.without_a_sure_end().filter(pk=message.pk).exists():
            notices.tell_case_team([message.client], What.NOT_ARRIVED, key=key, route="notifications:log")
    elif message.user_id is not None:
        notices.tell([message.user_id], What.MAIL_FAILED, key=key, route="notifications:mail_choice")
    else:
        coordinators = User.objects.active().with_role(Role.INTERPRETER_COORDINATOR)
        told = coordinators.filter(district=message.district_id).values_list("pk", flat=True)
        what = What.POOL_MAIL_FAILED
        notices.tell(told, what, key=key, route="notifications:mail_log", once_unread=True)


def heed(message_id: int, error_code: str) -> None:
    """A refused number has consequences for the client: no SMS any more, or a number to be checked.

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
