"""The one door to Twilio: sends SMS, reads the list of what was accepted, checks callbacks.

What Twilio's API makes necessary: it has no idempotency key, so whatever might have been accepted
is reported as "no answer" and settled elsewhere; its client logs recipients, so it gets a silent
logger; its asynchronous client waits for ever unless somebody else looks at the clock.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import reverse
from twilio.base.exceptions import TwilioException
from twilio.base.values import unset
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from notifications import links
from notifications.channels.base import Answer, Gateway, Sms, Trace, Verdict
from notifications.models import Message
from notifications.texts import segments

log = logging.getLogger(__name__)
# Twilio's client logs addresses with telephone numbers in them.
_SILENT = logging.getLogger(f"{__name__}.http")
_SILENT.setLevel(logging.CRITICAL + 1)

CALLBACK = "notifications:status"
IN_FLIGHT = 50
ANSWER_WITHIN_SECONDS = 15
ALPHANUMERIC_SENDER = 11
LONGEST_VALIDITY = timedelta(seconds=36_000)
LISTED_AT_MOST = 200
# Codes that speak of our account or sender, not of the recipient: wait until somebody has mended it.
OUR_FAULT = frozenset({20003, 20005, 21212, 21603, 21606, 21607, 21609, 21611, 21659, 21660, 21661, 21663})
MENDED_AFTER = timedelta(minutes=10)

STATUSES = {
    "accepted": Message.Status.SENT,
    "scheduled": Message.Status.SENT,
    "queued": Message.Status.SENT,
    "sending": Message.Status.SENT,
    "sent": Message.Status.SENT,
    "delivered": Message.Status.DELIVERED,
    "read": Message.Status.DELIVERED,
    "undelivered": Message.Status.FAILED,
    "failed": Message.Status.FAILED,
    "canceled": Message.Status.FAILED,
}


class TwilioGateway(Gateway):
    """Sends through Twilio, many at once, no faster than a sender may: segments a second."""

    at_once = IN_FLIGHT

    def __init__(self) -> None:
        if not (settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN):
            raise ImproperlyConfigured("SMS_BACKEND is twilio: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
        self._pace = _Pace(settings.SMS_SEGMENTS_PER_SECOND)
        self._runner: asyncio.Runner | None = None
        self._client: Client | None = None

    @contextmanager
    def connected(self) -> Iterator[None]:
        with asyncio.Runner() as runner:
            self._runner = runner
            self._client = runner.run(_connect())
            try:
                yield
            finally:
                runner.run(_disconnect(self._client))
                self._runner = self._client = None

    def send(self, batch: Sequence[Sms]) -> list[Answer]:
        if self._runner is None or self._client is None:
            with self.connected():
                return self.send(batch)
        return self._runner.run(self._send_all(self._client, batch))

    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        if self._runner is None or self._client is None:
            with self.connected():
                return self.traces(recipient, since)
        return self._runner.run(_traces(self._client, recipient, since))

    async def _send_all(self, client: Client, batch: Sequence[Sms]) -> list[Answer]:
        in_flight = asyncio.Semaphore(IN_FLIGHT)

        async def send(sms: Sms) -> Answer:
            # The turn is taken at once, in order of the batch; waiting for it costs no connection.
            await asyncio.sleep(self._pace.wait(_sender(sms), segments(sms.body)))
            async with in_flight:
                return await _send(client, sms)

        return list(await asyncio.gather(*(send(sms) for sms in batch)))


class _Pace:
    """When a sender's next message may leave, so that it never has more segments a second than it may."""

    def __init__(self, segments_per_second: float) -> None:
        self._seconds_each = 1 / segments_per_second
        self._free_at: dict[str, float] = defaultdict(float)

    def wait(self, sender: str, parts: int) -> float:
        """Takes the sender's next turn for that many segments; the seconds to wait for it."""
        now = time.monotonic()
        turn = max(now, self._free_at[sender])
        self._free_at[sender] = turn + parts * self._seconds_each
        return turn - now


# --- One message -------------------------------------------------------------------------------
async def _send(client: Client, sms: Sms) -> Answer:
    if time.monotonic() > sms.leave_before:
        return Answer(Verdict.LATER, error_code="late")
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            accepted = await client.messages.create_async(**_parameters(sms))
    except aiohttp.ClientConnectorError:
        # No connection came about, so nothing was handed over.
        return Answer(Verdict.LATER, error_code="connection")
    except TwilioException as refusal:
        return _refusal(refusal)
    except Exception as fault:  # noqa: BLE001 (whatever went wrong on the way, it may have been accepted)
        return Answer(Verdict.NO_ANSWER, error_code=type(fault).__name__[:20])
    if not accepted.sid:
        return Answer(Verdict.NO_ANSWER, error_code="no id")
    return Answer(Verdict.ACCEPTED, gateway_id=accepted.sid)


