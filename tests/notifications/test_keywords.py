"""What an SMS surely says; everything else is for a person."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts import languages
from notifications import keywords
from notifications.models import IncomingText

Said = IncomingText.Understood
# The drafts' own words: what the reply line of an SMS offers in each language (domain rules).
OFFERED = {
    "de": ("ja", "nein"), "en": ("yes", "no"), "ar": ("نعم", "لا"), "fa": ("بله", "نه"), "prs": ("بلی", "نه"),
    "ps": ("هو", "نه"), "kmr": ("erê", "na"), "ckb": ("بەڵێ", "نەخێر"), "ti": ("እወ", "ኣይኮነን"),
    "uk": ("так", "ні"), "ru": ("да", "нет"), "tr": ("evet", "hayır"), "fr": ("oui", "non"),
    "so": ("haa", "maya"),
}  # fmt: skip
# Every sign that Unicode counts as the digit one or two, also raised or in a circle; not those that stand
# for several signs, as "⑴".
DIGITS = {
    number: [
        chr(sign)
        for sign in range(0x20000)
        if unicodedata.digit(chr(sign), None) == number and len(unicodedata.normalize("NFKC", chr(sign))) == 1
    ]
    for number in (1, 2)
}
AROUND = st.sampled_from(["", " ", "\n", "\u200f", ". "])
CLEAR = {Said.YES, Said.NO}


@pytest.mark.parametrize("language", languages.known())
def test_every_language_says_yes_and_no(language: str) -> None:
    yes, no = OFFERED[language]

    assert keywords.understand(yes, [language]) == Said.YES
    assert keywords.understand(no, [language]) == Said.NO


@given(st.sampled_from(DIGITS[1]), st.sampled_from(DIGITS[2]), AROUND)
@example("١", "۲", " ")
@example("１", "２", "\u200e")  # full width
@example("፩", "፪", "")
def test_one_and_two_are_understood_in_any_numerals(one: str, two: str, around: str) -> None:
    assert keywords.understand(f"{around}{one}{around}") == Said.YES
    assert keywords.understand(f"{around}{two}{around}") == Said.NO


@pytest.mark.parametrize(
    ("body", "languages", "expected"),
    [
        ("JA.", [], Said.YES),
        ("Nein!", [], Said.NO),
        ("بلي", ["prs"], Said.YES),  # the Arabic ي of another keyboard
        ("HAYIR", ["tr"], Said.NO),
        ("ere\u0302", ["kmr"], Said.YES),  # the circumflex as a sign of its own
        ("Ja?", [], Said.UNCLEAR),
        ("ja aber später", [], Said.UNCLEAR),
        ("1 2", [], Said.UNCLEAR),
        ("12", [], Said.UNCLEAR),
        ("1️⃣", [], Said.UNCLEAR),
        ("3", [], Said.UNCLEAR),
        ("", [], Said.UNCLEAR),
        # A yes in one language is a filler in another.
        ("так", ["uk"], Said.YES),
        ("так", ["ru"], Said.UNCLEAR),
        ("na", ["kmr"], Said.NO),
        ("na", ["de"], Said.UNCLEAR),
    ],
)
def test_what_is_sure_and_what_is_not(body: str, languages: list[str], expected: Said) -> None:
    assert keywords.understand(body, languages) == expected


@pytest.mark.parametrize("word", ["STOP", "stopp", "Cancel", "UNSUBSCRIBE", "optout"])
def test_what_the_gateway_takes_as_stop_is_stop(word: str) -> None:
    assert keywords.understand(word, ["en"]) == Said.STOP


def test_the_gateways_own_word_counts() -> None:
    assert keywords.understand("توقف", ["ar"], gateway_says="STOP") == Said.STOP
    assert keywords.understand("hilfe", [], gateway_says="HELP") == Said.UNCLEAR
    assert keywords.understand("los", [], gateway_says="START") == Said.START
    # To the gateway a "YES" means "send again"; to us it answers what was asked.
    assert keywords.understand("YES", [], gateway_says="START") == Said.YES


@given(st.text(), st.lists(st.sampled_from([*languages.known()])))
@example("11", [])
@example("1.1", [])
@example("nein ja", ["de"])
def test_it_never_guesses(body: str, languages: list[str]) -> None:
    """Whatever is taken for an answer is one digit or one word on the list, and nothing more."""
    if keywords.understand(body, languages) in CLEAR:
        word = keywords.plain(body)
        known = {keywords.plain(one) for pair in OFFERED.values() for one in pair} | {"hayir"}
        assert word in known or (len(word) == 1 and unicodedata.digit(word, None) in (1, 2))


@given(
    st.sampled_from([word for pair in OFFERED.values() for word in pair] + DIGITS[1] + DIGITS[2]),
    st.text(st.characters(categories=["L", "N"]), min_size=1),
)
def test_an_answer_with_anything_beside_it_is_no_answer(word: str, more: str) -> None:
    for body in (f"{word} {more}", f"{more} {word}"):
        assert keywords.understand(body, [*languages.known()]) not in CLEAR


@given(st.text())
def test_nothing_is_yes_and_no_at_once(body: str) -> None:
    """Reading in more languages never turns an answer into its opposite."""
    said = {keywords.understand(body, [language]) for language in languages.known()}

    assert not said >= CLEAR
