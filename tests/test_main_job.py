"""The main job, from the plan to the step in the help plan, by real people in real windows."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

import accounts.demo
import clients.demo
from accounts import second_factor
from accounts.models import TotpDevice, User
from clients.models import Client
from consultations.models import Referral, SheetVersion, Step
from notifications.models import PhoneText
from scheduling import resources
from scheduling.models import Booking, Series, Session
from tests import browsing
from tests.servers import Daphne, Worker

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Welche nächsten Schritte geben Halt im Alltag?"
SENTENCE = "Einmal in der Woche ein fester Termin."
# Which pages each window was looked at by axe, to look again in English.
looked_at: dict[Page, list[str]] = {}
LIVE = browsing.within(2000)  # the other browser sees a change


@pytest.fixture
def live_server_daphne(transactional_db, tmp_path):
    """A server of one's own in demo mode: only the demo shows its clients' phones."""
    server = Daphne(tmp_path / "daphne.log", SPRECHSTUNDE_MODE="demo")
    server.start()
    yield server
    server.end()


@pytest.fixture
def worker(live_server_daphne, tmp_path):
    """A worker whose links lead to that server."""
    process = Worker(tmp_path / "worker.log", SPRECHSTUNDE_MODE="demo", PUBLIC_URL=live_server_daphne.url)
    process.start()
    yield process
    process.end()


@pytest.fixture
def district():
    """The demo district with people, clients, rooms; no series: the coordinator plans it."""
    accounts.demo.load()
    clients.demo.load()
    coordinator = User.objects.get(username="koordination")
    resources.save_room(None, name="Raum 2.14", address="Hauptstr. 1, Zimmer 2.14", way="", by=coordinator)
    resources.ensure_kind(coordinator.district)


@pytest.fixture
def enter(windows, district):
    """`enter("awo")`: that person's own window, signed in."""

    def open_for(username: str, **options) -> Page:
        page: Page = windows.open(**options)
        browsing.sign_in(page, User.objects.get(username=username), accounts.demo.PASSWORD)
        return page

    return open_for


def test_from_the_plan_to_the_step(enter, windows, live_server_daphne, worker):
    plan_a_weekly_series(enter("koordination"))
    session = Session.objects.order_by("start_at").first()
    slot = session.slots.filter(format="presentation").order_by("start_at").first()

    awo, caritas = enter("awo"), enter("caritas")
    card = f"#slot-{slot.uuid}"
    for window in (awo, caritas):
        window.goto(reverse("scheduling:board") + f"{timezone.localtime(session.start_at):%Y-%m}/")
        expect(window.locator(card)).to_contain_text("frei")
    no_findings(awo)

    # One holds; the other sees it live, without a name, and cannot take it.
    awo.locator(card).get_by_role("button", name="Vormerken").click()
    expect(awo.locator(card)).to_contain_text("von Ihnen vorgemerkt")
    expect(caritas.locator(card)).to_contain_text("vorgemerkt", timeout=LIVE)
    expect(caritas.locator(card)).not_to_contain_text("Keller")
    expect(caritas.locator(card).get_by_role("button", name="Vormerken")).to_have_count(0)

    book_with_a_new_referral(awo, slot)
    expect(caritas.locator(card)).to_contain_text("belegt", timeout=LIVE)
    booking = Booking.objects.get(slot=slot)
    assert (booking.status, booking.client.given_name) == ("booked", "Amal")

    the_phone_answers(windows, enter("awo"), booking)
    release_a_recommendation(enter("fachaerztin"), session, booking)
    decide_and_read_the_plan(awo)
    nothing_in_english_either()


def plan_a_weekly_series(page: Page) -> None:
    """Every week on tomorrow's weekday, so that the first session is tomorrow."""
    tomorrow = timezone.localdate() + timedelta(days=1)
    page.goto(reverse("scheduling:plan_year"))
    page.get_by_label("alle paar Wochen").check()
    page.fill("[name=every]", "1")
    for box in page.locator("input[name=weekdays]").all():
        box.set_checked(box.get_attribute("value") == str(tomorrow.weekday()))
    page.fill("[name=first_on]", tomorrow.isoformat())
    page.fill("[name=until]", (tomorrow + timedelta(days=60)).isoformat())
    page.fill("[name=start_time]", "10:00")
    page.select_option("[name=specialist]", label="Dr. Miriam Stein")
    page.select_option("[name=room]", index=1)
    no_findings(page)
    page.get_by_role("button", name="Alle Termine ansehen").last.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Alle Termine")
    assert not Series.objects.exists()
    no_findings(page)
    page.get_by_role("button", name="Serie anlegen").click()
    page.wait_for_url(lambda url: "/jahr/" not in url)
    assert Series.objects.count() == 1


