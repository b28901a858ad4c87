"""E-mail over real SMTP: what arrives, and what a fault at each step means."""

import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import icalendar
import pytest
from django.core.exceptions import ImproperlyConfigured

from notifications.channels.base import Mail, Verdict
from notifications.channels.email import SmtpGateway
from tests.notifications import smtp_server
from tests.notifications.smtp_server import SmtpServer

ICS = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Termin//DE\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@amt\r\n"
    "DTSTAMP:20270101T000000Z\r\nDTSTART:20270328T090000Z\r\nSUMMARY:Termin\r\nLOCATION:Hauptstraße 1\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def server(settings) -> Iterator[SmtpServer]:
    with smtp_server.running() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 2
        settings.DEFAULT_FROM_EMAIL = "Terminplanung <termine@amt.example>"
        yield server


def mail(**changes: Any) -> Mail:
    facts: dict[str, Any] = {
        "uuid": uuid4(),
        "to": "fall@amt.example",
        "subject": "Termin, Di 8. Dez., 14:00–15:10",
        "text": "Termin\nDi 8. Dez., 14:00–15:10\nHauptstraße 1\n",
        "ics": ICS,
        "method": "REQUEST",
        "leave_before": time.monotonic() + 60,
    }
    return Mail(**{**facts, **changes})


def part(letter: EmailMessage, kind: str) -> EmailMessage:
    (found,) = [part for part in letter.walk() if part.get_content_type() == kind]
    assert isinstance(found, EmailMessage)
    return found


def test_an_invitation_arrives_as_mail_programs_take_it(server: SmtpServer) -> None:
    sent = mail()
    (answer,) = SmtpGateway().send([sent])

    assert answer.verdict == Verdict.ACCEPTED
    (letter,) = server.received
    assert (letter["from"], letter["to"]) == ("Terminplanung <termine@amt.example>", "fall@amt.example")
    assert letter["subject"] == sent.subject
    assert server.recipients == [sent.to]
    assert part(letter, "text/plain").get_content().splitlines() == sent.text.splitlines()
    file = part(letter, "text/calendar")
    calendar: Any = icalendar.Calendar.from_ical(str(file.get_content()))
    assert file.get_param("method") == calendar["method"] == "REQUEST"
    # The text and the invitation are two ways to say the same; the attachment is for saving.
    assert [p.get_content_type() for p in letter.iter_parts()] == ["multipart/alternative", "application/ics"]
    assert part(letter, "application/ics").get_content() == ICS.encode()


def test_every_attempt_has_the_same_message_id(server: SmtpServer) -> None:
    sent = mail()
    gateway = SmtpGateway()
    with gateway.connected():
        gateway.send([sent])
        gateway.send([sent])

    assert len({letter["message-id"] for letter in server.received}) == 1
    assert str(sent.uuid) in server.received[0]["message-id"]


def test_without_a_calendar_file_it_is_a_plain_text(server: SmtpServer) -> None:
    SmtpGateway().send([mail(ics="", method="")])

    (letter,) = server.received
    assert letter.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("step", "said", "verdict"),
    [
        ("mail", "451 not now", Verdict.LATER),
        # It speaks of our sender: no recipient is to blame.
        ("mail", "550 we do not know you", Verdict.LATER),
        ("rcpt", "450 mailbox busy", Verdict.LATER),
        ("rcpt", "550 no such user", Verdict.REFUSED),
        ("data", "452 full", Verdict.LATER),
        ("data", "554 not this text", Verdict.REFUSED),
    ],
)
def test_what_the_server_says_at_each_step(
    server: SmtpServer, step: str, said: str, verdict: Verdict
) -> None:
    server.says[step] = said
    gateway = SmtpGateway()
    with gateway.connected():
        (answer,) = gateway.send([mail()])
        assert (answer.verdict, answer.error_code) == (verdict, said[:3])
        assert server.received == []
        # The next one is not harmed by it.
        server.says.clear()
        (next_one,) = gateway.send([mail()])
    assert next_one.verdict == Verdict.ACCEPTED


@pytest.mark.promise(5)
def test_cut_after_the_text_was_taken_nobody_knows(server: SmtpServer) -> None:
    server.cuts_after_data = True
    gateway = SmtpGateway()
    with gateway.connected():
        (answer,) = gateway.send([mail()])
        assert answer.verdict == Verdict.NO_ANSWER
        assert len(server.received) == 1
        server.cuts_after_data = False
        (next_one,) = gateway.send([mail()])
    assert next_one.verdict == Verdict.ACCEPTED
    assert gateway.traces("fall@amt.example", None) is None  # type: ignore[arg-type]


def test_a_server_that_is_not_there_means_later(settings) -> None:
    with smtp_server.running() as gone:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", gone.port, 2
    (answer,) = SmtpGateway().send([mail()])

    assert answer.verdict == Verdict.LATER


def test_a_connection_the_server_closed_meanwhile_is_opened_anew(server: SmtpServer) -> None:
    gateway = SmtpGateway()
    with gateway.connected():
        gateway.send([mail()])
        assert gateway._server is not None
        assert gateway._server.sock is not None
        gateway._server.sock.close()
        (answer,) = gateway.send([mail()])
    assert answer.verdict == Verdict.ACCEPTED


def test_what_waited_too_long_does_not_leave(server: SmtpServer) -> None:
    (answer,) = SmtpGateway().send([mail(leave_before=time.monotonic() - 1)])

    assert answer.verdict == Verdict.LATER
    assert server.received == []


def test_without_a_server_it_says_what_to_set(settings) -> None:
    settings.EMAIL_HOST = ""
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        SmtpGateway()
