"""Slots of the consultation, and the three people of every access test."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from accounts.models import User
from scheduling.models import BlockFormat, Booking, Session, Slot
from tests import factories


class People(NamedTuple):
    """Who owns the case, who works elsewhere in the district, who has nothing to do with it at all."""

    owner: User
    colleague: User
    stranger: User


def three() -> People:
    """A caseworker of AWO, one of Caritas, and one of another district."""
    elsewhere = factories.DistrictFactory(name="Anderer Kreis")
    return People(
        owner=factories.UserFactory(),
        colleague=factories.UserFactory(organisation=factories.OrganisationFactory(name="Caritas")),
        stranger=factories.UserFactory(
            organisation=factories.OrganisationFactory(name="DRK", district=elsewhere)
        ),
    )


def consultation_slot(**fields: Any) -> Slot:
    """A presentation block of a session a week from now; its kind needs a referral."""
    if "session" not in fields:
        fields.setdefault("session__series__kind", consultation_kind())
    return factories.SlotFactory(**fields)


def consultation_kind() -> Any:
    """The kind that is booked only with a referral."""
    return factories.KindFactory(
        code="trauma_consultation", name="Traumasprechstunde", needs_referral=True, public_title="Termin"
    )


def case_consultation_slot(**fields: Any) -> Slot:
    """A block for a case consultation."""
    return consultation_slot(format=BlockFormat.CASE_CONSULTATION, **fields)


def begin(slot: Slot, *, minutes_ago: float = 0.01) -> None:
    """Let the slot, its session and its bookings have begun, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    start = now - timedelta(minutes=minutes_ago)
    end = start + timedelta(minutes=70)
    Session.objects.filter(pk=slot.session_id).update(start_at=start, end_at=end)
    Slot.objects.filter(pk=slot.pk).update(start_at=start, end_at=end)
    Booking.objects.filter(slot=slot).update(start_at=start, end_at=end, during=(start, end))
    slot.refresh_from_db()
