"""The last line of defence: the database refuses, at commit, a consultation booked without its referral."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from clients.models import Consent
from consultations.models import Clarification, Referral
from scheduling.models import BlockFormat, Booking, Slot
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = "has no referral with consent"


@pytest.fixture
def slot() -> Slot:
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    return factories.SlotFactory(session__series__kind=kind)


def _presented(slot: Slot) -> Any:
    """A presentation with consent, booked, as the rules leave it."""
    referral = factories.ReferralFactory(submitted_at=timezone.now())
    _book(slot, referral, client=referral.client)
    return referral


def _book(slot: Slot, referral: Referral, **fields: Any) -> Booking:
    with transaction.atomic():
        booking = factories.BookingFactory(slot=slot, holder=referral.author, **fields)
        Referral.objects.filter(pk=referral.pk).update(booking=booking, submitted_at=timezone.now())
    referral.refresh_from_db()
    return booking


def _take_place(referral: Referral) -> Clarification:
    """As `attendance.mark_fulfilled` leaves it."""
    with transaction.atomic():
        Booking.objects.filter(referral=referral).update(status="fulfilled")
        assert referral.client is not None
        return Clarification.objects.create(client=referral.client, referral=referral)


def test_a_presentation_with_consent_is_booked(slot: Slot) -> None:
    assert _presented(slot).booking is not None


def test_a_case_consultation_needs_neither_client_nor_consent(slot: Slot) -> None:
    referral = factories.ReferralFactory(format=BlockFormat.CASE_CONSULTATION, consent=None)
    assert _book(slot, referral).pk == referral.booking_id


def test_a_kind_without_referrals_is_left_alone() -> None:
    assert factories.BookingFactory().status == Booking.Status.BOOKED


def test_a_hold_needs_no_referral(slot: Slot) -> None:
    factories.BookingFactory(slot=slot, status="tentative", held_until=timezone.now(), booked_at=None)
    assert slot.bookings.count() == 1


def test_a_booking_without_a_referral_is_refused_at_commit(slot: Slot) -> None:
    with pytest.raises(IntegrityError, match=REFUSED):
        factories.BookingFactory(slot=slot, client=factories.ClientFactory())
    assert not Booking.objects.exists()


def test_raw_sql_is_refused_at_commit(slot: Slot) -> None:
    copy = factories.BookingFactory()
    columns = [field.column for field in Booking._meta.concrete_fields if not field.primary_key]
    values = [column if column not in {"uuid", "slot_id"} else "%s" for column in columns]
    statement = (
        f"INSERT INTO scheduling_booking ({', '.join(columns)}) "
        f"SELECT {', '.join(values)} FROM scheduling_booking WHERE id = %s"
    )
    with pytest.raises(IntegrityError, match=REFUSED), connection.cursor() as cursor:
        cursor.execute(statement, [slot.uuid, slot.pk, copy.pk])
    assert not slot.bookings.exists()


def test_a_hold_turned_into_a_booking_by_hand_is_refused(slot: Slot) -> None:
    hold = factories.BookingFactory(slot=slot, status="tentative", held_until=timezone.now())
    with pytest.raises(IntegrityError, match=REFUSED):
        Booking.objects.filter(pk=hold.pk).update(status="booked", held_until=None)


def test_a_booking_moved_by_hand_to_a_slot_that_needs_a_referral_is_refused(slot: Slot) -> None:
    booking = factories.BookingFactory()
    with pytest.raises(IntegrityError, match=REFUSED):
        Booking.objects.filter(pk=booking.pk).update(slot=slot)


@pytest.mark.parametrize("consent", [None, "of somebody else", "to SMS", "revoked"])
def test_a_presentation_without_its_own_consent_is_refused(slot: Slot, consent: str | None) -> None:
    referral = factories.ReferralFactory(consent=None)
    own = {"client": referral.client, "purpose": Consent.Purpose.CONSULTATION}
    given: dict[str | None, Callable[[], Consent | None]] = {
        None: lambda: None,
        "of somebody else": lambda: factories.ConsentFactory(purpose=Consent.Purpose.CONSULTATION),
        "to SMS": lambda: factories.ConsentFactory(client=referral.client),
        "revoked": lambda: factories.ConsentFactory(**own, revoked_at=timezone.now()),
    }
    Referral.objects.filter(pk=referral.pk).update(consent=given[consent]())
    with pytest.raises(IntegrityError, match=REFUSED):
        _book(slot, referral, client=referral.client)


def test_a_booking_for_another_client_than_the_referrals_is_refused(slot: Slot) -> None:
    with pytest.raises(IntegrityError, match=REFUSED):
        _book(slot, factories.ReferralFactory(), client=factories.ClientFactory())


def test_a_case_consultation_never_books_its_client(slot: Slot) -> None:
    referral = factories.ReferralFactory(format=BlockFormat.CASE_CONSULTATION, consent=None)
    with pytest.raises(IntegrityError, match=REFUSED):
        _book(slot, referral, client=referral.client)


def test_a_consent_is_not_revoked_under_a_booked_appointment(slot: Slot) -> None:
    referral = _presented(slot)
    with pytest.raises(IntegrityError, match=REFUSED):
        Consent.objects.filter(pk=referral.consent_id).update(revoked_at=timezone.now())
    assert Consent.objects.get(pk=referral.consent_id).revoked_at is None


def test_a_consent_may_be_revoked_after_the_appointment(slot: Slot) -> None:
    referral = _presented(slot)
    _take_place(referral)
    Consent.objects.filter(pk=referral.consent_id).update(revoked_at=timezone.now())
    assert Consent.objects.get(pk=referral.consent_id).revoked_at is not None


@pytest.mark.parametrize("change", [{"booking": None}, {"consent": None}])
def test_a_referral_does_not_slip_away_from_its_booking(slot: Slot, change: dict[str, None]) -> None:
    referral = _presented(slot)
    with pytest.raises(IntegrityError, match=REFUSED):
        Referral.objects.filter(pk=referral.pk).update(**change)
    with pytest.raises(IntegrityError, match=REFUSED):
        referral.delete()


def test_booking_cancelled_and_referral_detached_in_one_transaction_is_fine(slot: Slot) -> None:
    referral = _presented(slot)
    with transaction.atomic():
        Referral.objects.filter(pk=referral.pk).update(booking=None)
        Booking.objects.filter(client=referral.client).update(status="cancelled", cancelled_at=timezone.now())
    assert Booking.objects.get(client=referral.client).status == Booking.Status.CANCELLED


UNUSED = "without using a clarification"


def test_a_presentation_does_not_take_place_without_using_the_clarification(slot: Slot) -> None:
    referral = _presented(slot)
    with pytest.raises(IntegrityError, match=UNUSED):
        Booking.objects.filter(pk=referral.booking_id).update(status="fulfilled")
    assert Booking.objects.get(pk=referral.booking_id).status == "booked"


def test_a_clarification_is_not_given_back_while_its_presentation_counts(slot: Slot) -> None:
    used = _take_place(_presented(slot))
    with pytest.raises(IntegrityError, match=UNUSED):
        used.delete()
    with transaction.atomic():
        Booking.objects.filter(referral=used.referral).update(status="booked")
        used.delete()
    assert not Clarification.objects.exists()


def test_a_case_consultation_takes_place_without_a_clarification_and_stays_one(slot: Slot) -> None:
    referral = factories.ReferralFactory(format=BlockFormat.CASE_CONSULTATION, consent=None)
    booking = _book(slot, referral)
    Booking.objects.filter(pk=booking.pk).update(status="fulfilled")
    with pytest.raises(IntegrityError):
        Referral.objects.filter(pk=referral.pk).update(format=BlockFormat.PRESENTATION)
