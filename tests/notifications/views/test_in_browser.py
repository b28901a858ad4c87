"""Log and telephones in a real browser: nothing axe objects to, nothing that does not fit."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import languages
from notifications import delivery, notices
from notifications.channels.console import ConsoleGateway
from notifications.models import MailCopy, Message
from notifications.notices import What
from tests.browsing import PHONE, Windows, axe, faults, within
from tests.factories import OrganisationFactory, UserFactory
from tests.notifications.messages import mail, queued
from tests.servers import Daphne

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner():
    """A caseworker with a message in every state."""
    person = UserFactory()
    for status in Message.Status:
        message = queued()
        client = message.client
        client.owner, client.district = person, person.district
        client.save()
        Message.objects.filter(pk=message.pk).update(
            status=status,
            district=person.district,
            error_code={"failed": "30005", "withdrawn": "opted_out"}.get(status, ""),
            claimed_at=timezone.now(),
            settled_at=timezone.now() + timedelta(minutes=1),
        )
    return person


@pytest.mark.parametrize("locale", ["de", "en"])
def test_the_log(windows, owner, locale) -> None:
    type(owner).objects.update(language=locale)
    page = windows.open_for(owner)

    page.goto("/nachrichten/")
    assert axe(page) == []

    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # The sentence of a row keeps room beside its badge and button.
    for text in page.locator(".task__text").all():
        box = text.bounding_box()
        assert box is not None
        assert box["width"] > 200


def test_the_delivery_of_e_mails(windows) -> None:
    staff = mail("fort@amt.example")
    Message.objects.update(status=Message.Status.FAILED, error_code="550", settled_at=timezone.now())
    organisation = OrganisationFactory(district=staff.district)
    person = UserFactory(organisation=organisation, roles=["coordinator"])
    page = windows.open_for(person)

    for language in ("de", "en"):
        type(person).objects.filter(pk=person.pk).update(language=language)
        page.goto("/e-mails/zustellung/")
        assert axe(page) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_bell_counts_at_once_and_leads_to_what_is_new(windows) -> None:
    person = UserFactory(email="fall@amt.example")
    page = windows.open_for(person)
    heard: list[object] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _frame: heard.append(1)))
    page.goto("/neuigkeiten/")
    until = time.monotonic() + 10
    while not heard and time.monotonic() < until:
        page.wait_for_timeout(20)
    assert axe(page) == []

    notices.tell([person.pk], What.OFFER, key="test:1", route="notifications:mail_choice")

    page.locator(".bell__count").wait_for(timeout=within(2000))
    for language in ("de", "en"):
        type(person).objects.update(language=language)
        page.goto("/neuigkeiten/")
        assert axe(page) == []
        page.set_viewport_size(PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="View").press("Enter")
    page.wait_for_url("**/e-mails/")
    assert axe(page) == []
    assert page.locator(".bell__count").count() == 0


def test_the_telephones(browser, owner, tmp_path) -> None:
    for language in languages.known():
        Message.objects.filter(pk=queued().pk).update(language=language)
    delivery.deliver_due(ConsoleGateway())
    demo = Daphne(tmp_path / "log", SPRECHSTUNDE_MODE="demo")
    demo.start()
    try:
        windows = Windows(browser, demo.url)
        page = windows.open(viewport=PHONE)
        page.goto("/handy/")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

        # A link in a letter is longer than the telephone is wide.
        letter = f"Subject: Anfrage\n\nZusagen: https://t.example.org/e/{'x' * 60}/"
        MailCopy.objects.create(recipient="einsatz@sprachmittlung.example", raw=letter)
        page.goto("/handy/post/")
        page.get_by_role("heading", name="Anfrage").wait_for()
        assert faults(page) == []
        page.goto("/handy/")

        # Another text arrives while one looks.
        before = page.locator(".phone__text").count()
        queued()
        delivery.deliver_due(ConsoleGateway())
        page.locator(".phone__text").nth(before).wait_for()
        windows.close()
        assert windows.faults == []
    finally:
        demo.end()
