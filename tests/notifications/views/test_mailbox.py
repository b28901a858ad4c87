"""The demo's mailboxes: in the demo only, fed by a real mail server."""

import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.test import Client as Browser
from django.urls import reverse

from notifications import mailbox
from notifications.channels.base import Mail
from notifications.channels.email import as_bytes
from notifications.models import MailCopy
from tests.servers import free_port

pytestmark = pytest.mark.django_db
MAILBOX = reverse("notifications:mailbox")


@pytest.fixture
def _demo(settings) -> None:
    settings.DEMO = True


@pytest.fixture
def port() -> Iterator[int]:
    """The demo's mail server, running."""
    free = free_port()
    server = mailbox.server("127.0.0.1", free)
    server.start()
    yield free
    server.stop()


def received(recipient: str, **changes: str) -> MailCopy:
    facts = {
        "subject": "Termin, Di 8. Dez.",
        "text": "Termin\nHauptstraße 1\n",
        "ics": "",
        "method": "",
        **changes,
    }
    raw = as_bytes(Mail(uuid=uuid4(), to=recipient, leave_before=time.monotonic(), **facts)).decode()
    return MailCopy.objects.create(recipient=recipient, raw=raw)


def test_outside_the_demo_there_is_no_such_page(settings) -> None:
    settings.DEMO = False

    assert Browser().get(MAILBOX).status_code == 404


@pytest.mark.usefixtures("_demo")
def test_each_mail_is_shown_as_it_reads(django_assert_num_queries) -> None:
    received("fall@amt.example")
    ics = "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nEND:VCALENDAR\r\n"
    received("praxis@klinik.example", subject="Entfällt: Termin", ics=ics, method="CANCEL")

    with django_assert_num_queries(1):
        first, second = mailbox.letters()

    assert (first.copy.recipient, first.subject, first.method) == (
        "praxis@klinik.example",
        "Entfällt: Termin",
        "CANCEL",
    )
    assert (second.text.splitlines(), second.method) == (["Termin", "Hauptstraße 1"], "")
    shown = Browser().get(MAILBOX).content.decode()
    assert "Hauptstraße 1" in shown
    assert "nimmt den Kalendereintrag zurück" in shown


@pytest.mark.usefixtures("_demo")
def test_an_empty_demo_teaches() -> None:
    assert "Noch keine E-Mails" in Browser().get(MAILBOX).content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_is_sent_to_the_demos_server_is_kept(port: int) -> None:
    letter = EmailMessage()
    letter["Subject"] = "Termin"
    letter.set_content("Hauptstraße 1")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(letter, "termine@amt.example", ["fall@amt.example", "praxis@klinik.example"])

    assert sorted(one.copy.recipient for one in mailbox.letters()) == [
        "fall@amt.example",
        "praxis@klinik.example",
    ]
    assert {one.text.strip() for one in mailbox.letters()} == {"Hauptstraße 1"}
