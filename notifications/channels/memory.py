"""A gateway for tests: accepts into a list, and says what it was told to say."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from notifications.channels.base import Answer, Gateway, Sms, Trace, Verdict
from notifications.models import Message


class MemoryGateway(Gateway):
    """`sent` holds what it accepted; `answers[number]` what it answers instead."""

    def __init__(self) -> None:
        self.sent: list[Sms] = []
        self.answers: dict[str, Answer] = {}
        self.has_list = True
        self._traces: list[tuple[str, Trace]] = []

    def send(self, batch: Sequence[Sms]) -> list[Answer]:
        return [self.answers.get(sms.number) or self.accept(sms) for sms in batch]

    def traces(self, number: str, since: datetime) -> list[Trace] | None:
        if not self.has_list:
            return None
        return [trace for to, trace in self._traces if to == number and trace.accepted_at >= since]

    def accept(self, sms: Sms) -> Answer:
        """Take the message as a gateway does, whoever hears of it."""
        self.sent.append(sms)
        trace = Trace(f"memory-{len(self.sent)}", sms.body, timezone.now(), Message.Status.SENT)
        self._traces.append((sms.number, trace))
        return Answer(Verdict.ACCEPTED, gateway_id=trace.gateway_id)
