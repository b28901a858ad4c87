"""Appointments that no SMS tells of: a person does, by the way noted with the client.

Nothing is planned ahead: who has to be told is derived from the appointments to come and what was said
about them at their present time, so a cancelled or moved one takes its task with it. What a person has
done is kept as a message of the channel "durch die Fallführung".

Whom no SMS reminds is reminded by a person after the same plan as others: each of its days is a task.
"""

from collections.abc import Iterable, Sequence
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
from scheduling import public_holidays, reminders, seats, wall_clock
from scheduling.models import Booking, ReminderRule, Slot

Status = Message.Status
# From then on it is time to tell of an appointment, if the plan does not ask for it sooner.
TELL_AHEAD = timedelta(days=14)
# No plan reaches further (`ReminderRule`: 60 days), with the days off before its first day.
AHEAD = timedelta(days=67)
# What is left at last to reach somebody.
AT_THE_LATEST = timedelta(hours=2)
_TOLD = frozenset({Message.Kind.BOOKED, Message.Kind.MOVED, Message.Kind.REMINDER})
_KNOWN_BY_SMS = frozenset({Status.SENT, Status.DELIVERED})


@dataclass(frozen=True)
class ToTell:
    """Somebody has to be told of this appointment, or reminded of it, until `due_at`."""

    booking: Booking
    client: Client
    is_reminder: bool
    due_at: datetime


@dataclass(frozen=True)
class _Step:
    """One reminder of the plan as a person's task: from the morning of a working day on."""

    name: str
    begins_at: datetime
    at: datetime


def to_tell(bookings: Iterable[Booking], *, now: datetime) -> list[ToTell]:
    """Which of these appointments a person still has to speak of. Three queries."""
    ahead = [one for one in bookings if one.status == Booking.Status.BOOKED and one.start_at > now]
    with_client = [(one, one.client) for one in ahead if one.client is not None]
    agreed = set(
        Consent.objects.to_sms()
        .filter(client__in=[client.pk for _one, client in with_client])
        .values_list("client", flat=True)
    )
    # A wrong number is a task of its own.
    silent = [
        (one, client)
        for one, client in with_client
        if client.wrong_number_at is None and contact.sms_obstacles(client, has_consent=client.pk in agreed)
    ]
    _fetch_plans([one.slot for one, _client in silent])
    said = outbox.by_key_prefix([reminders.key_prefix(one) for one, _client in silent])
    found = (_task(one, client, said[reminders.key_prefix(one)], now) for one, client in silent)
    return [task for task in found if task is not None]


def _fetch_plans(slots: Sequence[Slot]) -> None:
    rules: dict[int, list[ReminderRule]] = {slot.kind_id: [] for slot in slots}
    for rule in ReminderRule.objects.filter(kind__in=rules) if rules else ():
        rules[rule.kind_id].append(rule)
    for slot in slots:
        slot.reminder_rules = rules[slot.kind_id]


def _task(booking: Booking, client: Client, said: list[Message], now: datetime) -> ToTell | None:
    steps = _steps(booking)
    due = _due(steps, now)
    heard = [message for message in said if _tells_of(message, booking)]
    if not heard and due is None and now < booking.start_at - TELL_AHEAD:
        return None
    if heard and (due is None or any(_is_done_by(message, due) for message in heard)):
        return None
    last = booking.start_at - AT_THE_LATEST
    due_at = min([last, *(step.at for step in steps if step.at > now)])
    return ToTell(booking, client, bool(heard), due_at)


def _steps(booking: Booking) -> list[_Step]:
    """The kind's plan, the earliest first. When a telephone may ring does not matter here; who calls works
    on working days, so what falls on another one is due on the last before it."""
    district = booking.slot.district
    moments = [(name, _on_workday(at, district.land)) for name, at in reminders.planned(booking)]
    return [_Step(name, wall_clock.midnight(at.date(), district.tz), at) for name, at in moments]


def _on_workday(at: datetime, land: str) -> datetime:
    while not public_holidays.is_workday(at.date(), land):
        at -= timedelta(days=1)
    return at


def _due(steps: Iterable[_Step], now: datetime) -> _Step | None:
    return max((step for step in steps if step.begins_at <= now), key=_begin, default=None)


def _begin(step: _Step) -> datetime:
    return step.begins_at


def _tells_of(message: Message, booking: Booking) -> bool:
    """Whether by this message the client knows of the appointment's present time."""
    if message.key.startswith(_key(booking, "")):
        return True
    by_sms = message.channel == Message.Channel.SMS and message.status in _KNOWN_BY_SMS
    if not by_sms or message.kind not in _TOLD:
        return False
    return datetime.fromisoformat(message.context["start_at"]) == booking.start_at


def _is_done_by(message: Message, step: _Step) -> bool:
    """Said since the step's day began; or an SMS did it, which may have gone out before."""
    said_at = message.sent_at or message.claimed_at or message.created_at
    return said_at >= step.begins_at or message.key.endswith(f"reminder:{step.name}")


@transaction.atomic
def told(booking: Booking, *, by: User) -> None:
    """ "Bescheid gegeben": for now, until it is time to remind. Repeating it changes nothing."""
    if booking.client is None:
        raise ValueError("Nobody to tell.")
    now = clock()
    due = _due(_steps(booking), now)
    message, is_new = Message.objects.get_or_create(
        key=_key(booking, f"reminder:{due.name}" if due else "booked"),
        defaults={
            "district": booking.district,
            "client": booking.client,
            "channel": Message.Channel.PERSON,
            "kind": Message.Kind.REMINDER if due else Message.Kind.BOOKED,
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


def _key(booking: Booking, stage: str) -> str:
    """One a stage and a change of the appointment."""
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
