"""Sheet, release, decisions and plan in real browsers: by keyboard, without loss, without scripts."""

import signal
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session as Login
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from clients.models import Client
from consultations import decisions, help_plans
from consultations.models import ItemCode, RecommendationSheet, SheetVersion, Step
from tests import browsing
from tests.consultations.sheets import accept_all, line, release, write
from tests.factories import SheetFactory
from tests.servers import Daphne
from tests.sign_in import as_user, code_of

pytestmark = pytest.mark.django_db(transaction=True)

Open = Callable[..., Page]
GP, PSZ = ItemCode.GP_CHECK, ItemCode.PSYCHOSOCIAL_CENTRE


@pytest.fixture
def sheet(transactional_db: None) -> RecommendationSheet:
    made: RecommendationSheet = SheetFactory.create()
    return made


def case_of(sheet: RecommendationSheet) -> Client:
    assert sheet.referral.client is not None
    return sheet.referral.client


def sentences(sheet: RecommendationSheet) -> list[str]:
    return [item["sentence"] for item in RecommendationSheet.objects.get(pk=sheet.pk).draft]


# --- Writing -----------------------------------------------------------------------------------
def test_a_sheet_is_written_and_released_with_the_keyboard_alone(
    open_page: Open, sheet: RecommendationSheet
) -> None:
    page = open_page(sheet.author, "sheet", sheet.referral.uuid)
    expect(page.locator(f"#sentence-{GP}")).to_be_hidden()
    page.locator(f"#item-{GP}").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("Blutbild machen lassen")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")  # from "in 2 Wochen" to "heute"
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    expect(page.locator(".sheet__preview")).to_contain_text("Blutbild machen lassen")
    expect(page.locator(".sheet__preview")).to_contain_text("heute")

    # Enter in a sentence saves; it does not go on by itself.
    page.locator(f"#sentence-{GP}").press("Enter")
    expect(page.get_by_text("Ihr Entwurf ist gesichert.")).to_be_visible()
    page.get_by_role("button", name="Freigeben").press("Enter")
    expect(page.locator("input[name=code]")).to_be_focused()
    page.keyboard.type(code_of(sheet.author))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Die Empfehlung ist freigegeben.")).to_be_visible()

    (item,) = SheetVersion.objects.get().items.all()
    assert (item.sentence, item.urgency) == ("Blutbild machen lassen", "today")


@pytest.mark.promise(10)
def test_two_tabs_show_both_texts_and_lose_none(open_page: Open, sheet: RecommendationSheet) -> None:
    write(sheet, line(GP, "Anfang"))
    first = open_page(sheet.author, "sheet", sheet.referral.uuid)
    second = open_page(sheet.author, "sheet", sheet.referral.uuid)
    first.locator(f"#sentence-{GP}").fill("Text links")
    browsing.wait_until(lambda: sentences(sheet) == ["Text links"])
    second.locator(f"#sentence-{GP}").fill("Text rechts")
    notice = second.get_by_role("alert").filter(has_text="an anderer Stelle gesichert")
    expect(notice).to_contain_text("Text links")
    expect(notice).to_contain_text("Text rechts")
    assert sentences(sheet) == ["Text links"]
    assert browsing.faults(second) == []

    second.get_by_role("button", name="Mit dieser weiterschreiben").click()

    browsing.wait_until(lambda: sentences(sheet) == ["Text rechts"])
    second.reload()
    expect(second.get_by_text("Text links")).to_be_visible()


@pytest.mark.promise(10)
def test_what_was_typed_when_the_session_ended_is_back_after_signing_in(
    open_page: Open, sheet: RecommendationSheet, live_server_daphne: Daphne
) -> None:
    write(sheet, line(GP, "Anfang"))
    page = open_page(sheet.author, "sheet", sheet.referral.uuid)
    Login.objects.all().delete()
    page.locator(f"#sentence-{GP}").fill("Nach dem Ende getippt")
    expect(page.locator("[data-saved]")).to_contain_text("Sie sind abgemeldet")
    assert sentences(sheet) == ["Anfang"]

    cookie = as_user(sheet.author).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server_daphne.url}])
    page.reload()

    expect(page.locator(f"#sentence-{GP}")).to_have_value("Nach dem Ende getippt")
    browsing.wait_until(lambda: sentences(sheet) == ["Nach dem Ende getippt"])


