"""Imprint, privacy and accessibility: readable by everybody, the district's own words; barriers reported."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import district_texts
from accounts.models import AuditEvent, District, DistrictText, Feedback
from tests.accounts.views.three import Three, three
from tests.factories import DistrictFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
PAGES = ("imprint", "privacy", "accessibility")


@pytest.fixture
def people() -> Three:
    return three()


def address(page: str, district: District | None = None) -> str:
    return reverse(f"accounts:{page}", args=[district.uuid] if district else [])


@pytest.mark.parametrize("page", PAGES)
def test_everybody_reads_a_draft_with_the_districts_number_until_there_is_a_text(page: str) -> None:
    district = DistrictFactory()

    for language in ("de", "en"):
        shown = Client().get(address(page), {"sprache": language})
        assert shown.status_code == 200
        assert district.contact_phone in shown.text
        assert shown.cookies == {}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.promise(14)
def test_from_a_clients_page_it_gives_nothing_away(page: str) -> None:
    district = DistrictFactory()

    shown = Client().get(address(page, district)).text.lower()

    assert district.sender_name.lower() in shown
    for word in ("sprechstunde", "trauma", "psych", "asyl", "flücht", "diagnos"):
        assert word not in shown, word


def test_the_districts_own_words_replace_the_draft(people: Three) -> None:
    district = people.by.district
    edit = reverse("accounts:edit_public_text", args=["imprint", "de"])

    answer = people.administrator.post(edit, {"body": "## Kontakt\n\nHaus <b>1</b>\nOrt"})

    assert answer.status_code == 302
    shown = Client().get(address("imprint", district)).text
    assert '<h2 class="kern-title">Kontakt</h2>' in shown
    assert "Haus &lt;b&gt;1&lt;/b&gt;<br>Ort" in shown
    # What is binding in German is shown rather than our English draft.
    assert "Kontakt" in Client().get(address("imprint", district), {"sprache": "en"}).text
    assert AuditEvent.objects.about(district).filter(verb="changed_public_text").count() == 1

    people.administrator.post(edit, {"body": " "})
    assert district_texts.shown(district, "imprint", "de").is_draft


@pytest.mark.promise(12)
def test_only_administrators_write_and_only_their_own_districts(people: Three) -> None:
    edit = reverse("accounts:edit_public_text", args=["privacy", "de"])

    assert people.colleague.post(edit, {"body": "x"}).status_code == 403
    people.stranger.post(edit, {"body": "Fremd"})

    assert [text.district.name for text in DistrictText.objects.all()] == ["Anderer Kreis"]
    assert "Fremd" not in Client().get(address("privacy", people.by.district)).text
    assert people.administrator.get(reverse("accounts:public_texts")).status_code == 200
    wrong = reverse("accounts:edit_public_text", args=["nonsense", "de"])
    assert people.administrator.get(wrong).status_code == 404


def test_several_districts_are_told_apart_by_name() -> None:
    one, other = DistrictFactory(), DistrictFactory(name="Nachbarkreis")

    shown = Client().get(address("imprint")).text

    assert address("imprint", one) in shown
    assert address("imprint", other) in shown


# --- Barriers ----------------------------------------------------------------------------------
def test_a_barrier_is_reported_without_an_account_and_read_by_the_administrator(people: Three) -> None:
    district = people.by.district
    reporter = Client(enforce_csrf_checks=True)

    answer = reporter.post(address("feedback", district), {"body": "Zu klein", "reply_to": "0151"})

    assert "Danke" in answer.text
    assert answer.cookies == {}
    assert "Zu klein" in people.administrator.get(reverse("accounts:barriers")).text
    assert "Zu klein" not in people.stranger.get(reverse("accounts:barriers")).text
    assert people.colleague.get(reverse("accounts:barriers")).status_code == 403


def test_it_is_stored_encrypted() -> None:
    reported = district_texts.report(DistrictFactory(), body="Kanari")

    (raw,) = Feedback.objects.extra(select={"raw": "body::text"}).values_list("raw")
    assert "Kanari" not in str(raw)
    reported.refresh_from_db()
    assert reported.body == "Kanari"


def test_a_report_sent_twice_is_one_until_somebody_has_seen_to_it() -> None:
    """By a double click, or because the answer was loaded anew."""
    district = DistrictFactory()
    twice = {"body": "Zu klein", "reply_to": "0151"}
    for _time in range(2):
        assert Client().post(address("feedback", district), twice).status_code == 200
    Client().post(address("feedback", district), {"body": "Zu klein"})
    assert Feedback.objects.count() == 2

    Feedback.objects.update(handled_at=timezone.now())
    Client().post(address("feedback", district), twice)
    assert Feedback.objects.count() == 3


def test_a_flood_is_stopped_and_nothing_typed_is_lost(monkeypatch) -> None:
    monkeypatch.setattr("accounts.district_texts.REPORTS_AN_HOUR", 1)
    district = DistrictFactory()
    Client().post(address("feedback", district), {"body": "eins"})

    answer = Client().post(address("feedback", district), {"body": "zwei"})

    assert answer.status_code == 429
    assert "zwei" in answer.text
    assert district.contact_phone in answer.text
    assert Feedback.objects.count() == 1
    assert Client().post(address("feedback", DistrictFactory(name="B")), {"body": "x"}).status_code == 200


def test_nothing_said_is_no_report() -> None:
    assert Client().post(address("feedback", DistrictFactory()), {"body": " "}).status_code == 422
    assert not Feedback.objects.exists()


def test_handled_once_and_by_ones_own_administrator_only(people: Three) -> None:
    reported = district_texts.report(people.by.district, body="Zu klein")
    done = reverse("accounts:barrier_handled", args=[reported.uuid])

    assert people.stranger.post(done).status_code == 404
    for _ in range(2):
        people.administrator.post(done)

    reported.refresh_from_db()
    assert reported.handled_by == people.by
    assert AuditEvent.objects.about(reported).filter(verb="barrier_handled").count() == 1


# --- From every page ---------------------------------------------------------------------------
def test_every_page_leads_there(people: Three) -> None:
    for browser, page in ((Client(), "/anmelden/"), (as_user(people.by), "/verwaltung/")):
        shown = browser.get(page).text
        for name in (*PAGES, "feedback"):
            assert f'href="{address(name)}"' in shown, name
