"""The drafts of what clients read, from the files of their languages (`accounts.languages`).

Domain rules for every text: no health word, no name, place as a neutral address, dd.mm.yyyy with the
weekday and the 24-hour clock of the district (named as German where people count hours otherwise),
nothing that blames or threatens. What a district has made of a draft is in `notifications.wording`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts import languages, when
from notifications.models import Message
from notifications.texts.segments import segments

__all__ = [
    "SMS_KINDS", "draft", "fill", "for_browser", "german_line", "names", "phrases", "placeholders",
    "readable", "segments",
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


def fill(body: str, language: str, context: Mapping[str, str]) -> str:
    """The text with its facts; KeyError when one is missing.

    The context holds what the text asks for: `start_at` (ISO) and `zone` for {date} and {time}, `place`,
    `link`, `phone`.
    """
    return _PLACEHOLDER.sub(lambda found: _fact(found[1], language, context), body)


def _fact(name: str, language: str, context: Mapping[str, str]) -> str:
    if name in ("date", "time"):
        zone = ZoneInfo(context["zone"])
        start = datetime.fromisoformat(context["start_at"]).astimezone(zone)
        if name == "time":
            return when.time_of_day(start, language, zone=zone)
        return when.long_date(start.date(), language)
    if name == "place":
        return " ".join(context["place"].translate(_PLAIN).split())
    return context[name]


def german_line(kind: str, context: Mapping[str, str]) -> str:
    """What the SMS says, short and in German, for somebody who helps to read it."""
    line = languages.get(languages.GERMAN).helper[_HELPER.get(Kind(kind), "appointment")]
    return fill(line, languages.GERMAN, context)


def draft(language: str, name: str) -> str:
    """The draft of this text: `sms.reminder`, `phrases.coming`. KeyError where there is none."""
    group, _, key = name.partition(".")
    found = languages.get(language)
    return {"sms": found.sms, "phrases": found.phrases}[group][key]


def names(language: str) -> list[str]:
    """All texts of a language, the messages first."""
    found = languages.get(language)
    return [*(f"sms.{key}" for key in found.sms), *(f"phrases.{key}" for key in found.phrases)]


def phrases(language: str) -> dict[str, str]:
    """The words of the client page and the slip. `at_time` holds a `{time}` to fill."""
    return dict(languages.get(language).phrases)


def placeholders(body: str) -> set[str]:
    """What stands in braces."""
    return set(_PLACEHOLDER.findall(body))


def readable(language: str) -> list[str]:
    """What somebody who reads this language may read as well, itself and the likeliest first; empty where
    we do not know it (any more)."""
    known = languages.known()
    found = known.get(language)
    return [language, *(code for code in found.nearest if code in known)] if found else []


def for_browser(accept_language: str) -> str:
    """The first of our languages in an `Accept-Language` header; German where none is."""
    ours = {
        tag: found.code for found in languages.known().values() for tag in (found.code, *found.also_called)
    }
    for part in re.split(r"[,\s]+", accept_language.lower()):
        tag = part.split(";")[0]
        for known_as in (tag, tag.split("-")[0]):
            if known_as in ours:
                return ours[known_as]
    return languages.GERMAN
