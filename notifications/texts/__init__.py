"""What clients read, in 14 languages: one JSON file a language, with its review state.

Domain rules for every text: no health word, no name, place as a neutral address, dd.mm.yyyy and
the 24-hour clock of the district, nothing that blames or threatens.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TypedDict
from zoneinfo import ZoneInfo

from clients.models import Language
from notifications.models import Message
from notifications.texts.segments import segments

__all__ = ["for_browser", "phrases", "render", "review", "segments"]

# The draft for reminders says all that is to be said at booking, too.
_TEXT_OF = {Message.Kind.BOOKED: "reminder", Message.Kind.REMINDER: "reminder"}

# One such character in a place would turn 160 letters of a segment into 70.
_PLAIN = str.maketrans({"–": "-", "—": "-", "„": '"', "“": '"', "”": '"', "‚": "'", "‘": "'", "’": "'"})

# What browsers call languages we know by another code.
_BROWSERS_NAMES = {"fa-af": "prs", "ku": "kmr", "ku-iq": "ckb", "pes": "fa"}


class Review(TypedDict):
    """Who stands behind a language's texts: `state` for machines, `note` for people."""

    state: str
    note: str


class _Texts(TypedDict):
    language: str
    review: Review
    sms: dict[str, str]
    phrases: dict[str, str]


@cache
def _texts(language: str) -> _Texts:
    texts: _Texts = json.loads(
        (Path(__file__).parent / f"{Language(language).value}.json").read_text("utf-8")
    )
    return texts


def render(kind: str, language: str, context: Mapping[str, str]) -> str:
    """The SMS of this kind. The context holds `start_at` (ISO), `zone`, `place` and `link`."""
    start = datetime.fromisoformat(context["start_at"]).astimezone(ZoneInfo(context["zone"]))
    return _texts(language)["sms"][_TEXT_OF.get(Message.Kind(kind), "reminder")].format(
        date=f"{start:%d.%m.%Y}",
        time=f"{start:%H:%M}",
        place=" ".join(context["place"].translate(_PLAIN).split()),
        link=context["link"],
    )


def phrases(language: str) -> dict[str, str]:
    """The words of the client page and the slip. `at_time` holds a `{time}` to fill."""
    return dict(_texts(language)["phrases"])


def review(language: str) -> Review:
    """Whether anybody has checked this language's texts."""
    return _texts(language)["review"]


def for_browser(accept_language: str) -> str:
    """The first of our languages in an `Accept-Language` header; German where none is."""
    for tag in re.split(r"[,\s]+", accept_language.lower()):
        code = tag.split(";")[0]
        language = _BROWSERS_NAMES.get(code) or _BROWSERS_NAMES.get(code.split("-")[0], code.split("-")[0])
        if language in Language.values:
            return language
    return Language.DE.value
