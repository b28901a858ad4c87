"""The sheet's pages: written by its specialist alone, kept, compared, released with a code."""

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from consultations.models import ItemCode, RecommendationSheet, Referral, SheetVersion
from scheduling.models import BlockFormat
from tests.consultations.people import three
from tests.consultations.sheets import a_code, line, release, write
from tests.factories import BookingFactory, ReferralFactory, SheetFactory, SlotFactory, UserFactory
from tests.sign_in import as_user, code_of

pytestmark = pytest.mark.django_db

PSZ, GP = ItemCode.PSYCHOSOCIAL_CENTRE, ItemCode.GP_CHECK
NAMES = ["sheet", "sheet_autosave", "sheet_preview", "sheet_set_aside", "sheet_release"]


def address(sheet: RecommendationSheet, name: str = "sheet") -> str:
    return reverse(f"consultations:{name}", args=[sheet.referral.uuid])


def typed(revision: int, sentences: dict[str, str], *, tab: str = "one") -> dict[str, Any]:
    """What a browser posts of a page on which these items are ticked."""
    data: dict[str, Any] = {"revision": revision, "tab": tab, "item": list(sentences)}
    for code, sentence in sentences.items():
        data |= {
            f"sentence-{code}": sentence,
            f"urgency-{code}": "two_weeks",
            f"responsible-{code}": "client",
        }
    return data


def page(browser: Browser, where: str) -> str:
    answer = browser.get(where)
    assert answer.status_code == 200
    return str(answer.content.decode())


def stored(sheet: RecommendationSheet) -> RecommendationSheet:
    return RecommendationSheet.objects.get(pk=sheet.pk)


# --- Who -------------------------------------------------------------------------------------
@pytest.mark.promise(12)
@pytest.mark.parametrize("name", NAMES)
def test_only_its_specialist_reaches_a_sheet(name: str) -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ, "Geheimer Satz"))
    _owner, colleague, stranger = three()
    other_doctor = UserFactory.create(roles=["specialist"])
    far_doctor = UserFactory.create(roles=["specialist"], organisation=stranger.organisation)
    people = [(other_doctor, 404), (far_doctor, 404), (sheet.referral.author, 403), (colleague, 403)]
    for person, status in people:
        browser = as_user(person)
        method = browser.get if name in {"sheet", "sheet_preview", "sheet_release"} else browser.post
        answer = method(address(sheet, name))
        assert (answer.status_code, b"Geheimer Satz" in answer.content) == (status, False)
    assert stored(sheet).draft[0]["sentence"] == "Geheimer Satz"


def test_the_first_visit_opens_the_sheet_and_is_on_record() -> None:
    referral = ReferralFactory.create(
        booking=BookingFactory.create(slot=SlotFactory.create()), submitted_at=timezone.now()
    )
    doctor = referral.booking.slot.session.specialist.user
    page(as_user(doctor), reverse("consultations:sheet", args=[referral.uuid]))
    sheet = RecommendationSheet.objects.get(referral=referral)
    assert [e.verb for e in AuditEvent.objects.about(sheet).order_by("pk")] == ["sheet_opened", "viewed"]


def test_the_specialist_never_learns_whose_case_a_case_consultation_is_about() -> None:
    sheet = SheetFactory.create()
    Referral.objects.update(format=BlockFormat.CASE_CONSULTATION, consent=None, pseudonym="Fall Linde")
    client = sheet.referral.client
    text = page(as_user(sheet.author), address(sheet))
    assert "Fall Linde" in text
    for told in (client.given_name, client.family_name, client.case_number, str(client.uuid)):
        assert told not in text


def test_after_the_window_the_sheet_stays_without_the_referral() -> None:
    sheet = SheetFactory.create(referral__question="Die Frage")
    Referral.objects.update(question="Die Frage")
    write(sheet, line(PSZ, "Mein Satz"))
    consent = sheet.referral.consent
    consent.revoked_at = timezone.now()
    consent.save()
    text = page(as_user(sheet.author), address(sheet))
    assert "Mein Satz" in text
    assert "Die Frage" not in text


