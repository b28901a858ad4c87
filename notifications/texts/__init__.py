"""The drafts of what clients read: one JSON file a language, with its review state.

Domain rules for every text: no health word, no name, place as a neutral address, dd.mm.yyyy with the
weekday and the 24-hour clock of the district (named as German where people count hours otherwise),
nothing that blames or threatens. What a district has made of a draft is in `notifications.wording`.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import NotRequired, TypedDict
from zoneinfo import ZoneInfo

from accounts import when
from clients.models import Language
from notifications.models import Message
from notifications.texts.segments import segments

__all__ = [
    "SMS_KINDS", "draft", "fill", "for_browser", "german_line", "names", "nearest", "phrases", "placeholders",
    "render", "review", "segments", "telling_words",
]  # fmt: skip

Kind = Message.Kind
SMS_KINDS = (
    Kind.BOOKED, Kind.REMINDER, Kind.MOVED, Kind.CANCELLED, Kind.OFFER, Kind.COURSE_STARTS, Kind.DROPPED,
    Kind.PLEASE_CALL,
)  # fmt: skip
# Which German line says the same to somebody who helps.
_HELPER = {Kind.CANCELLED: "cancelled", Kind.DROPPED: "cancelled", Kind.PLEASE_CALL: "please_call"}

# One such character in a place would turn 160 letters of a segment into 70.
_PLAIN = str.maketrans({"–": "-", "—": "-", "„": '"', "“": '"', "”": '"', "‚": "'", "‘": "'", "’": "'"})
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

# What browsers call languages we know by another code.
_BROWSERS_NAMES = {"fa-af": "prs", "ku": "kmr", "ku-iq": "ckb", "pes": "fa"}


class Review(TypedDict):
    """Who stands behind a language's texts: `state` for machines, `note` for people."""

    state: str
    note: str


class _Texts(TypedDict):
    language: str
    nearest: list[str]
    review: Review
    sms: dict[str, str]
    helper: NotRequired[dict[str, str]]
    telling: list[str]
    phrases: dict[str, str]


@cache
def _texts(language: str) -> _Texts:
    texts: _Texts = json.loads(
        (Path(__file__).parent / f"{Language(language).value}.json").read_text("utf-8")
    )
    return texts


def render(kind: str, language: str, context: Mapping[str, str]) -> str:
    """The SMS of this kind as drafted; ValueError for a kind that is no SMS. `fill` has the context."""
    if kind not in SMS_KINDS:
        raise ValueError(f"{kind} is no SMS.")
    return fill(draft(language, f"sms.{kind}"), language, context)


def fill(body: str, language: str, context: Mapping[str, str]) -> str:
    """The text with its facts; KeyError when one is missing.

    The context holds what the text asks for: `start_at` (ISO) and `zone` for {date} and {time}, `place`,
    `link`, `phone`.
    """
    return _PLACEHOLDER.sub(lambda found: _fact(found[1], language, context), body)


def _fact(name: str, language: str, context: Mapping[str, str]) -> str:
    if name in ("date", "time"):
        start = datetime.fromisoformat(context["start_at"]).astimezone(ZoneInfo(context["zone"]))
        return f"{start:%H:%M}" if name == "time" else when.long_date(start.date(), language)
    if name == "place":
        return " ".join(context["place"].translate(_PLAIN).split())
    return context[name]


def german_line(kind: str, context: Mapping[str, str]) -> str:
    """What the SMS says, short and in German, for somebody who helps to read it."""
    helper = _texts(Language.DE.value).get("helper", {})
    return fill(helper[_HELPER.get(Kind(kind), "appointment")], Language.DE.value, context)


def draft(language: str, name: str) -> str:
    """The draft of this text: `sms.reminder`, `phrases.coming`. KeyError where there is none."""
    group, _, key = name.partition(".")
    texts = _texts(language)
    return {"sms": texts["sms"], "phrases": texts["phrases"]}[group][key]


def names(language: str) -> list[str]:
    """All texts of a language, the messages first."""
    texts = _texts(language)
    return [*(f"sms.{key}" for key in texts["sms"]), *(f"phrases.{key}" for key in texts["phrases"])]


def phrases(language: str) -> dict[str, str]:
    """The words of the client page and the slip. `at_time` holds a `{time}` to fill."""
    return dict(_texts(language)["phrases"])


def placeholders(body: str) -> set[str]:
    """What stands in braces."""
    return set(_PLACEHOLDER.findall(body))


def nearest(language: str) -> list[str]:
    """Languages that somebody who reads this one may read as well, the likeliest first."""
    return list(_texts(language)["nearest"])


def review(language: str) -> Review:
    """Whether anybody has checked this language's drafts."""
    return _texts(language)["review"]


def telling_words(text: str, language: str) -> list[str]:
    """What in this text could give away what the appointment is for, each as it stands there.

    Looked for are stems of words of health, mind, asylum and the like, in the text's language
    and in German and English, which its readers' helpers understand.
    """
    stems = {stem for code in (language, "de", "en") for stem in _texts(code)["telling"]}
    words = dict.fromkeys(re.findall(r"[\w'’-]+", _PLACEHOLDER.sub(" ", text)))
    return [word for word in words if any(stem in word.lower() for stem in stems)]


def for_browser(accept_language: str) -> str:
    """The first of our languages in an `Accept-Language` header; German where none is."""
    for tag in re.split(r"[,\s]+", accept_language.lower()):
        code = tag.split(";")[0]
        language = _BROWSERS_NAMES.get(code) or _BROWSERS_NAMES.get(code.split("-")[0], code.split("-")[0])
        if language in Language.values:
            return language
    return Language.DE.value
