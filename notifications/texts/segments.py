"""How many parts an SMS is cut into, which is what the gateway counts, paces and charges.

Source: 3GPP TS 23.038 (GSM 7-bit default alphabet and its extension table) and TS 23.040
(concatenation costs six octets of each part).
"""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """The number of parts: 160 or 153 seven-bit letters each, or 70 or 67 UTF-16 units."""
    letters = set(text)
    if letters <= _BASIC | _EXTENSION:
        return _parts([2 if letter in _EXTENSION else 1 for letter in text], alone=160, joined=153)
    return _parts([len(letter.encode("utf-16-le")) // 2 for letter in text], alone=70, joined=67)


def costly_letters(text: str) -> str:
    """The letters, each once and in order, that make any SMS they stand in more than twice as long."""
    return "".join(dict.fromkeys(letter for letter in text if letter not in _BASIC | _EXTENSION))


def _parts(widths: list[int], *, alone: int, joined: int) -> int:
    """Parts for letters of these widths; a letter of two units is never cut in the middle."""
    if sum(widths) <= alone:
        return 1
    parts, room = 1, joined
    for width in widths:
        if width > room:
            parts, room = parts + 1, joined
        room -= width
    return parts