# --- Keeping ---------------------------------------------------------------------------------
def test_the_page_saves_without_scripts() -> None:
    sheet = SheetFactory.create()
    answer = as_user(sheet.author).post(address(sheet), typed(0, {PSZ: "Warteliste"}) | {"act": "save"})
    assert (answer.status_code, answer["Location"]) == (302, address(sheet))
    assert stored(sheet).draft == [
        {
            "code": "psychosocial_centre",
            "chosen": True,
            "sentence": "Warteliste",
            "urgency": "two_weeks",
            "responsible": "client",
        }
    ]
    assert "Warteliste" in page(as_user(sheet.author), address(sheet))


@pytest.mark.promise(10)
def test_autosave_answers_with_the_revision_and_keeps_odd_input() -> None:
    sheet = SheetFactory.create()
    odd = {
        "revision": 0,
        "item": [PSZ, "unknown"],
        f"urgency-{PSZ}": "someday",
        f"sentence-{GP}": "ohne Haken",
    }
    answer = as_user(sheet.author).post(address(sheet, "sheet_autosave"), odd)
    assert answer.json()["revision"] == 1
    assert answer.json()["saved_at"] == stored(sheet).saved_at.isoformat()  # type: ignore[union-attr]
    assert [(i["code"], i["chosen"], i["urgency"], i["sentence"]) for i in stored(sheet).draft] == [
        (PSZ, True, "someday", ""),
        (GP, False, "", "ohne Haken"),
    ]


@pytest.mark.promise(10)
@pytest.mark.parametrize("revision", ["", "x", "-1", "99999999999999"])
def test_a_revision_that_is_none_counts_as_another_tab(revision: str) -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ, "gesichert"))
    data = typed(0, {PSZ: "neu"}, tab="two") | {"revision": revision}
    assert as_user(sheet.author).post(address(sheet, "sheet_autosave"), data).status_code == 409
    assert stored(sheet).draft[0]["sentence"] == "gesichert"
    assert stored(sheet).set_aside["two"]["items"][0]["sentence"] == "neu"


@pytest.mark.promise(10)
def test_a_conflict_shows_both_texts_and_either_can_go_on() -> None:
    sheet = SheetFactory.create()
    browser = as_user(sheet.author)
    browser.post(address(sheet, "sheet_autosave"), typed(0, {PSZ: "Text links"}, tab="one"))

    answer = browser.post(address(sheet, "sheet_autosave"), typed(0, {PSZ: "Text rechts"}, tab="two"))

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Text links" in text
    assert "Text rechts" in text
    assert 'data-keep="mine" data-revision="1"' in text
    browser.post(address(sheet, "sheet_autosave"), typed(1, {PSZ: "Text rechts"}, tab="two"))
    assert stored(sheet).draft[0]["sentence"] == "Text rechts"
    assert "Text links" in page(browser, address(sheet))


@pytest.mark.promise(10)
def test_a_conflict_without_scripts_keeps_what_was_typed_in_the_page() -> None:
    sheet = SheetFactory.create()
    browser = as_user(sheet.author)
    browser.post(address(sheet), typed(0, {PSZ: "Text links"}, tab="one"))
    answer = browser.post(address(sheet), typed(0, {PSZ: "Text rechts"}, tab="two"))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="Text rechts"' in text
    assert 'name="revision" value="1"' in text
    assert 'name="tab" value="two"' in text
    assert stored(sheet).draft[0]["sentence"] == "Text links"


def test_a_text_set_aside_can_be_taken_up_or_discarded() -> None:
    sheet = SheetFactory.create()
    browser = as_user(sheet.author)
    browser.post(address(sheet, "sheet_autosave"), typed(0, {PSZ: "links"}, tab="one"))
    browser.post(address(sheet, "sheet_autosave"), typed(0, {PSZ: "rechts"}, tab="two"))
    browser.post(address(sheet, "sheet_set_aside"), {"key": "two", "act": "take"})
    assert stored(sheet).draft[0]["sentence"] == "rechts"
    (key,) = stored(sheet).set_aside
    browser.post(address(sheet, "sheet_set_aside"), {"key": key, "act": "drop"})
    assert stored(sheet).set_aside == {}


@pytest.mark.promise(10)
def test_a_session_that_ended_while_typing_answers_401_so_that_the_browser_keeps_the_text() -> None:
    sheet = SheetFactory.create()
    answer = Browser().post(
        address(sheet, "sheet_autosave"), typed(0, {PSZ: "x"}), headers={"X-Requested-With": "autosave"}
    )
    assert answer.status_code == 401
    assert stored(sheet).draft == []


