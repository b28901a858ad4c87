"""What the case team makes of a released recommendation. Nothing enters the plan by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.rows import today
from clients.models import Client
from consultations import help_plans
from consultations.models import (
    Acknowledgement,
    HelpPlan,
    ItemCode,
    ItemDecision,
    RecommendationItem,
    RecommendationSheet,
    SheetVersion,
    Step,
)
from scheduling.models import BlockFormat
from scheduling.problems import Problem, Refused

Decision = ItemDecision.Decision
_INTO_THE_PLAN = frozenset({Decision.ACCEPTED, Decision.CHANGED})

SUPERSEDED = Problem(
    "superseded",
    _("Inzwischen liegt eine neue Fassung der Empfehlung vor. Es ist nichts verloren."),
    _("Entscheiden Sie über die neue Fassung."),
)
DECIDED = Problem(
    "decided",
    _("Über diesen Punkt wurde schon anders entschieden."),
    _("Machen Sie die Entscheidung zuerst rückgängig."),
)
REASON_MISSING = Problem("reason_missing", _("Bitte wählen Sie, warum der Punkt abgelehnt wird."))
NOTE_MISSING = Problem("note_missing", _("Bitte schreiben Sie kurz, welchen anderen Grund es gibt."))
DATE_MISSING = Problem("date_missing", _("Bis wann möchten Sie den Punkt zurückstellen?"))
DATE_PAST = Problem("date_past", _("Zurückstellen können Sie auf einen Tag nach heute."))
DUE_PAST = Problem("due_past", _("Der Tag, bis zu dem etwas zu tun ist, liegt in der Vergangenheit."))
NO_PLAN = Problem(
    "no_plan",
    _("Zu dieser Fallberatung gehört kein Hilfeplan."),
    _("Bestätigen Sie, dass Sie die Antwort gelesen haben."),
)
NOT_A_NOTE = Problem("not_a_note", _("Über diese Empfehlung wird Punkt für Punkt entschieden."))
STEP_TOUCHED = Problem(
    "step_touched",
    _("Am Schritt aus diesem Punkt wurde schon gearbeitet."),
    _("Ändern Sie den Schritt im Hilfeplan."),
)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What somebody chose for one item. Empty plan fields mean: as recommended."""

    decision: Decision
    client_word: str = ItemDecision.ClientWord.NOT_DISCUSSED
    reason: str = ""
    note: str = ""
    deferred_until: date | None = None
    domain: str = ""
    text: str = ""
    due_on: date | None = None
    responsible: str = ""


def decide(item: RecommendationItem, *, decision: str, by: User, **chosen: Any) -> ItemDecision:
    """Decide on one item; `chosen` are the other fields of `Choice`. See `decide_all`."""
    choice = Choice(decision=Decision(decision), **chosen)
    return decide_all(item.version, {item.uuid: choice}, by=by)[0]


@transaction.atomic
def decide_all(version: SheetVersion, choices: Mapping[UUID, Choice], *, by: User) -> list[ItemDecision]:
    """Write down decisions on items (by uuid) of the current version, all or none.

    "übernommen" and "geändert übernommen" make a step in the client's plan, with its origin. Each
    item enters once: the same decision again returns what stands; another one needs `undo` first,
    except on what was deferred. A step the item's earlier wording led to is replaced while
    unfinished. "kein weiterer Schritt nötig" makes no step.

    Raises `Refused`; its problems are prefixed with the item's number where it takes several.
    """
    # Locks: client, then sheet. A release locks the sheet too, so it comes before or after.
    client = _locked_client(version, by)
    RecommendationSheet.objects.select_for_update(no_key=True).get(pk=version.sheet_id)
    items = list(version.items.filter(uuid__in=choices).select_related("decision"))
    found = [] if _is_current(version) else [SUPERSEDED]
    for item in items:
        found += _numbered(item, _problems(item, choices[item.uuid], client), len(items) > 1)
    if found:
        raise Refused(found)
    plan = _plan_for(client, [choices[item.uuid] for item in items], by)
    return [_decide(item, choices[item.uuid], plan, by) for item in items]


