"""The door to Twilio: what is asked of it, and what its answers mean."""

import time
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from twilio.request_validator import RequestValidator

from accounts.models import District
from notifications import delivery, links
from notifications.channels.base import Sms, Verdict
from notifications.channels.sms import TwilioGateway
from notifications.models import Message
from tests.notifications.messages import queued
from tests.notifications.test_gateways import sms
from tests.notifications.twilio_server import Fault, TwilioServer

pytestmark = pytest.mark.django_db


def test_twilio_is_asked_for_a_callback_and_a_short_life(
    gateway: TwilioGateway, twilio: TwilioServer, settings
) -> None:
    settings.PUBLIC_URL = "https://t.example.org"
    one = sms("Hallo", sender="Kreis Musterstadt", valid_for=timedelta(hours=3))

    gateway.send([one])

    (form,) = twilio.requests
    assert form == {
        "To": one.number,
        "From": "Kreis Muste",  # eleven characters
        "Body": "Hallo",
        "ValidityPeriod": "10800",
        "StatusCallback": f"https://t.example.org/nachrichten/status/{token_in(form)}/",
    }
    assert links.about(token_in(form)) == one.uuid
    assert links.fits(token_in(form), "notifications:status", 1)


def token_in(form: dict[str, str]) -> str:
    return form["StatusCallback"].rstrip("/").rsplit("/", 1)[1]


@pytest.mark.parametrize(
    ("sender", "field"),
    [("Landkreis", "From"), ("+4915000000", "From"), ("MG" + "0" * 32, "MessagingServiceSid")],
)
def test_the_sender_of_the_settings_wins(
    gateway: TwilioGateway, twilio: TwilioServer, settings, sender: str, field: str
) -> None:
    settings.TWILIO_SENDER = sender

    gateway.send([sms()])

    assert twilio.requests[0][field] == sender


@pytest.mark.parametrize(("asked", "granted"), [(timedelta(days=3), "36000"), (timedelta(), "1")])
def test_the_validity_period_stays_within_twilios_bounds(
    gateway: TwilioGateway, twilio: TwilioServer, asked: timedelta, granted: str
) -> None:
    gateway.send([sms(valid_for=asked)])

    assert twilio.requests[0]["ValidityPeriod"] == granted


def test_retention_is_asked_for_where_the_account_allows_it(
    gateway: TwilioGateway, twilio: TwilioServer, settings
) -> None:
    settings.TWILIO_CONTENT_RETENTION, settings.TWILIO_ADDRESS_RETENTION = "discard", "obfuscate"

    gateway.send([sms()])

    assert twilio.requests[0]["ContentRetention"] == "discard"
    assert twilio.requests[0]["AddressRetention"] == "obfuscate"
    assert gateway.traces("+4915112345678", timezone.now()) is None
    assert twilio.asked == []


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (Fault.CUT, Verdict.NO_ANSWER),
        (Fault.ACCEPT_CUT, Verdict.NO_ANSWER),
        (Fault.ACCEPT_HANG, Verdict.NO_ANSWER),
        (Fault.ACCEPT_HALF, Verdict.NO_ANSWER),
        (Fault.ACCEPT_500, Verdict.NO_ANSWER),
        (Fault.FAIL_500, Verdict.NO_ANSWER),
        (Fault.BUSY_429, Verdict.LATER),
    ],
)
@pytest.mark.promise(4)
@pytest.mark.usefixtures("impatient")
def test_what_may_have_been_accepted_is_called_no_answer(
    gateway: TwilioGateway, twilio: TwilioServer, fault: Fault, verdict: Verdict
) -> None:
    twilio.faults = [fault]

    (answer,) = gateway.send([sms()])

    assert answer.verdict == verdict
    assert len(twilio.requests) == 1


@pytest.mark.parametrize("code", [21211, 21610, 21614, 21408])
def test_a_refused_recipient_is_refused_for_good(
    gateway: TwilioGateway, twilio: TwilioServer, code: int
) -> None:
    one = sms()
    twilio.refusals[one.number] = code

    (answer,) = gateway.send([one])

    assert (answer.verdict, answer.error_code) == (Verdict.REFUSED, str(code))


@pytest.mark.parametrize("code", [20003, 21606, 21663])
def test_a_fault_of_our_account_is_no_fault_of_the_recipient(
    gateway: TwilioGateway, twilio: TwilioServer, caplog, code: int
) -> None:
    one = sms()
    twilio.refusals[one.number] = code

    (answer,) = gateway.send([one])

    assert (answer.verdict, answer.wait) == (Verdict.LATER, timedelta(minutes=10))
    assert "refuses our account" in caplog.text
    assert one.number not in caplog.text


