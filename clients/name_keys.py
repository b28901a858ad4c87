"""Blind keys of a name: alike for spellings that sound alike, unreadable in the database."""

import re

import jellyfish
from anyascii import anyascii

from accounts.crypto import blind_index

# Spelling habits of transliterated names that phonetic codes keep apart.
_SAME = [
    ("mohamm", "muham"),
    ("mohamed", "muhamad"),
    ("ou", "u"),
    ("oo", "u"),
    ("ee", "i"),
    ("y", "i"),
    ("q", "k"),
]


def plain(name: str) -> str:
    """The name in lower-case Latin letters: "Jürgen Öz" → "jurgen oz", "Олена" → "olena"."""
    return re.sub(r"[^a-z ]+", " ", anyascii(name).lower()).strip()


def keys(given_name: str, family_name: str) -> list[str]:
    """Digests of the phonetic forms of each part of the name, sorted, each once.

    Two people share keys when parts of their names sound alike, in whichever order and script.
    """
    parts = set(plain(f"{given_name} {family_name}").split())
    return sorted({blind_index(sound, purpose="name") for part in parts if (sound := _sound(part))})


def _sound(part: str) -> str:
    for written, meant in _SAME:
        part = part.replace(written, meant)
    return jellyfish.metaphone(part) or part
