"""What the person with the link, or the telephone, in their hands tells us."""

from enum import Enum, auto

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Channel, User
from clients import contact
from clients.models import Client
from notifications import outbox
from notifications import rules as message_rules
from notifications.notices import What
from scheduling import booking as rules
from scheduling.models import Booking, CancelReason
from scheduling.problems import Refused
from scheduling.transactions import tried_again


class Heard(Enum):
    """What an answer led to."""

    NOTED = auto()
    FREED = auto()  # the seat is free, the appointment is over
    TOO_LATE = auto()  # it was cancelled or began this very moment; nothing has changed


def coming(booking: Booking, *, channel: Channel = Channel.LINK) -> Heard:
    """ "Ich komme", also after "Ich kann nicht"."""
    return _answer(booking, Booking.Answer.COMING, channel)


@tried_again
@transaction.atomic
def not_coming(booking: Booking, *, channel: Channel = Channel.LINK) -> Heard:
    """ "Ich kann nicht": asks the caseworker, who frees the seat; or frees it, where the district says so
    and there is still time to."""
    heard = _answer(booking, Booking.Answer.NOT_COMING, channel)
    if heard == Heard.TOO_LATE or not message_rules.of(booking.district).no_frees_the_seat:
        return heard
    try:
        rules.cancel(booking, reason=CancelReason.CLIENT, by=None, channel=channel)
    except Refused:
        return heard
    return Heard.FREED


@transaction.atomic
def please_call(booking: Booking) -> Heard:
    """ "Bitte anrufen": a task for the case team until somebody has called."""
    asked = Booking.objects.filter(pk=booking.pk, call_asked_at__isnull=True).exclude(
        status=Booking.Status.CANCELLED
    )
    if asked.update(call_asked_at=Now()):
        audit.record("call_asked", booking, by=None, district=booking.district, channel=Channel.LINK)
        rules.tell_keeper(booking, What.PLEASE_CALL, again=f":{timezone.now():%Y%m%d%H%M%S}")
    return Heard.NOTED


@transaction.atomic
def called(booking: Booking, *, by: User) -> None:
    """Somebody has called. Repeating it changes nothing."""
    if Booking.objects.filter(pk=booking.pk, call_asked_at__isnull=False).update(call_asked_at=None):
        booking.call_asked_at = None
        audit.record("called", booking, by=by)


@tried_again
@transaction.atomic
def wrong_number(booking: Booking) -> Heard:
    """ "Das ist nicht meine Nummer": every link to this client dies, nothing is sent there any more, and
    what was said from this number was not said by the client."""
    client = _client(booking)
    contact.wrong_number(client, channel=Channel.LINK)
    outbox.withdraw_all(client)
    for said in _said_from_there(client):
        rules.forget_answer(said)
    return Heard.NOTED


def _said_from_there(client: Client) -> list[Booking]:
    """Appointments to come with an answer, or the wish for a call, since the number was taken down."""
    since = client.mobile_confirmed_at or client.created_at
    heard = Q(answered_at__gte=since) | Q(call_asked_at__gte=since)
    return list(Booking.objects.upcoming().filter(heard, client=client).order_by("slot_id"))


def no_more_sms(booking: Booking) -> Heard:
    """ "Keine SMS mehr": nothing is sent any more; the appointment and its link stay."""
    no_more_sms_to(_client(booking), channel=Channel.LINK)
    return Heard.NOTED


@transaction.atomic
def no_more_sms_to(client: Client, *, channel: Channel) -> None:
    """Nothing is sent to this client any more."""
    contact.opt_out(client, channel=channel)
    outbox.withdraw_all(client)


def _answer(booking: Booking, answer: Booking.Answer, channel: Channel) -> Heard:
    try:
        rules.answer(booking, answer, channel=channel)
    except Refused:
        return Heard.TOO_LATE
    return Heard.NOTED


def _client(booking: Booking) -> Client:
    if booking.client is None:
        raise ValueError("Only a booking with a client has a page for them.")
    return booking.client
