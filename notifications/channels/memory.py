"""Gateways for tests: accept into a list, and say what they were told to say."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from django.utils import timezone

from notifications.channels.base import Answer, Gateway, Mail, Sms, Trace, Verdict
from notifications.models import Message

Parcel = TypeVar("Parcel", Sms, Mail)


class _Memory(Gateway, Generic[Parcel]):
    """`sent` holds what it accepted; `answers[recipient]` what it answers instead."""

    at_once = together = 50
    segments_per_second = 1e6

    def __init__(self) -> None:
        self.sent: list[Parcel] = []
        self.answers: dict[str, Answer] = {}
        self.has_list = True
        self._traces: list[tuple[str, Trace]] = []

    def send(self, batch: Sequence[Parcel]) -> list[Answer]:
        return [self.answers.get(parcel.to) or self.accept(parcel) for parcel in batch]

    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        if not self.has_list:
            return None
        return [trace for to, trace in self._traces if to == recipient and trace.accepted_at >= since]

    def accept(self, parcel: Parcel) -> Answer:
        """Take the message as a gateway does, whoever hears of it."""
        self.sent.append(parcel)
        trace = Trace(f"memory-{len(self.sent)}", parcel.content, timezone.now(), Message.Status.SENT)
        self._traces.append((parcel.to, trace))
        return Answer(Verdict.ACCEPTED, gateway_id=trace.gateway_id)


class MemoryGateway(_Memory[Sms]):
    """For SMS."""


class MemoryMailGateway(_Memory[Mail]):
    """For e-mail."""

    carries: ClassVar[Message.Channel] = Message.Channel.EMAIL
    rings_telephones = False
