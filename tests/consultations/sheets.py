"""Short ways to a sheet, a draft and a release, through the rules."""

from typing import Any

from accounts import second_factor
from accounts.models import User
from consultations import decisions, recommendations
from consultations.decisions import Choice, Decision
from consultations.models import ItemCode, ItemDecision, RecommendationSheet, SheetVersion
from consultations.recommendations import DraftItem


def line(code: ItemCode, sentence: str = "", **fields: Any) -> DraftItem:
    """A ticked line of a draft as suggested, with this sentence."""
    changed: Any = {"chosen": True, "sentence": sentence, **fields}
    item: DraftItem = recommendations.blank_item(code) | changed
    return item


def write(sheet: RecommendationSheet, *items: DraftItem) -> RecommendationSheet:
    """Save this draft over the newest revision."""
    sheet.refresh_from_db()
    return recommendations.save_draft(sheet, items=items, revision=sheet.revision, by=sheet.author)


def a_code(user: User) -> str:
    """A code that is right for this person, as often as one asks (each counts once)."""
    if second_factor.device_of(user) is None:
        second_factor.give(user, second_factor.new_secret())
    return second_factor.renew_recovery_codes(user)[0]


def release(sheet: RecommendationSheet, *items: DraftItem) -> SheetVersion:
    """Write the draft, if one is given, and release it."""
    saved = write(sheet, *items) if items else RecommendationSheet.objects.get(pk=sheet.pk)
    return recommendations.release(saved, code=a_code(sheet.author), revision=saved.revision, by=sheet.author)


def accept_all(version: SheetVersion, *, by: User) -> list[ItemDecision]:
    """Take every item nobody has decided on yet."""
    undecided = version.items.undecided().values_list("uuid", flat=True)
    return decisions.decide_all(
        version, {uuid: Choice(decision=Decision.ACCEPTED) for uuid in undecided}, by=by
    )
