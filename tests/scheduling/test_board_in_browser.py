"""The board in two real browsers: everyone sees what happens, and the page comes back by itself."""

import re
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts import announcements
from accounts.models import User
from accounts.roles import Role
from scheduling import booking as rules
from scheduling import contingents
from scheduling.models import Booking, Slot
from tests import browsing, factories
from tests.browsing import Windows
from tests.servers import Daphne, Worker
from tests.sign_in import as_user

# Others see it within two seconds.
SEEN_MS = browsing.within(2000)


@pytest.fixture
def slots(transactional_db: None) -> list[Slot]:
    first = factories.SlotFactory(with_interpreter=True)
    session = first.session
    return [
        first,
        factories.SlotFactory(session=session, block=1),
        factories.SlotFactory(
            session=session,
            block=2,
            format="case_consultation",
            start_at=session.start_at + timedelta(minutes=140),
            end_at=session.start_at + timedelta(minutes=175),
        ),
    ]


@pytest.fixture
def anna(slots: list[Slot]) -> User:
    return factories.UserFactory(name="Anna Amsel")


@pytest.fixture
def ben(slots: list[Slot]) -> User:
    return factories.UserFactory(name="Ben", organisation=factories.OrganisationFactory(name="Caritas"))


Board = Callable[..., Page]


@pytest.fixture
def board(windows: Windows, live_server_daphne: Daphne, slots: list[Slot]) -> Board:
    """Opens the board of the slots' month for a signed-in person, and waits until it is live."""

    def open_board(user: User, *, live: bool = True, **options: object) -> Page:
        page = windows.open(**options)
        cookie = as_user(user).cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server_daphne.url}])
        if not live:
            page.route_web_socket(re.compile("/live/"), lambda line: None)
        heard: list[str] = []
        page.on("websocket", lambda line: line.on("framereceived", lambda said: heard.append(str(said))))
        page.goto(reverse("scheduling:board"))
        while live and not heard:
            page.wait_for_timeout(20)
        return page

    return open_board


def card(page: Page, slot: Slot) -> Locator:
    return page.locator(f"#slot-{slot.uuid}")


def test_holding_releasing_and_booking_is_seen_by_others_without_a_name(
    board: Board, slots: list[Slot], anna: User, ben: User
) -> None:
    mine, other = board(anna), board(ben)
    slot = slots[0]

    card(mine, slot).get_by_role("button", name="Vormerken").click()
    expect(card(other, slot)).to_contain_text("vorgemerkt", timeout=SEEN_MS)
    expect(card(mine, slot)).to_contain_text("von Ihnen vorgemerkt")
    expect(card(other, slot).get_by_role("button", name="Vormerken")).to_have_count(0)
    expect(other.locator("[data-live-words]")).to_have_text(re.compile(r"^\d\d:\d\d–\d\d:\d\d: vorgemerkt$"))
    # The block itself follows, with its countdown, and everything that counts what is free.
    expect(card(other, slot).get_by_role("timer")).to_contain_text("noch 4:")
    for page in (mine, other):
        expect(page.locator(".day")).to_contain_text("2 von 3 frei")
        expect(page.locator(".dates").first).to_contain_text("2 Termine frei")
    assert "Amsel" not in other.content()

    card(mine, slot).get_by_role("button", name="Freigeben").click()
    expect(card(other, slot)).to_contain_text("frei", timeout=SEEN_MS)
    expect(card(other, slot).get_by_role("button", name="Vormerken")).to_be_visible()

    expect(other.locator(".day")).to_contain_text("3 von 3 frei")

    for each in slots:
        rules.book(each, client=factories.ClientFactory(owner=anna), by=anna)
    expect(card(other, slot)).to_contain_text("belegt", timeout=SEEN_MS)
    expect(card(mine, slot)).to_contain_text("von Ihnen gebucht")
    expect(other.locator(".day")).to_contain_text("0 von 3 frei")
    expect(other.locator(".dates").first).to_contain_text("alles belegt")


