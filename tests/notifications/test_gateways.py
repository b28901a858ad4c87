"""One contract for all gateways, Twilio's real client and real SMTP included."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from notifications import channels
from notifications.channels.base import Gateway, Mail, Sms, Verdict
from notifications.channels.console import ConsoleGateway
from notifications.channels.email import SmtpGateway
from notifications.channels.memory import MemoryGateway, MemoryMailGateway
from notifications.channels.sms import TwilioGateway
from notifications.models import Message, PhoneText
from tests.notifications import smtp_server
from tests.notifications.messages import queued

pytestmark = pytest.mark.django_db
EARLIER = timedelta(minutes=1)
NAMES = ["console", "memory", "memory-mail", "smtp", "twilio"]
# A mail server cannot be asked what it took.
with_a_list = pytest.mark.parametrize("way", [name for name in NAMES if name != "smtp"], indirect=True)


@dataclass(frozen=True)
class Way:
    """A gateway, what makes its parcels, and whom they go to."""

    gateway: Gateway
    parcel: Callable[..., Any]
    to: Callable[[int], str]

    def bodies(self, to: str, since: timedelta = -EARLIER) -> list[tuple[str, str]]:
        """The ids and texts on its list."""
        traces = self.gateway.traces(to, timezone.now() + since)
        assert traces is not None
        return [(trace.gateway_id, trace.body) for trace in traces]


@pytest.fixture(params=NAMES)
def way(request) -> Way:
    """Each gateway in turn."""
    if request.param in ("smtp", "memory-mail"):
        made = request.getfixturevalue("smtp") if request.param == "smtp" else MemoryMailGateway()
        return Way(made, mail, "fall{}@amt.example".format)
    if request.param == "twilio":
        return Way(request.getfixturevalue("gateway"), sms, "+49151000000{:02}".format)
    simple = {"console": ConsoleGateway, "memory": MemoryGateway}[request.param]()
    return Way(simple, sms, "+49151000000{:02}".format)


@pytest.fixture
def smtp(settings, caplog) -> Iterator[SmtpGateway]:
    """The real one, with a server on this machine, whose own log is none of ours."""
    caplog.set_level(logging.CRITICAL, logger="mail.log")
    with smtp_server.running() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 2
        yield SmtpGateway()


def sms(body: str = "Termin: Di 14:00", to: str = "+4915112345678", **changes) -> Sms:
    facts: dict[str, Any] = {
        "uuid": queued().uuid,
        "sender": "Musterkreis",
        "number": to,
        "body": body,
        "valid_for": timedelta(hours=1),
        "leave_before": time.monotonic() + 60,
    }
    return Sms(**facts | changes)


def mail(text: str, to: str, **changes) -> Mail:
    facts = {"subject": "Termin", "ics": "", "method": "", "leave_before": time.monotonic() + 60}
    return Mail(**{"uuid": uuid4(), "to": to, "text": text, **facts, **changes})


def test_what_is_accepted_has_an_id_of_its_own(way: Way) -> None:
    with way.gateway.connected():
        answers = way.gateway.send([way.parcel("erste", way.to(1)), way.parcel("zweite", way.to(1))])

    assert [answer.verdict for answer in answers] == [Verdict.ACCEPTED] * 2
    first, second = (answer.gateway_id for answer in answers)
    assert first
    assert second
    assert first != second


@with_a_list
def test_what_is_accepted_stands_in_the_list(way: Way) -> None:
    one = way.parcel("erste", way.to(1))

    with way.gateway.connected():
        (answer,) = way.gateway.send([one])
        traces = way.gateway.traces(way.to(1), timezone.now() - EARLIER)

    assert traces is not None
    assert [(trace.gateway_id, trace.body) for trace in traces] == [(answer.gateway_id, one.content)]
    assert traces[0].status == Message.Status.SENT


@with_a_list
def test_answers_come_in_the_order_of_the_batch(way: Way) -> None:
    batch = [way.parcel(f"Text {n}", way.to(n)) for n in range(20)]

    answers = way.gateway.send(batch)

    for one, answer in zip(batch, answers, strict=True):
        assert way.bodies(one.to) == [(answer.gateway_id, one.content)]


@with_a_list
def test_letters_of_every_script_arrive_as_they_were(way: Way) -> None:
    one = way.parcel("موعدك يوم 08.12.2026 · ሰዓት 14:00 · Hatırlatma ş & + %", way.to(1))

    way.gateway.send([one])

    assert [body for _, body in way.bodies(one.to)] == [one.content]


@with_a_list
def test_the_list_tells_recipients_and_times_apart(way: Way) -> None:
    way.gateway.send([way.parcel("Text", way.to(1))])

    assert way.bodies(way.to(2)) == []
    assert way.bodies(way.to(1), since=EARLIER) == []


def test_an_empty_batch_is_no_work(way: Way) -> None:
    assert way.gateway.send([]) == []


def test_what_may_not_leave_any_more_stays(way: Way) -> None:
    with way.gateway.connected():
        way.gateway.start([way.parcel("zu spät", way.to(1), leave_before=time.monotonic() - 1)])
        ((_, answer),) = way.gateway.finished(1)

    assert (answer.verdict, answer.error_code) == (Verdict.LATER, "late")


def test_what_waits_can_be_called_back(way: Way) -> None:
    one = way.parcel("doch nicht", way.to(1))

    with way.gateway.connected():
        way.gateway.start([one])
        assert way.gateway.under_way == 1
        assert way.gateway.recall(one.uuid)
        assert way.gateway.finished(0.01) == []
        assert not way.gateway.recall(one.uuid)
    assert way.gateway.under_way == 0


@pytest.mark.promise(14)
def test_nothing_personal_reaches_a_log(way: Way, caplog, capsys) -> None:
    caplog.set_level(0)
    one = way.parcel("verräterisch", way.to(1))

    way.gateway.send([one])
    way.gateway.traces(one.to, timezone.now() - EARLIER)

    printed = capsys.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert "verräterisch" not in text
        assert one.to.lstrip("+") not in text


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
