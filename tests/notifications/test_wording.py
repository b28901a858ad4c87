"""The district's own words, and who gets which language: unreviewed texts are for the demo."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import District
from clients.models import Client
from notifications import texts, wording
from notifications.models import Message, MessageRules, TextVersion
from tests.factories import DistrictFactory, UserFactory
from tests.notifications.test_texts import context, drafted

pytestmark = pytest.mark.django_db
REMINDER = Message.Kind.REMINDER


@pytest.fixture
def district() -> District:
    return DistrictFactory()


@pytest.fixture
def production(settings: LazySettings) -> None:
    settings.PRODUCTION = True


def reviewed(district: District, language: str, names: Iterable[str] = ("sms.reminder",)) -> None:
    editor = UserFactory()
    for name in names:
        TextVersion.objects.create(
            district=district,
            language=language,
            name=name,
            body=texts.draft(language, name),
            state=TextVersion.State.REVIEWED,
            reviewed_on=date(2026, 11, 1),
            reviewed_by="Frau Muster",
            edited_by=editor,
        )


def ruled(district: District, **choices: Any) -> wording.Wording:
    MessageRules.objects.create(district=district, **choices)
    return wording.of(District.objects.get(pk=district.pk))


def reader(language: str = "ar", **of_client: Any) -> Client:
    return Client(language=language, **of_client)


def test_without_words_of_its_own_a_district_says_what_is_drafted(district: District) -> None:
    said = wording.of(district).sms(REMINDER, reader("ar"), context())

    assert said == drafted(REMINDER, "ar", context())


def test_a_districts_own_words_win(district: District) -> None:
    TextVersion.objects.create(
        district=district, language="ar", name="sms.reminder", body="موعد {link}", edited_by=UserFactory()
    )
    TextVersion.objects.create(
        district=district, language="ar", name="phrases.coming", body="نعم", edited_by=UserFactory()
    )

    words = wording.of(district)

    assert words.sms(REMINDER, reader("ar"), context()) == f"موعد {context()['link']}"
    assert words.phrases("ar") == texts.phrases("ar") | {"coming": "نعم"}
    assert wording.of(DistrictFactory(name="Nachbarkreis")).phrases("ar") == texts.phrases("ar")


def test_an_answer_is_offered_where_the_number_takes_some(district: District) -> None:
    words = ruled(district, takes_replies=True)

    said = words.sms(REMINDER, reader("de"), context())
    cancelled = words.sms(Message.Kind.CANCELLED, reader("de"), context())

    assert said == drafted(REMINDER, "de", context()) + "\nAntwort: 1 = Ja, 2 = Nein"
    assert cancelled == drafted(Message.Kind.CANCELLED, "de", context())


def test_helpers_get_a_german_line_where_the_client_or_the_district_wants_it(district: District) -> None:
    words = wording.of(district)
    line = "\nTermin: Dienstag, 08.12.2026, 14:00 Uhr, Landratsamt, Hauptstr. 1"

    assert words.sms(REMINDER, reader("ar", with_german_line=True), context()) == (
        drafted(REMINDER, "ar", context()) + line
    )
    # Who reads German needs none.
    assert words.sms(REMINDER, reader("de", with_german_line=True), context()) == (
        drafted(REMINDER, "de", context())
    )
    always = ruled(district, adds_german_line=True)
    assert str(always.sms(REMINDER, reader("ar"), context())).endswith(line)


@pytest.mark.parametrize("kind", texts.SMS_KINDS)
def test_the_german_line_fits_every_kind(kind: Message.Kind) -> None:
    line = texts.german_line(kind, context())

    assert ("14:00" in line) is (kind != Message.Kind.PLEASE_CALL)
    assert ("abgesagt" in line) is (kind in (Message.Kind.CANCELLED, Message.Kind.DROPPED))


@pytest.mark.usefixtures("production")
class TestInProduction:
    def test_a_reviewed_language_is_written(self, district: District) -> None:
        reviewed(district, "ar")

        assert wording.of(district).language_for("ar", REMINDER) == "ar"
        # That very text was reviewed, no other.
        assert wording.of(district).language_for("ar", Message.Kind.MOVED) == "de"

    def test_an_unreviewed_one_gives_way_to_the_nearest_with_a_german_line(self, district: District) -> None:
        reviewed(district, "fa")
        words = wording.of(district)

        said = str(words.sms(REMINDER, reader("prs"), context()))

        assert words.language_for("prs", REMINDER) == "fa"
        assert said.startswith(drafted(REMINDER, "fa", context()))
        assert "\nTermin: Dienstag" in said

    def test_without_any_it_is_german(self, district: District) -> None:
        said = wording.of(district).sms(REMINDER, reader("ti"), context())

        assert said == drafted(REMINDER, "de", context())

    def test_or_somebody_calls_where_the_district_wants_that(self, district: District) -> None:
        reviewed(district, "fa")
        words = ruled(district, unreviewed=MessageRules.Unreviewed.CALL)

        assert words.sms(REMINDER, reader("prs"), context()) is None
        assert words.sms(REMINDER, reader("fa"), context()) is not None
        assert words.sms(REMINDER, reader("de"), context()) is not None

    def test_the_suffix_must_be_reviewed_too(self, district: District) -> None:
        reviewed(district, "ar")
        words = ruled(district, takes_replies=True)

        assert words.language_for("ar", REMINDER) == "de"

        reviewed(district, "ar", ["sms.reply"])
        assert wording.of(district).language_for("ar", REMINDER) == "ar"

    def test_the_page_speaks_a_language_that_is_reviewed_whole(self, district: District) -> None:
        phrases = [name for name in texts.names("ar") if name.startswith("phrases.")]
        reviewed(district, "ar", phrases[:-1])
        assert wording.of(district).page_language("ar") == "de"

        reviewed(district, "ar", phrases[-1:])
        assert wording.of(district).page_language("ar") == "ar"
        assert wording.of(district).page_language("ckb") == "ar"


def test_in_the_demo_every_language_is_written(district: District) -> None:
    assert wording.of(district).language_for("ti", REMINDER) == "ti"
    assert wording.of(district).page_language("ti") == "ti"


def test_one_query_whatever_the_number_of_texts(district: District, django_assert_num_queries: Any) -> None:
    reviewed(district, "ar", texts.names("ar"))
    read = District.objects.select_related("message_rules").get(pk=district.pk)

    with django_assert_num_queries(1):
        words = wording.of(read)
        words.sms(REMINDER, reader("ar"), context())
        words.phrases("ar")


def test_only_kinds_of_sms_have_words(district: District) -> None:
    with pytest.raises(ValueError, match="invitation"):
        wording.of(district).sms(Message.Kind.INVITATION, reader(), context())
