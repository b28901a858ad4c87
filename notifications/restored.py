"""After a backup was restored: finding out what has left since, before anything leaves again."""

from collections import Counter
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.urls import NoReverseMatch

from notifications import channels, delivery, parcels, place, wording
from notifications.models import DeliveryEvent, Message

Status = Message.Status
_AT_ONCE, _NEVER = timedelta(), timedelta(days=36_500)


def reconcile(*, gives_up: bool) -> Counter[str]:
    """Look through the gateways' lists since the backup's moment, then let messages leave again.

    Whatever was due counts as tried at that moment: on the list, it is recorded; certainly not on it,
    it leaves if its time has not passed; else a person sees it as "unklar". A list that cannot be read
    just now keeps everything held, unless `gives_up`. Returns how many messages came to which state;
    those still in `sending` could not be looked up. Repeating it does no harm.
    """
    held = place.hold()
    with transaction.atomic():
        due = _due_since_then()
        for message in due:
            message.status, message.attempts = Status.SENDING, message.attempts + 1
            message.claimed_at, message.body_key = held.seen_at, _key(message)
        Message.objects.bulk_update(due, ["status", "attempts", "claimed_at", "body_key"])
        DeliveryEvent.objects.bulk_create(
            DeliveryEvent(message=message, status="restored") for message in due
        )
    concerned = list(
        Message.objects.filter(status=Status.SENDING)
        .exclude(channel=Message.Channel.PERSON)
        .values_list("pk", flat=True)
    )
    for channel in filter(channels.is_configured, channels.SETTINGS):
        delivery.settle(
            channels.gateway(channel),
            after=_AT_ONCE,
            give_up=_AT_ONCE if gives_up else _NEVER,
            is_restored=True,
        )
    became = Counter(Message.objects.filter(pk__in=concerned).values_list("status", flat=True))
    if not became[Status.SENDING]:
        place.release()
    return became


def _due_since_then() -> list[Message]:
    """What may have been sent since the backup: all that was due, by a gateway, until now."""
    return list(
        Message.objects.filter(status=Status.QUEUED, send_at__lte=Now())
        .exclude(channel=Message.Channel.PERSON)
        .select_related("client", "user", "district")
        .select_for_update(no_key=True, of=("self",))
    )


def _key(message: Message) -> str:
    """By which the list tells it, if its words have not changed since; else nothing will be found and
    whatever else went to that number makes it unclear."""
    try:
        parcel = parcels.parcel(message, wording.of(message.district), now=message.send_at, leave_before=0)
    except (KeyError, ValueError, NoReverseMatch):
        return ""
    return parcels.body_key(parcel.content)