@transaction.atomic
def undo(item: RecommendationItem, *, by: User) -> None:
    """Take a decision on the current version back, while its step is untouched. Raises `Refused`.

    The step leaves the plan; one it had replaced stands again. Without a decision nothing happens.
    """
    _locked_client(item.version, by)
    RecommendationSheet.objects.select_for_update(no_key=True).get(pk=item.version.sheet_id)
    decision = ItemDecision.objects.filter(item=item).select_related("item", "carried_from").first()
    if decision is None:
        return
    step = Step.objects.filter(origin_item=_root(decision).item).first()
    found = [] if _is_current(item.version) else [SUPERSEDED]
    if step is not None and step.changed_at is not None:
        found.append(STEP_TOUCHED)
    if found:
        raise Refused(found)
    if step is not None:
        audit.record("step_withdrawn", step, by=by, district=step.plan.district)
        step.delete()
    decision.delete()
    audit.record("decision_undone", item, by=by, number=item.number, version=item.version.number)


@transaction.atomic
def acknowledge(version: SheetVersion, *, by: User) -> Acknowledgement:
    """The answer to a case consultation has been read: a note for the caseworker, no plan."""
    _locked_client(version, by)
    if not is_a_note(version):
        raise Refused([NOT_A_NOTE])
    note, is_new = Acknowledgement.objects.get_or_create(version=version, defaults={"acknowledged_by": by})
    if is_new:
        audit.record("acknowledged", version, by=by, number=version.number)
    return note


def carry_over(version: SheetVersion, before: SheetVersion) -> int:
    """Let decisions on the version `before` stand for items the new one left as they were.

    Compared are recommendation, sentence, urgency and responsible. Changed and new items come up
    for decision again. Returns how many decisions carried. Call with the sheet locked.
    """
    unchanged = {
        content(item): item.decision
        for item in before.items.filter(decision__isnull=False).select_related("decision")
    }
    carried = [
        _copy(unchanged[content(item)], item)
        for item in RecommendationItem.objects.filter(version=version)
        if content(item) in unchanged
    ]
    return len(ItemDecision.objects.bulk_create(carried))


def content(item: RecommendationItem) -> tuple[str, str, str, str]:
    """What a reader would notice of an item, whatever its number."""
    return str(item.code), item.sentence, str(item.urgency), str(item.responsible)


def step_text(item: RecommendationItem) -> str:
    """How an item reads as a step, in German, the language of the files."""
    with translation.override("de"):
        label = capfirst(item.get_code_display())
    return f"{label}: {item.sentence}" if item.sentence else label


def suggestion(item: RecommendationItem, *, today: date) -> Choice:
    """The step as it would enter the plan when taken as recommended."""
    released_on = timezone.localdate(item.version.released_at, item.version.sheet.district.tz)
    return Choice(
        decision=Decision.ACCEPTED,
        domain=help_plans.domain_of(item.code),
        text=step_text(item),
        due_on=help_plans.due_on(item.urgency, released_on, decided_on=today),
        responsible=item.responsible,
    )


def earlier_steps(version: SheetVersion) -> dict[str, Step]:
    """Unfinished steps that earlier versions led to, by recommendation: what a new wording replaces."""
    steps = Step.objects.unfinished().filter(
        origin_item__version__sheet=version.sheet_id, origin_item__version__number__lt=version.number
    )
    return {step.origin_item.code: step for step in steps.select_related("origin_item") if step.origin_item}


def can_enter_a_plan(version: SheetVersion) -> bool:
    """Whether there is a client whose plan the items could enter."""
    return version.sheet.referral.client_id is not None


def is_open(item: RecommendationItem) -> bool:
    """Whether something can still be decided on it: nothing was yet, or it was put off."""
    standing: ItemDecision | None = getattr(item, "decision", None)
    return standing is None or standing.decision == Decision.DEFERRED


def is_a_note(version: SheetVersion) -> bool:
    """Whether the version answers a case consultation: read and acknowledged, not decided."""
    return version.sheet.referral.format == BlockFormat.CASE_CONSULTATION


