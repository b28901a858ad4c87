"""The help plan: goals, steps, due dates, and who may see any of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent
from consultations import help_plans
from consultations.models import Goal, HelpPlan, ItemCode, PlanDomain, Responsible, Step, Urgency
from scheduling.problems import Refused
from tests.factories import ClientFactory, HelpPlanFactory, OrganisationFactory, StepFactory, UserFactory

DAYS = st.dates(date(2024, 1, 1), date(2040, 12, 31))


def refusal(call: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    return caught.value.codes


# --- Due dates ---------------------------------------------------------------------------------
def test_due_dates_count_from_the_day_of_release() -> None:
    day = date(2026, 12, 8)
    assert help_plans.due_on(Urgency.TODAY, day) == day
    assert help_plans.due_on(Urgency.TWO_WEEKS, day) == date(2026, 12, 22)
    assert help_plans.due_on(Urgency.FOUR_WEEKS, day) == date(2027, 1, 5)
    assert help_plans.due_on(Urgency.THREE_MONTHS, day) == date(2027, 3, 8)
    assert help_plans.due_on(Urgency.THREE_MONTHS, date(2026, 11, 30)) == date(2027, 2, 28)


def test_a_late_decision_does_not_push_back_what_is_still_to_come() -> None:
    day = date(2026, 12, 8)
    assert help_plans.due_on(Urgency.FOUR_WEEKS, day, decided_on=date(2026, 12, 20)) == date(2027, 1, 5)


@given(st.sampled_from(Urgency), DAYS, st.integers(0, 400))
def test_nothing_is_ever_due_before_it_was_decided(urgency: Urgency, released_on: date, late: int) -> None:
    decided_on = released_on + timedelta(days=late)
    due = help_plans.due_on(urgency, released_on, decided_on=decided_on)
    assert due >= decided_on
    assert due == max(help_plans.due_on(urgency, released_on), decided_on)


def test_every_recommendation_has_a_domain() -> None:
    assert {help_plans.domain_of(code) for code in ItemCode} <= set(PlanDomain)
    assert help_plans.domain_of(ItemCode.RESIDENTIAL_GROUP) == PlanDomain.HOUSING
    assert help_plans.domain_of(ItemCode.PSYCHOTHERAPY) == PlanDomain.HEALTH


# --- The plan ------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_client_has_one_plan_made_on_first_need_and_reviewed_in_three_months() -> None:
    client = ClientFactory.create()
    plan = help_plans.of_client(client, by=client.owner)
    assert help_plans.of_client(client, by=client.owner) == plan
    assert HelpPlan.objects.count() == 1
    assert plan.next_review_on == timezone.localdate() + relativedelta(months=3)
    assert [event.verb for event in AuditEvent.objects.about(plan)] == ["plan_started"]


@pytest.mark.django_db
def test_only_the_case_team_reaches_plan_goals_and_steps() -> None:
    step = StepFactory.create()
    plan = step.plan
    goal = help_plans.add_goal(plan, domain="work", words="Ich möchte arbeiten.", by=plan.created_by)
    deputy, colleague = UserFactory.create(), UserFactory.create()
    stranger = UserFactory.create(organisation=OrganisationFactory.create(name="Caritas"))
    plan.client.deputy = deputy
    plan.client.save()
    for member in (plan.client.owner, deputy):
        assert list(HelpPlan.objects.for_user(member)) == [plan]
        assert list(Goal.objects.for_user(member)) == [goal]
        assert list(Step.objects.for_user(member)) == [step]
    for other in (colleague, stranger):
        assert not HelpPlan.objects.for_user(other).exists()
        assert not Goal.objects.for_user(other).exists()
        assert not Step.objects.for_user(other).exists()


@pytest.mark.django_db
def test_the_review_is_set_to_a_day_to_come() -> None:
    plan = HelpPlanFactory.create()
    today = timezone.localdate()
    assert refusal(help_plans.set_review, plan, on=today - timedelta(days=1), by=plan.created_by) == [
        "review_past"
    ]
    help_plans.set_review(plan, on=today, by=plan.created_by)
    assert HelpPlan.objects.get().next_review_on == today


@pytest.mark.django_db
def test_decisions_bring_the_review_within_three_months_and_leave_an_earlier_one() -> None:
    plan, today = HelpPlanFactory.create(), timezone.localdate()
    help_plans.set_review(plan, on=today + timedelta(days=300), by=plan.created_by)
    help_plans.review_soon(plan, by=plan.created_by)
    assert plan.next_review_on == today + relativedelta(months=3)
    help_plans.set_review(plan, on=today + timedelta(days=10), by=plan.created_by)
    help_plans.review_soon(plan, by=plan.created_by)
    assert HelpPlan.objects.get().next_review_on == today + timedelta(days=10)


# --- Goals ---------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_goal_keeps_the_clients_words() -> None:
    plan = HelpPlanFactory.create()
    words = "Ich will wieder schlafen."
    goal = help_plans.add_goal(plan, domain="health", words=f" {words} ", by=plan.created_by)
    assert Goal.objects.get() == goal
    assert (Goal.objects.get().words, goal.domain, goal.status) == (words, "health", "active")
    assert refusal(help_plans.add_goal, plan, domain="health", words="  ", by=plan.created_by) == [
        "words_missing"
    ]


@pytest.mark.django_db
def test_reaching_a_goal_is_recorded_once() -> None:
    plan = HelpPlanFactory.create()
    goal = help_plans.add_goal(plan, domain="health", words="Schlafen", by=plan.created_by)
    help_plans.set_goal_status(goal, status="reached", by=plan.created_by)
    help_plans.set_goal_status(goal, status="reached", by=plan.created_by)
    assert Goal.objects.get().status == "reached"
    assert [event.verb for event in AuditEvent.objects.about(goal).order_by("pk")] == [
        "goal_added",
        "goal_status_set",
    ]


# --- Steps ---------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_step_under_a_goal_stands_in_the_goals_domain() -> None:
    plan = HelpPlanFactory.create()
    goal = help_plans.add_goal(plan, domain="language", words="Deutsch", by=plan.created_by)
    step = help_plans.add_step(
        plan,
        domain="work",
        text="Kurs suchen",
        responsible=Responsible.CLIENT,
        due_on=timezone.localdate(),
        goal=goal,
        by=plan.created_by,
    )
    assert (Step.objects.get(), step.domain, step.goal, step.changed_at) == (step, "language", goal, None)


@pytest.mark.django_db
def test_what_a_step_lacks_is_said_at_once() -> None:
    plan, other = HelpPlanFactory.create(), HelpPlanFactory.create()
    foreign = help_plans.add_goal(other, domain="work", words="Arbeit", by=other.created_by)
    found = refusal(
        help_plans.add_step,
        plan,
        domain="work",
        text=" ",
        responsible=Responsible.CLIENT,
        due_on=None,
        goal=foreign,
        by=plan.created_by,
    )
    assert found == ["text_missing", "due_missing", "other_plan"]
    assert not Step.objects.exists()


@pytest.mark.django_db
def test_changing_a_step_marks_it_as_worked_on_and_names_the_fields() -> None:
    step = StepFactory.create()
    today = timezone.localdate()
    same = {
        "domain": step.domain,
        "text": step.text,
        "responsible": step.responsible,
        "due_on": step.due_on,
        "by": step.created_by,
    }
    assert help_plans.change_step(step, **same).changed_at is None
    changed = help_plans.change_step(step, **same | {"due_on": today, "responsible": "client"})
    assert (changed.due_on, changed.responsible) == (today, "client")
    assert Step.objects.get().changed_at is not None
    event = AuditEvent.objects.about(step).get()
    assert (event.verb, event.details) == ("step_changed", {"changed": ["responsible", "due_on"]})


@pytest.mark.django_db
def test_done_has_a_time_and_a_person_and_loses_both_when_reopened() -> None:
    step = StepFactory.create()
    done = help_plans.set_status(step, status="done", by=step.created_by)
    assert done.done_at is not None
    assert Step.objects.get().done_by == step.created_by
    reopened = help_plans.set_status(step, status="in_progress", by=step.created_by)
    assert (reopened.done_at, Step.objects.get().done_by) == (None, None)


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["not_possible", "dropped"])
def test_giving_up_needs_a_reason(status: str) -> None:
    step = StepFactory.create()
    assert refusal(help_plans.set_status, step, status=status, by=step.created_by, reason=" ") == [
        "reason_missing"
    ]
    help_plans.set_status(step, status=status, by=step.created_by, reason="Praxis nimmt niemanden auf")
    assert Step.objects.get().status_reason == "Praxis nimmt niemanden auf"
    assert "Praxis" not in str(AuditEvent.objects.about(step).get().details)


@pytest.mark.django_db
def test_the_same_status_again_changes_nothing() -> None:
    step = StepFactory.create()
    first = help_plans.set_status(step, status="done", by=step.created_by)
    second = help_plans.set_status(step, status="done", by=step.created_by)
    assert first.done_at == second.done_at
    assert AuditEvent.objects.about(step).count() == 1


@pytest.mark.django_db
def test_a_replaced_step_is_left_alone() -> None:
    old = StepFactory.create()
    new = StepFactory.create(plan=old.plan, replaces=old)
    assert refusal(help_plans.set_status, old, status="done", by=old.created_by) == ["replaced"]
    assert list(Step.objects.standing()) == [new]
    assert Step.objects.get(pk=old.pk).status == "open"
