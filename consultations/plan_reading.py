"""The help plan as it is read: by domain, each goal with its steps, what is next, and what happened.

Four queries at any size: the plan, its goals, its steps, the released recommendations.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from accounts.rows import clock
from clients.models import Client
from consultations.models import Goal, HelpPlan, PlanDomain, SheetVersion, Step
from scheduling.models import BlockFormat
from scheduling.seats import ClockTimestamp

# A plan that has run for years is still read by what is to do.
FINISHED_SHOWN = 3
EVENTS_SHOWN = 5


class _Steps:
    """What is to do comes first, by its day; then what was finished last. The rest is `earlier`."""

    steps: list[Step]

    @property
    def shown(self) -> list[Step]:
        """What one sees at once, also on paper."""
        return [*(step for step in self.steps if _is_to_do(step)), *self._finished[:FINISHED_SHOWN]]

    @property
    def earlier(self) -> list[Step]:
        """What was finished before: folded away, on paper only if unfolded."""
        return self._finished[FINISHED_SHOWN:]

    @property
    def _finished(self) -> list[Step]:
        found = [step for step in self.steps if not _is_to_do(step)]
        return sorted(found, key=lambda step: (step.done_at or step.created_at, step.pk), reverse=True)


@dataclass
class GoalWithSteps(_Steps):
    """A goal and the steps towards it."""

    goal: Goal
    steps: list[Step] = field(default_factory=list)


@dataclass
class Section(_Steps):
    """One domain of the plan: goals, and steps that serve no particular goal."""

    domain: PlanDomain
    goals: list[GoalWithSteps] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class Event(NamedTuple):
    """One entry of the time line. `kind`: started, released, step_done, goal_reached, goal_dropped."""

    at: datetime
    kind: str
    what: HelpPlan | SheetVersion | Step | Goal


@dataclass(frozen=True)
class Reading:
    """Everything the plan's pages show. `plan` is None until there is something to plan."""

    client: Client
    plan: HelpPlan | None
    sections: list[Section]
    next_step: Step | None
    undecided: list[SheetVersion]
    events: list[Event]  # the last ones, newest first
    earlier_events: list[Event]
    today: date


def read(client: Client) -> Reading:
    """The client's plan, read now. Replaced steps are left out; whose case it is, the caller knows."""
    plans = HelpPlan.objects.filter(client=client).select_related("district")
    plan = plans.annotate(now=ClockTimestamp()).first()
    now: datetime = getattr(plan, "now") if plan else clock()
    goals = list(plan.goals.all()) if plan else []
    steps = list(_steps(plan)) if plan else []
    versions = list(_versions(client))
    unfinished = filter(_is_to_do, steps)
    events = _events(plan, goals, steps, versions)
    return Reading(
        client=client,
        plan=plan,
        sections=_sections(goals, steps),
        next_step=min(unfinished, key=lambda step: (step.due_on, step.pk), default=None),
        undecided=_to_decide(versions),
        events=events[:EVENTS_SHOWN],
        earlier_events=events[EVENTS_SHOWN:],
        today=timezone.localdate(now, timezone=client.district.tz),
    )


def _is_to_do(step: Step) -> bool:
    return step.status in {Step.Status.OPEN, Step.Status.IN_PROGRESS}


def _steps(plan: HelpPlan) -> QuerySet[Step]:
    return plan.steps.standing().select_related("origin_item__version").order_by("due_on", "pk")


def _versions(client: Client) -> QuerySet[SheetVersion]:
    released = SheetVersion.objects.filter(sheet__referral__client=client).with_undecided()
    return released.select_related("sheet__referral").order_by("released_at")


def _to_decide(versions: list[SheetVersion]) -> list[SheetVersion]:
    """The last version of each presentation's sheet, while items of it wait for a decision."""
    last = {version.sheet_id: version for version in versions}
    return [
        version
        for version in last.values()
        if version.undecided and version.sheet.referral.format == BlockFormat.PRESENTATION
    ]


def _sections(goals: list[Goal], steps: list[Step]) -> list[Section]:
    sections = {domain: Section(domain) for domain in PlanDomain}
    with_steps = {goal.pk: GoalWithSteps(goal) for goal in goals}
    # Those still to be reached first.
    for goal in sorted(with_steps.values(), key=lambda one: one.goal.status != Goal.Status.ACTIVE):
        sections[PlanDomain(goal.goal.domain)].goals.append(goal)
    for step in steps:
        if step.goal_id is not None:
            with_steps[step.goal_id].steps.append(step)
        else:
            sections[PlanDomain(step.domain)].steps.append(step)
    return [section for section in sections.values() if section.goals or section.steps]


def _events(
    plan: HelpPlan | None, goals: list[Goal], steps: list[Step], versions: list[SheetVersion]
) -> list[Event]:
    found = [Event(plan.created_at, "started", plan)] if plan else []
    found += [Event(version.released_at, "released", version) for version in versions]
    found += [Event(step.done_at, "step_done", step) for step in steps if step.done_at]
    found += [
        Event(goal.status_changed_at, f"goal_{goal.status}", goal)
        for goal in goals
        if goal.status_changed_at and goal.status != Goal.Status.ACTIVE
    ]
    return sorted(found, key=lambda event: event.at, reverse=True)