def test_when_an_organisations_places_are_taken_its_other_blocks_say_so_live(
    board: Board, slots: list[Slot], anna: User, ben: User
) -> None:
    """On the own page and on those of colleagues, who also see what is left to whom."""
    colleague = factories.UserFactory(organisation=anna.organisation)
    shares = {anna.organisation: 1, ben.organisation: 2}
    contingents.set_aside(slots[0].session, shares, free_days_before=1, by=anna)
    mine, theirs = board(anna), board(colleague)
    card(mine, slots[0]).get_by_role("button", name="Vormerken").click()
    for page in (mine, theirs):
        expect(card(page, slots[1]).get_by_role("link", name="Warum nicht?")).to_be_visible(
            timeout=2 * SEEN_MS
        )
        expect(page.get_by_text("1 von 1")).to_be_visible()
    expect(card(mine, slots[0])).to_contain_text("von Ihnen vorgemerkt")
    card(mine, slots[0]).get_by_role("button", name="Freigeben").click()
    for page in (mine, theirs):
        expect(card(page, slots[1]).get_by_role("button", name="Vormerken")).to_be_visible(
            timeout=2 * SEEN_MS
        )


def test_an_expired_hold_is_seen_free_within_two_seconds(
    board: Board, slots: list[Slot], anna: User, ben: User, worker: Worker
) -> None:
    hold = rules.hold(slots[0], by=anna)
    other = board(ben)
    expect(card(other, slots[0])).to_contain_text("vorgemerkt")
    # The worker is awake once it sweeps for the first time.
    first = rules.hold(slots[1], by=anna)
    Booking.objects.filter(pk=first.pk).update(held_until=timezone.now())
    browsing.wait_until(lambda: not Booking.objects.filter(pk=first.pk).exists())

    Booking.objects.filter(pk=hold.pk).update(held_until=timezone.now())

    expect(card(other, slots[0]).locator(".kern-badge")).to_have_text("frei", timeout=SEEN_MS)


def test_a_lost_race_says_so_calmly_on_the_block_with_the_next_free_one(
    board: Board, slots: list[Slot], anna: User, ben: User
) -> None:
    page = board(ben, live=False)
    rules.hold(slots[0], by=anna)

    card(page, slots[0]).get_by_role("button", name="Vormerken").click()

    block = card(page, slots[0])
    expect(block.get_by_role("alert")).to_contain_text("gerade vorgemerkt")
    way_out = block.get_by_role("alert").get_by_role("link")
    expect(way_out).to_have_attribute("href", re.compile(f"#slot-{slots[1].uuid}$"))
    expect(block).to_contain_text("vorgemerkt")
    assert Booking.objects.get().holder == anna


def test_the_board_works_with_the_keyboard_alone_and_keeps_the_focus(
    board: Board, slots: list[Slot], anna: User
) -> None:
    page = board(anna)
    card(page, slots[0]).get_by_role("button", name="Vormerken").focus()
    page.keyboard.press("Enter")
    expect(card(page, slots[0])).to_contain_text("von Ihnen vorgemerkt")
    # The focus follows the new content a moment later.
    page.wait_for_function(
        "(id) => document.activeElement.closest('.slot')?.id === id",
        arg=f"slot-{slots[0].uuid}",
    )
    # To the main action, then to the next.
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(card(page, slots[0])).to_contain_text("noch 2-mal")


