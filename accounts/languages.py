"""The languages clients read: one JSON file each, and nothing else to a language but its file.

The files of `languages/` come with a release; a district adds its own in directories of its own
(`CLIENT_LANGUAGES`), where a file of the same name takes the place of ours. A file that is not whole
is left out and named by `manage.py check`. docs/operations.md says how a language is added.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_language

from accounts import language_files
from accounts.language_files import GERMAN as GERMAN
from accounts.language_files import STAFF

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dates:
    """How a language writes a day ("{weekday}, {day}.{month}.{year}") and a time ("{hour}:{minute}").

    Names of weekdays begin with Monday; months have names where the pattern asks for `{month_name}`.
    """

    date: str
    time: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]


@dataclass(frozen=True)
class Language:
    """All we know of a language. `names` are those of staff, by the language of their pages."""

    code: str
    own_name: str
    names: Mapping[str, str]
    is_right_to_left: bool
    # For HTML and for what browsers ask for; in lower case there.
    tag: str
    also_called: tuple[str, ...]
    # One word for several ways of speaking that do not understand each other.
    dialect_matters: bool
    dates: Dates
    # Codes of languages its readers may read as well, the likeliest first.
    nearest: tuple[str, ...]
    # Words of an SMS that are surely a yes or a no.
    yes: tuple[str, ...]
    no: tuple[str, ...]
    # Patterns of words that give away what an appointment is for.
    telling: tuple[str, ...]
    # "state" for machines, "note" for people: who stands behind these drafts.
    review: Mapping[str, str]
    sms: Mapping[str, str]
    phrases: Mapping[str, str]
    # The short line for somebody who helps; German only.
    helper: Mapping[str, str]
    # The words of the consent sheet; empty where nobody has written them.
    consent: Mapping[str, Any]


def known() -> Mapping[str, Language]:
    """All languages by code: German, English, then by their German name."""
    return _read(_directories()).languages


def get(code: str) -> Language:
    """One of them; ValueError for a language nobody has written."""
    try:
        return known()[code]
    except KeyError:
        raise ValueError(f"No language {code!r} is known.") from None


def choices(*before: tuple[str, Any]) -> list[tuple[str, Any]]:
    """For a field of a form or model: the name staff use, and the one clients can point at."""
    return [*before, *((code, _both_names(language)) for code, language in known().items())]


def name(code: str) -> str:
    """The language in the words of the reader, e.g. "Arabisch"; empty for an unknown one."""
    language = known().get(code)
    return _staff_name(language) if language else ""


def wants_dialect(code: str) -> bool:
    """Whether one has to say how this language is spoken, because its speakers may not understand each
    other (domain: referral form)."""
    language = known().get(code)
    return language is not None and language.dialect_matters


def problems() -> list[tuple[Path, str]]:
    """What is wrong with the files, each with its file; empty: all is well."""
    return list(_read(_directories()).problems)


@dataclass(frozen=True)
class _Registry:
    languages: Mapping[str, Language]
    problems: tuple[tuple[Path, str], ...]


def _directories() -> tuple[Path, ...]:
    return tuple(Path(directory) for directory in settings.CLIENT_LANGUAGES)


@cache
def _read(directories: tuple[Path, ...]) -> _Registry:
    files = [path for directory in directories for path in sorted(directory.glob("*.json"))]
    codes = {path.stem for path in files}
    found = [(directory, "is no directory.") for directory in directories if not directory.is_dir()]
    whole: dict[str, dict[str, Any]] = {}
    # German first: what it says, the others must say.
    for path in sorted(files, key=lambda path: path.stem != GERMAN):
        content, wrong = _content(path, whole.get(GERMAN), codes)
        found += [(path, sentence) for sentence in wrong]
        if not wrong:
            whole[path.stem] = content
    for path, sentence in found:
        logger.error("language left out: %s %s", path, sentence)
    ordered = sorted(whole.values(), key=_order)
    return _Registry({content["code"]: _language(content) for content in ordered}, tuple(found))


def _content(path: Path, german: dict[str, Any] | None, codes: set[str]) -> tuple[dict[str, Any], list[str]]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        return {}, [f"cannot be read: {error}"]
    if not isinstance(content, dict):
        return {}, ["holds no object."]
    model = content if german is None and path.stem == GERMAN else german or {}
    return content, list(language_files.against(path.stem, content, model, codes))


def _order(content: dict[str, Any]) -> tuple[int, str]:
    code = content["code"]
    return (STAFF.index(code) if code in STAFF else len(STAFF), content["names"]["de"])


def _language(content: dict[str, Any]) -> Language:
    dates = content["dates"]
    answers = content.get("answers", {})
    return Language(
        code=content["code"],
        own_name=content["own_name"],
        names=content["names"],
        is_right_to_left=content["direction"] == "rtl",
        tag=content.get("tag", content["code"]),
        also_called=tuple(content.get("also_called", ())),
        dialect_matters=content.get("dialect_matters", False),
        dates=Dates(dates["date"], dates["time"], tuple(dates["weekdays"]), tuple(dates.get("months", ()))),
        nearest=tuple(content["nearest"]),
        yes=tuple(answers.get("yes", ())),
        no=tuple(answers.get("no", ())),
        telling=tuple(content["telling"]),
        review=content["review"],
        sms=content["sms"],
        phrases=content["phrases"],
        helper=content.get("helper", {}),
        consent=content.get("consent", {}),
    )


def _staff_name(language: Language) -> str:
    return language.names[STAFF[1] if (get_language() or "").startswith(STAFF[1]) else STAFF[0]]


def _both_names(language: Language) -> str:
    staff = _staff_name(language)
    return staff if staff == language.own_name else f"{staff} · {language.own_name}"
