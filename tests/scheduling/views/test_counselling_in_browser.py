"""Counselling in a real Chromium: every new page without a finding in German and English, narrow and
wide; and a free appointment that goes away before one's eyes."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from scheduling import booking as rules
from scheduling import kinds
from scheduling.models import AppointmentKind
from scheduling.problems import Visit
from tests import factories
from tests.browsing import Windows, faults, too_wide
from tests.scheduling import offered
from tests.servers import Daphne

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anna() -> User:
    """Of an office, and of the coordination: sees every page."""
    return offered.caseworker(roles=["caseworker", "coordinator"])


def look(page: Page, name: str) -> None:
    """Keep a picture where one is wanted."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_pages_have_no_finding(
    windows: Windows, live_server_daphne: Daphne, anna: User, language: str
) -> None:
    kinds.begin(anna.district, by=anna)
    mara = offered.counsellor(languages=["ar", "de"], gender="f")
    room = factories.RoomFactory(is_step_free=True)
    session = offered.session(anna, number=3, counsellor=mara, room=room)
    open_kind = offered.kind(code="outreach", needs_client=False)
    outreach = offered.slot(anna, kind=open_kind, number=1, capacity=3)
    rules.book(outreach, client=None, visit=Visit(guest="Frau Noor"), by=anna)
    factories.ClientFactory(owner=anna)
    escort = offered.slot(anna, kind=AppointmentKind.objects.get(code="accompaniment"), place="")
    pages = {
        "kinds": reverse("scheduling:kinds"),
        "kind": reverse("scheduling:add_kind"),
        "calendars": reverse("scheduling:calendars"),
        "calendar": reverse("scheduling:calendar", args=[session.calendar.uuid]),
        "openings": reverse("scheduling:openings"),
        "opening": reverse("scheduling:open_times"),
        "search": reverse("scheduling:search"),
        "nothing": reverse("scheduling:search") + "?gender=m",
        "book": reverse("scheduling:book", args=[escort.uuid]),
        "day": reverse("scheduling:day_list", args=[outreach.session.uuid]),
        "person": reverse("scheduling:presence", args=[mara.uuid]),
    }
    user_language = {"language": language}
    User.objects.filter(pk=anna.pk).update(**user_language)
    page = windows.open_for(anna, locale=language)
    found = []
    for name, address in pages.items():
        page.goto(address)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            look(page, f"{name}-{language}-{width}")
            found += faults(page) if width == 1280 else too_wide(page)
    assert found == []
    assert windows.faults == []


def test_a_free_appointment_goes_before_ones_eyes_and_filters_need_no_page(
    windows: Windows, live_server_daphne: Daphne, anna: User
) -> None:
    session = offered.session(anna, number=2, counsellor=offered.counsellor(gender="f"))
    offered.session(anna, on=offered.workday() + timedelta(days=1))
    first = session.slots.earliest("start_at")
    page = windows.open_for(anna)
    lines: list[str] = []
    page.on("websocket", lambda line: lines.append(line.url) if "/live/slots/" in line.url else None)
    with page.expect_websocket(lambda line: "/live/slots/" in line.url):
        page.goto(reverse("scheduling:search"))
    expect(page.locator("[data-live-text]")).to_contain_text("gerade eben")
    assert len(lines) == 1
    card = page.locator(f"#frei-{first.uuid}")
    expect(card).to_contain_text("frei")

    page.get_by_text("Nach Ort, Zeit und Person eingrenzen").click()
    page.get_by_label("Wer berät?").select_option("m")
    expect(page.get_by_text("Nichts frei, das so passt")).to_be_visible()
    page.get_by_label("Wer berät?").select_option("f")
    expect(card).to_be_visible()
    expect(page.locator("[data-live-text]")).to_contain_text("gerade eben")

    rules.book(first, client=factories.ClientFactory(owner=anna), by=anna)
    expect(card).to_contain_text("belegt")
    expect(card.get_by_role("link")).to_have_count(0)
    expect(page.locator("[data-live-words]")).to_contain_text("belegt")
