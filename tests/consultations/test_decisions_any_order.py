"""Whatever order releases, decisions, undoing and work on steps come in, the promises hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from consultations import decisions, help_plans
from consultations.models import ItemCode, ItemDecision, RecommendationItem, SheetVersion, Step
from scheduling.problems import Refused
from tests.consultations.sheets import accept_all, line, release
from tests.factories import SheetFactory

CODES = [ItemCode.PSYCHOSOCIAL_CENTRE, ItemCode.GP_CHECK, ItemCode.RESIDENTIAL_GROUP]
TEXTS = st.dictionaries(st.sampled_from(CODES), st.sampled_from(["so", "anders"]), min_size=1)
DECISIONS: dict[str, dict[str, Any]] = {
    "accepted": {},
    "changed": {"text": "in anderen Worten"},
    "declined": {"reason": "not_available"},
    "deferred": {"deferred_until": timezone.localdate() + timedelta(days=9)},
}


class Deciding(RuleBasedStateMachine):
    """One sheet, its versions, and a case team that may do anything the rules allow."""

    def __init__(self) -> None:
        super().__init__()
        self.start = transaction.savepoint()
        self.sheet = SheetFactory.create()
        self.owner = self.sheet.referral.author
        self.released: list[dict[ItemCode, str]] = []
        self.decided: dict[ItemCode, str] = {}

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.start)

    @property
    def version(self) -> SheetVersion:
        return SheetVersion.objects.current().get()

    def item(self, code: ItemCode) -> RecommendationItem | None:
        return self.version.items.filter(code=code).first()

    def attempt(self, act: Callable[[], Any]) -> bool:
        try:
            act()
        except Refused:
            return False
        return True

    @rule(texts=TEXTS)
    def correct(self, texts: dict[ItemCode, str]) -> None:
        before = self.released[-1] if self.released else {}
        draft = [line(code, texts[code]) for code in CODES if code in texts]
        self.attempt(lambda: release(self.sheet, *draft))  # the same text again makes no new version
        if texts != before:
            self.released.append(texts)
            self.decided = {
                code: made for code, made in self.decided.items() if texts.get(code) == before.get(code)
            }

    @precondition(lambda self: self.released)
    @rule(code=st.sampled_from(CODES), decision=st.sampled_from(sorted(DECISIONS)))
    def decide(self, code: ItemCode, decision: str) -> None:
        item = self.item(code)
        if item is None:
            return
        standing = self.decided.get(code)
        is_allowed = standing in {None, "deferred", decision}
        act = lambda: decisions.decide(item, decision=decision, by=self.owner, **DECISIONS[decision])  # noqa: E731
        assert self.attempt(act) == is_allowed
        if is_allowed:
            self.decided[code] = decision

    @precondition(lambda self: self.released)
    @rule()
    def take_all(self) -> None:
        accept_all(self.version, by=self.owner)
        self.decided = {code: self.decided.get(code, "accepted") for code in self.released[-1]}

    @precondition(lambda self: self.released)
    @rule(code=st.sampled_from(CODES))
    def undo(self, code: ItemCode) -> None:
        item = self.item(code)
        if item is not None and self.attempt(lambda: decisions.undo(item, by=self.owner)):
            self.decided.pop(code, None)

    @rule(code=st.sampled_from(CODES), status=st.sampled_from(["in_progress", "done", "open"]))
    def work(self, code: ItemCode, status: str) -> None:
        step = Step.objects.unfinished().filter(origin_item__code=code).first()
        if step is not None:
            help_plans.set_status(step, status=status, by=self.owner)

    @invariant()
    def every_version_says_what_was_released(self) -> None:
        versions = SheetVersion.objects.filter(sheet=self.sheet).order_by("number")
        assert [{i.code: i.sentence for i in v.items.all()} for v in versions] == self.released

    @invariant()
    def the_current_version_carries_just_the_decisions_that_still_hold(self) -> None:
        standing = ItemDecision.objects.filter(item__version__in=SheetVersion.objects.current())
        assert {made.item.code: made.decision for made in standing} == self.decided

    @invariant()
    def what_was_taken_stands_in_the_plan_and_no_recommendation_is_there_twice(self) -> None:
        unfinished = list(Step.objects.unfinished().values_list("origin_item__code", flat=True))
        assert len(unfinished) == len(set(unfinished))
        for code, made in self.decided.items():
            wording = self.released[-1][code]
            origins = [i for i in self.steps_of(code) if i.sentence == wording]
            assert bool(origins) or made in {"declined", "deferred"}

    def steps_of(self, code: ItemCode) -> list[RecommendationItem]:
        steps = Step.objects.standing().filter(origin_item__code=code).select_related("origin_item")
        return [step.origin_item for step in steps if step.origin_item is not None]


@pytest.mark.django_db
@pytest.mark.promise(11)
def test_in_any_order(rounds: Callable[[int], int]) -> None:
    run_state_machine_as_test(
        Deciding,
        settings=settings(
            max_examples=rounds(100),
            stateful_step_count=12,
            deadline=None,
            phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes here
            suppress_health_check=list(HealthCheck),
        ),
    )
