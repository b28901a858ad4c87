"""The moving pages in a real Chromium, at 360 pixels, in both languages: nothing axe objects to."""

from datetime import date

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from scheduling import booking as rules
from tests import factories
from tests.browsing import Windows, axe
from tests.scheduling import planned

pytestmark = pytest.mark.django_db(transaction=True)


def in_language(page: Page, address: str, language: str) -> None:
    """The page, in this language from now on."""
    page.goto(address)
    if language == "en":
        page.locator("form[action*='/sprache/'] button[value=en]").first.dispatch_event("click")
    expect(page.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_moves_is_accessible_and_fits_a_phone(windows: Windows, language: str) -> None:
    year = planned.plan(until=date(2027, 6, 30))
    session = year.sessions.get(start_at__month=4)
    client = factories.ConsentFactory().client
    booking = rules.book(session.slots.all()[0], client=client, by=client.owner)
    page = windows.open_for(client.owner, viewport={"width": 360, "height": 900})
    in_language(page, reverse("scheduling:booking", args=[booking.uuid]), language)
    for name in ("booking", "move_booking"):
        page.goto(reverse(f"scheduling:{name}", args=[booking.uuid]))
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("input[name=slot]").first.check()
    page.locator("form.stack button[type=submit], form.stack button:not([type])").first.click()
    page.wait_for_url(f"**{reverse('scheduling:booking', args=[booking.uuid])}")
    assert axe(page) == []

    page = windows.open_for(planned.coordinator(), viewport={"width": 360, "height": 900})
    in_language(page, reverse("scheduling:move_session", args=[session.uuid]), language)
    page.locator("input[name=at]").fill("10:00")
    page.locator("button[value=preview]").click()
    page.locator("#preview-heading").wait_for()
    assert page.locator("html").get_attribute("lang") == language
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
