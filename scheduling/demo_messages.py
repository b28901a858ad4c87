"""The demo's telephones have rung already: what is due arrives as if it had been sent when people are awake,
so that a newcomer sees every kind of message at any hour."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from notifications import parcels, quiet, texts, wording
from notifications.models import Message, PhoneText


def arrive(*, ago: timedelta = timedelta()) -> None:
    """Every SMS that is due stands on its telephone since so long ago, or a little longer."""
    due = Message.objects.filter(
        channel=Message.Channel.SMS, status=Message.Status.QUEUED, send_at__lte=timezone.now()
    )
    _deliver(due.select_related("client", "district__message_rules").order_by("send_at", "id"), ago)


def _deliver(messages: Iterable[Message], ago: timedelta) -> None:
    for message in messages:
        words = wording.of(message.district)
        at = quiet.latest_before(words.rules, message.client, timezone.now() - ago)
        shown = PhoneText.objects.create(
            district=message.district,
            message=message,
            number=message.addressee.mobile,
            body=parcels.body(message, words),
        )
        PhoneText.objects.filter(pk=shown.pk).update(received_at=at)
        message.status, message.attempts, message.gateway_id = Message.Status.DELIVERED, 1, "demo"
        message.segments = texts.segments(shown.body)
        message.cents = message.segments * words.rules.cents_per_segment
        message.send_at = message.claimed_at = message.sent_at = message.settled_at = at
        message.save()
