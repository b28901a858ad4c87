"""A language is its file: a fifteenth one, from a directory of a district's own, through the whole house."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.test import Client as Browser
from django.urls import reverse
from django.utils import translation

from accounts import languages, neutral, when
from accounts.models import District
from clients.models import Client
from notifications import keywords, parcels, texts, wording
from notifications.models import IncomingText, Message, MessageRules
from scheduling import client_link, reminders
from scheduling.models import Booking
from tests.factories import BookingFactory, ConsentFactory, ReferralFactory, UserFactory
from tests.sign_in import as_user

TUESDAY = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)
GERMAN = languages.get("de")


def marked(phrases: Any) -> dict[str, str]:
    """Every text as our invented language says it."""
    return {key: f"✶ {text}" for key, text in phrases.items()}


def written(**changes: Any) -> dict[str, Any]:
    """The file of an invented language, written from right to left."""
    return {
        "code": "qaa",
        "own_name": "Ἰδία",
        "names": {"de": "Eigensprache", "en": "Ownish"},
        "direction": "rtl",
        "tag": "qaa-Test",
        "also_called": ["qab-de"],
        "dialect_matters": True,
        "dates": {
            "date": "{day}. {month_name} {year}, {weekday}",
            "time": "{hour}h{minute}",
            "weekdays": [f"W{number}" for number in range(1, 8)],
            "months": [f"M{number}" for number in range(1, 13)],
        },
        "nearest": ["fr"],
        "answers": {"yes": ["Joo"], "no": ["Nöö"]},
        "review": {"state": "machine_drafted", "note": "erfunden"},
        "sms": marked(GERMAN.sms),
        "telling": ["geheim", "^wuff"],
        "phrases": marked(GERMAN.phrases),
        **changes,
    }


@pytest.fixture
def directory(tmp_path: Path, settings: Any) -> Path:
    """Where a district's own languages stand."""
    settings.CLIENT_LANGUAGES = [*settings.CLIENT_LANGUAGES, tmp_path]
    return tmp_path


def put(directory: Path, content: Any, name: str = "qaa") -> Path:
    path = directory / f"{name}.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


@pytest.fixture
def booking(directory: Path) -> Booking:
    """An appointment of somebody who reads the new language, told by SMS."""
    put(directory, written())
    consent = ConsentFactory(client__language="qaa", client__owner=UserFactory())
    made: Booking = BookingFactory(client=consent.client, holder=consent.client.owner)
    reminders.plan(made)
    return made


# --- Through the whole house -----------------------------------------------------------------------
@pytest.mark.django_db
def test_staff_choose_it_and_read_its_name(booking: Booking) -> None:
    browser = as_user(booking.holder)
    assert booking.client is not None

    form = browser.get(reverse("clients:register")).text
    assert '<option value="qaa">Eigensprache · Ἰδία</option>' in form
    booking.client.full_clean(exclude=["name_keys", "mobile_key"])
    assert "Eigensprache" in browser.get(reverse("clients:detail", args=[booking.client.uuid])).text
    with translation.override("en"):
        assert ("qaa", "Ownish · Ἰδία") in languages.choices()
    assert languages.wants_dialect("qaa")


@pytest.mark.django_db
def test_its_sms_is_sent(booking: Booking) -> None:
    words = wording.of(booking.district)

    for message in Message.objects.all():
        body = parcels.body(message, words)
        assert body.startswith("✶ ")
        assert when.long_date(booking.start_at, "qaa") in body
    assert (when.long_date(TUESDAY, "qaa"), when.time_of_day(TUESDAY, "qaa")) == ("08. M12 2026, W2", "14h00")


@pytest.mark.django_db
def test_the_client_page_speaks_it_in_its_direction(booking: Booking) -> None:
    page = Browser().get(client_link.url(booking)).text

    assert '<html lang="qaa-Test" dir="rtl"' in page
    assert "✶ Ich komme" in page
    assert f"✶ {when.time_of_day(booking.start_at, 'qaa')} Uhr" in page
    german = Browser().get(f"{client_link.url(booking)}?sprache=de").text
    assert '<a href="?" lang="qaa-Test" dir="rtl">Ἰδία</a>' in german
    dead = client_link.url(booking)
    Client.objects.update(link_version=9)
    over = Browser().get(dead, headers={"Accept-Language": "qab-DE,de;q=0.9"}).text
    assert "✶ Dieser Link gilt nicht mehr" in over


