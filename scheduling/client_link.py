"""The link in a client's hands: which booking it opens, and until when."""

from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now
from django.db.models.lookups import GreaterThan

from notifications import links
from scheduling.models import Booking
from scheduling.reminders import CLIENT_PAGE

# While the link shows something: until the appointment is over.
_SHOWN = (Booking.Status.BOOKED, Booking.Status.ARRIVED)


def url(booking: Booking) -> str:
    """The public address of this booking's page, for its client."""
    return links.url(CLIENT_PAGE, booking.uuid, _version(booking))


def open_booking(token: str) -> Booking | None:
    """The booking this link may show; None once it is cancelled, over, or the link was withdrawn."""
    about = links.about(token)
    booking = _booking(about) if about else None
    return booking if booking is not None and links.fits(token, CLIENT_PAGE, _version(booking)) else None


def may_answer(booking: Booking) -> bool:
    """Whether the page of a booking just opened (`open_booking`) asks who comes; the rule decides."""
    is_to_come: bool = getattr(booking, "is_to_come")
    return is_to_come and booking.status == Booking.Status.BOOKED


def _booking(uuid: UUID) -> Booking | None:
    return (
        Booking.objects.select_related(
            "client", "district__message_rules", "slot__kind", "slot__session__room"
        )
        .annotate(is_to_come=GreaterThan(F("start_at"), Now()))
        .filter(uuid=uuid, client__isnull=False, status__in=_SHOWN, end_at__gt=Now())
        .first()
    )


def _version(booking: Booking) -> int:
    return booking.client.link_version if booking.client else 0