def _parameters(sms: Sms) -> dict[str, Any]:
    sender = _sender(sms)
    kind = "messaging_service_sid" if sender.startswith("MG") and len(sender) == 34 else "from_"
    return {
        "to": sms.number,
        "body": sms.body,
        kind: sender,
        "status_callback": f"{settings.PUBLIC_URL}{callback_path(sms)}",
        "validity_period": max(1, int(min(sms.valid_for, LONGEST_VALIDITY).total_seconds())),
        "content_retention": settings.TWILIO_CONTENT_RETENTION or unset,
        "address_retention": settings.TWILIO_ADDRESS_RETENTION or unset,
    }


def _sender(sms: Sms) -> str:
    return settings.TWILIO_SENDER or sms.sender[:ALPHANUMERIC_SENDER].strip()


def callback_path(sms: Sms) -> str:
    """Where Twilio tells what became of this very message."""
    return reverse(CALLBACK, args=[links.token(CALLBACK, sms.uuid, 1)])


def _refusal(refusal: TwilioException) -> Answer:
    status = int(getattr(refusal, "status", 0) or 0)
    code = int(getattr(refusal, "code", 0) or 0)
    if status == 429:
        return Answer(Verdict.LATER, error_code=str(code or 429))
    if code in OUR_FAULT or status in (401, 402, 403, 404, 405):
        log.error("The SMS gateway refuses our account or sender: HTTP %s, code %s", status, code)
        return Answer(Verdict.LATER, error_code=str(code), wait=MENDED_AFTER)
    if status != 408 and 400 <= status < 500:
        return Answer(Verdict.REFUSED, error_code=str(code))
    return Answer(Verdict.NO_ANSWER, error_code=str(code or status))


# --- What was accepted ---------------------------------------------------------------------------
async def _traces(client: Client, number: str, since: datetime) -> list[Trace] | None:
    """Twilio's list by recipient. Not filtered by DateSent there: what still waits has none."""
    if _keeps_nothing():
        return None
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            listed = await client.messages.list_async(to=number, limit=LISTED_AT_MOST)
    except Exception as fault:  # noqa: BLE001 (an unreadable list tells nothing, whatever the reason)
        log.warning("The SMS gateway's list of messages could not be read: %s", type(fault).__name__)
        return None
    return [trace for trace in map(_trace, listed) if trace.accepted_at >= since]


def _keeps_nothing() -> bool:
    return "discard" in settings.TWILIO_CONTENT_RETENTION or "obfuscate" in settings.TWILIO_ADDRESS_RETENTION


def _trace(listed: MessageInstance) -> Trace:
    accepted_at = listed.date_created or listed.date_sent
    if not (listed.sid and accepted_at):
        raise ValueError("A message in the gateway's list has neither id nor time.")
    return Trace(
        gateway_id=listed.sid,
        body=listed.body or "",
        accepted_at=accepted_at,
        status=STATUSES.get(str(listed.status), Message.Status.SENT),
        error_code=str(listed.error_code or ""),
    )


# --- Callbacks -----------------------------------------------------------------------------------
def valid_callback(request: HttpRequest) -> bool:
    """Whether Twilio signed this request, counted over the address we published, not its Host header."""
    if not settings.TWILIO_AUTH_TOKEN:
        return False
    validator = RequestValidator(settings.TWILIO_AUTH_TOKEN)
    address = f"{settings.PUBLIC_URL}{request.get_full_path()}"
    signature = request.headers.get("X-Twilio-Signature", "")
    return bool(validator.validate(address, request.POST, signature))


# --- Connection ------------------------------------------------------------------------------------
class _Http:
    """Twilio's own HTTP client, silent, and able to speak to another address (`TWILIO_API_URL`)."""

    is_async = True

    def __init__(self) -> None:
        self._http = AsyncTwilioHttpClient(logger=_SILENT)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str],
        auth: tuple[str, str],
        **options: Any,
    ) -> Response:
        # As a header, because aiohttp is giving up the object Twilio's client makes of it.
        signed_in = {**headers, "Authorization": aiohttp.encode_basic_auth(*auth)}
        return await self._http.request(method, _address(url), headers=signed_in, **options)

    async def close(self) -> None:
        await self._http.close()


def _address(url: str) -> str:
    if not settings.TWILIO_API_URL:
        return url
    parts, other = urlsplit(url), urlsplit(settings.TWILIO_API_URL)
    return parts._replace(scheme=other.scheme, netloc=other.netloc).geturl()


async def _connect() -> Client:
    return Client(
        settings.TWILIO_ACCOUNT_SID,
        settings.TWILIO_AUTH_TOKEN,
        region=settings.TWILIO_REGION or None,
        edge=settings.TWILIO_EDGE or None,
        http_client=_Http(),
    )


async def _disconnect(client: Client) -> None:
    await client.http_client.close()