@pytest.mark.promise(10)
def test_a_web_process_killed_while_typing_costs_nothing(
    open_page: Open, sheet: RecommendationSheet, live_server_daphne: Daphne
) -> None:
    write(sheet, line(GP, "Anfang"))
    page = open_page(sheet.author, "sheet", sheet.referral.uuid)
    live_server_daphne.end(signal.SIGKILL)
    page.locator(f"#sentence-{GP}").fill("Ohne Server getippt")
    expect(page.locator("[data-saved]")).to_contain_text("Keine Verbindung")
    live_server_daphne.start()
    expect(page.locator("[data-saved]")).to_contain_text("zuletzt gesichert")
    assert sentences(sheet) == ["Ohne Server getippt"]


# --- Deciding --------------------------------------------------------------------------------------
@pytest.mark.parametrize("script", [True, False])
def test_deciding_leads_to_the_plan_and_the_plan_back_to_the_recommendation(
    open_page: Open, sheet: RecommendationSheet, *, script: bool
) -> None:
    version = release(sheet, line(PSZ, "Warteliste"), line(GP, "Blutbild"))
    page = open_page(sheet.referral.author, "decide", version.uuid, java_script_enabled=script)
    second = page.locator("#punkt-2")
    expect(second.get_by_label("Warum nicht?")).to_be_hidden()
    second.get_by_label("ablehnen").check()
    second.get_by_label("Warum nicht?").select_option("not_available")
    page.get_by_role("button", name="Alle übernehmen").click()

    expect(page.get_by_role("heading", name="Hilfeplan", exact=True)).to_be_visible()
    assert list(Step.objects.values_list("origin_item__code", flat=True)) == [PSZ]
    page.get_by_role("link", name="Punkt 1").first.click()
    expect(page.locator("#punkt-1")).to_contain_text("Warteliste")


def test_a_step_is_ticked_off_on_the_plan(open_page: Open, sheet: RecommendationSheet) -> None:
    version = release(sheet, line(GP, "Blutbild"))
    accept_all(version, by=sheet.referral.author)
    page = open_page(sheet.referral.author, "plan", case_of(sheet).uuid)
    page.get_by_role("button", name="Erledigt").click()
    expect(page.get_by_text("Der Stand ist gesichert.")).to_be_visible()
    assert Step.objects.get().status == "done"


def test_the_clients_copy_prints_on_one_page_without_the_frame(
    open_page: Open, sheet: RecommendationSheet
) -> None:
    accept_all(release(sheet, line(GP, "Blutbild")), by=sheet.referral.author)
    page = open_page(sheet.referral.author, "plan_copy", case_of(sheet).uuid)
    page.emulate_media(media="print")
    expect(page.get_by_text("Blutbild")).to_be_visible()
    expect(page.get_by_role("banner")).to_be_hidden()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1


# --- For everybody -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("language", "widths"), [("de", [1280, 320]), ("en", [320])])
def test_the_pages_are_accessible_and_fit(
    open_page: Open, sheet: RecommendationSheet, language: str, widths: list[int]
) -> None:
    owner, client = sheet.referral.author, case_of(sheet)
    first = release(sheet, line(PSZ, "bei Refugio"), line(GP, "Blutbild"))
    accept_all(first, by=owner)
    second = release(sheet, line(PSZ, "in Stuttgart"), line(ItemCode.RESIDENTIAL_GROUP, "ab Januar"))
    decisions.decide(second.items.get(number=2), decision="accepted", by=owner)
    plan = help_plans.of_client(client, by=owner)
    help_plans.add_goal(
        plan, domain="work", words="Wieder arbeiten", target_on=timezone.localdate(), by=owner
    )
    write(sheet, line(PSZ, "noch anders"))
    User.objects.update(language=language)
    step = Step.objects.earliest("pk")

    of_owner = [
        ("today",), ("version", first.uuid), ("decide", second.uuid), ("plan", client.uuid),
        ("plan_copy", client.uuid), ("add_step", client.uuid), ("add_goal", client.uuid), ("step", step.uuid),
    ]  # fmt: skip
    of_author = [("today",), ("sheet", sheet.referral.uuid), ("sheet_release", sheet.referral.uuid)]
    found = []
    for person, addresses in ((owner, of_owner), (sheet.author, of_author)):
        page = open_page(person, "today")
        for name, *args in addresses:
            page.goto(reverse(f"consultations:{name}", args=args))
            found += browsing.faults(page, *widths)
    assert found == []
