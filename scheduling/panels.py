"""What a client's page shows of this room: the appointments, with what became of their messages."""

from django.template.loader import render_to_string

from accounts.access import SignedInRequest
from clients.models import Client
from notifications import outbox
from scheduling import reminders
from scheduling.models import Booking, SlotFormat

_ROWS = 12


def appointments(request: SignedInRequest, client: Client) -> str:
    """The client's appointments, the latest first, each with the state of its messages."""
    bookings = list(
        client.bookings.exclude(status=Booking.Status.TENTATIVE)
        .exclude(slot__format=SlotFormat.COURSE)
        .select_related("slot__kind", "slot__session__room")
        .order_by("-start_at")[:_ROWS]
    )
    messages = outbox.by_key_prefix([reminders.key_prefix(booking) for booking in bookings])
    rows = [(booking, messages[reminders.key_prefix(booking)]) for booking in bookings]
    context = {"client": client, "rows": rows}
    return render_to_string("scheduling/panels/appointments.html", context, request)
