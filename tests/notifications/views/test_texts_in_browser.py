"""The pages of texts, rules and reminder plans in a real browser: live preview, nothing axe objects to."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from notifications.models import IncomingText
from tests import browsing, factories
from tests.browsing import Windows
from tests.notifications.messages import queued

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
    kind, admin = factories.KindFactory(), factories.UserFactory(roles=["administrator", "coordinator"])
    IncomingText.objects.create(
        district=admin.district,
        gateway_id="SM1",
        number="+4915112345678",
        number_key="k",
        body="Ich komme später",
    )
    queued()
    page = windows.open_for(admin, locale=language)
    addresses = [
        reverse("notifications:texts"),
        reverse("notifications:language", args=["ar"]),
        TEXT,
        reverse("notifications:message_rules"),
        reverse("scheduling:reminder_plan", args=[kind.uuid]),
        reverse("scheduling:inbox"),
        reverse("notifications:numbers"),
        reverse("notifications:mail_choice"),
        reverse("accounts:public_texts"),
        reverse("accounts:edit_public_text", args=["privacy", "de"]),
        reverse("accounts:barriers"),
    ]
    found = []
    for address in addresses:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto(address)
        found += browsing.faults(page)
        page.set_viewport_size(browsing.PHONE)
        found += browsing.faults(page)
    assert found == []
