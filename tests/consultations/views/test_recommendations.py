"""Reading a released recommendation and deciding on it: the case team, and nobody else."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from consultations.decisions import step_text
from consultations.models import (
    Acknowledgement,
    ItemCode,
    ItemDecision,
    RecommendationItem,
    Referral,
    SheetVersion,
    Step,
)
from consultations.recommendations import SENTENCE_LENGTH
from scheduling.models import BlockFormat
from tests.consultations.people import three
from tests.consultations.sheets import line, release
from tests.factories import SheetFactory, UserFactory, VersionFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db

PSZ, GP = ItemCode.PSYCHOSOCIAL_CENTRE, ItemCode.GP_CHECK


def of(version: SheetVersion, name: str) -> str:
    return reverse(f"consultations:{name}", args=[version.uuid])


def case_team(version: SheetVersion) -> Browser:
    return as_user(version.sheet.referral.author)


def plan_of(version: SheetVersion) -> str:
    client = version.sheet.referral.client
    assert client is not None
    return reverse("consultations:plan", args=[client.uuid])


def row(item: RecommendationItem, **fields: Any) -> dict[str, Any]:
    """What a browser posts for one row; the suggested step stands in its fields."""
    filled = {
        "client_word": "not_discussed",
        "text": "Vorschlag",
        "domain": "health",
        "responsible": "client",
    }
    return {f"{item.uuid}-{name}": value for name, value in {**filled, **fields}.items()}


def rows(version: SheetVersion, **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in version.items.all():
        found |= row(item, **fields)
    return found


# --- Who -------------------------------------------------------------------------------------
@pytest.mark.promise(12)
@pytest.mark.parametrize("name", ["version", "decide", "acknowledge", "undo_decision"])
def test_colleagues_and_strangers_find_no_such_recommendation(name: str) -> None:
    version = VersionFactory.create()
    target = version.items.first().uuid if name == "undo_decision" else version.uuid
    where = reverse(f"consultations:{name}", args=[target])
    _owner, colleague, stranger = three()
    same_team = UserFactory.create()
    for person in (colleague, stranger, same_team):
        browser = as_user(person)
        answer = browser.get(where) if name in {"version", "decide"} else browser.post(where)
        assert (answer.status_code, b"Satz 1" in answer.content) == (404, False)
    assert not ItemDecision.objects.exists()


def test_the_specialist_reads_but_does_not_decide() -> None:
    version = VersionFactory.create()
    browser = as_user(version.sheet.author)
    assert "Satz 1" in browser.get(of(version, "version")).content.decode()
    assert browser.get(of(version, "decide")).status_code == 403


def test_every_reading_is_on_record() -> None:
    version = VersionFactory.create()
    case_team(version).get(of(version, "version"))
    case_team(version).get(of(version, "decide"))
    looks = AuditEvent.objects.about(version.sheet).filter(is_look=True)
    assert [look.details for look in looks] == [{"version": 1}, {"version": 1}]


def test_a_superseded_version_stays_readable_and_says_so() -> None:
    sheet = SheetFactory.create()
    first = release(sheet, line(PSZ, "alter Satz"))
    second = release(sheet, line(PSZ, "neuer Satz"))
    text = case_team(first).get(of(first, "version")).content.decode()
    assert "alter Satz" in text
    assert "Diese Fassung ist ersetzt" in text
    assert of(second, "version") in text


# --- Deciding ----------------------------------------------------------------------------------
def test_take_all_leads_straight_to_the_plan() -> None:
    version = VersionFactory.create()
    answer = case_team(version).post(of(version, "decide"), rows(version, client_word="yes") | {"act": "all"})
    assert answer["Location"] == plan_of(version)
    assert list(Step.objects.values_list("client_word", flat=True)) == ["yes", "yes"]
    assert Step.objects.first().text != "Vorschlag"  # type: ignore[union-attr]


def test_row_by_row_and_back_to_what_is_left() -> None:
    version = VersionFactory.create()
    first, second = version.items.all()
    answer = case_team(version).post(
        of(version, "decide"),
        rows(version) | row(first, decision="declined", reason="duplicate") | {"act": "save"},
    )
    assert answer["Location"] == of(version, "decide")
    assert ItemDecision.objects.get().item == first
    text = case_team(version).get(of(version, "decide")).content.decode()
    assert "ist schon im Hilfeplan" in text
    assert f'name="{second.uuid}-decision"' in text
    assert f'name="{first.uuid}-decision"' not in text


def test_what_was_marked_counts_when_all_the_rest_is_taken() -> None:
    version = VersionFactory.create()
    first, second = version.items.all()
    until = timezone.localdate() + timedelta(days=20)
    data = rows(version) | row(first, decision="deferred", deferred_until=until.isoformat()) | {"act": "all"}
    case_team(version).post(of(version, "decide"), data)
    assert ItemDecision.objects.get(item=first).deferred_until == until
    assert Step.objects.get().origin_item == second


def test_changed_fields_count_only_with_their_choice() -> None:
    version = VersionFactory.create()
    first, second = version.items.all()
    due = timezone.localdate() + timedelta(days=50)
    changed = {"text": "Eigene Worte", "due_on": due.isoformat()}
    data = row(first, decision="changed", **changed) | row(second, decision="accepted", **changed)
    case_team(version).post(of(version, "decide"), data | {"act": "save"})
    assert Step.objects.get(origin_item=first).text == "Eigene Worte"
    assert Step.objects.get(origin_item=second).text == "Körperliche Abklärung in der Hausarztpraxis: Satz 2"


def test_what_is_missing_is_said_and_what_was_typed_stays() -> None:
    version = VersionFactory.create()
    first, _second = version.items.all()
    data = rows(version) | row(first, decision="declined", note="Meine Notiz") | {"act": "save"}
    answer = case_team(version).post(of(version, "decide"), data)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Bitte wählen Sie, warum" in text
    assert 'value="Meine Notiz"' in text
    assert not ItemDecision.objects.exists()


def test_a_date_that_is_none_is_pointed_out() -> None:
    version = VersionFactory.create()
    first, _second = version.items.all()
    data = rows(version) | row(first, decision="deferred", deferred_until="bald") | {"act": "save"}
    answer = case_team(version).post(of(version, "decide"), data)
    assert answer.status_code == 422
    assert "kern-error" in answer.content.decode()


def test_an_old_version_leads_to_the_one_that_counts() -> None:
    sheet = SheetFactory.create()
    first = release(sheet, line(PSZ, "alt"))
    second = release(sheet, line(PSZ, "neu"))
    browser = case_team(first)
    assert browser.get(of(first, "decide"))["Location"] == of(second, "decide")
    assert browser.post(of(first, "decide"), rows(first) | {"act": "all"})["Location"] == of(second, "decide")
    assert not Step.objects.exists()


def test_a_decision_can_be_taken_back() -> None:
    version = VersionFactory.create(item_count=1)
    item = version.items.get()
    browser = case_team(version)
    browser.post(of(version, "decide"), rows(version) | {"act": "all"})
    answer = browser.post(reverse("consultations:undo_decision", args=[item.uuid]))
    assert answer["Location"] == of(version, "decide")
    assert not Step.objects.exists()
    assert not ItemDecision.objects.exists()


def test_a_reworded_item_names_the_step_it_would_replace() -> None:
    sheet = SheetFactory.create()
    first = release(sheet, line(PSZ, "bei Refugio"), line(GP, "Blutbild"))
    case_team(first).post(of(first, "decide"), rows(first) | {"act": "all"})
    second = release(sheet, line(PSZ, "in Stuttgart"))
    text = case_team(second).get(of(second, "decide")).content.decode()
    assert "Bisher im Hilfeplan: „Anmeldung im Psychosozialen Zentrum: bei Refugio“" in text
    assert "In dieser Fassung nicht mehr enthalten" in text
    assert "Körperliche Abklärung in der Hausarztpraxis: Blutbild" in text


# --- Case consultations ------------------------------------------------------------------------
def case_consultation(**fields: Any) -> SheetVersion:
    version = VersionFactory.create()
    Referral.objects.update(
        format=BlockFormat.CASE_CONSULTATION, consent=None, pseudonym="Fall Linde", **fields
    )
    return SheetVersion.objects.get(pk=version.pk)


def test_a_pseudonymous_answer_is_read_and_acknowledged() -> None:
    version = case_consultation(client=None)
    browser = case_team(version)
    text = browser.get(of(version, "decide")).content.decode()
    assert "Satz 1" in text
    assert "Alle übernehmen" not in text
    browser.post(of(version, "acknowledge"))
    assert Acknowledgement.objects.get().version == version
    assert "Gelesen am" in browser.get(of(version, "decide")).content.decode()


def test_with_a_linked_client_single_items_may_be_taken() -> None:
    version = case_consultation()
    first, _second = version.items.all()
    data = rows(version) | row(first, decision="accepted") | {"act": "save"}
    case_team(version).post(of(version, "decide"), data)
    assert Step.objects.get().origin_item == first


# --- Bounded -------------------------------------------------------------------------------------
@pytest.mark.parametrize("items", [1, 3])
def test_deciding_asks_the_database_the_same_number_of_questions(
    items: int, django_assert_num_queries: Any
) -> None:
    version = VersionFactory.create(item_count=items)
    browser = case_team(version)
    browser.get(of(version, "decide"))
    with django_assert_num_queries(9):
        browser.get(of(version, "decide"))
    with django_assert_num_queries(8):
        browser.get(of(version, "version"))


def test_the_longest_sentence_is_taken_over_and_its_step_changed() -> None:
    """The browser sends the suggested step with every choice; it is the item's name and the sentence."""
    longest = max(ItemCode, key=lambda code: len(code.label))
    sheet = SheetFactory.create()
    version = release(sheet, line(longest, "s" * SENTENCE_LENGTH), line(GP, "s" * SENTENCE_LENGTH))
    first, second = version.items.all()
    browser = case_team(version)
    due = (timezone.localdate() + timedelta(days=30)).isoformat()
    posted = row(first, text=step_text(first), decision="accepted") | row(
        second, text=step_text(second), decision="changed", due_on=due
    )
    assert browser.post(of(version, "decide"), posted).headers["Location"] == plan_of(version)
    step = Step.objects.get(origin_item=first)
    assert step.text == step_text(first)
    change = {
        "text": step.text,
        "responsible": "client",
        "due_on": due,
        "domain": step.domain,
        "client_word": "yes",
    }
    answer = browser.post(reverse("consultations:step", args=[step.uuid]), change)
    assert answer.headers["Location"] == plan_of(version)
    step.refresh_from_db()
    assert (step.responsible, step.client_word) == ("client", "yes")
