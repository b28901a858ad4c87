"""What every gateway promises. `tests/notifications/test_gateways.py` holds all of them to it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from notifications.models import Message


@dataclass(frozen=True)
class Sms:
    """All that a gateway gets to know of a message. `uuid` names it in its status callback."""

    uuid: UUID
    sender: str
    number: str
    body: str
    valid_for: timedelta
    # On this process's monotonic clock. Later it must not leave: somebody else may have taken over.
    leave_before: float

    @property
    def to(self) -> str:
        """Whom it goes to, as the gateway's list knows them."""
        return self.number

    @property
    def content(self) -> str:
        """By which the gateway's list tells it from others to the same number (`Trace.body`)."""
        return self.body


@dataclass(frozen=True)
class Mail:
    """One e-mail. With `ics` it carries a calendar file whose METHOD is `method`."""

    uuid: UUID
    to: str
    subject: str
    text: str
    ics: str
    method: str
    # As above.
    leave_before: float

    @property
    def content(self) -> str:
        """By which a server's list could tell it from others to the same address."""
        return "\n".join((self.subject, self.text, self.ics))


class Verdict(StrEnum):
    """What a gateway said to one attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # for good: this recipient, this text
    LATER = "later"  # certainly not accepted, may be tried again
    NO_ANSWER = "no_answer"  # may have been accepted: settle before any second try


@dataclass(frozen=True)
class Answer:
    """The outcome of one attempt; `gateway_id` when accepted, the gateway's code when not."""

    verdict: Verdict
    gateway_id: str = ""
    error_code: str = ""
    wait: timedelta | None = None


@dataclass(frozen=True)
class Trace:
    """One message the gateway says it accepted."""

    gateway_id: str
    body: str
    accepted_at: datetime
    status: Message.Status
    error_code: str = ""


class Gateway(ABC):
    """Carries the messages of one channel, and remembers what it accepted.

    A batch holds `Sms`, or `Mail` where `carries` is e-mail. Whoever writes one more gateway needs
    `send` and `traces`; `connected` where opening a connection costs something.
    """

    carries: ClassVar[Message.Channel] = Message.Channel.SMS
    # Whether somebody could be woken by it: then nothing leaves at night.
    rings_telephones = True
    # As many are claimed at a time, so none waits for long between claim and call.
    at_once = 1

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keeps connections open between several batches."""
        yield

    @abstractmethod
    def send(self, batch: Sequence[Any]) -> list[Answer]:
        """Try each message once; one answer each, in order. Never raises on a gateway's account."""

    @abstractmethod
    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        """What was accepted for this number or address since then; None when that cannot be told."""