@pytest.mark.django_db
def test_its_slip_is_printed(booking: Booking) -> None:
    slip = as_user(booking.holder).get(reverse("scheduling:slip", args=[booking.uuid])).text

    assert 'dir="rtl"' in slip.split("<head>")[0]
    assert "✶ Ihr Termin" in slip
    assert "Termin: " in slip  # the German line below


@pytest.mark.django_db
def test_its_texts_are_looked_after(booking: Booking) -> None:
    admin = as_user(UserFactory(roles=["administrator"], organisation=booking.holder.organisation))

    assert '<bdi lang="qaa-Test" dir="rtl">Ἰδία</bdi>' in admin.get(reverse("notifications:texts")).text
    page = admin.get(reverse("notifications:language", args=["qaa"])).text
    assert page.count("✶ ") >= len(texts.names("qaa"))
    editor = reverse("notifications:text", args=["qaa", "sms.please_call"])
    refused = admin.post(editor, {"body": "Geheimes Wuffwuff, Kawuff: {phone}"}).text
    assert "verrät, worum es geht: „Geheimes“, „Wuffwuff“." in refused


@pytest.mark.django_db
@pytest.mark.parametrize("is_written", [True, False])
def test_the_consent_sheet_is_printed_in_it_once_somebody_has_written_it(
    directory: Path, is_written: bool
) -> None:
    consent = {key: text if key == "promises" else f"✶ {text}" for key, text in GERMAN.consent.items()}
    consent["translation_note"] = "✶ Übersetzt"
    put(directory, written(**{"consent": consent} if is_written else {}))
    referral = ReferralFactory(client__language="qaa")

    sheet = as_user(referral.client.owner).get(reverse("consultations:consent_sheet", args=[referral.uuid]))

    assert "Einwilligung in eine Vorstellung" in sheet.text
    assert ("✶ Einwilligung in eine Vorstellung" in sheet.text) is is_written
    assert ('consent-sheet" lang="qaa-Test" dir="rtl">' in sheet.text) is is_written


def test_its_yes_and_no_are_understood(directory: Path) -> None:
    put(directory, written())
    said = IncomingText.Understood

    assert [keywords.understand(body, ["qaa"]) for body in ("joo", "NÖÖ!")] == [said.YES, said.NO]
    assert keywords.understand("joo", ["fr"]) == said.UNCLEAR


def test_a_yes_that_is_a_no_in_german_is_for_a_person(directory: Path) -> None:
    put(directory, written(answers={"yes": ["Nein"], "no": []}))

    assert keywords.understand("nein", ["qaa"]) == IncomingText.Understood.UNCLEAR
    assert keywords.understand("nein", ["fr"]) == IncomingText.Understood.NO


def test_without_words_of_its_own_digits_remain(directory: Path) -> None:
    content = written()
    del content["answers"]
    put(directory, content)

    assert keywords.understand("1", ["qaa"]) == IncomingText.Understood.YES


def test_a_districts_file_takes_the_place_of_ours(directory: Path, settings: Any) -> None:
    ours = Path(settings.CLIENT_LANGUAGES[0])
    content = json.loads((ours / "fr.json").read_text("utf-8"))
    put(directory, {**content, "own_name": "Le français"}, "fr")

    assert languages.get("fr").own_name == "Le français"
    assert len(languages.known()) == 14


def test_telling_words_are_those_of_the_language_and_of_its_helpers(directory: Path) -> None:
    put(directory, written())
    text = "Geheim, Trauma, hospital: {geheim}"

    assert neutral.telling_words(text, language="qaa") == ["Geheim", "Trauma", "hospital"]
    assert neutral.telling_words(text, language="fr") == ["Trauma", "hospital"]