def book_with_a_new_referral(page: Page, slot) -> None:
    """From the held place through the four steps to the booked appointment."""
    page.locator(f"#slot-{slot.uuid}").get_by_role("link", name="Anmeldung wählen und buchen").click()
    no_findings(page)
    page.get_by_role("button", name="Neue Anmeldung beginnen").click()
    page.select_option("[name=client]", label="26-A7KQM · Amal Haddad")
    page.locator("input[name=safety][value=no]").check()
    no_findings(page)
    page.get_by_role("button", name="Weiter").click()
    page.fill("[name=question]", QUESTION)
    page.locator("input[name=observations][value=sleep]").check()
    page.locator("input[name=urgency][value=routine]").check()
    no_findings(page)
    page.get_by_role("button", name="Weiter").click()
    page.locator("input[name=interpreter_need][value=needed]").check()
    page.fill("[name=interpreter_name]", "Samira Nasser")
    no_findings(page)
    page.get_by_role("button", name="Weiter").click()
    page.select_option("[name=recipients]", index=1)
    page.get_by_role("button", name="Einwilligung festhalten").click()
    expect(page.get_by_role("link", name="Einwilligung widerrufen")).to_be_visible()
    no_findings(page)
    page.get_by_role("button", name="Weiter").click()
    no_findings(page)
    referral = Referral.objects.get(client__given_name__isnull=False, author__username="awo")
    page.goto(reverse("consultations:book", args=[referral.uuid, slot.uuid]))
    no_findings(page)
    page.get_by_role("button", name="Verbindlich buchen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gebucht")
    no_findings(page)


def the_phone_answers(windows, staff: Page, booking: Booking) -> None:
    """The neutral Arabic message, right to left; its link opens the client page, which confirms."""
    browsing.wait_until(lambda: PhoneText.objects.filter(message__client=booking.client).exists())
    staff.goto(reverse("notifications:phones"))
    text = staff.locator("[lang=ar][dir=rtl]").first
    expect(text).to_contain_text("موعدك")
    for word in ("Amal", "Haddad", "Trauma", "Sprechstunde", "Psych"):
        expect(text).not_to_contain_text(word)
    no_findings(staff)
    found = re.search(r"https?://\S+", PhoneText.objects.get(message__client=booking.client).body)
    assert found is not None
    phone = windows.open(viewport=browsing.PHONE, java_script_enabled=False)
    phone.goto(found[0])
    expect(phone.locator("html")).to_have_attribute("dir", "rtl")
    booking.refresh_from_db()
    assert booking.answer == ""
    phone.locator("button").first.click()
    booking.refresh_from_db()
    assert booking.answer == "coming"


def release_a_recommendation(page: Page, session: Session, booking: Booking) -> None:
    """The agenda shows the question first; the sheet by tick and one sentence; the code releases it."""
    page.goto(reverse("consultations:agenda", args=[timezone.localtime(session.start_at).date()]))
    expect(page.locator("main")).to_contain_text(QUESTION)
    expect(page.locator("main")).to_contain_text("Samira Nasser")
    no_findings(page)
    page.get_by_role("link", name=re.compile("Empfehlung (vorbereiten|schreiben)")).click()
    page.locator("#item-stabilising").check()
    page.fill("#sentence-stabilising", SENTENCE)
    page.select_option("#urgency-stabilising", "two_weeks")
    expect(page.locator(".sheet__preview")).to_contain_text(SENTENCE)
    no_findings(page)
    page.get_by_role("button", name="Freigeben").click()
    expect(page.locator("main")).to_contain_text(SENTENCE)
    no_findings(page)
    device = TotpDevice.objects.get(user__username="fachaerztin")
    TotpDevice.objects.filter(pk=device.pk).update(last_t=-1)
    page.fill("[name=code]", second_factor.current_code(device.secret))
    page.get_by_role("button", name="Verbindlich freigeben").click()
    page.wait_for_url(lambda url: "freigeben" not in url)
    version = SheetVersion.objects.get(sheet__referral__booking=booking)
    assert (version.number, [item.sentence for item in version.items.all()]) == (1, [SENTENCE])


def decide_and_read_the_plan(page: Page) -> None:
    """Heute leads to the decision; the accepted item stands in the plan with its origin."""
    page.goto(reverse("consultations:today"))
    expect(page.locator("main")).to_contain_text("Empfehlung")
    no_findings(page)
    assert not Step.objects.exists()
    version = SheetVersion.objects.get()
    page.goto(reverse("consultations:decide", args=[version.uuid]))
    no_findings(page)
    page.get_by_role("button", name="Alle übernehmen").click()
    page.wait_for_url(re.compile("hilfeplan"))
    expect(page.locator("main")).to_contain_text(SENTENCE)
    expect(page.locator("main").get_by_text("Punkt 1").first).to_be_visible()
    no_findings(page)
    step = Step.objects.get()
    assert step.origin_item is not None
    assert step.origin_item.version == version
    assert step.due_on == timezone.localdate() + timedelta(days=14)
    assert Client.objects.get(pk=step.plan.client_id).given_name == "Amal"


def no_findings(page: Page) -> None:
    """No accessibility finding; the page is looked at again in English at the end."""
    assert browsing.axe(page) == []
    looked_at.setdefault(page, []).append(page.url)


def nothing_in_english_either() -> None:
    """The same pages once more, each in the window of the person who saw it."""
    for page, addresses in looked_at.items():
        page.goto(reverse("accounts:profile"))
        # One person's second window speaks English already.
        if page.locator("html").get_attribute("lang") != "en":
            page.locator("form[action*='/sprache/'] button[value=en]").first.dispatch_event("click")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        for address in dict.fromkeys(addresses):
            page.goto(address)
            expect(page.locator("html")).to_have_attribute("lang", "en")
            assert browsing.axe(page) == []
