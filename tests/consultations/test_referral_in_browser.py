"""The referral form and the agenda in real browsers: without loss, stopped by danger, live, on paper."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from consultations import referrals
from consultations.models import Referral
from scheduling import booking as bookings
from scheduling.models import Slot
from tests import browsing, factories
from tests.consultations.people import case_consultation_slot, consultation_slot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def draft(transactional_db: None) -> Referral:
    return referrals.start(by=factories.UserFactory(), format="case_consultation")


@pytest.fixture
def slot(transactional_db: None) -> Slot:
    return consultation_slot(
        session__start_at=timezone.localtime().replace(hour=9, minute=0) + timedelta(days=3)
    )


def test_what_is_typed_is_kept_without_a_click(open_page, draft):
    page = open_page(draft.author, "referral", draft.uuid, "frage")
    page.get_by_label("Was möchten Sie am Ende wissen?").fill("Wie geht es weiter?")
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    browsing.wait_until(lambda: Referral.objects.get(pk=draft.pk).question == "Wie geht es weiter?")


def test_a_double_click_sends_a_form_once(open_page, transactional_db):
    page = open_page(factories.UserFactory(), "start_referral")
    kept_back = page.evaluate("""() => {
        const form = document.querySelector("main form"), kept = [];
        window.addEventListener("submit", (event) => {
            kept.push(event.defaultPrevented);
            event.preventDefault();
        });
        form.requestSubmit();
        form.requestSubmit();
        return kept;
    }""")
    assert kept_back == [False, True]


def test_a_part_that_is_exchanged_leaves_the_focus_where_it_was(open_page, draft, slot):
    bookings.hold(slot, by=draft.author)
    page = open_page(draft.author, "referral", draft.uuid, "frage")
    longer = page.get_by_role("button", name="5 Minuten länger")
    for _time in range(2):
        longer.focus()
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.keyboard.press("Enter")
        expect(longer).to_be_focused()
    page.keyboard.press("Enter")
    # It can be made longer three times: its button is gone, the part's next one has the focus.
    expect(page.get_by_role("link", name="Zur Buchung")).to_be_focused()


@pytest.mark.promise(10)
def test_two_windows_on_one_draft_show_both_texts_and_lose_none(open_page, draft):
    first, second = (open_page(draft.author, "referral", draft.uuid, "frage") for _window in range(2))
    first.get_by_label("Was möchten Sie am Ende wissen?").fill("Text aus dem ersten Fenster")
    browsing.wait_until(lambda: Referral.objects.get(pk=draft.pk).revision == 1)
    second.get_by_label("Was möchten Sie am Ende wissen?").fill("Text aus dem zweiten Fenster")
    notice = second.get_by_role("alert").filter(has_text="an anderer Stelle geändert")
    expect(notice).to_contain_text("Text aus dem ersten Fenster")
    expect(notice).to_contain_text("Text aus dem zweiten Fenster")
    assert Referral.objects.get(pk=draft.pk).question == "Text aus dem ersten Fenster"
    second.get_by_role("button", name="Meinen Text behalten").click()
    browsing.wait_until(lambda: Referral.objects.get(pk=draft.pk).question == "Text aus dem zweiten Fenster")


@pytest.mark.parametrize("script", [True, False])
def test_a_yes_to_danger_opens_the_crisis_numbers_at_once(open_page, draft, script):
    factories.CrisisNumberFactory(district=draft.district, label="Krisendienst", phone="07141 112233")
    page = open_page(draft.author, "referral", draft.uuid, "format", java_script_enabled=script)
    expect(page.get_by_text("07141 112233")).to_be_hidden()
    page.get_by_label("ja", exact=True).check()
    expect(page.get_by_text("07141 112233")).to_be_visible()
    page.get_by_role("button", name="Weiter").click()
    expect(page.get_by_role("heading", name="Krisenkarte")).to_be_visible()


def test_the_form_works_without_scripts_from_the_first_question_to_the_booking(open_page, transactional_db):
    client = factories.ClientFactory(dialect="Syrien")
    slot = consultation_slot(session__series__specialist__name="Dr. Sommer")
    bookings.hold(slot, by=client.owner)
    page = open_page(client.owner, "start_referral", java_script_enabled=False)
    page.get_by_role("button", name="Vorstellung vorbereiten").click()
    page.get_by_label("Wen möchten Sie vorstellen?").select_option(str(client.uuid))
    page.get_by_label("nein", exact=True).check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_label("Was möchten Sie am Ende wissen?").fill("Was hilft?")
    page.get_by_label("regulär").check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_label("nötig", exact=True).check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_label("Wer die Angaben erhält").select_option("Dr. Sommer")
    page.get_by_role("button", name="Einwilligung festhalten").click()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("link", name="Weiter zur Buchung").click()
    page.get_by_role("button", name="Verbindlich buchen").click()
    expect(page.get_by_role("heading", name="Der Termin ist gebucht")).to_be_visible()
    assert slot.bookings.get().client == client


def test_the_agenda_shows_a_booking_made_elsewhere_and_says_it_is_live(open_page, slot):
    referral = factories.ReferralFactory(question="Eben erst gestellt")
    on = timezone.localdate(slot.start_at)
    page = open_page(slot.session.specialist.user, "agenda", on)
    expect(page.locator("[data-live-note]")).to_contain_text("gerade eben")
    expect(page.get_by_text("frei", exact=True)).to_be_visible()
    referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    expect(page.get_by_text("Eben erst gestellt")).to_be_visible()
    expect(page.locator("[data-live-words]")).to_contain_text("hat sich geändert")


def test_the_day_prints_on_one_page(open_page, slot):
    session = slot.session
    places = [
        slot,
        consultation_slot(session=session, block=1),
        case_consultation_slot(session=session, block=2),
    ]
    for number, place in enumerate(places):
        told = {"question": "Was hilft? " * 45, "observation_text": "Schläft kaum. " * 40, "avoid": "Miliz"}
        referral = factories.ReferralFactory(
            observations=["sleep", "fear", "body"],
            interpreter_name="Frau Khoury",
            trusted_person="Schwester",
            **told,
            **(
                {"format": "case_consultation", "consent": None, "pseudonym": "Fall L."}
                if number == 2
                else {}
            ),
        )
        referrals.submit(referral, slot_or_hold=place, by=referral.author)
    page = open_page(session.specialist.user, "agenda", timezone.localdate(slot.start_at))
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1


@pytest.mark.parametrize(("language", "widths"), [("de", [1280, 320]), ("en", [320])])
def test_the_pages_are_accessible_and_fit(open_page, slot, language, widths):
    referral = factories.ReferralFactory(author__language=language, client__owner__language=language)
    owner = referral.author
    referrals.submit(referral, slot_or_hold=slot, by=owner)
    waiting = factories.ReferralFactory(client__owner=owner)
    free = consultation_slot(session=slot.session, block=1)
    hold = bookings.hold(free, by=owner)
    specialist = slot.session.specialist.user
    User.objects.filter(pk=specialist.pk).update(language=language)
    steps = ("format", "frage", "begleitung", "einwilligung", "uebersicht")
    addresses = [
        ("referrals",), ("start_referral",), *(("referral", waiting.uuid, step) for step in steps),
        ("crisis", waiting.uuid), ("book_hold", hold.uuid), ("book", waiting.uuid, free.uuid),
        ("booked", referral.uuid), ("consent_sheet", referral.uuid), ("revoke_consent", referral.uuid),
        ("withdraw_referral", referral.uuid), ("ask_exception", referral.uuid),
    ]  # fmt: skip
    page = open_page(owner, "referrals")
    found = []
    for name, *args in addresses:
        page.goto(reverse(f"consultations:{name}", args=args))
        found += browsing.faults(page, *widths)
    agenda = open_page(specialist, "agenda", timezone.localdate(slot.start_at))
    assert found + browsing.faults(agenda, *widths) == []
