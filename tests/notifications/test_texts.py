"""What clients read: complete in every language, neutral, right in time and length."""

import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import languages, neutral
from notifications import texts
from notifications.models import Message

LINK = "https://t.example.org/t/a"  # 25 letters
START = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)


def context(place: str = "Landratsamt, Hauptstr. 1", start: datetime = START) -> dict[str, str]:
    return {
        "start_at": start.isoformat(),
        "zone": "Europe/Berlin",
        "place": place,
        "link": LINK,
        "phone": "07141 000 100",
    }


def drafted(kind: str, language: str, facts: Mapping[str, str]) -> str:
    """The SMS of this kind as drafted."""
    return texts.fill(texts.draft(language, f"sms.{kind}"), language, facts)


def test_the_german_reminder_reads_as_drafted() -> None:
    text = drafted(Message.Kind.REMINDER, "de", context())

    assert text == (
        "Erinnerung: Ihr Termin ist am Dienstag, 08.12.2026, um 14:00 Uhr. Ort: Landratsamt, Hauptstr. 1. "
        "Infos oder Absage: https://t.example.org/t/a"
    )


@pytest.mark.parametrize("kind", texts.SMS_KINDS)
@pytest.mark.parametrize("language", languages.known())
def test_every_kind_is_written_in_every_language(kind: Message.Kind, language: str) -> None:
    facts = context()
    text = drafted(kind, language, facts)

    # What is asked for is there: the time but where one is only asked to call, and a way on at the end.
    body = texts.draft(language, f"sms.{kind}")
    assert texts.placeholders(body) == texts.placeholders(texts.draft("de", f"sms.{kind}"))
    assert ("08.12.2026" in text and "14:00" in text) is (kind != Message.Kind.PLEASE_CALL)
    assert ("Landratsamt, Hauptstr. 1" in text) is ("{place}" in body)
    assert text.endswith((facts["link"], facts["phone"]))
    assert "{" not in text


def test_every_kind_says_something_of_its_own() -> None:
    for language in languages.known():
        assert len({drafted(kind, language, context()) for kind in texts.SMS_KINDS}) == len(texts.SMS_KINDS)


# Counted with a place of 24 and a link of 25 letters; on every weekday. An offer has to say more.
SEGMENTS = {"de": 1, "en": 1, "fr": 1, "so": 1}


@pytest.mark.parametrize("language", languages.known())
def test_a_message_takes_one_segment_or_two(language: str) -> None:
    for day in range(7):
        facts = context(start=START + timedelta(days=day))
        for kind in texts.SMS_KINDS:
            text = drafted(kind, language, facts)
            most = SEGMENTS.get(language, 2) + (kind == Message.Kind.OFFER)
            assert texts.segments(text) <= most, (kind, len(text), text)


def test_typographic_characters_in_a_place_do_not_double_the_segments() -> None:
    fine = drafted(Message.Kind.REMINDER, "de", context("Haus „Nord“ – Zimmer\u00a03"))

    assert 'Haus "Nord" - Zimmer 3' in fine
    assert texts.segments(fine) == 1


@pytest.mark.promise(16)
@pytest.mark.parametrize(
    ("start", "says"),
    [
        (datetime(2027, 3, 27, 13, 0, tzinfo=UTC), "Samstag, 27.03.2027, um 14:00"),
        (datetime(2027, 3, 28, 12, 0, tzinfo=UTC), "Sonntag, 28.03.2027, um 14:00"),
        (datetime(2027, 10, 30, 12, 0, tzinfo=UTC), "Samstag, 30.10.2027, um 14:00"),
        (datetime(2027, 10, 31, 13, 0, tzinfo=UTC), "Sonntag, 31.10.2027, um 14:00"),
    ],
)
def test_times_are_the_districts_on_both_sides_of_a_clock_change(start: datetime, says: str) -> None:
    assert says in drafted(Message.Kind.REMINDER, "de", context(start=start))


@pytest.mark.parametrize("language", languages.known())
def test_phrases_are_the_same_set_in_every_language(language: str) -> None:
    german, phrases = texts.phrases("de"), texts.phrases(language)

    assert phrases.keys() == german.keys()
    assert all(phrase.strip() == phrase != "" for phrase in phrases.values())
    for key, phrase in phrases.items():
        assert placeholders(phrase) == placeholders(german[key]), key


@pytest.mark.parametrize("language", languages.known())
def test_the_way_back_names_the_button_it_means(language: str) -> None:
    phrases = texts.phrases(language)

    assert phrases["coming"] in phrases["thanks_not_coming"]


@pytest.mark.parametrize("language", languages.known())
def test_nobody_has_checked_these_texts_and_they_say_so(language: str) -> None:
    review = languages.get(language).review

    assert review == {"state": "machine_drafted", "note": "maschinell entworfen, noch von niemandem geprüft"}


@pytest.mark.promise(14)
@pytest.mark.parametrize("language", languages.known())
def test_no_word_gives_the_service_away(language: str) -> None:
    everything = [texts.draft(language, name) for name in texts.names(language)]
    everything += [texts.german_line(kind, context("Hauptstr. 1")) for kind in texts.SMS_KINDS]

    assert [word for text in everything for word in neutral.telling_words(text, language=language)] == []


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("de", "Ihr Termin in der Traumasprechstunde", ["Traumasprechstunde"]),
        ("de", "Haus der Gesundheit, Ärztehaus", ["Gesundheit", "Ärztehaus"]),
        ("ar", "موعدك في Psychotherapie", ["Psychotherapie"]),
        ("ar", "موعدك عند الطبيب النفسي", ["الطبيب", "النفسي"]),
        ("fa", "وقت روان‌شناس", ["روان"]),
        ("prs", "وقت داکتر", ["داکتر"]),
        ("ps", "د ډاکټر وخت", ["ډاکټر"]),
        ("kmr", "Bijîşk li nexweşxaneyê", ["Bijîşk", "nexweşxaneyê"]),
        ("ckb", "پزیشکی دەروونی", ["پزیشکی", "دەروونی"]),
        ("ti", "ናብ ሓኪም", ["ሓኪም"]),
        ("uk", "Зустріч у клініці: психолог", ["психолог"]),
        ("ru", "Приём у врача", ["врача"]),
        ("tr", "Psikolog randevunuz", ["Psikolog"]),
        ("fr", "Votre médecin", ["médecin"]),
        ("so", "Ballanta dhakhtarka", ["dhakhtarka"]),
        ("en", "Refugee health clinic", ["Refugee", "health", "clinic"]),
        ("de", "Ort: {place}. Infos: {link}", []),
    ],
)
def test_telling_words_are_found_in_every_language(language: str, text: str, found: list[str]) -> None:
    assert set(found) <= set(neutral.telling_words(text, language=language))
    assert bool(found) == bool(neutral.telling_words(text, language=language))


@pytest.mark.parametrize("language", ["ti", "so"])
def test_where_hours_are_counted_from_dawn_the_clock_is_named(language: str) -> None:
    named = {"ti": "ግዜ ጀርመን", "so": "waqtiga Jarmalka"}[language]

    for kind in texts.SMS_KINDS:
        body = texts.draft(language, f"sms.{kind}")
        assert (named in body) is ("{time}" in body)


def test_a_fact_that_is_missing_is_an_error_and_braces_do_no_harm() -> None:
    with pytest.raises(KeyError, match="phone"):
        texts.fill("Rufen Sie an: {phone}", "de", {})
    with pytest.raises(KeyError):
        texts.fill("{link.__class__}", "de", context())
    assert texts.fill("a } b { c", "de", {}) == "a } b { c"


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
