"""Canary words in every field about a person and a case; whatever leaves the house is searched.

What leaves: SMS in every language, what the gateway is asked, the client page and its answers, the
calendar file, addresses, logs, job arguments.
"""

import logging
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client as Browser
from django.utils import timezone

from accounts import languages
from accounts.fields import EncryptedIntegerField, EncryptedJSONField
from accounts.models import Municipality, Organisation, User
from clients.models import Client, Consent
from consultations.models import Referral
from notifications import delivery, texts
from notifications.channels.sms import TwilioGateway
from notifications.models import Message, PhoneText
from scheduling import client_link, reminders
from scheduling.models import AppointmentKind, Booking, Resource, Session, SessionTemplate
from tests.factories import BookingFactory, ConsentFactory, MunicipalityFactory, ReferralFactory
from tests.notifications.messages import zone_where_it_is
from tests.notifications.twilio_server import TwilioServer

pytestmark = [pytest.mark.django_db, pytest.mark.promise(14)]

# Everything said about people, cases and the service. Rooms carry the neutral address clients read.
SAID: list[type[models.Model]] = [Client, Consent, Referral, User, Organisation, Municipality]
SAID += [AppointmentKind, SessionTemplate, Session, Resource]
# Meant for clients' eyes, or needed to reach them.
PUBLIC = {"Client.mobile", "Resource.address", "Resource.way", "AppointmentKind.public_title"}


def planted() -> list[str]:
    """Write a word of its own into every free text; returns the words."""
    words: list[str] = []
    for model in SAID:
        for field in model._meta.concrete_fields:
            if is_free_text(field) and f"{model.__name__}.{field.name}" not in PUBLIC:
                word = f"kanari{len(words)}x"
                assert model._default_manager.exists(), f"no {model.__name__} to plant a word in"
                for number, row in enumerate(model._default_manager.order_by("pk")):
                    model._default_manager.filter(pk=row.pk).update(**{field.name: f"{word}{number}"})
                words.append(word)
    return words


def is_free_text(field: Any) -> bool:
    if isinstance(field, EncryptedIntegerField | EncryptedJSONField):
        return False
    return isinstance(field, models.CharField | models.TextField) and not field.choices and field.editable


@pytest.fixture
def booking() -> Any:
    client = ConsentFactory(client__municipality=MunicipalityFactory()).client
    made = BookingFactory(client=client)
    ReferralFactory(client=client, booking=made, submitted_at=timezone.now())
    type(made.district).objects.update(zone=zone_where_it_is(12))
    return made


def test_canaries_are_planted_where_people_write(booking: Any) -> None:
    words = planted()

    assert len(words) > 30
    booking.client.refresh_from_db()
    assert booking.client.given_name.startswith("kanari")
    assert Referral.objects.get().question.startswith("kanari")


def test_no_canary_gets_out(
    booking: Any, gateway: TwilioGateway, twilio: TwilioServer, caplog, capsys
) -> None:
    words = planted()
    booking = Booking.objects.get()
    caplog.set_level(logging.DEBUG)
    out: list[str] = []

    for language in languages.known():
        Client.objects.update(language=language)
        Message.objects.all().delete()
        reminders.plan(Booking.objects.get())
        Message.objects.update(send_at=booking.booked_at)
        delivery.deliver_due(gateway)
        out += browsed(client_link.url(Booking.objects.get()), f"{language}")
    out += [str(form) for form in twilio.requests]
    out += [caplog.text, *capsys.readouterr(), *job_arguments()]

    assert len(twilio.accepted) == 3 * len(languages.known())
    everything = "\n".join(out).lower()
    assert "hauptstr. 1" in everything
    for word in [*words, "sprechstunde", "trauma"]:
        assert word not in everything, word


def browsed(url: str, language: str) -> list[str]:
    """All that the holder of the link gets to see, with headers and addresses."""
    path = url.split("localhost:8000")[1]
    browser = Browser(headers={"Accept-Language": language})
    answers = [
        browser.get(path),
        browser.post(path, {"say": "coming"}),
        browser.post(path, {"say": "not_coming"}),
        browser.get(path),
        browser.get(f"{path}/termin.ics"),
        browser.get(f"{path[:-1]}-"),
        browser.post(path, {"say": "nonsense"}),
    ]
    return [url, *(f"{answer.headers}\n{answer.content.decode()}" for answer in answers)]


def job_arguments() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT args::text FROM procrastinate_jobs")
        return [args for (args,) in cursor.fetchall()]


def test_what_a_stranger_is_told_names_nobody(booking: Any) -> None:
    words = planted()
    path = client_link.url(Booking.objects.get()).split("localhost:8000")[1]

    answer = Browser().post(path, {"say": "wrong_number"}).content.decode()
    over = Browser().get(path).content.decode()

    assert texts.phrases("ar")["thanks_wrong_number"] in answer
    for word in words:
        assert word not in answer + over
    assert not PhoneText.objects.exists()
