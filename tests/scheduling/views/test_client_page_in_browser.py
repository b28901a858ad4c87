"""The client page on a telephone: every language, no JavaScript, nothing axe objects to."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts import languages
from clients.models import Client
from notifications import texts
from notifications.models import MessageRules
from scheduling.models import Booking
from tests.browsing import PHONE, Windows, axe
from tests.factories import BookingFactory, ConsentFactory
from tests.scheduling.views.test_client_page import path

pytestmark = pytest.mark.django_db(transaction=True)


RIGHT_TO_LEFT = {"ar", "fa", "prs", "ps", "ckb"}


@pytest.fixture
def booking() -> Booking:
    made: Booking = BookingFactory(client=ConsentFactory().client)
    MessageRules.objects.create(district=made.district)
    assert made.slot.session.room is not None
    made.slot.session.room.way = "Bus 421 bis Rathaus, Eingang im Hof"
    made.slot.session.room.save()
    return made


def test_every_language_reads_well_on_a_telephone(windows: Windows, booking: Booking) -> None:
    page = windows.open(viewport=PHONE)
    findings: list[str] = []

    for language in languages.known():
        Client.objects.update(language=language)
        words = texts.phrases(language)
        direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
        # Where the district asks first: the question; then the appointment.
        MessageRules.objects.update(asks_year_of_birth=True)
        page.goto(path(booking))
        page.get_by_label(words["year_of_birth"], exact=True).wait_for()
        findings += axe(page)
        page.get_by_label(words["year_of_birth"], exact=True).fill("1990")
        page.get_by_role("button", name=words["open"], exact=True).click()
        page.get_by_role("button", name=words["please_call"], exact=True).wait_for()
        findings += axe(page)
        assert page.locator("html").get_attribute("dir") == direction
        assert page.locator("h1").evaluate("(h1) => getComputedStyle(h1).direction") == direction
        assert width_needed(page) <= PHONE["width"], language

    assert findings == []


def test_the_public_texts_read_well_on_a_telephone(windows: Windows, booking: Booking) -> None:
    page = windows.open(viewport=PHONE)
    page.goto(path(booking))

    for name in ("imprint", "privacy", "accessibility", "feedback"):
        address = reverse(f"accounts:{name}", args=[booking.district.uuid])
        assert page.locator(f'footer a[href="{address}"]').count() == 1
        page.goto(address)
        assert axe(page) == []
        assert width_needed(page) <= PHONE["width"], name
        page.goto(path(booking))


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
