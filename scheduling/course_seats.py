"""What a place on a course carries, whichever door it was taken through; and when its lessons are."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone

from clients.models import Client
from scheduling.models import Booking, Enrolment, Slot, SlotFormat, WaitingEntry
from scheduling.models.slot import SlotQuerySet


def note(booking: Booking, *, asked_on: date | None = None) -> None:
    """Keep since when the course was asked for; inside the booking's transaction, before its client's
    entries of the waiting list end.

    That is the first of `asked_on` and the days they were entered for this course, or still wait for one
    of its kind. What is noted already stays; a booking of anything but a course needs nothing.
    """
    slot = booking.slot
    if not slot.is_course:
        return
    entries = WaitingEntry.objects.filter(client=booking.client_id, client__isnull=False)
    entries = entries.filter(Q(slot=slot) | Q(kind=slot.kind_id, slot=None, ended_at=None))
    days = [timezone.localdate(at) for at in entries.values_list("entered_at", flat=True)]
    requested_on = min(filter(None, [asked_on, *days]), default=timezone.localdate(booking.booked_at))
    Enrolment.objects.get_or_create(booking=booking, defaults={"requested_on": requested_on})


def lessons_of(client: Client, start_at: datetime, end_at: datetime) -> SlotQuerySet:
    """The lessons of the client's courses that overlap [start_at, end_at), in order of time.

    They never stand in the way of an appointment; whoever books over one is told.
    """
    places = client.bookings.filter(
        status__in=[Booking.Status.BOOKED, Booking.Status.ARRIVED], enrolment__ended_on__isnull=True
    )
    lessons = Slot.objects.open().filter(format=SlotFormat.LESSON, start_at__lt=end_at, end_at__gt=start_at)
    return (
        lessons.filter(session__series__course__slot__in=places.values("slot"))
        .select_related("session__series__course")
        .order_by("start_at")
    )


def during(booking: Booking) -> Sequence[Slot]:
    """The client's lessons at the time of an appointment that is booked: for a warning."""
    if booking.client is None or booking.status != Booking.Status.BOOKED:
        return ()
    return list(lessons_of(booking.client, booking.start_at, booking.end_at))


def appointments_over(lessons: Iterable[Slot], client: Client) -> list[Booking]:
    """The client's appointments to come that overlap one of the lessons, in order of time. One query."""
    times = [(lesson.start_at, lesson.end_at) for lesson in lessons]
    coming = Booking.objects.upcoming().filter(client=client).exclude(slot__format=SlotFormat.COURSE)
    return [
        booking
        for booking in coming.select_related("slot__session__room", "slot__kind").order_by("start_at")
        if any(booking.start_at < end and booking.end_at > start for start, end in times)
    ]
