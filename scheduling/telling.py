"""Appointments that no SMS tells of: a person does, by the way noted with the client.

Nothing is planned ahead: who has to be told is derived from the appointments to come and what was said
about them at their present time, so a cancelled or moved one takes its task with it. What a person has
done is kept as a message of the channel "durch die Fallführung".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import User
from accounts.rows import clock
from clients import contact
from clients.models import Client, Consent
from notifications import outbox
from notifications.models import Message
from scheduling import reminders, seats
from scheduling.models import Booking

Status = Message.Status
# From then on the question is whether they remember, not whether they know.
REMIND_AHEAD = timedelta(days=2)
_KNOWN_BY_SMS = frozenset({Status.SENT, Status.DELIVERED})


@dataclass(frozen=True)
class ToTell:
    """Somebody has to be told of this appointment, or reminded of it, until `due_at`."""

    booking: Booking
    client: Client
    is_reminder: bool
    due_at: datetime


def to_tell(bookings: Iterable[Booking], *, now: datetime) -> list[ToTell]:
    """Which of these appointments a person still has to speak of. Two queries."""
    ahead = [one for one in bookings if one.status == Booking.Status.BOOKED and one.start_at > now]
    with_client = [(one, one.client) for one in ahead if one.client is not None]
    agreed = set(
        Consent.objects.valid()
        .filter(purpose=Consent.Purpose.SMS, client__in=[client.pk for _one, client in with_client])
        .values_list("client", flat=True)
    )
    # A wrong number is a task of its own.
    silent = [
        (one, client)
        for one, client in with_client
        if client.wrong_number_at is None and contact.sms_obstacles(client, has_consent=client.pk in agreed)
    ]
    said = outbox.by_key_prefix([reminders.key_prefix(one) for one, _client in silent])
    found = (_task(one, client, said[reminders.key_prefix(one)], now) for one, client in silent)
    return [task for task in found if task is not None]


def _task(booking: Booking, client: Client, said: list[Message], now: datetime) -> ToTell | None:
    is_reminder = booking.start_at - REMIND_AHEAD <= now
    kinds = {Message.Kind.REMINDER} if is_reminder else {Message.Kind.BOOKED, Message.Kind.MOVED}
    by_person = any(one.key == _key(booking, is_reminder=is_reminder) for one in said)
    by_sms = any(
        one.channel == Message.Channel.SMS
        and one.status in _KNOWN_BY_SMS
        and one.kind in kinds
        and one.context.get("start_at") == booking.start_at.isoformat()
        for one in said
    )
    if by_person or by_sms:
        return None
    due_at = booking.start_at - (timedelta(hours=2) if is_reminder else REMIND_AHEAD)
    return ToTell(booking, client, is_reminder, due_at)


@transaction.atomic
def told(booking: Booking, *, by: User) -> None:
    """ "Bescheid gegeben": for now, until it is time to remind. Repeating it changes nothing."""
    if booking.client is None:
        raise ValueError("Nobody to tell.")
    now = clock()
    is_reminder = booking.start_at - REMIND_AHEAD <= now
    kind = Message.Kind.REMINDER if is_reminder else Message.Kind.BOOKED
    message, is_new = Message.objects.get_or_create(
        key=_key(booking, is_reminder=is_reminder),
        defaults={
            "district": booking.district,
            "client": booking.client,
            "channel": Message.Channel.PERSON,
            "kind": kind,
            "language": booking.client.language,
            "context": {"start_at": booking.start_at.isoformat(), "about": str(booking.uuid)},
            "send_at": now,
            "expires_at": booking.start_at,
            "status": Status.DELIVERED,
            "sent_at": now,
            "settled_at": now,
        },
    )
    if is_new:
        audit.record("told_in_person", message, by=by)


def _key(booking: Booking, *, is_reminder: bool) -> str:
    """One a stage and a change of the appointment."""
    stage = "reminder" if is_reminder else "booked"
    return f"{reminders.key_prefix(booking)}{booking.ical_sequence}:person:{stage}"


@transaction.atomic
def told_message(message: Message, *, by: User) -> None:
    """ "Bescheid gegeben" for a message that waited for a person. Repeating it changes nothing."""
    waiting = Message.objects.filter(pk=message.pk, channel=Message.Channel.PERSON, status=Status.QUEUED)
    if waiting.update(status=Status.DELIVERED, sent_at=Now(), settled_at=Now()):
        audit.record("told_in_person", message, by=by)


@transaction.atomic
def ask_to_call(booking: Booking, *, by: User) -> bool:
    """Ask the client by SMS to call about this appointment, once for each of its times; whether that was
    queued now. Not where something stands against SMS, nor for what is over or cancelled."""
    if booking.client is not None:
        # Cancelling takes the same lock first, so nothing is queued for what is being cancelled.
        seats.lock_client(booking.client.pk)
    here = Booking.objects.upcoming().filter(pk=booking.pk)
    found = here.select_related("client", "slot__district", "slot__session__room").first()
    if found is None or not reminders.ask_to_call(found, clock()):
        return False
    audit.record("asked_to_call", found, by=by)
    return True
