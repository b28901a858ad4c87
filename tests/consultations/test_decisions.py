"""From a released item to a step in the plan: decided by people, once, and undone while untouched."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone, translation

from accounts.models import AuditEvent
from consultations import decisions, help_plans
from consultations.decisions import Choice, Decision
from consultations.models import (
    Acknowledgement,
    HelpPlan,
    ItemCode,
    ItemDecision,
    RecommendationItem,
    Referral,
    SheetVersion,
    Step,
)
from scheduling.models import BlockFormat
from scheduling.problems import Refused
from tests.consultations.sheets import accept_all, line, release
from tests.factories import OrganisationFactory, SheetFactory, UserFactory, VersionFactory

pytestmark = pytest.mark.django_db

PSZ, GP, HOUSE = ItemCode.PSYCHOSOCIAL_CENTRE, ItemCode.GP_CHECK, ItemCode.RESIDENTIAL_GROUP


def item_of(version: SheetVersion, number: int = 1) -> RecommendationItem:
    return version.items.get(number=number)


def owner_of(version: SheetVersion) -> Any:
    return version.sheet.referral.author


def refusal(item: RecommendationItem, decision: str, **chosen: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        decisions.decide(item, decision=decision, by=owner_of(item.version), **chosen)
    return caught.value.codes


def as_case_consultation(version: SheetVersion, **fields: Any) -> SheetVersion:
    Referral.objects.filter(sheet=version.sheet).update(
        format=BlockFormat.CASE_CONSULTATION, consent=None, **fields
    )
    return SheetVersion.objects.get(pk=version.pk)


# --- Taking over -----------------------------------------------------------------------------
def test_nothing_enters_the_plan_by_itself() -> None:
    VersionFactory.create()
    assert not HelpPlan.objects.exists()
    assert not ItemDecision.objects.exists()


@pytest.mark.promise(11)
def test_an_accepted_item_becomes_a_step_with_its_origin() -> None:
    version = VersionFactory.create()
    item, owner = item_of(version), owner_of(version)

    decisions.decide(item, decision="accepted", client_word="partly", by=owner)

    step = Step.objects.get()
    assert step.plan.client == version.sheet.referral.client
    assert step.origin_item == item
    assert (step.domain, step.responsible, step.client_word) == ("health", "caseworker", "partly")
    assert step.text == "Anmeldung im Psychosozialen Zentrum: Satz 1"
    assert step.due_on == help_plans.due_on("four_weeks", timezone.localdate(version.released_at))
    assert (step.status, step.changed_at, step.created_by) == ("open", None, owner)
    assert [e.verb for e in AuditEvent.objects.about(item)] == ["decided"]
    assert [e.verb for e in AuditEvent.objects.about(step)] == ["step_added"]


def test_the_step_is_written_in_german_whatever_language_the_page_has() -> None:
    with translation.override("en"):
        decisions.decide(
            item_of(version := VersionFactory.create()), decision="accepted", by=owner_of(version)
        )
    assert Step.objects.get().text.startswith("Anmeldung im")


def test_each_recommendation_goes_to_its_own_domain() -> None:
    sheet = SheetFactory.create()
    version = release(sheet, line(HOUSE, "ab Januar"))
    accept_all(version, by=owner_of(version))
    assert Step.objects.get().domain == "housing"


def test_changed_takes_the_caseworkers_words() -> None:
    version = VersionFactory.create()
    due = timezone.localdate() + timedelta(days=60)
    decisions.decide(
        item_of(version),
        decision="changed",
        text="Erst nach dem Kurs anmelden",
        due_on=due,
        domain="participation",
        responsible="client",
        note="Kurs geht vor",
        by=owner_of(version),
    )
    step = Step.objects.get()
    assert (step.text, step.due_on, step.domain, step.responsible) == (
        "Erst nach dem Kurs anmelden",
        due,
        "participation",
        "client",
    )
    assert ItemDecision.objects.get().note == "Kurs geht vor"


def test_several_items_are_decided_at_once_and_each_as_chosen() -> None:
    version = VersionFactory.create(item_count=3)
    first, second, third = version.items.all()
    decisions.decide(first, decision="declined", reason="not_available", by=owner_of(version))

    decisions.decide_all(
        version,
        {
            second.uuid: Choice(decision=Decision.DECLINED, reason="duplicate"),
            third.uuid: Choice(decision=Decision.ACCEPTED),
        },
        by=owner_of(version),
    )

    assert list(version.items.values_list("decision__decision", flat=True)) == [
        "declined",
        "declined",
        "accepted",
    ]
    assert [step.origin_item for step in Step.objects.all()] == [third]


def test_no_further_step_is_noted_and_makes_no_step() -> None:
    version = release(SheetFactory.create(), line(ItemCode.NO_FURTHER_STEP))
    accept_all(version, by=owner_of(version))
    assert ItemDecision.objects.get().decision == "accepted"
    assert not Step.objects.exists()


def test_the_clients_no_is_a_legitimate_outcome() -> None:
    version = VersionFactory.create()
    decisions.decide(
        item_of(version),
        decision="declined",
        reason="client_declines",
        client_word="no",
        by=owner_of(version),
    )
    assert ItemDecision.objects.get().decline_reason == "client_declines"
    assert not HelpPlan.objects.exists()


def test_decisions_bring_the_plans_review_within_three_months() -> None:
    version = VersionFactory.create()
    accept_all(version, by=owner_of(version))
    plan = HelpPlan.objects.get()
    assert plan.next_review_on is not None
    assert plan.next_review_on <= timezone.localdate() + timedelta(days=92)


# --- What a decision needs ---------------------------------------------------------------------
def test_a_decision_says_everything_it_lacks() -> None:
    item = item_of(VersionFactory.create())
    yesterday = timezone.localdate() - timedelta(days=1)
    assert refusal(item, "declined") == ["reason_missing"]
    assert refusal(item, "declined", reason="other", note=" ") == ["note_missing"]
    assert refusal(item, "deferred") == ["date_missing"]
    assert refusal(item, "deferred", deferred_until=timezone.localdate()) == ["date_past"]
    assert refusal(item, "changed", due_on=yesterday) == ["due_past"]
    assert not ItemDecision.objects.exists()


def test_of_several_decisions_all_or_none_count_and_problems_name_the_item() -> None:
    version = VersionFactory.create()
    first, second = version.items.all()
    with pytest.raises(Refused) as caught:
        decisions.decide_all(
            version,
            {
                first.uuid: Choice(decision=Decision.ACCEPTED),
                second.uuid: Choice(decision=Decision.DECLINED),
            },
            by=owner_of(version),
        )
    assert str(caught.value.problems[0].text).startswith("Punkt 2: ")
    assert not Step.objects.exists()


def test_only_the_case_team_decides() -> None:
    version = VersionFactory.create()
    stranger = UserFactory.create(organisation=OrganisationFactory.create(name="Caritas"))
    for person in (version.sheet.author, UserFactory.create(), stranger):
        with pytest.raises(PermissionDenied):
            decisions.decide(item_of(version), decision="accepted", by=person)
        with pytest.raises(PermissionDenied):
            decisions.undo(item_of(version), by=person)
        with pytest.raises(PermissionDenied):
            decisions.acknowledge(version, by=person)
    assert not ItemDecision.objects.exists()


def test_the_deputy_decides_as_well() -> None:
    version = VersionFactory.create()
    client, deputy = version.sheet.referral.client, UserFactory.create()
    client.deputy = deputy
    client.save()
    accept_all(version, by=deputy)
    assert Step.objects.count() == 2


# --- Once, and undone ----------------------------------------------------------------------------
@pytest.mark.promise(11)
def test_the_same_decision_again_changes_nothing() -> None:
    version = VersionFactory.create()
    item, owner = item_of(version), owner_of(version)
    first = decisions.decide(item, decision="accepted", by=owner)
    again = decisions.decide(item, decision="accepted", by=owner)
    assert (first, first.decided_at) == (again, again.decided_at)
    assert Step.objects.count() == 1
    assert AuditEvent.objects.about(item).count() == 1


def test_another_decision_needs_the_first_undone() -> None:
    version = VersionFactory.create()
    item, owner = item_of(version), owner_of(version)
    decisions.decide(item, decision="accepted", by=owner)
    assert refusal(RecommendationItem.objects.get(pk=item.pk), "declined", reason="duplicate") == ["decided"]

    decisions.undo(item, by=owner)
    assert not Step.objects.exists()
    decisions.decide(item, decision="declined", reason="duplicate", by=owner)
    assert ItemDecision.objects.get().decision == "declined"


def test_what_was_deferred_can_be_decided_later() -> None:
    version = VersionFactory.create()
    item, owner = item_of(version), owner_of(version)
    until = timezone.localdate() + timedelta(days=30)
    decisions.decide(item, decision="deferred", deferred_until=until, by=owner)
    assert ItemDecision.objects.get().deferred_until == until
    decisions.decide(item, decision="accepted", by=owner)
    assert (ItemDecision.objects.get().decision, ItemDecision.objects.get().deferred_until) == (
        "accepted",
        None,
    )
    assert Step.objects.count() == 1


def test_a_decision_stands_once_somebody_worked_on_its_step() -> None:
    version = VersionFactory.create()
    item, owner = item_of(version), owner_of(version)
    decisions.decide(item, decision="accepted", by=owner)
    help_plans.set_status(Step.objects.get(), status="in_progress", by=owner)
    with pytest.raises(Refused) as caught:
        decisions.undo(item, by=owner)
    assert caught.value.codes == ["step_touched"]
    assert ItemDecision.objects.exists()
    assert Step.objects.exists()


def test_undoing_nothing_is_no_problem() -> None:
    version = VersionFactory.create()
    decisions.undo(item_of(version), by=owner_of(version))
    assert not AuditEvent.objects.filter(verb="decision_undone").exists()


# --- A new version ---------------------------------------------------------------------------------
@pytest.mark.promise(11)
def test_after_a_correction_only_what_changed_is_decided_again() -> None:
    sheet = SheetFactory.create()
    owner = sheet.referral.author
    first = release(sheet, line(PSZ, "bei Refugio"), line(GP, "Blutbild"))
    accept_all(first, by=owner)

    second = release(sheet, line(PSZ, "in Stuttgart"), line(GP, "Blutbild"), line(HOUSE, "neu"))

    assert {item.code for item in second.items.undecided()} == {HOUSE, PSZ}
    carried = second.items.get(code=GP).decision
    assert carried.carried_from == first.items.get(code=GP).decision
    assert (carried.decided_by, carried.decided_at) == (owner, carried.carried_from.decided_at)
    assert Step.objects.standing().count() == 2


def test_a_corrected_item_replaces_its_unfinished_step_and_undo_brings_it_back() -> None:
    sheet = SheetFactory.create()
    owner = sheet.referral.author
    accept_all(release(sheet, line(PSZ, "bei Refugio")), by=owner)
    old = Step.objects.get()
    second = release(sheet, line(PSZ, "in Stuttgart"))

    accept_all(second, by=owner)

    (new,) = Step.objects.standing()
    assert (new.replaces, new.origin_item) == (old, item_of(second))
    decisions.undo(item_of(second), by=owner)
    assert list(Step.objects.standing()) == [old]


def test_a_finished_step_is_never_replaced() -> None:
    sheet = SheetFactory.create()
    owner = sheet.referral.author
    accept_all(release(sheet, line(PSZ, "bei Refugio")), by=owner)
    help_plans.set_status(Step.objects.get(), status="done", by=owner)
    accept_all(release(sheet, line(PSZ, "in Stuttgart")), by=owner)
    assert sorted(Step.objects.standing().values_list("status", flat=True)) == ["done", "open"]


def test_a_superseded_version_is_not_decided_any_more() -> None:
    sheet = SheetFactory.create()
    first = release(sheet, line(PSZ, "bei Refugio"))
    release(sheet, line(PSZ, "in Stuttgart"))
    assert refusal(item_of(first), "accepted") == ["superseded"]
    assert not Step.objects.exists()


def test_a_carried_decision_can_be_undone_and_taken_again() -> None:
    sheet = SheetFactory.create()
    owner = sheet.referral.author
    accept_all(release(sheet, line(PSZ, "gleich"), line(GP, "alt")), by=owner)
    second = release(sheet, line(PSZ, "gleich"), line(GP, "neu"))
    item = second.items.get(code=PSZ)

    decisions.undo(item, by=owner)

    assert list(second.items.undecided().values_list("code", flat=True)) == [PSZ, GP]
    assert list(Step.objects.standing().values_list("origin_item__code", flat=True)) == [GP]
    decisions.decide(item, decision="accepted", by=owner)
    assert Step.objects.filter(origin_item=item).count() == 1


# --- Case consultations -----------------------------------------------------------------------------
def test_the_answer_to_a_case_consultation_is_a_note_to_acknowledge() -> None:
    version = as_case_consultation(VersionFactory.create(), client=None, pseudonym="K7")
    owner = owner_of(version)
    assert refusal(item_of(version), "accepted") == ["no_plan"]
    decisions.acknowledge(version, by=owner)
    decisions.acknowledge(version, by=owner)
    assert Acknowledgement.objects.get().acknowledged_by == owner
    assert AuditEvent.objects.about(version).count() == 1
    assert not HelpPlan.objects.exists()
    assert Referral.objects.with_state().get().state == "decided"


def test_with_an_internally_linked_client_items_may_be_taken_into_the_plan() -> None:
    version = as_case_consultation(VersionFactory.create())
    decisions.decide(item_of(version), decision="accepted", by=owner_of(version))
    assert Step.objects.get().plan.client == version.sheet.referral.client


def test_a_presentation_is_decided_not_acknowledged() -> None:
    version = VersionFactory.create()
    with pytest.raises(Refused) as caught:
        decisions.acknowledge(version, by=owner_of(version))
    assert caught.value.codes == ["not_a_note"]
    assert not Acknowledgement.objects.exists()
