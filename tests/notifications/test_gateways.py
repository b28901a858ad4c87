"""One contract for all gateways, Twilio's real client included."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications import channels
from notifications.channels.base import Gateway, Sms, Verdict
from notifications.channels.console import ConsoleGateway
from notifications.channels.memory import MemoryGateway
from notifications.channels.sms import TwilioGateway
from notifications.models import Message, PhoneText
from tests.notifications.messages import queued

pytestmark = pytest.mark.django_db
EARLIER = timedelta(minutes=1)


@pytest.fixture(params=["console", "memory", "twilio"])
def any_gateway(request) -> Gateway:
    """Each gateway in turn."""
    if request.param == "twilio":
        made: Gateway = request.getfixturevalue("gateway")
        return made
    return {"console": ConsoleGateway, "memory": MemoryGateway}[request.param]()


def sms(body: str = "Termin: Di 14:00", number: str = "+4915112345678", **changes) -> Sms:
    facts: dict[str, Any] = {
        "uuid": queued().uuid,
        "sender": "Musterkreis",
        "number": number,
        "body": body,
        "valid_for": timedelta(hours=1),
        "leave_before": time.monotonic() + 60,
    }
    return Sms(**facts | changes)


def test_what_is_accepted_has_an_id_and_stands_in_the_list(any_gateway: Gateway) -> None:
    one = sms("erste")

    with any_gateway.connected():
        (answer,) = any_gateway.send([one])
        traces = any_gateway.traces(one.number, timezone.now() - EARLIER)

    assert answer.verdict == Verdict.ACCEPTED
    assert traces is not None
    assert [(trace.gateway_id, trace.body) for trace in traces] == [(answer.gateway_id, "erste")]
    assert traces[0].status == Message.Status.SENT


def test_answers_come_in_the_order_of_the_batch(any_gateway: Gateway) -> None:
    batch = [sms(f"Text {n}", number=f"+49151000000{n:02}") for n in range(20)]

    answers = any_gateway.send(batch)

    for one, answer in zip(batch, answers, strict=True):
        traces = any_gateway.traces(one.number, timezone.now() - EARLIER)
        assert traces is not None
        assert [trace.gateway_id for trace in traces] == [answer.gateway_id]


def test_letters_of_every_script_arrive_as_they_were(any_gateway: Gateway) -> None:
    body = "موعدك يوم 08.12.2026 · ሰዓት 14:00 · Hatırlatma ş & + %"
    one = sms(body)

    any_gateway.send([one])

    traces = any_gateway.traces(one.number, timezone.now() - EARLIER)
    assert traces is not None
    assert [trace.body for trace in traces] == [body]


def test_the_list_tells_numbers_and_times_apart(any_gateway: Gateway) -> None:
    one = sms()
    any_gateway.send([one])

    assert any_gateway.traces("+4915199999999", timezone.now() - EARLIER) == []
    assert any_gateway.traces(one.number, timezone.now() + EARLIER) == []


def test_an_empty_batch_is_no_work(any_gateway: Gateway) -> None:
    assert any_gateway.send([]) == []


@pytest.mark.promise(14)
def test_nothing_personal_reaches_a_log(any_gateway: Gateway, caplog, capsys) -> None:
    caplog.set_level(0)
    one = sms("verräterisch")

    any_gateway.send([one])
    any_gateway.traces(one.number, timezone.now() - EARLIER)

    printed = capsys.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert "verräterisch" not in text
        assert one.number not in text
        assert one.number.lstrip("+") not in text


def test_the_console_writes_to_the_telephones_of_the_demo(caplog) -> None:
    one = sms("Guten Tag")
    gateway = ConsoleGateway()

    gateway.send([one])
    gateway.send([one])

    text = PhoneText.objects.get()
    assert (text.number, text.body, text.message.uuid) == (one.number, "Guten Tag", one.uuid)
    assert text.district == text.message.district


def test_the_settings_name_the_gateway(settings) -> None:
    def named(backend: str) -> Callable[[], Gateway]:
        settings.SMS_BACKEND = backend
        return channels.gateway

    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = "AC0", "secret"
    assert isinstance(named("console")(), ConsoleGateway)
    assert isinstance(named("memory")(), MemoryGateway)
    assert isinstance(named("twilio")(), TwilioGateway)
    assert named("memory")() is channels.gateway()
