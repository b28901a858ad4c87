"""What stands on the sheet's page, as a draft: taken as typed, complete or not."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import QueryDict

from consultations import recommendations
from consultations.models import ItemCode, Responsible, Urgency
from consultations.recommendations import DraftItem

_TAB_LENGTH = 40


@dataclass(frozen=True)
class Row:
    """One recommendation of the list with what was written to it."""

    code: ItemCode
    item: DraftItem
    needs_sentence: bool


def rows(draft: list[DraftItem]) -> list[Row]:
    """The whole list, in its order."""
    return [
        Row(ItemCode(item["code"]), item, item["code"] in recommendations.NEEDS_SENTENCE)
        for item in recommendations.lines(draft)
    ]


def typed(data: QueryDict) -> list[DraftItem]:
    """The draft in a posted page: ticked lines, and unticked ones that hold a text."""
    chosen = set(data.getlist("item"))
    found = [
        DraftItem(
            code=code,
            chosen=code in chosen,
            sentence=data.get(f"sentence-{code}", ""),
            urgency=data.get(f"urgency-{code}", ""),
            responsible=data.get(f"responsible-{code}", ""),
        )
        for code in ItemCode.values
    ]
    return [item for item in found if item["chosen"] or item["sentence"]]


def revision(data: Mapping[str, str]) -> int:
    """The draft's revision the page knew; -1, which no draft has, for nonsense."""
    value = data.get("revision", "")
    return int(value) if value.isdecimal() and len(value) < 10 else -1


def tab(data: Mapping[str, str]) -> str:
    """Which browser tab it was, as the page was told when it was opened."""
    return data.get("tab", "")[:_TAB_LENGTH]


def choices() -> dict[str, list[tuple[str, object]]]:
    """The selects of each line."""
    return {"urgencies": list(Urgency.choices), "responsibles": list(Responsible.choices)}