# --- A file that is not whole ----------------------------------------------------------------------
def complaints() -> list[str]:
    return [str(error.msg) for error in checks.run_checks() if error.id in ("accounts.E004", "accounts.W004")]


BROKEN = [
    ({"code": "qqq"}, 'must have the code "qaa" of its name'),
    ({"own_name": ""}, 'needs "own_name"'),
    ({"names": {"de": "Nur Deutsch"}}, 'needs "names"'),
    ({"direction": "links"}, 'needs "direction"'),
    ({"dates": "egal"}, 'needs "dates"'),
    ({"dates": {**written()["dates"], "weekdays": ["W"] * 7}}, "needs 7 different"),
    ({"dates": {**written()["dates"], "months": []}}, "needs 12 different"),
    ({"dates": {**written()["dates"], "date": "{weekday} {day.__class__} {month}"}}, 'needs "dates.date"'),
    ({"dates": {**written()["dates"], "time": "{hour"}}, 'needs "dates.time"'),
    ({"nearest": ["zzz"]}, 'is near to "zzz", which has no file'),
    ({"answers": {"yes": "ja"}}, 'needs "answers"'),
    ({"telling": ["(offen"]}, "which is no pattern"),
    ({"sms": marked(GERMAN.sms) | {"reminder": "Termin: {date}"}}, '"sms.reminder" needs in braces: date'),
    ({"sms": {}}, 'lacks "sms.booked"'),
    ({"phrases": marked(GERMAN.phrases) | {"more": "✶"}}, 'has "phrases.more", which nobody asks for'),
    ({"phrases": marked(GERMAN.phrases) | {"coming": " "}}, '"phrases.coming" is empty'),
    ({"consent": marked(GERMAN.consent)}, '"consent.promises" needs as many sentences'),
    ({"consent": {**GERMAN.consent, "title": ""}}, 'lacks "consent.translation_note"'),
]


@pytest.mark.parametrize(("changes", "says"), BROKEN)
def test_a_broken_file_is_named_by_the_check_and_left_out(
    directory: Path, changes: dict[str, Any], says: str
) -> None:
    path = put(directory, written(**changes))

    assert any(str(path) in one and says in one for one in complaints()), complaints()
    assert "qaa" not in languages.known()
    assert len(languages.known()) == 14


@pytest.mark.parametrize("content", ["{", "[]", '"x"'])
def test_what_is_no_object_is_named_too(directory: Path, content: str) -> None:
    path = put(directory, content)

    assert [one for one in complaints() if str(path) in one]


def test_our_own_file_stays_where_the_districts_is_broken(directory: Path) -> None:
    put(directory, "{", "fr")

    assert languages.get("fr").own_name == "Français"
    assert complaints()


def test_a_broken_file_keeps_no_worker_from_starting(directory: Path) -> None:
    put(directory, "{")

    assert complaints()
    assert not any(problem.is_serious() for problem in checks.run_checks())


def test_a_directory_that_is_not_there_is_named(directory: Path) -> None:
    shutil.rmtree(directory)

    assert complaints() == [f"{directory} is no directory."]


def test_ours_are_whole() -> None:
    assert complaints() == []
    assert len(languages.known()) == 14


@pytest.mark.django_db
def test_a_client_whose_language_is_gone_is_written_to_in_german(booking: Booking, settings: Any) -> None:
    settings.CLIENT_LANGUAGES = settings.CLIENT_LANGUAGES[:-1]

    bodies = [parcels.body(message, wording.of(booking.district)) for message in Message.objects.all()]
    assert bodies
    assert not any("✶" in body for body in bodies)
    assert "Ich komme" in Browser().get(client_link.url(booking)).text
    assert as_user(booking.holder).get(reverse("scheduling:slip", args=[booking.uuid])).status_code == 200
    assert Client.objects.get().language == "qaa"

    # Or called, where the district rather has that.
    MessageRules.objects.update_or_create(district=booking.district, defaults={"unreviewed": "call"})
    called = wording.of(District.objects.get()).language_for("qaa", Message.Kind.BOOKED)
    assert called is None
