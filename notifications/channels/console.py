"""The gateway of the demo: "delivers" to the page that shows each invented client's telephone."""

from collections.abc import Sequence
from datetime import datetime

from notifications.channels.base import Answer, Gateway, Sms, Trace, Verdict
from notifications.models import Message, PhoneText


class ConsoleGateway(Gateway):
    """Writes what a telephone would show into the database; nothing personal goes to a log."""

    rings_telephones = False
    at_once = together = 50
    segments_per_second = 1e6

    def send(self, batch: Sequence[Sms]) -> list[Answer]:
        messages = {message.uuid: message for message in self._messages(batch)}
        texts = [
            PhoneText(
                district=messages[sms.uuid].district,
                message=messages[sms.uuid],
                number=sms.number,
                body=sms.body,
            )
            for sms in batch
        ]
        PhoneText.objects.bulk_create(texts, ignore_conflicts=True)
        return [Answer(Verdict.ACCEPTED, gateway_id=_id(sms.uuid)) for sms in batch]

    def traces(self, recipient: str, since: datetime) -> list[Trace] | None:
        texts = PhoneText.objects.filter(received_at__gte=since).select_related("message")
        return [
            Trace(_id(text.message.uuid), text.body, text.received_at, Message.Status.SENT)
            for text in texts
            if text.number == recipient
        ]

    def _messages(self, batch: Sequence[Sms]) -> list[Message]:
        uuids = [sms.uuid for sms in batch]
        return list(Message.objects.filter(uuid__in=uuids).select_related("district"))


def _id(uuid: object) -> str:
    return f"console-{uuid}"