def test_focus_stays_on_a_block_that_another_person_takes(
    board: Board, slots: list[Slot], anna: User, ben: User
) -> None:
    page = board(ben)
    card(page, slots[0]).get_by_role("button", name="Vormerken").focus()

    rules.hold(slots[0], by=anna)

    expect(card(page, slots[0]).get_by_role("timer")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == f"slot-{slots[0].uuid}"


def test_a_wrong_clock_in_the_browser_counts_right_all_the_same(
    board: Board, slots: list[Slot], anna: User, windows: Windows
) -> None:
    page = board(anna)
    page.clock.set_system_time(timezone.now() + timedelta(minutes=10))
    card(page, slots[0]).get_by_role("button", name="Vormerken").click()

    expect(card(page, slots[0]).get_by_role("timer")).to_have_text(re.compile(r"noch (5:00|4:5\d) Min\."))


# --- Broken lines ------------------------------------------------------------------------------
@pytest.mark.promise(20)
def test_after_a_server_restart_the_page_catches_up_by_itself(
    board: Board, slots: list[Slot], anna: User, ben: User, live_server_daphne: Daphne
) -> None:
    page = board(ben)
    live_server_daphne.end(signal.SIGKILL)
    expect(page.locator("[data-live-note]")).to_contain_text("Verbindung unterbrochen")
    rules.hold(slots[0], by=anna)
    rules.book(slots[1], client=factories.ClientFactory(owner=anna), by=anna)
    asked = card(page, slots[2])
    asked.get_by_role("button", name="Vormerken").click()
    expect(asked.get_by_role("alert")).to_contain_text("Das hat nicht geklappt, es ist nichts verloren.")

    live_server_daphne.start()

    expect(card(page, slots[0])).to_contain_text("vorgemerkt")
    expect(card(page, slots[1])).to_contain_text("belegt")
    expect(page.locator("[data-live-note]")).to_contain_text("aktualisiert gerade eben")
    asked.get_by_role("button", name="Vormerken").click()
    expect(asked).to_contain_text("von Ihnen vorgemerkt")
    expect(asked.get_by_role("alert")).to_have_count(0)


@pytest.mark.promise(20)
def test_however_long_the_server_was_away_a_page_asks_it_once_when_it_is_back(
    board: Board, anna: User, live_server_daphne: Daphne
) -> None:
    """Hundreds of pages come back at the same moment."""
    page = board(anna)
    page.clock.install()
    page.reload()
    note = page.locator("[data-live-note]")
    expect(note).to_contain_text("aktualisiert gerade eben")
    answered: list[str] = []
    page.on("requestfinished", lambda request: answered.append(request.url))

    def pass_seconds(seconds: int, *, each_takes: int) -> None:
        for _ in range(seconds):
            page.clock.run_for(1000)
            page.wait_for_timeout(each_takes)

    live_server_daphne.end(signal.SIGKILL)
    pass_seconds(60, each_takes=20)
    expect(note).to_contain_text("Verbindung unterbrochen")
    live_server_daphne.start()
    pass_seconds(15, each_takes=200)

    expect(note).to_contain_text("aktualisiert gerade eben")
    assert sum("/tag/" in address for address in answered) in {1, 2}


@pytest.mark.promise(20)
def test_an_answer_that_was_long_on_its_way_hides_nothing_newer(
    board: Board, slots: list[Slot], anna: User, ben: User
) -> None:
    page, slow = board(ben), []
    page.route("**/karte/", lambda route: slow.append((route, route.fetch())), times=1)
    hold = rules.hold(slots[0], by=anna)
    while not slow:
        page.wait_for_timeout(20)
    rules.let_go(hold, by=anna)
    button = card(page, slots[0]).get_by_role("button", name="Vormerken")
    expect(button).to_be_visible()

    ((route, answer),) = slow
    with page.expect_response("**/karte/"):
        route.fulfill(response=answer)

    page.wait_for_timeout(200)
    expect(button).to_be_visible()


@pytest.mark.promise(20)
def test_a_page_without_a_network_says_so_at_once(board: Board, anna: User) -> None:
    """Its socket notices only when nothing was said for a while."""
    page = board(anna)
    note = page.locator("[data-live-note]")
    expect(note).to_contain_text("aktualisiert gerade eben")
    page.context.set_offline(True)
    expect(note).to_contain_text("Verbindung unterbrochen", timeout=SEEN_MS)
    page.context.set_offline(False)
    expect(note).to_contain_text("aktualisiert gerade eben", timeout=SEEN_MS)


@pytest.mark.promise(20)
def test_a_paused_server_process_catches_up_when_it_goes_on(
    board: Board, slots: list[Slot], anna: User, ben: User, live_server_daphne: Daphne
) -> None:
    page = board(ben)
    live_server_daphne.pause()
    try:
        rules.book(slots[0], client=factories.ClientFactory(owner=anna), by=anna)
        time.sleep(1)
    finally:
        live_server_daphne.resume()

    expect(card(page, slots[0])).to_contain_text("belegt", timeout=SEEN_MS)


@pytest.mark.promise(20)
def test_when_the_database_ends_the_listening_the_page_says_so_and_catches_up(
    board: Board, slots: list[Slot], anna: User, ben: User
) -> None:
    page = board(ben)
    # The line stands: what it carries arrives.
    rules.hold(slots[1], by=anna)
    expect(card(page, slots[1])).to_contain_text("vorgemerkt")
    page.evaluate(
        """() => {
            window.said = [];
            const note = document.querySelector('[data-live-note]');
            new MutationObserver(() => window.said.push(note.textContent))
                .observe(note, {subtree: true, childList: true});
        }"""
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'sprechstunde live' AND datname = current_database()"
        )
        assert cursor.fetchone()[0] >= 1
    rules.hold(slots[0], by=anna)

    expect(card(page, slots[0])).to_contain_text("vorgemerkt")
    expect(page.locator("[data-live-note]")).to_contain_text("aktualisiert gerade eben")
    assert any("Verbindung unterbrochen" in said for said in page.evaluate("window.said"))


@pytest.mark.promise(20)
def test_a_laptop_that_slept_counts_on_from_the_servers_clock(
    board: Board, slots: list[Slot], anna: User
) -> None:
    """While it sleeps only the clock on its wall goes on. The line may stand, and nobody changed the slot."""
    page = board(anna)
    card(page, slots[0]).get_by_role("button", name="Vormerken").click()
    timer = card(page, slots[0]).get_by_role("timer")
    expect(timer).to_have_text(re.compile(r"noch (5:00|4:5\d) Min\."))

    Booking.objects.update(held_until=F("held_until") - timedelta(minutes=2))
    page.clock.set_system_time(timezone.now() + timedelta(minutes=2))

    expect(timer).to_have_text(re.compile(r"noch 2:[345]\d Min\."))
    expect(page.locator("[data-live-note]")).to_contain_text("aktualisiert gerade eben")


@pytest.mark.promise(13)
def test_who_may_no_longer_look_is_sent_away(board: Board, slots: list[Slot], anna: User) -> None:
    page = board(anna)
    anna.is_active = False
    anna.save()
    announcements.rights_changed(anna)

    page.wait_for_url(re.compile(reverse("accounts:sign_in")))


# --- For everyone ------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["de", "en"])
def test_the_board_has_no_barriers(
    board: Board, slots: list[Slot], anna: User, ben: User, language: str
) -> None:
    User.objects.filter(pk=anna.pk).update(language=language)
    rules.hold(slots[0], by=anna)
    rules.book(slots[1], client=factories.ClientFactory(owner=anna), by=anna)
    factories.SlotFactory(session=slots[0].session, block=3, is_open=False)
    page = board(anna)

    assert browsing.faults(page, 1280, 360) == []
    # On paper the symbols of the states stand as well, and nothing one could press.
    page.emulate_media(media="print")
    own = card(page, slots[1])
    expect(own.locator(".kern-badge .kern-icon").first).to_have_css("print-color-adjust", "exact")
    expect(own.locator("a")).to_have_count(1)
    expect(own.locator("a")).to_be_hidden()


def test_the_coordination_sees_the_board_without_barriers(
    board: Board, slots: list[Slot], anna: User
) -> None:
    rules.book(slots[0], client=factories.ClientFactory(owner=anna), by=anna)
    page = board(factories.UserFactory(roles=[Role.COORDINATOR.value]))

    assert browsing.axe(page) == []
