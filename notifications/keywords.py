"""What an SMS from a client surely says. Whatever is not sure stays "nicht eindeutig", for a person.

The words stand in the languages' files. Pure: knows neither clients nor appointments.
"""

import unicodedata
from collections.abc import Iterable

from accounts import languages as registry
from notifications.models import IncomingText

Understood = IncomingText.Understood

# Read are the person's own language, German and English only: what is a yes in one language ("так", "na")
# may be a filler in another.
_EVERYBODYS = ("de", "en")
# The gateway stops sending at these, whatever was meant. "cancel" is one of them and is never asked for.
STOPS = frozenset({"stop", "stopp", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
STARTS = frozenset({"start", "unstop"})
# What the gateway says it took the text for (Twilio's `OptOutType`).
_GATEWAYS = {"STOP": Understood.STOP, "START": Understood.START}
_DIGITS = {1: Understood.YES, 2: Understood.NO}

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
    if (digit := _digit(word)) in _DIGITS:
        return _DIGITS[digit]
    said = _said(word, {*_EVERYBODYS, *languages})
    if len(said) == 1:
        # The gateway takes a "YES" for "send again"; to us it is the answer it says.
        return said.pop()
    # Nothing, or a yes in one of their languages and a no in another.
    return _GATEWAYS.get(gateway_says, Understood.UNCLEAR)


def plain(body: str) -> str:
    """The text in one way of writing it: NFKC, lower case, ی for ي, no invisible signs, no full stop."""
    visible = "".join(sign for sign in body if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", visible).casefold().translate(_LETTERS).strip(_ENDS)


def _digit(word: str) -> int | None:
    return unicodedata.digit(word, None) if len(word) == 1 else None


def _said(word: str, codes: Iterable[str]) -> set[Understood]:
    known = registry.known()
    read = [known[code] for code in codes if code in known]
    answers = {Understood.YES: [one.yes for one in read], Understood.NO: [one.no for one in read]}
    return {
        answer
        for answer, words in answers.items()
        if any(word == plain(one) for some in words for one in some)
    }