def _locked_client(version: SheetVersion, by: User) -> Client | None:
    """The referral's client, locked; None for a pseudonymous case. Refuses who is not the case team."""
    if not SheetVersion.objects.to_case_team(by).filter(pk=version.pk).exists():
        raise PermissionDenied
    pk = version.sheet.referral.client_id
    return None if pk is None else Client.objects.select_for_update(no_key=True).get(pk=pk)


def _is_current(version: SheetVersion) -> bool:
    return SheetVersion.objects.current().filter(pk=version.pk).exists()


def _problems(item: RecommendationItem, choice: Choice, client: Client | None) -> list[Problem]:
    if not is_open(item):
        return [] if item.decision.decision == choice.decision else [DECIDED]
    on = today(item.version.sheet.district.tz)
    found: dict[Problem, bool] = {
        NO_PLAN: choice.decision in _INTO_THE_PLAN and client is None,
        DUE_PAST: choice.due_on is not None and choice.due_on < on,
    }
    if choice.decision == Decision.DECLINED:
        found[REASON_MISSING] = choice.reason not in ItemDecision.DeclineReason.values
        found[NOTE_MISSING] = choice.reason == ItemDecision.DeclineReason.OTHER and not choice.note.strip()
    if choice.decision == Decision.DEFERRED:
        found[DATE_MISSING] = choice.deferred_until is None
        found[DATE_PAST] = choice.deferred_until is not None and choice.deferred_until <= on
    return [problem for problem, applies in found.items() if applies]


def _numbered(item: RecommendationItem, found: list[Problem], is_one_of_several: bool) -> list[Problem]:
    if not is_one_of_several:
        return found
    text = gettext("Punkt %(number)d: %(problem)s")
    return [replace(one, text=text % {"number": item.number, "problem": one.text}) for one in found]


def _plan_for(client: Client | None, choices: list[Choice], by: User) -> HelpPlan | None:
    if client is None or not any(choice.decision in _INTO_THE_PLAN for choice in choices):
        return None
    plan = help_plans.of_client(client, by=by)
    help_plans.review_soon(plan, by=by)
    return plan


def _decide(item: RecommendationItem, choice: Choice, plan: HelpPlan | None, by: User) -> ItemDecision:
    if not is_open(item):
        return item.decision
    decision, _is_new = ItemDecision.objects.update_or_create(
        item=item,
        defaults={
            "decision": choice.decision,
            "decline_reason": choice.reason if choice.decision == Decision.DECLINED else "",
            "note": choice.note.strip(),
            "deferred_until": choice.deferred_until if choice.decision == Decision.DEFERRED else None,
            "client_word": choice.client_word,
            "decided_at": timezone.now(),
            "decided_by": by,
            "carried_from": None,
        },
    )
    audit.record(
        "decided",
        item,
        by=by,
        decision=str(choice.decision),
        number=item.number,
        version=item.version.number,
    )
    if plan is not None and choice.decision in _INTO_THE_PLAN:
        _enter(item, choice, plan, by)
    return decision


def _enter(item: RecommendationItem, choice: Choice, plan: HelpPlan, by: User) -> None:
    if item.code == ItemCode.NO_FURTHER_STEP:
        return
    as_recommended = suggestion(item, today=help_plans.today_of(plan))
    help_plans.add_step(
        plan,
        domain=choice.domain or as_recommended.domain,
        text=choice.text.strip() or as_recommended.text,
        due_on=choice.due_on or as_recommended.due_on,
        responsible=choice.responsible or as_recommended.responsible,
        client_word=choice.client_word,
        origin_item=item,
        replaces=_earlier_step(item),
        by=by,
    )


def _earlier_step(item: RecommendationItem) -> Step | None:
    return earlier_steps(item.version).get(item.code)


def _root(decision: ItemDecision) -> ItemDecision:
    """The decision somebody took, behind those carried over from it."""
    while decision.carried_from is not None:
        decision = decision.carried_from
    return decision


def _copy(decision: ItemDecision, item: RecommendationItem) -> ItemDecision:
    return ItemDecision(
        item=item,
        decision=decision.decision,
        decline_reason=decision.decline_reason,
        note=decision.note,
        deferred_until=decision.deferred_until,
        client_word=decision.client_word,
        decided_at=decision.decided_at,
        decided_by=decision.decided_by,
        carried_from=decision,
    )
