"""Twilio's own client against a local server."""

from collections.abc import Iterator

import pytest

from notifications.channels.sms import TwilioGateway
from tests.notifications import twilio_server
from tests.notifications.twilio_server import TwilioServer


@pytest.fixture
def twilio(settings) -> Iterator[TwilioServer]:
    """A running server; the settings lead there."""
    with twilio_server.running() as server:
        settings.SMS_BACKEND = "twilio"
        settings.TWILIO_ACCOUNT_SID = "AC" + "0" * 32
        settings.TWILIO_AUTH_TOKEN = "token of the test"
        settings.TWILIO_SENDER = ""
        settings.TWILIO_API_URL = server.url
        settings.SMS_SEGMENTS_PER_SECOND = 10_000
        yield server


@pytest.fixture
def gateway(twilio: TwilioServer) -> TwilioGateway:
    """The real gateway."""
    return TwilioGateway()


@pytest.fixture
def impatient(monkeypatch) -> None:
    """Does not wait as long for an answer as the service does."""
    monkeypatch.setattr("notifications.channels.sms.ANSWER_WITHIN_SECONDS", 1)
