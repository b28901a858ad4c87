"""The help plan: goals in the client's words, steps with who and by when, and the next review."""

from datetime import date
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.rows import today
from clients.models import Client
from consultations.models import (
    Goal,
    HelpPlan,
    ItemCode,
    ItemDecision,
    PlanDomain,
    RecommendationItem,
    Responsible,
    Step,
    Urgency,
)
from scheduling.problems import Problem, Refused

# A plan is looked at together at least this often.
REVIEW_EVERY = relativedelta(months=3)
# What a step may be long: the name of a recommendation with the whole sentence to it.
TEXT_LENGTH = 600
# Follow-up by urgency, counted from the day of release.
_FOLLOW_UP: dict[Urgency, relativedelta] = {
    Urgency.TODAY: relativedelta(),
    Urgency.TWO_WEEKS: relativedelta(weeks=2),
    Urgency.FOUR_WEEKS: relativedelta(weeks=4),
    Urgency.THREE_MONTHS: relativedelta(months=3),
}
# Where a recommendation belongs unless the caseworker says otherwise.
_DOMAINS: dict[ItemCode, PlanDomain] = {
    ItemCode.SOCIAL_SUPPORT: PlanDomain.PARTICIPATION,
    ItemCode.GROUP_WOMEN: PlanDomain.PARTICIPATION,
    ItemCode.GROUP_MEN: PlanDomain.PARTICIPATION,
    ItemCode.RESIDENTIAL_GROUP: PlanDomain.HOUSING,
}
_NEEDS_REASON = frozenset({Step.Status.NOT_POSSIBLE, Step.Status.DROPPED})

TEXT_MISSING = Problem("text_missing", _("Es fehlt, was zu tun ist."))
WORDS_MISSING = Problem("words_missing", _("Es fehlt, was die Klientin / der Klient erreichen möchte."))
DUE_MISSING = Problem("due_missing", _("Es fehlt, bis wann."))
REASON_MISSING = Problem("reason_missing", _("Bitte schreiben Sie kurz, warum."))
OTHER_PLAN = Problem("other_plan", _("Das Ziel gehört zu einem anderen Hilfeplan."))
REPLACED = Problem(
    "replaced",
    _("Dieser Schritt wurde durch eine neue Fassung der Empfehlung ersetzt."),
    _("Arbeiten Sie mit dem neuen Schritt weiter."),
)
REVIEW_PAST = Problem("review_past", _("Die nächste Überprüfung liegt in der Vergangenheit."))


def due_on(urgency: Urgency | str, released_on: date, *, decided_on: date | None = None) -> date:
    """When a step from a recommendation is due, in the district's calendar.

    Counted from the day of release, because that is when the specialist said "in two weeks"; a late
    decision does not push it back. But never before the day of the decision: nobody can be asked
    for yesterday.
    """
    due = released_on + _FOLLOW_UP[Urgency(urgency)]
    return max(due, decided_on) if decided_on else due


def domain_of(code: ItemCode | str) -> PlanDomain:
    """The plan domain a recommendation goes to unless the caseworker chooses another: mostly health."""
    return _DOMAINS.get(ItemCode(code), PlanDomain.HEALTH)


@transaction.atomic
def of_client(client: Client, *, by: User) -> HelpPlan:
    """The client's one plan, made on first need with a review in three months."""
    Client.objects.select_for_update(no_key=True).get(pk=client.pk)
    plan, is_new = HelpPlan.objects.get_or_create(
        client=client,
        defaults={
            "district": client.district,
            "created_by": by,
            "next_review_on": lambda: today(client.district.tz) + REVIEW_EVERY,
        },
    )
    if is_new:
        audit.record("plan_started", plan, by=by)
    return plan


@transaction.atomic
def add_goal(plan: HelpPlan, *, domain: str, words: str, by: User, target_on: date | None = None) -> Goal:
    """Write down what the client wants, in their words. Raises `Refused`."""
    if not words.strip():
        raise Refused([WORDS_MISSING])
    goal = Goal.objects.create(
        plan=plan, domain=PlanDomain(domain), words=words.strip(), target_on=target_on, created_by=by
    )
    audit.record("goal_added", goal, by=by, district=plan.district, domain=goal.domain)
    return goal


@transaction.atomic
def set_goal_status(goal: Goal, *, status: str, by: User) -> None:
    """The goal is open, reached, or given up. The same status again changes nothing."""
    locked = Goal.objects.select_for_update(no_key=True).get(pk=goal.pk)
    if locked.status == status:
        return
    locked.status = goal.status = Goal.Status(status)
    locked.status_changed_at = goal.status_changed_at = timezone.now()
    locked.save(update_fields=["status", "status_changed_at"])
    audit.record("goal_status_set", goal, by=by, status=status)


