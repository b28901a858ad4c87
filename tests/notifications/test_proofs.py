"""Texts looked at before they are used, and released by somebody who has read them."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import AuditEvent, District, User
from notifications import proofs, rules, texts, wording
from notifications.models import TextVersion
from tests.factories import DistrictFactory, RoomFactory, UserFactory

pytestmark = pytest.mark.django_db
REMINDER = "sms.reminder"


@pytest.fixture
def admin() -> User:
    user: User = UserFactory(roles=["administrator"])
    return user


def draft(language: str = "de") -> str:
    return texts.draft(language, REMINDER)


def check(body: str, language: str = "de") -> proofs.Proof:
    return proofs.check(DistrictFactory(), language, REMINDER, body)


def test_a_proof_shows_the_text_as_it_would_arrive_and_what_it_costs(admin: User) -> None:
    rules.change(admin.district, by=admin, cents_per_segment=Decimal("10"))

    proof = proofs.check(District.objects.get(), "de", REMINDER, draft())

    assert "um 14:00 Uhr. Ort: Hauptstr. 1, Zimmer 3. Infos" in proof.preview
    assert proof.segments == texts.segments(proof.preview) == 2
    assert (proof.cents, proof.problems) == (Decimal(20), [])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (" ", "leer"),
        ("x" * 601, "länger als 600"),
        ("Am {date} um {time}. {place}", "{link}"),
        ("Am {date} um {time}. {place} {link} {name}", "{name}"),
        ("Traumasprechstunde {date} {time} {place} {link}", "„Traumasprechstunde“"),
    ],
)
def test_what_must_not_go_out_cannot_be_written(admin: User, body: str, problem: str) -> None:
    assert problem in " ".join(check(body).problems)
    with pytest.raises(ValueError, match=REMINDER):
        proofs.write(admin.district, "de", REMINDER, body, by=admin)
    assert not TextVersion.objects.exists()


def test_letters_and_places_that_double_the_price_are_named() -> None:
    RoomFactory(address="Çarşı 3", name="A")
    RoomFactory(address="Hauptstr. 1", name="B")

    proof = check(draft() + " …")

    assert (proof.costly, proof.costly_places) == ("…", ["Çarşı 3"])
    # Where every letter is such a one there is nothing to save.
    arabic = check(draft("ar"), "ar")
    assert (arabic.costly, arabic.costly_places) == ("", [])


def test_the_longest_place_is_counted() -> None:
    RoomFactory(address="Hauptstr. 1", name="A")
    RoomFactory(address="Alte Kaserne, Gebäude 17, zweiter Stock, Zimmer 3", name="B")

    assert "Alte Kaserne, Gebäude 17" in check(draft()).preview


def test_changed_words_wait_for_their_review_again(admin: User) -> None:
    day = date(2026, 11, 1)
    proofs.approve(admin.district, "de", [REMINDER], reviewed_by="Frau Muster", reviewed_on=day, by=admin)
    version = TextVersion.objects.get()
    assert (version.state, version.body, version.reviewed_by) == ("reviewed", draft(), "Frau Muster")

    proofs.write(admin.district, "de", REMINDER, draft(), by=admin)
    assert wording.of(admin.district).is_reviewed("de", REMINDER)

    proofs.write(admin.district, "de", REMINDER, "Neu: " + draft(), by=admin)
    version.refresh_from_db()
    assert (version.state, version.reviewed_by, version.reviewed_on) == ("machine_drafted", "", None)
    assert wording.of(admin.district).text("de", REMINDER) == "Neu: " + draft()
    verbs = AuditEvent.objects.about(version).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["reviewed_text", "changed_text"]


def test_releasing_counts_what_was_open_and_keeps_what_was_released(admin: User) -> None:
    names = texts.names("ar")
    proofs.approve(admin.district, "ar", names[:2], reviewed_by="A", reviewed_on=date(2026, 11, 1), by=admin)

    number = proofs.approve(
        admin.district, "ar", names, reviewed_by="B", reviewed_on=date(2026, 11, 2), by=admin
    )

    assert number == len(names) - 2
    assert TextVersion.objects.filter(reviewed_by="A").count() == 2
    assert all(row.is_reviewed for row in proofs.rows(admin.district, "ar"))


def test_back_to_the_draft(admin: User) -> None:
    proofs.write(admin.district, "de", REMINDER, "Neu: " + draft(), by=admin)

    proofs.back_to_draft(admin.district, "de", REMINDER, by=admin)

    assert wording.of(admin.district).text("de", REMINDER) == draft()
    assert AuditEvent.objects.filter(verb="dropped_text").exists()


def test_the_rules_change_with_an_audit_row(admin: User) -> None:
    rules.change(admin.district, by=admin, rests_on_sundays=False, warns_at_percent=80)

    assert not rules.of(District.objects.get()).rests_on_sundays
    event = AuditEvent.objects.get(verb="changed_message_rules")
    assert event.details["fields"] == ["rests_on_sundays"]
