"""The pages of texts, rules and reminder plans in a real browser: live preview, nothing axe objects to."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests import browsing, factories
from tests.browsing import Windows

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = reverse("notifications:text", args=["ar", "sms.reminder"])


def test_the_preview_follows_what_is_typed(windows: Windows) -> None:
    page = windows.open_for(factories.UserFactory(roles=["administrator"]))
    page.goto(TEXT)
    phone = page.locator("#preview")
    expect(phone.get_by_role("status")).to_contain_text("3 SMS-Teile")

    page.get_by_role("textbox", name="Text").press_sequentially("Psychotherapie ")

    expect(phone.get_by_role("status")).to_contain_text("„Psychotherapie“")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_text("Es ist nichts verloren.")).to_be_visible()


@pytest.mark.parametrize("language", ["de-DE", "en-GB"])
def test_the_pages_are_accessible_wide_and_narrow(windows: Windows, language: str) -> None:
    kind = factories.KindFactory()
    page = windows.open_for(factories.UserFactory(roles=["administrator", "coordinator"]), locale=language)
    addresses = [
        reverse("notifications:texts"),
        reverse("notifications:language", args=["ar"]),
        TEXT,
        reverse("notifications:message_rules"),
        reverse("scheduling:reminder_plan", args=[kind.uuid]),
    ]
    found = []
    for address in addresses:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        found += browsing.faults(page)
        page.set_viewport_size(browsing.PHONE)
        found += browsing.faults(page)
    assert found == []
