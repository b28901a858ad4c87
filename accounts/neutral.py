"""What leaves the house is neutral: no word that gives away what an appointment is for.

Whoever reads over a client's shoulder must not learn it. The words stand in the languages' files;
German and English count in every text, because those who help read them.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from django.utils.translation import gettext as _

from accounts import languages
from accounts.models import District, User
from accounts.roles import Role

_READ_BY_HELPERS = ("de", "en")
# "Klinikstr. 5" is where the door is, not what is behind it.
_STREETS = re.compile(r"(str\.?|straße|strasse|weg|gasse|platz|allee|ring|steig|ufer|damm)$")
_INSIDE_WORDS = "'’-."


class NotNeutral(ValueError):
    """A text tells what it is for; `words` are those that do."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(f"not neutral: {', '.join(words)}")
        self.words = words


def telling_words(text: str, district: District | None = None, *, language: str = "de") -> list[str]:
    """The words of a text in this language that tell, as they stand there; empty: it is neutral.

    With a district its specialists' names tell, too; that is one query. What stands in braces is no word.
    """
    patterns = _patterns((language, *_READ_BY_HELPERS))
    names = _names_of_specialists(district) if district else set()
    found = (word for word in _words(re.sub(r"\{[^{}]*\}", " ", text)) if _tells(word, patterns, names))
    return list(dict.fromkeys(found))


def refuse_telling(text: str, district: District) -> None:
    """Raise NotNeutral for a text that tells (forms say it before, with `complaint`)."""
    if told := telling_words(text, district):
        raise NotNeutral(told)


def complaint(words: Iterable[str]) -> str:
    """What a form says of telling words."""
    return _("Das verrät, worum es geht: %(words)s. Auf dem Handy lesen vielleicht andere mit.") % {
        "words": ", ".join(f"„{word}“" for word in words)
    }


def _tells(word: str, patterns: Iterable[re.Pattern[str]], names: set[str]) -> bool:
    # Lower case of the Turkish "İ" is an "i" and a dot of its own.
    plain = word.lower().replace("\u0307", "")
    if plain in names:
        return True
    return not _STREETS.search(plain) and any(pattern.search(plain) for pattern in patterns)


def _words(text: str) -> list[str]:
    """Letters with their marks; the signs of `_INSIDE_WORDS` only inside ("Doktor-Huber-Str.")."""
    shown = unicodedata.normalize("NFC", text)
    parts = "".join(sign if _is_of_word(sign) else " " for sign in shown).split()
    return [word for part in parts if (word := part.strip(_INSIDE_WORDS))]


def _is_of_word(sign: str) -> bool:
    return sign.isalnum() or sign in _INSIDE_WORDS or unicodedata.category(sign).startswith("M")


def _patterns(codes: tuple[str, ...]) -> list[re.Pattern[str]]:
    known = languages.known()
    return [
        _compiled(pattern)
        for code in dict.fromkeys(codes)
        if code in known
        for pattern in known[code].telling
    ]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _names_of_specialists(district: District) -> set[str]:
    """Their family names, in lower case."""
    people = User.objects.with_role(Role.SPECIALIST).filter(district=district)
    return {user.name.split()[-1].lower() for user in people if user.name.split()}
