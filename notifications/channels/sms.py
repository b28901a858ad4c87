"""The one door to Twilio: sends SMS, reads the list of what was accepted, checks callbacks.

What Twilio's API makes necessary: it has no idempotency key, so whatever might have been accepted
is reported as "no answer" and settled elsewhere; its client logs recipients, so it gets a silent
logger; its asynchronous client waits for ever unless somebody else looks at the clock.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

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
    """Sends through Twilio, many at once."""

    # As many again follow at once those that are done.
    at_once = 2 * IN_FLIGHT

    def __init__(self) -> None:
        if not (settings.TWILIO_ACCOUNT_SID and settings.TWILIO_AUTH_TOKEN):
            raise ImproperlyConfigured("SMS_BACKEND is twilio: set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.")
        self._line: _Line | None = None

    @contextmanager
    def connected(self) -> Iterator[None]:
        with self._open():
            yield

    def sender(self, name: str) -> str:
        return _sender(name)

    def send(self, batch: Sequence[Sms]) -> list[Answer]:
        with self._open() as line:
            self.start(batch)
            answers: dict[UUID, Answer] = {}
            while len(answers) < len(batch):
                answers.update((sms.uuid, answer) for sms, answer in line.finished(1))
        return [answers[sms.uuid] for sms in batch]

    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        with self._open() as line:
            return line.runner.run(_traces(line.client, recipient, since))

    @property
    def under_way(self) -> int:
        return len(self.waiting) + (self._line.in_flight if self._line else 0)

    def finished(self, within: float) -> list[tuple[Sms, Answer]]:
        with self._open() as line:
            return line.finished(within)

    @contextmanager
    def _open(self) -> Iterator["_Line"]:
        if self._line is not None:
            yield self._line
            return
        with asyncio.Runner() as runner:
            client = runner.run(_connect())
            self._line = _Line(runner, client, self.waiting)
            try:
                yield self._line
            finally:
                self._line = None
                self.waiting.clear()
                runner.run(_disconnect(client))


class _Line:
    """An open connection. Its calls go on between two visits of ours, as far as the network goes."""

    def __init__(self, runner: asyncio.Runner, client: Client, waiting: dict[UUID, Sms]) -> None:
        self.runner, self.client = runner, client
        self._waiting = waiting
        self._calls: set[asyncio.Task[None]] = set()
        self._running = 0
        self._done: list[tuple[Sms, Answer]] = []

    @property
    def in_flight(self) -> int:
        return self._running + len(self._done)

    def finished(self, within: float) -> list[tuple[Sms, Answer]]:
        """What has its answer by now; those that wait follow meanwhile, each as one is done."""
        self.runner.run(self._go_on(within))
        done, self._done = self._done, []
        return done

    async def _go_on(self, within: float) -> None:
        self._calls = {call for call in self._calls if not call.done()}
        self._call_next()
        if self._calls:
            # What comes back meanwhile is recorded together; whoever waits follows at once.
            await asyncio.wait(set(self._calls), timeout=within)

    def _call_next(self) -> None:
        while self._waiting and self._running < IN_FLIGHT:
            sms = self._waiting.pop(next(iter(self._waiting)))
            self._running += 1
            call = asyncio.get_running_loop().create_task(self._call(sms))
            self._calls.add(call)

    async def _call(self, sms: Sms) -> None:
        # The list is another one by the time the answer comes.
        answer = await _send(self.client, sms)
        self._done.append((sms, answer))
        self._running -= 1
        self._call_next()


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
    sender = _sender(sms.sender)
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


def _sender(name: str) -> str:
    return settings.TWILIO_SENDER or name[:ALPHANUMERIC_SENDER].strip()


def callback_path(sms: Sms) -> str:
    """Where Twilio tells what became of this very message."""
    return reverse(CALLBACK, args=[links.token(CALLBACK, sms.uuid, 1)])


def _refusal(refusal: TwilioException) -> Answer:
    status = int(getattr(refusal, "status", 0) or 0)
    code = int(getattr(refusal, "code", 0) or 0)
    if status == 429:
        return Answer(Verdict.LATER, error_code=str(code or 429), wait=_retry_after())
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
    found = [trace for trace in map(_trace, listed) if trace.accepted_at >= since]
    if len(found) == len(listed) == LISTED_AT_MOST:
        # There are more since then than we can see.
        return None
    return found


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
# What the answer to this very call said of waiting: the client's exceptions know no headers.
_RETRY_AFTER: ContextVar[str] = ContextVar("_RETRY_AFTER", default="")


def _retry_after() -> timedelta | None:
    """How long we are asked to wait; None where nothing sensible was said."""
    said = _RETRY_AFTER.get()
    return timedelta(seconds=min(int(said), 3600)) if said.isdecimal() else None


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
        response = await self._http.request(method, _address(url), headers=signed_in, **options)
        _RETRY_AFTER.set((response.headers or {}).get("Retry-After", ""))
        return response

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
