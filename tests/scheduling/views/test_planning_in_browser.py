"""Planning in a real Chromium: with and without a script, within 320 pixels, nothing axe objects to."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from scheduling import sessions
from scheduling.models import Series, Session
from tests import factories
from tests.browsing import Windows, axe
from tests.scheduling import planned
from tests.scheduling.views.test_sessions import plan_from_today

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def coordinator() -> User:
    factories.UserFactory(roles=["specialist"], name="Dr. Weber")
    factories.RoomFactory()
    found: User = planned.coordinator()
    return found


def fill(page: Page) -> None:
    page.get_by_label("Fachärztin / Facharzt").select_option(label="Dr. Weber")
    page.get_by_label("Raum", exact=True).select_option(label="Zimmer 3")


def test_a_year_is_planned_in_one_form(windows: Windows, coordinator: User) -> None:
    page = windows.open_for(coordinator)
    page.goto(reverse("scheduling:plan_year"))
    expect(page.get_by_label("Wochentag", exact=True)).to_be_visible()
    expect(page.get_by_label("Alle … Wochen")).to_be_hidden()

    page.get_by_role("button", name="Block hinzufügen").click()
    expect(page.get_by_role("group", name="Block 4")).to_be_focused()
    expect(page.locator("#total")).to_have_text("Gesamtdauer: 3 Std. 30 Min.")
    page.get_by_role("button", name="Block 1 entfernen").click()
    expect(page.locator("#total")).to_have_text("Gesamtdauer: 2 Std. 20 Min.")
    page.get_by_label("Minuten").first.fill("50")
    page.get_by_label("Minuten").first.press("Tab")
    expect(page.locator("#total")).to_have_text("Gesamtdauer: 2 Std.")
    fill(page)
    page.get_by_role("button", name="Alle Termine ansehen").click()

    expect(page.get_by_role("heading", name="Alle Termine vor dem Anlegen")).to_be_visible()
    assert not Session.objects.exists()
    boxes = page.get_by_role("checkbox")
    number = boxes.count()
    boxes.first.uncheck()
    page.get_by_role("button", name="Serie anlegen").click()
    expect(page.get_by_text("Sprechstunden sind angelegt.")).to_be_visible()
    assert 0 < Session.objects.count() <= number - 1
    rows = page.get_by_role("table", name="Sprechstunden", exact=True).locator("tbody tr")
    year = Session.objects.earliest("start_at").start_at.year
    assert rows.count() == Session.objects.filter(start_at__year=year).count()


def test_without_a_script_it_works_as_well(windows: Windows, coordinator: User) -> None:
    page = windows.open_for(coordinator, java_script_enabled=False)
    page.goto(reverse("scheduling:plan_year"))
    fill(page)
    page.get_by_role("button", name="Block hinzufügen").click()
    page.get_by_text("Gesamtdauer: 3 Std. 30 Min.").wait_for()
    page.get_by_role("button", name="Block 1 entfernen").click()
    page.get_by_text("Gesamtdauer: 2 Std. 20 Min.").wait_for()
    page.get_by_label("Beginn").press("Enter")
    page.get_by_role("button", name="Angaben ändern").click()
    page.get_by_text("Gesamtdauer: 2 Std. 20 Min.").wait_for()
    page.get_by_role("button", name="Alle Termine ansehen").click()
    page.get_by_role("button", name="Serie anlegen").click()
    page.get_by_text("angelegt.").wait_for()
    assert Series.objects.get().template.name == "1 × 70 Min. Vorstellung, 2 × 35 Min. Fallberatung"


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_page_fits_and_reads_well(windows: Windows, coordinator: User, language: str) -> None:
    coordinator.language = language
    coordinator.roles = ["coordinator", "caseworker"]
    coordinator.save()
    series = plan_from_today()
    first, second, *_rest = series.sessions.all()
    client = factories.ClientFactory(owner=coordinator)
    factories.BookingFactory(slot=first.slots.all()[0], client=client, holder=coordinator)
    sessions.cancel(first, reason="Fortbildung", by=coordinator)
    factories.BookingFactory(slot=second.slots.all()[0], client=client, holder=coordinator)
    pages = [
        reverse("scheduling:plan_year"),
        reverse("scheduling:sessions"),
        reverse("scheduling:session", args=[first.uuid]),
        reverse("scheduling:session", args=[second.uuid]),
        reverse("scheduling:cancel_session", args=[second.uuid]),
        reverse("scheduling:end_series", args=[series.uuid]),
        reverse("scheduling:rooms"),
        reverse("scheduling:room", args=[series.room and series.room.uuid]),
        reverse("scheduling:rebook"),
    ]
    page = windows.open_for(coordinator)
    findings = []
    for address in pages:
        page.goto(address)
        findings += look(page)
    page.goto(pages[0])
    page.locator("#id_specialist").select_option(index=1)
    page.locator("#id_room").select_option(index=1)
    page.locator(".form-actions button").click()
    page.locator("input[name=dates]").first.wait_for()
    findings += look(page)

    assert findings == []


def look(page: Page) -> list[str]:
    """What axe objects to, and whether the page is wider than a small telephone."""
    findings = axe(page)
    page.set_viewport_size({"width": 320, "height": 600})
    width = int(page.evaluate("document.documentElement.scrollWidth"))
    page.set_viewport_size({"width": 1280, "height": 900})
    return [*findings, *([f"{page.url} is {width} pixels wide"] if width > 320 else [])]
