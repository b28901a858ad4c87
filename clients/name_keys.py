"""Blind keys of a name: alike for spellings that sound alike, unreadable in the database."""

import re
from collections.abc import Iterator
from itertools import pairwise

import jellyfish
from anyascii import anyascii

from accounts.crypto import blind_index

# Spelling habits of transliterated names that phonetic codes keep apart: German, English, French ones.
_SAME = [
    (re.compile(written), meant)
    for written, meant in [
        ("^ae", "a"),
        ("^oe", "o"),
        ("^ue", "u"),
        ("wtsch", "vch"),
        ("tsch", "ch"),
        ("dsch", "j"),
        ("sch", "sh"),
        ("dj", "j"),
        ("gh", "g"),
        ("kh", "k"),
        ("w(?=[aeiouy])", "v"),
        ("ow$", "ov"),
        ("mohamm", "muham"),
        ("mohamed", "muhamad"),
        ("ou", "u"),
        ("oo", "u"),
        ("ee", "i"),
        ("y", "i"),
        ("q", "k"),
    ]
]
# The Arabic article is written apart, with a hyphen or in one word: Al-Hassan, Al Hassan, Alhassan.
_ARTICLES = {"al", "el"}
_WITH_ARTICLE = re.compile(r"^[ae]l(?=[^aeiouxl]\w{3})")


def plain(name: str) -> str:
    """The name in lower-case Latin letters: "Jürgen Öz" → "jurgen oz", "Олена" → "olena"."""
    return re.sub(r"[^a-z ]+", " ", anyascii(name).lower()).strip()


def keys(given_name: str, family_name: str) -> list[str]:
    """Digests of the phonetic forms of each part of the name, sorted, each once.

    Two people share keys when parts of their names sound alike, in whichever order and script, and
    whether parts are written apart or in one word (Anne-Marie, Annemarie).
    """
    sounds = {_sound(part) for name in (given_name, family_name) for part in _parts(name)}
    return sorted(blind_index(sound, purpose="name") for sound in sounds if sound)


def _parts(name: str) -> Iterator[str]:
    """Each part without its article, and each two neighbours as one word."""
    words = plain(name).split()
    parts = [_WITH_ARTICLE.sub("", word) for word in words if word not in _ARTICLES] or words
    yield from parts
    yield from map("".join, pairwise(parts))


def _sound(part: str) -> str:
    for written, meant in _SAME:
        part = written.sub(meant, part)
    return jellyfish.metaphone(part) or part
