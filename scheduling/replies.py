"""What the person with the link in their hands tells us."""

from django.db import transaction

from accounts.models import Channel
from clients import contact
from clients.models import Client
from notifications import outbox
from scheduling import booking as rules
from scheduling.models import Booking
from scheduling.problems import Refused


def coming(booking: Booking) -> None:
    """ "Ich komme", also after "Ich kann nicht". Too late changes nothing."""
    _answer(booking, Booking.Answer.COMING)


def not_coming(booking: Booking) -> None:
    """ "Ich kann nicht": asks the caseworker, who frees the seat. Too late changes nothing."""
    _answer(booking, Booking.Answer.NOT_COMING)


def wrong_number(booking: Booking) -> None:
    """ "Das ist nicht meine Nummer": every link to this client dies, nothing is sent there any more."""
    with transaction.atomic():
        contact.wrong_number(_client(booking), channel=Channel.LINK)
        outbox.withdraw_all(_client(booking))


def no_more_sms(booking: Booking) -> None:
    """ "Keine SMS mehr": nothing is sent any more; the appointment and its link stay."""
    with transaction.atomic():
        contact.opt_out(_client(booking), channel=Channel.LINK)
        outbox.withdraw_all(_client(booking))


def _answer(booking: Booking, answer: Booking.Answer) -> None:
    try:
        rules.answer(booking, answer, channel=Channel.LINK)
    except Refused:
        # It was cancelled or began this very moment; the page says so when it is shown again.
        return


def _client(booking: Booking) -> Client:
    if booking.client is None:
        raise ValueError("Only a booking with a client has a page for them.")
    return booking.client
