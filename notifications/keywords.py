"""What an SMS from a client surely says. Whatever is not sure stays "nicht eindeutig", for a person.

Source of the words: domain rules for two-way keywords. Pure: knows neither clients nor appointments.
"""

import unicodedata
from collections.abc import Iterable, Mapping

from notifications.models import IncomingText

Understood = IncomingText.Understood

# By language. Read in the person's own language, in German and in English only: what is a yes in one
# language ("так", "na") may be a filler in another.
_YES = {
    "de": ("ja",), "en": ("yes",), "ar": ("نعم",), "fa": ("بله",), "prs": ("بلی",), "ps": ("هو",),
    "kmr": ("erê",), "ckb": ("بەڵێ",), "ti": ("እወ",), "uk": ("так",), "ru": ("да",), "tr": ("evet",),
    "fr": ("oui",), "so": ("haa",),
}  # fmt: skip
_NO = {
    "de": ("nein",), "en": ("no",), "ar": ("لا",), "fa": ("نه",), "prs": ("نه",), "ps": ("نه",),
    "kmr": ("na",), "ckb": ("نەخێر",), "ti": ("ኣይኮነን",), "uk": ("ні",), "ru": ("нет",),
    "tr": ("hayır", "hayir"), "fr": ("non",), "so": ("maya",),
}  # fmt: skip
_EVERYBODYS = ("de", "en")
# The gateway stops sending at these, whatever was meant. "cancel" is one of them and is never asked for.
STOPS = frozenset({"stop", "stopp", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
STARTS = frozenset({"start", "unstop"})
# What the gateway says it took the text for (Twilio's `OptOutType`).
_GATEWAYS = {"STOP": Understood.STOP, "START": Understood.START}

_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک"})
# A question mark is not among them: "ja?" asks something.
_ENDS = " \t\r\n.!。۔።"


def understand(body: str, languages: Iterable[str] = (), *, gateway_says: str = "") -> Understood:
    """What the text says, for somebody who reads these languages.

    `gateway_says` is the gateway's own opt-out classification; it has acted on it already.
    """
    word = plain(body)
    if word in STOPS or gateway_says == "STOP":
        return Understood.STOP
    if word in STARTS:
        return Understood.START
    read = {*_EVERYBODYS, *languages}
    if _digit(word) == 1 or _is_in(word, _YES, read):
        # The gateway takes a "YES" for "send again"; to us it is the answer it says.
        return Understood.YES
    if _digit(word) == 2 or _is_in(word, _NO, read):
        return Understood.NO
    return _GATEWAYS.get(gateway_says, Understood.UNCLEAR)


def plain(body: str) -> str:
    """The text in one way of writing it: NFKC, lower case, ی for ي, no invisible signs, no full stop."""
    visible = "".join(sign for sign in body if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", visible).casefold().translate(_LETTERS).strip(_ENDS)


def _digit(word: str) -> int | None:
    return unicodedata.digit(word, None) if len(word) == 1 else None


def _is_in(word: str, words: Mapping[str, tuple[str, ...]], languages: set[str]) -> bool:
    return any(word == plain(one) for language in languages for one in words.get(language, ()))
