"""Seats that were kept and are not any more: holds and offers end the same way, whoever notices."""

from collections.abc import Iterable

from django.db.models.functions import Now

from accounts.models import User
from scheduling import contingents, reminders
from scheduling.models import Booking, Offer


def remove(
    gone: Iterable[Booking],
    *,
    offers_are: Offer.Outcome = Offer.Outcome.EXPIRED,
    by: User | None = None,
) -> None:
    """Take tentative bookings away, their slot locked; what they counted is given back, and an offer
    behind one remembers how it ended."""
    holds = list(gone)
    if not holds:
        return
    keys = [hold.pk for hold in holds]
    contingents.give_back(holds)
    offers = Offer.objects.filter(booking__in=keys, ended_at=None)
    if offers.update(ended_at=Now(), ended_by=by, outcome=offers_are):
        for hold in holds:
            reminders.withdraw(hold)
    Booking.objects.filter(pk__in=keys).delete()


def accepted(offer: Offer, *, by: User) -> None:
    """Its seat is booked."""
    Offer.objects.filter(pk=offer.pk, ended_at=None).update(
        ended_at=Now(), ended_by=by, outcome=Offer.Outcome.ACCEPTED
    )
