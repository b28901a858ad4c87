"""The list to rebook: what lost its session, and when that is settled."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from accounts import audit
from accounts.models import User
from scheduling.models import Booking, Rebooking, Session


@dataclass(frozen=True)
class Waiting:
    """How many bookings of one organisation wait for another appointment."""

    organisation: str
    number: int


def note(booking: Booking) -> Rebooking:
    """Put a cancelled booking on the list; inside the act's transaction."""
    return Rebooking.objects.create(booking=booking)


@transaction.atomic
def settle(booking: Booking, *, by: User, outcome: Rebooking.Outcome = Rebooking.Outcome.REBOOKED) -> None:
    """Take the booking off the list; one that is not (any more) on it is no problem."""
    entry = Rebooking.objects.select_for_update(no_key=True).filter(booking=booking, settled_at=None).first()
    if entry is None:
        return
    entry.settled_at = timezone.now()
    entry.settled_by = by
    entry.outcome = outcome
    entry.save(update_fields=["settled_at", "settled_by", "outcome"])
    audit.record("settled", entry, by=by, outcome=outcome.value)


def waiting(user: User, session: Session | None = None) -> list[Waiting]:
    """Counts for the coordinator: open entries of the district by the holder's organisation."""
    entries = Rebooking.objects.of_district(user).open()
    if session is not None:
        entries = entries.filter(booking__slot__session=session)
    name = "booking__holder__organisation__short_name"
    counted = entries.order_by(name).values_list(name).annotate(number=Count("pk"))
    return [Waiting(organisation, number) for organisation, number in counted]
