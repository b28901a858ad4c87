"""An offer accepted: it becomes a booking by the rule that books its kind."""

from collections.abc import Callable

from accounts.models import User
from scheduling import booking as bookings
from scheduling import problems
from scheduling.models import Booking, Offer, WaitingEntry
from scheduling.problems import ALONE, Refused, Visit

Applies = Callable[[Offer], bool]
Take = Callable[[Offer, User], Booking]
_takers: list[tuple[Applies, Take]] = []


def register(applies: Applies, take: Take) -> None:
    """Where `applies`, an offer is accepted by `take` (a referral is submitted)."""
    if (applies, take) not in _takers:
        _takers.append((applies, take))


def accept(offer: Offer, *, by: User, visit: Visit = ALONE) -> Booking:
    """Book what was offered, with who goes along and where to if the kind asks for it (`visit`). A second
    click gives the same booking.

    Raises `Refused` when the offer is over or something else is against it now, `Offer.DoesNotExist`
    when it is not theirs. Refused for another reason than its end, the offer stands.
    """
    stored = _read(offer, by)
    if stored.ended_at is None:
        try:
            return _take(stored, by, visit)
        except Refused:
            # A twin of this click may have been faster; the refusal stands only if it was not.
            stored = _read(offer, by)
            if stored.outcome != Offer.Outcome.ACCEPTED:
                raise
    if stored.outcome != Offer.Outcome.ACCEPTED or stored.booking is None:
        raise Refused([problems.OFFER_OVER])
    return stored.booking


def _take(offer: Offer, by: User, visit: Visit) -> Booking:
    for applies, take in _takers:
        if applies(offer):
            return take(offer, by)
    return bookings.book(offer.slot, client=offer.entry.client, by=by, visit=visit, accepts=offer)


def _read(offer: Offer, by: User) -> Offer:
    around = Offer.objects.select_related("booking__slot", "slot__kind", "entry__client", "entry__kind")
    return around.get(pk=offer.pk, entry__in=WaitingEntry.objects.for_user(by))
