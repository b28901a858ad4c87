"""The consent sheet's words, from the files of the languages that have some (`accounts.languages`).

The German sheet is the one the others follow, sentence by sentence: whoever changes it changes all. A new
language is read by a native speaker before it is used.
"""

from dataclasses import dataclass

from accounts import languages
from accounts.languages import GERMAN


@dataclass(frozen=True)
class Sheet:
    """All words of the sheet in one language. A client reads them aloud or hears them, so they are short."""

    language: str
    title: str
    name: str
    case_number: str
    caseworker: str
    spoken: str
    # What the client agrees to: who talks, with whom, what for, and what is not kept.
    agreement: str
    specialist: str
    # What the client is promised, one point each.
    promises: list[str]
    explained_in: str
    interpreted_by: str
    signature_client: str
    signature_caseworker: str
    # Said on every sheet that is a translation; empty on the German one.
    translation_note: str = ""


def sheets() -> dict[str, Sheet]:
    """By language."""
    known = languages.known().values()
    return {one.code: Sheet(language=one.code, **one.consent) for one in known if one.consent}


def choose(wanted: str, *, spoken: str) -> Sheet:
    """The sheet asked for; else the one in the client's language (both codes); else the German one."""
    found = sheets()
    return found.get(wanted) or found.get(spoken) or found[GERMAN]