@transaction.atomic
def add_step(
    plan: HelpPlan,
    *,
    domain: str,
    text: str,
    responsible: str,
    due_on: date | None,
    by: User,
    goal: Goal | None = None,
    client_word: str = ItemDecision.ClientWord.NOT_DISCUSSED,
    origin_item: RecommendationItem | None = None,
    replaces: Step | None = None,
) -> Step:
    """Add a next step; under a goal it takes the goal's domain. Raises `Refused` with all problems.

    A step may come from a released item (once, by constraint) and may replace the step that item's
    earlier wording led to.
    """
    found = _step_problems(plan, text, due_on, goal)
    if found or due_on is None:
        raise Refused(found)
    step = Step.objects.create(
        plan=plan,
        goal=goal,
        domain=goal.domain if goal else PlanDomain(domain),
        text=text.strip(),
        responsible=Responsible(responsible),
        due_on=due_on,
        client_word=ItemDecision.ClientWord(client_word),
        origin_item=origin_item,
        replaces=replaces,
        created_by=by,
    )
    audit.record(
        "step_added",
        step,
        by=by,
        domain=step.domain,
        due_on=step.due_on.isoformat(),
        recommended=origin_item is not None,
    )
    return step


@transaction.atomic
def change_step(
    step: Step,
    *,
    domain: str,
    text: str,
    responsible: str,
    due_on: date | None,
    by: User,
    goal: Goal | None = None,
    client_word: str = ItemDecision.ClientWord.NOT_DISCUSSED,
) -> Step:
    """Change what, who, by when, under which goal or domain. Raises `Refused` with all problems."""
    locked = _lock(step)
    found = [*_step_problems(step.plan, text, due_on, goal), *([REPLACED] if _is_replaced(locked) else [])]
    if found:
        raise Refused(found)
    wanted: dict[str, Any] = {
        "goal": goal,
        "domain": goal.domain if goal else PlanDomain(domain),
        "text": text.strip(),
        "responsible": Responsible(responsible),
        "due_on": due_on,
        "client_word": ItemDecision.ClientWord(client_word),
    }
    changed = [name for name, value in wanted.items() if getattr(locked, name) != value]
    if changed:
        for name in changed:
            setattr(locked, name, wanted[name])
        locked.changed_at = timezone.now()
        locked.save(update_fields=[*changed, "changed_at"])
        audit.record("step_changed", locked, by=by, changed=changed)
    return locked


@transaction.atomic
def set_status(step: Step, *, status: str, by: User, reason: str = "") -> Step:
    """How far the step is. "nicht möglich" and "aufgegeben" need a reason. Raises `Refused`.

    The same status and reason again change nothing; leaving "erledigt" forgets when it was done.
    """
    locked = _lock(step)
    wanted, why = Step.Status(status), reason.strip()
    found = {REASON_MISSING: wanted in _NEEDS_REASON and not why, REPLACED: _is_replaced(locked)}
    if any(found.values()):
        raise Refused([problem for problem, applies in found.items() if applies])
    if (locked.status, locked.status_reason) == (wanted, why):
        return locked
    now = timezone.now()
    is_done = wanted == Step.Status.DONE
    locked.status, locked.status_reason, locked.changed_at = wanted, why, now
    locked.done_at, locked.done_by = (now, by) if is_done else (None, None)
    locked.save(update_fields=["status", "status_reason", "changed_at", "done_at", "done_by"])
    audit.record("step_status_set", locked, by=by, status=str(wanted))
    return locked


@transaction.atomic
def set_review(plan: HelpPlan, *, on: date, by: User) -> None:
    """When the plan is looked at together next: today or later. Raises `Refused`."""
    if on < today_of(plan):
        raise Refused([REVIEW_PAST])
    if plan.next_review_on != on:
        plan.next_review_on = on
        plan.save(update_fields=["next_review_on"])
        audit.record("review_set", plan, by=by, on=on.isoformat())


@transaction.atomic
def review_soon(plan: HelpPlan, *, by: User) -> None:
    """After decisions the plan is looked at within three months; an earlier date stays."""
    latest = today_of(plan) + REVIEW_EVERY
    if plan.next_review_on is None or plan.next_review_on > latest:
        set_review(plan, on=latest, by=by)


def today_of(plan: HelpPlan) -> date:
    """Today in the plan's district."""
    return today(plan.district.tz)


def _lock(step: Step) -> Step:
    return Step.objects.select_for_update(no_key=True, of=("self",)).select_related("plan").get(pk=step.pk)


def _is_replaced(step: Step) -> bool:
    return Step.objects.filter(replaces=step).exists()


def _step_problems(plan: HelpPlan, text: str, due: date | None, goal: Goal | None) -> list[Problem]:
    found = {
        TEXT_MISSING: not text.strip(),
        DUE_MISSING: due is None,
        OTHER_PLAN: goal is not None and goal.plan_id != plan.pk,
    }
    return [problem for problem, applies in found.items() if applies]
