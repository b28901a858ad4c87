"""The administration's pages on texts and message rules."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import District
from notifications import rules, texts, wording
from notifications.models import TextVersion
from tests.factories import DistrictFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, RULES = reverse("notifications:texts"), reverse("notifications:message_rules")
LANGUAGE = reverse("notifications:language", args=["ar"])
TEXT = reverse("notifications:text", args=["ar", "sms.reminder"])
PREVIEW = reverse("notifications:text_preview", args=["ar", "sms.reminder"])
APPROVE = reverse("notifications:approve_texts", args=["ar"])
DRAFT = texts.draft("ar", "sms.reminder")


def admin(**fields: Any) -> Any:
    return UserFactory(roles=["administrator"], **fields)


@pytest.mark.parametrize(
    ("role", "status"), [("administrator", 200), ("coordinator", 403), ("caseworker", 403)]
)
def test_who_looks_after_them(role: str, status: int) -> None:
    browser = as_user(UserFactory(roles=[role]))

    assert {browser.get(url).status_code for url in (LIST, RULES, LANGUAGE, TEXT)} == {status}
    assert browser.post(PREVIEW, {"body": DRAFT}).status_code == status


def test_another_districts_words_are_its_own() -> None:
    neighbour = OrganisationFactory(district=DistrictFactory(name="Nachbarkreis"))
    as_user(admin(organisation=neighbour)).post(TEXT, {"body": f"خاص {DRAFT}"})

    assert "خاص" not in as_user(admin()).get(LANGUAGE).content.decode()
    assert TextVersion.objects.get().district == neighbour.district


def test_every_language_stands_in_the_list_with_its_state() -> None:
    page = as_user(admin()).get(LIST).content.decode()

    assert page.count("maschinell entworfen") == 14
    assert 'dir="rtl">العربية</bdi>' in page


@pytest.mark.parametrize("path", ["xx", "de-at"])
def test_a_language_nobody_writes_does_not_exist(path: str) -> None:
    browser = as_user(admin())

    assert browser.get(reverse("notifications:language", args=[path])).status_code == 404
    assert browser.get(reverse("notifications:text", args=["ar", "sms.nothing"])).status_code == 404
    assert browser.get(reverse("notifications:text", args=[path, "sms.reminder"])).status_code == 404


def test_a_text_is_changed_beside_its_preview() -> None:
    browser = as_user(admin())
    page = browser.get(TEXT).content.decode()
    assert 'dir="rtl"' in page
    assert "Erinnerung: Ihr Termin" in page  # the German one beside it

    answer = browser.post(TEXT, {"body": f"مرحبا. {DRAFT}"}, follow=True)

    assert "Gespeichert" in answer.content.decode()
    assert wording.of(District.objects.get()).text("ar", "sms.reminder") == f"مرحبا. {DRAFT}"
    assert "geändert, noch zu prüfen" in answer.content.decode()


def test_what_must_not_be_said_is_not_saved_and_nothing_is_lost() -> None:
    typed = f"Psychotherapie {DRAFT}"

    answer = as_user(admin()).post(TEXT, {"body": typed})

    assert answer.status_code == 422
    assert "„Psychotherapie“" in answer.content.decode()
    assert typed in answer.content.decode()
    assert not TextVersion.objects.exists()


def test_the_preview_shows_a_telephone_parts_and_price() -> None:
    page = as_user(admin()).post(PREVIEW, {"body": DRAFT}).content.decode()

    assert "14:00" in page
    assert "3 SMS-Teile, 22,5 Cent" in page
    assert 'lang="ar" dir="rtl"' in page
    assert not TextVersion.objects.exists()


def test_the_preview_escapes_what_is_typed() -> None:
    page = as_user(admin()).post(PREVIEW, {"body": "<script>{link}"}).content.decode()

    assert "<script>" not in page


def test_a_language_is_released_with_who_and_when() -> None:
    browser = as_user(admin())

    page = browser.post(APPROVE, {"reviewed_by": "Frau Muster", "reviewed_on": "2026-11-01"}, follow=True)

    shown = page.content.decode()
    assert f"{len(texts.names('ar'))} Texte sind freigegeben." in shown
    assert "<bdi>Frau Muster</bdi>, So 1. Nov. 2026" in shown
    assert "Alle Texte dieser Sprache sind geprüft." in shown
    assert browser.get(LIST).content.decode().count("maschinell entworfen") == 13


@pytest.mark.parametrize(
    "sent",
    [{"reviewed_by": "", "reviewed_on": "2026-11-01"}, {"reviewed_by": "A", "reviewed_on": "2099-01-01"}],
)
def test_without_who_and_when_nothing_is_released(sent: dict[str, str]) -> None:
    assert as_user(admin()).post(APPROVE, sent).status_code == 422
    assert not TextVersion.objects.exists()


def test_back_to_the_draft() -> None:
    browser = as_user(admin())
    browser.post(TEXT, {"body": f"مرحبا. {DRAFT}"})

    browser.post(reverse("notifications:back_to_draft", args=["ar", "sms.reminder"]))

    assert not TextVersion.objects.exists()


def test_a_page_costs_the_same_whatever_has_been_changed(django_assert_num_queries: Any) -> None:
    user = admin()
    browser = as_user(user)
    browser.get(LANGUAGE)
    for number in (1, 3):
        for name in texts.names("ar")[:number]:
            TextVersion.objects.get_or_create(
                district=user.district, language="ar", name=name, body="x", edited_by=user
            )
        with django_assert_num_queries(6):
            browser.get(LANGUAGE)


# --- Rules ---------------------------------------------------------------------------------------
def chosen(**changes: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    return {
        "quiet_from": "20:00",
        "quiet_until": "08:00",
        "rests_on_sundays": "on",
        "unreviewed": "german",
        "cents_per_segment": "7.5",
        "warns_at_percent": "80",
        "monthly_budget": "",
        "countries": "DE",
    } | changes


def test_rules_are_chosen() -> None:
    answer = as_user(admin()).post(
        RULES, chosen(quiet_from="19:00", monthly_budget="120.50", countries="de; AT, de", unreviewed="call")
    )

    assert answer.status_code == 302
    found = rules.of(District.objects.get())
    assert (f"{found.quiet_from:%H:%M}", found.rests_on_holidays, found.unreviewed) == (
        "19:00",
        False,
        "call",
    )
    assert (found.monthly_budget_cents, found.countries) == (12050, ["DE", "AT"])
    assert "120.5" in as_user(admin()).get(RULES).content.decode()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"quiet_until": "20:00"}, "So wäre immer Ruhe"),
        ({"countries": "DE, XX"}, "XX"),
        ({"countries": " , "}, "Bitte mindestens ein Land"),
        ({"warns_at_percent": "0"}, "mindestens 1"),
        ({"cents_per_segment": "-1"}, "mindestens 0"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(changes: dict[str, str], told: str) -> None:
    answer = as_user(admin()).post(RULES, chosen(**changes))

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert rules.of(District.objects.get()).pk is None
