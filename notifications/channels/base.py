"""What every gateway promises. `tests/notifications/test_gateways.py` holds all of them to it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

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

    A parcel is an `Sms`, or a `Mail` where `carries` is e-mail. Whoever writes one more gateway needs
    `send` and `traces`; `connected` where opening a connection costs something. `start` and `finished`
    are for those that have many calls under way.
    """

    carries: ClassVar[Message.Channel] = Message.Channel.SMS
    # Whether somebody could be woken by it: then nothing leaves at night.
    rings_telephones = True
    # Parcels claimed at a time: those under way, and those that follow them.
    at_once = 20
    # And of these, handed to one `send`: what the first of them waits for cannot be called back.
    together = 1

    @property
    def segments_per_second(self) -> float:
        """What one of its senders may send."""
        return float(settings.SMS_SEGMENTS_PER_SECOND)

    @cached_property
    def waiting(self) -> dict[UUID, Any]:
        """The parcels that have not left yet, in their order."""
        return {}

    @cached_property
    def pace(self) -> "Pace":
        """How fast its senders may send; kept from round to round."""
        return Pace(self.segments_per_second)

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

    def sender(self, name: str) -> str:
        """Under which name or number messages of a district of this name go out: each has its pace."""
        return name

    def start(self, batch: Sequence[Any]) -> None:
        """Take parcels into one's hands; each leaves as soon as it can."""
        self.waiting.update((parcel.uuid, parcel) for parcel in batch)

    def recall(self, uuid: UUID) -> bool:
        """Keep this one back; False when it has left already."""
        return self.waiting.pop(uuid, None) is not None

    @property
    def under_way(self) -> int:
        """How many parcels it has in its hands."""
        return len(self.waiting)

    def finished(self, within: float) -> list[tuple[Any, Answer]]:
        """The parcels that have had their answer, waiting at most about so many seconds for one."""
        batch = [self.waiting.pop(uuid) for uuid in list(self.waiting)[: self.together]]
        fresh = [parcel for parcel in batch if time.monotonic() <= parcel.leave_before]
        answers = dict(zip((parcel.uuid for parcel in fresh), self.send(fresh), strict=True))
        late = Answer(Verdict.LATER, error_code="late")
        return [(parcel, answers.get(parcel.uuid, late)) for parcel in batch]


class Pace:
    """When a sender's next messages may leave, so that it has no more segments a second than it may;
    at most a tenth of a second's leave together."""

    def __init__(self, segments_per_second: float) -> None:
        self._rate = segments_per_second
        self._free_at: dict[str, float] = {}

    def wait(self, sender: str) -> float:
        """Seconds until this sender may send something; 0 when it may now."""
        return max(0.0, self._free_at.get(sender, 0) - time.monotonic())

    def at_a_time(self) -> int:
        """How many messages may leave together: what a tenth of a second has room for, at least one."""
        return max(1, int(self._rate / 10))

    def take(self, sender: str, segments: int) -> None:
        """So many segments of this sender leave."""
        turn = max(time.monotonic(), self._free_at.get(sender, 0))
        self._free_at[sender] = turn + segments / self._rate
