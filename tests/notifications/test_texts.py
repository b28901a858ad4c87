"""What clients read: complete in every language, neutral, right in time and length."""

import re
import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.models import Language
from notifications import texts
from notifications.models import Message

LINK = "https://t.example.org/t/abc"  # 27 letters
START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)


def context(place: str = "Landratsamt, Hauptstr. 1", start: datetime = START) -> dict[str, str]:
    return {"start_at": start.isoformat(), "zone": "Europe/Berlin", "place": place, "link": LINK}


def test_the_german_reminder_reads_as_drafted() -> None:
    text = texts.render(Message.Kind.REMINDER, "de", context())

    assert text == (
        "Erinnerung: Ihr Termin ist am 08.12.2026 um 14:00 Uhr. Ort: Landratsamt, Hauptstr. 1. "
        "Infos oder Absage: https://t.example.org/t/abc"
    )


@pytest.mark.parametrize("kind", Message.Kind)
@pytest.mark.parametrize("language", Language)
def test_every_kind_is_written_in_every_language(kind: Message.Kind, language: Language) -> None:
    text = texts.render(kind, language, context())

    assert "08.12.2026" in text
    assert "14:00" in text
    assert "Landratsamt, Hauptstr. 1" in text
    assert text.endswith(LINK)
    assert "{" not in text


# Counted with the gateway's own calculator for a place of 24 letters.
SEGMENTS = {"de": 1, "en": 1, "fr": 1, "so": 1}


@pytest.mark.parametrize("language", Language)
def test_a_message_takes_the_segments_its_draft_was_counted_with(language: Language) -> None:
    link_of_25 = LINK[:25]
    text = texts.render(Message.Kind.REMINDER, language, context() | {"link": link_of_25})

    assert texts.segments(text) == SEGMENTS.get(language, 2)


def test_typographic_characters_in_a_place_do_not_double_the_segments() -> None:
    fine = texts.render(Message.Kind.REMINDER, "de", context("Haus „Nord“ – Zimmer\u00a03"))

    assert 'Haus "Nord" - Zimmer 3' in fine
    assert texts.segments(fine) == 1


@pytest.mark.promise(16)
@pytest.mark.parametrize(
    ("start", "says"),
    [
        (datetime(2027, 3, 27, 13, 0, tzinfo=UTC), "27.03.2027 um 14:00"),
        (datetime(2027, 3, 28, 12, 0, tzinfo=UTC), "28.03.2027 um 14:00"),
        (datetime(2027, 10, 30, 12, 0, tzinfo=UTC), "30.10.2027 um 14:00"),
        (datetime(2027, 10, 31, 13, 0, tzinfo=UTC), "31.10.2027 um 14:00"),
    ],
)
def test_times_are_the_districts_on_both_sides_of_a_clock_change(start: datetime, says: str) -> None:
    assert says in texts.render(Message.Kind.REMINDER, "de", context(start=start))


@pytest.mark.parametrize("language", Language)
def test_phrases_are_the_same_set_in_every_language(language: Language) -> None:
    german, phrases = texts.phrases("de"), texts.phrases(language)

    assert phrases.keys() == german.keys()
    assert all(phrase.strip() == phrase != "" for phrase in phrases.values())
    for key, phrase in phrases.items():
        assert placeholders(phrase) == placeholders(german[key]), key


@pytest.mark.parametrize("language", Language)
def test_the_way_back_names_the_button_it_means(language: Language) -> None:
    phrases = texts.phrases(language)

    assert phrases["coming"] in phrases["thanks_not_coming"]


@pytest.mark.parametrize("language", Language)
def test_nobody_has_checked_these_texts_and_they_say_so(language: Language) -> None:
    review = texts.review(language)

    assert review == {"state": "machine_drafted", "note": "maschinell entworfen, noch von niemandem geprüft"}


# Words for health, mind, doctor, clinic, asylum, office of foreigners, in the 14 languages.
TELLING = re.compile(
    r"trauma|psych|therap|gesund|krank|klinik|arzt|ärzt|asyl|flücht|sprechstunde|health|doctor|clinic|refugee"
    r"|صدم|نفس|صح|طبيب|عيادة|لجوء|روان|پزشک|داکتر|کلینیک|پناه|ډاکټر|روغت|کډوال"
    r"|tendurist|bijîşk|nexweş|penaber|دەروون|پزیشک|نەخۆش|پەناب|ሓኪም|ጥዕና|ሆስፒታል|ስደተ|ኣእምሮ"
    r"|здоров|лікар|врач|клін|клин|псих|травм|біжен|бежен|sağlık|doktor|klinik|mülteci|psik"
    r"|santé|médec|clinique|réfugié|caafimaad|dhakhtar|qaxooti|maskax",
    re.IGNORECASE,
)


@pytest.mark.promise(14)
@pytest.mark.parametrize("language", Language)
def test_no_word_gives_the_service_away(language: Language) -> None:
    everything = [texts.render(kind, language, context()) for kind in Message.Kind]

    for text in [*everything, *texts.phrases(language).values()]:
        assert not TELLING.search(text), text


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # A letter of two septets is not cut at the end of a part: 152 + € does not fit into 153.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ш" * 70, 1),
        ("ш" * 71, 2),
        ("ш" * 134, 2),
        ("ш" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        # Nor is a pair of surrogates: 33 of them fill 66 of 67 units.
        ("😀" * 67, 3),
    ],
)
def test_segments_are_counted_as_networks_cut(text: str, parts: int) -> None:
    assert texts.segments(text) == parts


@given(st.text(max_size=400), st.characters(codec="utf-8"))
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert texts.segments(text + more) >= texts.segments(text)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("ar-SY,ar;q=0.9,de;q=0.8", "ar"),
        ("fa-AF", "prs"),
        ("ku-TR, tr;q=0.5", "kmr"),
        ("xx, uk;q=0.5", "uk"),
        ("ckb-IQ", "ckb"),
        ("", "de"),
        ("*", "de"),
    ],
)
def test_a_browser_is_answered_in_the_first_language_we_write(header: str, language: str) -> None:
    assert texts.for_browser(header) == language
