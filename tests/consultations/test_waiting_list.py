"""A complete referral waits, is offered a place, and is submitted with one click."""

from typing import Any

import pytest
from django.urls import reverse

from consultations import referrals, waiting_list
from consultations.models import Referral
from scheduling import acceptance, offers
from scheduling.models import Interpreter, Offer, Slot, WaitingEntry
from scheduling.problems import Refused
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def slot() -> Slot:
    kind = factories.KindFactory(needs_referral=True, code="trauma_consultation")
    return factories.SlotFactory(
        session=factories.SessionFactory(series=factories.SeriesFactory(kind=kind)), with_interpreter=True
    )


@pytest.fixture
def referral(slot: Slot) -> Referral:
    made = factories.ReferralFactory(urgency="urgent", specialist_gender="woman")
    factories.InterpreterFactory()
    made.consent.recipients = slot.session.held_by_name
    made.consent.save()
    return made


def wait(referral: Referral, **needs: Any) -> WaitingEntry:
    return waiting_list.enter(referral, by=referral.author, **needs)


def test_the_list_knows_what_the_referral_says(referral: Referral) -> None:
    entry = wait(referral, at_short_notice=True)

    referral.refresh_from_db()
    assert (entry.client, entry.format, entry.urgency) == (referral.client, "presentation", "urgent")
    assert (entry.language, entry.gender, entry.at_short_notice) == ("ar", "f", True)
    assert referral.waiting_entry == entry == wait(referral)


def test_an_incomplete_referral_does_not_wait() -> None:
    factories.KindFactory(needs_referral=True, code="trauma_consultation")
    incomplete = factories.ReferralFactory(consent=None, question="")

    with pytest.raises(Refused) as refused:
        wait(incomplete)

    assert refused.value.codes == ["question", "consent"]
    assert not WaitingEntry.objects.exists()


def test_the_offer_is_accepted_by_submitting_the_referral(referral: Referral, slot: Slot) -> None:
    Slot.objects.update(gender="f")
    entry = wait(referral, at_short_notice=True)
    (offer,) = offers.make(slot.pk)

    made = acceptance.accept(offer, by=referral.author)

    referral.refresh_from_db()
    entry.refresh_from_db()
    offer.refresh_from_db()
    assert (referral.booking, referral.submitted_at) == (made, made.booked_at)
    assert (entry.outcome, offer.outcome, made.client) == ("booked", "accepted", referral.client)
    assert acceptance.accept(offer, by=referral.author) == made


def test_a_case_consultation_waits_without_a_client_and_stops_when_booked(slot: Slot) -> None:
    Slot.objects.update(format="case_consultation")
    slot.refresh_from_db()
    case = factories.ReferralFactory(format="case_consultation", pseudonym="Fall Linde", consent=None)
    entry = wait(case)
    assert entry.client is None

    referrals.submit(case, slot_or_hold=slot, by=case.author)

    entry.refresh_from_db()
    assert entry.outcome == "booked"


def test_a_consent_for_somebody_else_is_passed_over(referral: Referral, slot: Slot) -> None:
    Slot.objects.update(gender="f")
    assert referral.consent is not None
    referral.consent.recipients = "Dr. Andere"
    referral.consent.save()
    wait(referral, at_short_notice=True)

    assert offers.make(slot.pk) == []
    slot = Slot.objects.select_related("kind", "district", "session__district").get(pk=slot.pk)
    (candidate,) = offers.candidates(slot, slot.changed_at)
    assert [problem.code for problem in candidate.problems] == ["other_recipient"]


def test_where_nobody_can_interpret_the_seat_is_not_offered(referral: Referral, slot: Slot) -> None:
    Slot.objects.update(gender="f")
    Interpreter.objects.all().delete()
    wait(referral, at_short_notice=True)

    assert offers.make(slot.pk) == []
    factories.InterpreterFactory(dialect="Syrien")
    assert [offer.slot for offer in offers.make(slot.pk)] == [slot]


@pytest.mark.parametrize("end", ["withdrawn", "consent revoked"])
def test_who_withdraws_or_revokes_waits_no_longer_and_the_seat_passes_on(
    referral: Referral, slot: Slot, end: str
) -> None:
    Slot.objects.update(gender="f")
    entry = wait(referral, at_short_notice=True)
    offers.make(slot.pk)

    if end == "withdrawn":
        referrals.withdraw(referral, by=referral.author)
    else:
        referrals.revoke_consent(referral, by=referral.author)

    entry.refresh_from_db()
    assert entry.outcome == "withdrawn"
    assert Offer.objects.get().outcome == "withdrawn"
    assert not slot.bookings.exists()


def test_from_the_referrals_page_onto_the_list(referral: Referral) -> None:
    page = reverse("consultations:wait", args=[referral.uuid])
    colleague = as_user(factories.UserFactory())
    stranger = as_user(
        factories.UserFactory(
            organisation=factories.OrganisationFactory(
                district=factories.DistrictFactory(name="Nachbarkreis")
            )
        )
    )
    for other in (colleague, stranger):
        assert other.get(page).status_code == other.post(page).status_code == 404
    owner = as_user(referral.author)
    overview = reverse("consultations:referral", args=[referral.uuid])
    assert page in owner.get(overview).content.decode()

    owner.post(page, {"at_short_notice": "on", "weekdays": ["1"]})

    entry = WaitingEntry.objects.get()
    assert (entry.at_short_notice, entry.weekdays) == (True, [1])
    assert "steht auf der Warteliste" in owner.get(overview).content.decode()
    assert owner.get(reverse("scheduling:waiting")).status_code == 200
