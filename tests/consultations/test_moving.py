"""A consultation is moved with its referral; a consent that names another specialist keeps it where it is."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from consultations import readiness, referrals, ways
from consultations.models import Referral
from scheduling import moving
from scheduling.models import Booking, Slot
from scheduling.problems import Refused
from tests import factories
from tests.consultations.people import case_consultation_slot, consultation_slot

pytestmark = pytest.mark.django_db


def refused(rule: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as caught, transaction.atomic():
        rule(*args, **kwargs)
    return caught.value.codes


@pytest.fixture
def slot() -> Slot:
    return consultation_slot()


def later(slot: Slot, days: int = 1, **fields: Any) -> Slot:
    """A place of the same kind some days later."""
    at = slot.session.start_at + timedelta(days=days)
    session = factories.SessionFactory(series=slot.session.series, start_at=at, **fields)
    return factories.SlotFactory(session=session, format=slot.format)


def booked_referral(slot: Slot, **fields: Any) -> tuple[Referral, Booking]:
    made = factories.ReferralFactory(format=slot.format, **fields)
    if made.consent is not None:
        made.consent.recipients = slot.session.held_by_name
        made.consent.save()
    referrals.submit(made, slot_or_hold=slot, by=made.author)
    made.refresh_from_db()
    assert made.booking is not None
    return made, made.booking


def test_the_referral_stays_with_the_appointment(slot: Slot) -> None:
    referral, booking = booked_referral(slot)
    moved = moving.move(booking, later(slot), by=referral.author)
    referral.refresh_from_db()
    assert (referral.booking, moved.moves) == (moved, 1)


def test_the_consent_must_name_the_new_specialist(slot: Slot) -> None:
    referral, booking = booked_referral(slot)
    with_somebody_else = later(slot, specialist=factories.SpecialistFactory(name="Dr. Anders"))
    with_the_same = later(slot, days=2)

    assert refused(moving.move, booking, with_somebody_else, by=referral.author) == ["other_recipient"]
    assert moving.choices(booking, by=referral.author) == [with_the_same]


def test_a_revoked_consent_moves_nobody(slot: Slot) -> None:
    """Revoking cancels the appointment; this is the look under the lock, should one meet the other."""
    referral, _booking = booked_referral(slot)
    assert referral.consent is not None
    referral.consent.revoked_at = slot.start_at
    assert [problem.code for problem in readiness.against_move(referral, later(slot))] == ["consent_revoked"]


def test_a_case_consultation_moves_without_a_consent_but_stays_one() -> None:
    slot = case_consultation_slot()
    referral, booking = booked_referral(slot, consent=None, pseudonym="Fall Linde")
    presentation = consultation_slot(session=slot.session, block=2)
    assert refused(moving.move, booking, presentation, by=referral.author) == [
        "other_kind",
        "other_format",
    ]
    assert moving.move(booking, later(slot), by=referral.author).client is None


def test_a_booking_of_such_a_kind_without_a_referral_is_not_moved(slot: Slot) -> None:
    _referral, booking = booked_referral(slot)
    booking.pk = 0  # a row that no referral points at
    assert [one.code for one in ways.against_move(booking, [slot])[slot.pk]] == ["needs_referral"]
