"""The agenda's page and its taps: the session's specialist, another specialist, everybody else."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Consent
from consultations import referrals
from consultations.models import Clarification
from scheduling.models import InterpreterAssignment
from tests import factories
from tests.consultations.people import begin, case_consultation_slot, consultation_slot, three
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db

# Planted in everything a specialist of a case consultation must never see.
CANARIES = {
    "given_name": "Kanarienvorname",
    "family_name": "Kanariennachname",
    "mobile": "+4917139204711",
    "other_ways": "Kanarienweg",
    "case_number": "F-KANARIE",
    "dialect": "Kanariendialekt",
    "year_of_birth": 1913,
}


# Everything a referral can tell the specialist.
TOLD = {
    "observations": ["sleep"],
    "observation_text": "Schläft kaum",
    "urgency": "urgent",
    "treatment": "yes",
    "safety_steps_at": timezone.now(),
    "second_language": "Kurdisch",
    "interpreter_gender": "woman",
    "specialist_gender": "man",
    "avoid": "Miliz",
    "trusted_person": "Schwester",
    "needs_child_care": True,
    "access_needs": "Rollstuhl",
    "insurance": "asylblg",
}


def agenda_of(slot):
    return reverse("consultations:agenda", args=[timezone.localdate(slot.start_at)])


def mark_of(booking):
    return reverse("consultations:mark", args=[booking.uuid])


def booked(slot, **fields):
    referral = factories.ReferralFactory(**fields)
    return referrals.submit(referral, slot_or_hold=slot, by=referral.author)


def page(user, address):
    answer = as_user(user).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_question_comes_before_everything_else():
    slot = consultation_slot()
    booked(slot, question="Was hilft als Nächstes?", interpreter_name="Frau K.", observations=["sleep"])
    text = page(slot.session.specialist.user, agenda_of(slot))
    assert text.index("Was hilft als Nächstes?") < text.index("Schlaf") < text.index("Frau K.")
    assert "zugesagt: nein" in text


def test_only_the_sessions_own_specialist_sees_the_day():
    owner, _colleague, _stranger = three()
    slot = consultation_slot()
    booked(slot, client__owner=owner, question="Geheime Frage")
    other = factories.SpecialistFactory().user
    assert "Geheime Frage" not in page(other, agenda_of(slot))
    for role in ("caseworker", "coordinator", "team_lead", "administrator"):
        assert as_user(factories.UserFactory(roles=[role])).get(agenda_of(slot)).status_code == 403


@pytest.mark.promise(14)
def test_no_page_of_a_case_consultation_holds_the_linked_clients_data():
    slot = case_consultation_slot()
    client = factories.ClientFactory(**CANARIES)
    booked(
        slot, client=client, format="case_consultation", consent=None, pseudonym="Fall Linde",
        language="", dialect="",
    )  # fmt: skip
    specialist = slot.session.specialist.user
    on = timezone.localdate(slot.start_at)
    for address in (agenda_of(slot), reverse("consultations:agenda_cards", args=[on])):
        text = page(specialist, address)
        assert "Fall Linde" in text
        assert not [secret for secret in CANARIES.values() if str(secret) in text]


def test_a_presentation_shows_whom_to_greet_and_never_how_to_reach_them():
    slot = consultation_slot()
    booked(slot, client=factories.ClientFactory(**CANARIES), dialect="Syrien")
    text = page(slot.session.specialist.user, agenda_of(slot))
    assert "Kanarienvorname, 1913" in text
    for name in ("family_name", "mobile", "other_ways"):
        assert CANARIES[name] not in text


@pytest.mark.parametrize("days", [-15, 15])
def test_beyond_two_weeks_there_is_nothing(days):
    specialist = factories.SpecialistFactory().user
    on = timezone.localdate() + timedelta(days=days)
    assert as_user(specialist).get(reverse("consultations:agenda", args=[on])).status_code == 404


@pytest.mark.parametrize("address", ["/tagesagenda/2026-13-01/", "/tagesagenda/2026-02-30/"])
def test_a_day_that_does_not_exist_is_not_found(address):
    assert as_user(factories.SpecialistFactory().user).get(address).status_code == 404


def test_a_day_without_a_session_says_so():
    assert "keine Sprechstunde" in page(factories.SpecialistFactory().user, reverse("consultations:agenda"))


@pytest.mark.parametrize("appointments", [1, 3])
def test_two_queries_and_the_audit_row_at_any_size(appointments, django_assert_num_queries):
    slot = consultation_slot()
    slots = [slot, *(consultation_slot(session=slot.session, block=n) for n in range(1, appointments))]
    for one in slots:
        booked(one)
    browser = as_user(slot.session.specialist.user)
    browser.get(agenda_of(slot))
    # session, user, second factor; sessions, places with all their cards show; audit
    with django_assert_num_queries(6):
        browser.get(agenda_of(slot))


def test_whatever_the_cards_say_nothing_is_read_one_by_one(django_assert_num_queries):
    free = consultation_slot(session__start_at=timezone.localtime().replace(hour=6, minute=0))
    blocks = iter(range(1, 9))

    def card(status, **fields):
        format_ = fields.get("format", "presentation")
        slot = consultation_slot(session=free.session, block=next(blocks), format=format_)
        client = factories.ClientFactory(owner__phone="+4971411234567")
        missed = {"noshow_reason": "afraid"} if status == "noshow" else {}
        comes = client if format_ == "presentation" else None
        booking = factories.BookingFactory(slot=slot, client=comes, status=status, **missed)
        return factories.ReferralFactory(
            client=client, booking=booking, submitted_at=timezone.now(), **TOLD, **fields
        )

    card("arrived")
    card("noshow")
    Consent.objects.filter(referral=card("noshow")).update(revoked_at=timezone.now())
    factories.VersionFactory(
        sheet=factories.SheetFactory(
            referral=card("fulfilled", format="case_consultation", consent=None, pseudonym="Fall Linde")
        )
    )
    named = factories.InterpreterFactory(name="Samira Khoury")
    for interpreter, status in ((named, "confirmed"), (None, "requested")):
        InterpreterAssignment.objects.create(
            booking=card("booked").booking,
            interpreter=interpreter,
            language="ar",
            status=status,
            confirm_until=timezone.now(),
        )
    browser = as_user(free.session.specialist.user)
    browser.get(agenda_of(free))
    with django_assert_num_queries(6):
        text = browser.get(agenda_of(free)).content.decode()
    for word in (
        "Samira Khoury",
        "Schwester",
        "Rollstuhl",
        "Fall Linde",
        "+4971411234567",
        "nicht einsehbar",
        "Angst",
    ):
        assert word in text


def test_every_referral_shown_is_on_record():
    slot = consultation_slot()
    second = consultation_slot(session=slot.session, block=1)
    shown = [booked(one).referral for one in (slot, second)]
    specialist = slot.session.specialist.user
    page(specialist, agenda_of(slot))
    looks = AuditEvent.objects.filter(is_look=True, actor=specialist.uuid)
    assert {look.target for look in looks} == {referral.uuid for referral in shown}


# --- Taps --------------------------------------------------------------------------------------
def test_the_specialist_taps_what_became_of_it():
    slot = consultation_slot()
    booking = booked(slot)
    begin(slot)
    browser = as_user(slot.session.specialist.user)
    assert "nicht erschienen" in browser.get(agenda_of(slot)).content.decode()
    browser.post(mark_of(booking), {"act": "arrived"})
    booking.refresh_from_db()
    assert booking.status == "arrived"
    answer = browser.post(mark_of(booking), {"act": "fulfilled"})
    booking.refresh_from_db()
    assert booking.status == "fulfilled"
    assert answer.url == f"{agenda_of(slot)}#termin-{slot.uuid}"
    assert Clarification.objects.get().referral == booking.referral
    browser.post(mark_of(booking), {"act": "undo"})
    booking.refresh_from_db()
    assert booking.status == "booked"
    assert not Clarification.objects.exists()


def test_a_missed_appointment_carries_its_reason():
    slot = consultation_slot()
    booking = booked(slot)
    begin(slot)
    browser = as_user(slot.session.specialist.user)
    browser.post(mark_of(booking), {"act": "noshow", "reason": "afraid"})
    booking.refresh_from_db()
    assert (booking.status, booking.noshow_reason) == ("noshow", "afraid")
    assert "Angst" in browser.get(agenda_of(slot)).content.decode()


def test_nobody_else_marks_it():
    owner, colleague, stranger = three()
    slot = consultation_slot()
    booking = booked(slot, client__owner=owner)
    begin(slot)
    for other in (colleague, stranger, factories.SpecialistFactory().user):
        assert as_user(other).post(mark_of(booking), {"act": "fulfilled"}).status_code == 404
    booking.refresh_from_db()
    assert booking.status == "booked"
    as_user(owner).post(mark_of(booking), {"act": "arrived"})
    booking.refresh_from_db()
    assert booking.status == "arrived"


def test_a_tap_too_early_is_explained_and_changes_nothing():
    slot = consultation_slot()
    booking = booked(slot)
    answer = as_user(slot.session.specialist.user).post(mark_of(booking), {"act": "fulfilled"})
    assert answer.status_code == 409
    assert "erst am Tag des Termins" in answer.content.decode()
    booking.refresh_from_db()
    assert booking.status == "booked"
