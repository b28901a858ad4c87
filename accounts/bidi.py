"""Names written from right to left in lines that run from left to right.

Markup has `<bdi>` for it; choices of a list, sentences with a name and plain texts have only these marks.
"""

import unicodedata

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"


def isolated(name: str) -> str:
    """The name so that digits and signs beside it stay where they belong: "…, 26-A7KQM" keeps its number in
    one piece. A name without letters written from right to left comes back as it is."""
    if any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in name):
        return f"{_FIRST_STRONG_ISOLATE}{name}{_POP_ISOLATE}"
    return name
