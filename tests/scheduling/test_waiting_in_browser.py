"""Nothing is lost: a cancellation in one window becomes an offer in another, and is accepted there."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from notifications import notices
from scheduling import booking as rules
from scheduling import contingents
from scheduling.models import Booking, Offer, WaitingEntry
from tests import browsing, factories
from tests.browsing import Windows
from tests.servers import Daphne
from tests.sign_in import as_user

# What was given is seen within a second.
SEEN_MS = browsing.within(1000)
LANGUAGES = ["de", "en"]
Window = Callable[..., Page]


@pytest.fixture
def window(windows: Windows, live_server_daphne: Daphne) -> Window:
    """Opens a window of a signed-in person."""

    def open_window(user: User, language: str = "de", **options: object) -> Page:
        page = windows.open(**options)
        User.objects.filter(pk=user.pk).update(language=language)
        cookie = as_user(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server_daphne.url}])
        return page

    return open_window


@pytest.fixture
def booked(transactional_db: None) -> Booking:
    client = factories.ClientFactory(given_name="Selam", family_name="Tesfay")
    return rules.book(factories.SlotFactory(), client=client, by=client.owner)


@pytest.fixture
def waits(booked: Booking) -> WaitingEntry:
    return factories.WaitingFactory(client__given_name="Amal", client__family_name="Haddad")


def listening(page: Page, address: str) -> None:
    """Open the page and wait until its line stands."""
    heard: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda said: heard.append(str(said))))
    page.goto(address)
    while not heard:
        page.wait_for_timeout(20)
    page.wait_for_load_state("networkidle")


def test_a_cancellation_in_one_window_is_an_offer_in_another_within_a_second(
    window: Window, booked: Booking, waits: WaitingEntry
) -> None:
    theirs, mine = window(booked.holder), window(waits.entered_by)
    listening(mine, reverse("consultations:today"))
    offers = mine.locator("#angebote")
    expect(offers.get_by_role("button")).to_have_count(0)
    theirs.goto(reverse("scheduling:cancel_booking", args=[booked.uuid]))
    theirs.get_by_label("auf Wunsch der Klientin / des Klienten").check()

    theirs.get_by_role("button", name="Termin absagen").click()

    accept = offers.get_by_role("button", name="Annehmen und buchen")
    expect(accept).to_be_visible(timeout=SEEN_MS)
    expect(offers).to_contain_text("Amal Haddad")
    expect(mine.locator("[data-live-words]")).to_contain_text("Ein Angebot aus der Warteliste")
    accept.focus()
    mine.keyboard.press("Enter")
    expect(mine.get_by_text("Gebucht.")).to_be_visible()
    made = Booking.objects.get(client=waits.client)
    assert (made.status, made.slot) == ("booked", booked.slot)
    assert Offer.objects.get().outcome == "accepted"


def test_the_bell_rings_for_people_whose_pages_show_no_slots_and_their_console_is_quiet(
    window: Window, transactional_db: None
) -> None:
    administrator = factories.UserFactory(roles=[Role.ADMINISTRATOR.value])
    page = window(administrator)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    listening(page, reverse("accounts:administration"))
    expect(page.locator("#glocke .bell__count")).to_have_count(0)

    notices.tell([administrator.pk], notices.What.RELEASED, key="eins", route="accounts:administration")

    expect(page.locator("#glocke .bell__count")).to_contain_text("1", timeout=SEEN_MS)
    assert said == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_accessible_in_both_languages(
    window: Window, booked: Booking, waits: WaitingEntry, language: str
) -> None:
    rules.cancel(booked, reason="client", by=booked.holder)
    session = booked.slot.session
    other = factories.OrganisationFactory(name="Caritas")
    coordinator = factories.UserFactory(roles=[Role.COORDINATOR.value])
    later = factories.SlotFactory(session=session, block=1)
    contingents.set_aside(session, {other: 1}, free_days_before=2, by=coordinator)
    factories.WaitingFactory(gender="m")
    mine, plans = window(waits.entered_by, language), window(coordinator, language)
    pages = [
        (mine, reverse("consultations:today")),
        (mine, reverse("scheduling:waiting")),
        (mine, reverse("scheduling:enter_waiting")),
        (mine, reverse("scheduling:accept_offer", args=[Offer.objects.get().uuid])),
        (mine, reverse("scheduling:waiting_entry", args=[waits.uuid])),
        (mine, reverse("scheduling:board")),
        (plans, reverse("scheduling:waiting")),
        (plans, reverse("scheduling:why_whom", args=[booked.slot.uuid])),
        (plans, reverse("scheduling:why_whom", args=[later.uuid])),
        (plans, reverse("scheduling:contingents", args=[session.uuid])),
        (plans, reverse("scheduling:session", args=[session.uuid])),
    ]
    found = []
    for page, address in pages:
        page.goto(address)
        found += browsing.faults(page, 1280, 320)
        assert page.locator("html").get_attribute("lang") == language
    assert found == []