@pytest.mark.promise(8)
@pytest.mark.parametrize(
    ("asked", "waits"), [(0, None), (90, timedelta(seconds=90)), (10**6, timedelta(hours=1))]
)
def test_a_busy_gateway_says_how_long_to_wait(
    gateway: TwilioGateway, twilio: TwilioServer, asked: int, waits: timedelta | None
) -> None:
    twilio.faults, twilio.retry_after = [Fault.BUSY_429], asked

    (answer,) = gateway.send([sms()])

    assert (answer.verdict, answer.wait) == (Verdict.LATER, waits)


def test_a_list_too_long_to_see_the_end_of_tells_nothing(
    gateway: TwilioGateway, twilio: TwilioServer, monkeypatch
) -> None:
    monkeypatch.setattr("notifications.channels.sms.LISTED_AT_MOST", 3)
    gateway.send([sms(f"Text {n}", number="+4915100000000") for n in range(4)])

    assert gateway.traces("+4915100000000", timezone.now() - timedelta(minutes=1)) is None


def test_nobody_listening_means_nothing_was_handed_over(gateway: TwilioGateway, settings) -> None:
    settings.TWILIO_API_URL = "http://127.0.0.1:1"

    (answer,) = gateway.send([sms()])

    assert (answer.verdict, answer.error_code) == (Verdict.LATER, "connection")


def test_what_was_claimed_too_long_ago_does_not_leave(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    (answer,) = gateway.send([sms(leave_before=time.monotonic() - 1)])

    assert answer.verdict == Verdict.LATER
    assert twilio.requests == []


@pytest.mark.usefixtures("impatient")
def test_a_hanging_message_does_not_hold_up_the_others(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    twilio.faults = [Fault.ACCEPT_HANG]

    answers = gateway.send([sms(number=f"+49151000000{n:02}") for n in range(10)])

    assert [answer.verdict for answer in answers].count(Verdict.ACCEPTED) == 9


def test_a_sender_keeps_its_pace(gateway: TwilioGateway, twilio: TwilioServer, settings) -> None:
    settings.SMS_SEGMENTS_PER_SECOND = 20
    for _ in range(4):
        message = queued()
        Message.objects.filter(pk=message.pk).update(language="ru")  # two segments
    other = queued(hour=11)
    District.objects.filter(pk=other.district_id).update(sender_name="Anderer")

    began = time.monotonic()
    delivery.deliver_due(gateway)

    # Three times two segments at twenty a second before the fourth may leave; the other sender is free.
    assert time.monotonic() - began >= 0.3
    assert len(twilio.accepted) == 5
    assert "Anderer" in [form["From"] for form in twilio.requests[:3]]


def test_the_list_is_read_to_its_end(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    batch = [sms(f"Text {n}", number="+4915100000000") for n in range(120)]
    gateway.send(batch)

    traces = gateway.traces("+4915100000000", timezone.now() - timedelta(minutes=1))

    assert traces is not None
    assert {trace.body for trace in traces} == {one.body for one in batch}


def test_an_unreadable_list_tells_nothing(gateway: TwilioGateway, twilio: TwilioServer) -> None:
    twilio.list_is_up = False

    assert gateway.traces("+4915100000000", timezone.now()) is None


def test_region_and_edge_reach_the_address(settings, gateway: TwilioGateway, monkeypatch) -> None:
    settings.TWILIO_REGION, settings.TWILIO_EDGE = "ie1", "dublin"
    asked: list[str] = []

    def note(url: str) -> str:
        asked.append(url)
        return f"{settings.TWILIO_API_URL}/2010-04-01/Accounts/AC0/Messages.json"

    monkeypatch.setattr("notifications.channels.sms._address", note)
    gateway.send([sms()])

    assert asked[0].startswith("https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC")


def test_without_an_account_there_is_no_gateway(settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""

    with pytest.raises(ImproperlyConfigured, match="TWILIO_AUTH_TOKEN"):
        TwilioGateway()


def signed(address: str, form: dict[str, str], key: str) -> dict[str, str]:
    """The header with which Twilio signs a request."""
    return {"X-Twilio-Signature": RequestValidator(key).compute_signature(address, form)}


def test_sms_is_frozen() -> None:
    with pytest.raises(AttributeError):
        sms().number = "+1"  # type: ignore[misc]
    assert isinstance(sms(), Sms)
