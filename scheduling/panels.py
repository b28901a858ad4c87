"""What a client's page shows of this room: the appointments, with what became of their messages."""

from django.template.loader import render_to_string
from django.utils import timezone

from accounts.access import SignedInRequest
from clients.models import Client
from notifications import outbox
from scheduling import attendance, enrolments, reminders
from scheduling.models import Booking, SlotFormat, WaitingEntry

_ROWS = 12


def courses(request: SignedInRequest, client: Client) -> str:
    """The client's courses, with how often they were there and how long they waited."""
    places = list(enrolments.of_client(client)[:_ROWS])
    counted = attendance.counts(places)
    rows = [(place, counted[place.pk], enrolments.days_to_start(place)) for place in places]
    waits = list(
        WaitingEntry.objects.waiting()
        .filter(client=client, slot__format=SlotFormat.COURSE)
        .select_related("slot__course")
        .order_by("entered_at")
    )
    context = {"client": client, "rows": rows, "waits": waits, "today": timezone.localdate()}
    return render_to_string("scheduling/panels/courses.html", context, request)


def appointments(request: SignedInRequest, client: Client) -> str:
    """The client's appointments, the latest first, each with the state of its messages; and what they wait
    for."""
    bookings = list(
        client.bookings.exclude(status=Booking.Status.TENTATIVE)
        .exclude(slot__format=SlotFormat.COURSE)
        .select_related("slot__kind", "slot__session__room")
        .order_by("-start_at")[:_ROWS]
    )
    messages = outbox.by_key_prefix([reminders.key_prefix(booking) for booking in bookings])
    rows = [(booking, messages[reminders.key_prefix(booking)]) for booking in bookings]
    waits = WaitingEntry.objects.for_user(request.user).waiting().filter(client=client, slot__isnull=True)
    context = {"client": client, "rows": rows, "waits": waits.select_related("kind").order_by("entered_at")}
    return render_to_string("scheduling/panels/appointments.html", context, request)