# --- What the caseworker will read -----------------------------------------------------------
def test_the_preview_is_word_for_word_what_the_caseworker_reads() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ, "Warteliste fragen"), line(GP, "Blutbild"))
    shown = as_user(sheet.author).get(address(sheet, "sheet_preview")).content.decode().strip()
    assert shown in page(as_user(sheet.author), address(sheet))
    version = release(sheet)
    read = page(as_user(sheet.referral.author), reverse("consultations:version", args=[version.uuid]))
    for number in (1, 2):
        read = read.replace(f' id="punkt-{number}"', "")
    assert shown in read


# --- Releasing -------------------------------------------------------------------------------
def test_release_asks_for_the_code_and_then_stands() -> None:
    sheet = SheetFactory.create()
    browser = as_user(sheet.author)
    answer = browser.post(address(sheet), typed(0, {PSZ: "Warteliste"}) | {"act": "release"})
    assert answer["Location"] == address(sheet, "sheet_release")
    asked = page(browser, answer["Location"])
    assert 'autocomplete="one-time-code"' in asked
    assert "Warteliste" in asked

    done = browser.post(answer["Location"], {"revision": 1, "code": code_of(sheet.author)})

    version = SheetVersion.objects.get()
    assert done["Location"] == reverse("consultations:version", args=[version.uuid])
    assert version.items.get().sentence == "Warteliste"
    again = browser.post(answer["Location"], {"revision": 1, "code": code_of(sheet.author)})
    assert again["Location"] == done["Location"]
    assert SheetVersion.objects.count() == 1


def test_a_wrong_code_says_so_beside_the_field_and_releases_nothing() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ))
    answer = as_user(sheet.author).post(address(sheet, "sheet_release"), {"revision": 1, "code": "000000"})
    assert answer.status_code == 422
    assert 'id="code-error"' in answer.content.decode()
    assert not SheetVersion.objects.exists()


def test_what_is_missing_stands_on_the_release_page_instead_of_the_code() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(ItemCode.MEDICAL_LETTER))
    asked = page(as_user(sheet.author), address(sheet, "sheet_release"))
    assert "braucht einen Satz" in asked
    assert 'name="code"' not in asked
    answer = as_user(sheet.author).post(
        address(sheet, "sheet_release"), {"revision": 1, "code": a_code(sheet.author)}
    )
    assert answer.status_code == 422
    assert not SheetVersion.objects.exists()


def test_no_further_step_beside_others_is_said_at_the_draft_and_before_the_release() -> None:
    sheet = SheetFactory.create()
    browser, said = as_user(sheet.author), "steht neben anderen Punkten"
    browser.post(address(sheet, "sheet_autosave"), typed(0, {ItemCode.NO_FURTHER_STEP: ""}))
    shown = [address(sheet, name) for name in ("sheet", "sheet_preview", "sheet_release")]
    assert not any(said in page(browser, where) for where in shown)
    browser.post(address(sheet, "sheet_autosave"), typed(1, {ItemCode.NO_FURTHER_STEP: "", GP: "Blutbild"}))
    for where in shown:
        assert said in page(browser, where)
        assert "Blutbild" in page(browser, where)
    assert 'name="code"' not in page(browser, shown[-1])


def test_a_draft_that_moved_on_is_shown_again_before_it_is_released() -> None:
    sheet = SheetFactory.create()
    write(sheet, line(PSZ, "alt"))
    write(sheet, line(PSZ, "neu"))
    answer = as_user(sheet.author).post(
        address(sheet, "sheet_release"), {"revision": 1, "code": a_code(sheet.author)}
    )
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "neu" in text
    assert 'name="revision" value="2"' in text
    assert not SheetVersion.objects.exists()


# --- Bounded ---------------------------------------------------------------------------------
@pytest.mark.parametrize("items", [1, 3])
def test_the_page_asks_the_database_the_same_number_of_questions(
    items: int, django_assert_num_queries: Any
) -> None:
    sheet = SheetFactory.create()
    codes = [PSZ, GP, ItemCode.PSYCHOTHERAPY][:items]
    for count in range(1, items + 1):
        release(sheet, *(line(code, f"Fassung {count}") for code in codes))
    browser = as_user(sheet.author)
    browser.get(address(sheet))
    with django_assert_num_queries(11):
        browser.get(address(sheet))
