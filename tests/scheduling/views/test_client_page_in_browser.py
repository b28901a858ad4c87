"""The client page on a telephone: every language, no JavaScript, nothing axe objects to."""

import pytest
from playwright.sync_api import Page

from clients.models import Client, Language
from notifications import texts
from scheduling.models import Booking
from tests.browsing import PHONE, Windows, axe
from tests.factories import BookingFactory, ConsentFactory
from tests.scheduling.views.test_client_page import path

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def booking() -> Booking:
    made: Booking = BookingFactory(client=ConsentFactory().client)
    assert made.slot.session.room is not None
    made.slot.session.room.way = "Bus 421 bis Rathaus, Eingang im Hof"
    made.slot.session.room.save()
    return made


def test_every_language_reads_well_on_a_telephone(windows: Windows, booking: Booking) -> None:
    page = windows.open(viewport=PHONE)
    findings: list[str] = []

    for language in Language:
        Client.objects.update(language=language)
        page.goto(path(booking))
        findings += axe(page)
        assert page.locator("html").get_attribute("dir") in ("ltr", "rtl")
        assert width_needed(page) <= PHONE["width"], language

    assert findings == []


@pytest.mark.parametrize("language", ["de", "ti", "ps"])
def test_it_fits_320_pixels(windows: Windows, booking: Booking, language: str) -> None:
    Client.objects.update(language=language)
    page = windows.open(viewport={"width": 320, "height": 600})

    page.goto(path(booking))

    assert width_needed(page) <= 320


def width_needed(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


def test_without_javascript_one_can_come_not_come_and_stop_sms(windows: Windows, booking: Booking) -> None:
    words = texts.phrases("ar")
    page = windows.open(viewport=PHONE, java_script_enabled=False)
    page.goto(path(booking))

    page.get_by_role("button", name=words["not_coming"], exact=True).click()
    page.get_by_text(words["thanks_not_coming"]).wait_for()
    page.get_by_role("button", name=words["coming"], exact=True).click()
    page.get_by_text(words["thanks_coming"]).wait_for()
    page.locator("summary", has_text=words["no_more_sms"]).click()
    page.get_by_role("button", name=words["no_more_sms"], exact=True).click()
    page.get_by_text(words["thanks_no_more_sms"]).wait_for()

    booking.refresh_from_db()
    assert booking.client is not None
    booking.client.refresh_from_db()
    assert booking.answer == "coming"
    assert booking.client.opted_out_at is not None


def test_a_stranger_says_so_and_the_link_is_over(windows: Windows, booking: Booking) -> None:
    words = texts.phrases("ar")
    page = windows.open(viewport=PHONE, locale="en-GB")
    page.goto(path(booking))

    page.locator("summary", has_text=words["wrong_number"]).click()
    page.get_by_role("button", name=words["wrong_number"], exact=True).click()
    page.get_by_text(words["thanks_wrong_number"]).wait_for()
    assert axe(page) == []

    page.goto(path(booking))
    page.get_by_text(texts.phrases("en")["link_over"]).wait_for()
    assert axe(page) == []
