"""Messages that became possible since the booking: consent given, number corrected."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat, Now

from clients.models import Consent
from notifications import outbox
from notifications.models import Message
from scheduling import reminders, seats
from scheduling.models import Booking, SlotFormat

# From the last reminder at 17:00 to the earliest appointment of the next day.
NIGHT_BEFORE = timedelta(hours=15)


def catch_up() -> int:
    """Plan what is missing; how many messages.

    Changing a client knows nothing of bookings, so this looks now and then for appointments to come
    whose last reminder is missing although nothing stands against it.
    """
    return sum(_catch_up(booking) for booking in _without_reminder())


def _catch_up(missing: Booking) -> int:
    if missing.client is None:
        return 0
    with transaction.atomic():
        # Cancelling takes the same lock first, so nothing is planned for what is being cancelled.
        seats.lock_client(missing.client.pk)
        still = _without_reminder().filter(pk=missing.pk).first()
        if still is None or still.client is None:
            return 0
        return len(outbox.enqueue_all(still.client, reminders.drafts(still, getattr(still, "now"))))


def _without_reminder() -> QuerySet[Booking]:
    lives = Message.objects.exclude(status__in=[Message.Status.WITHDRAWN, Message.Status.FAILED])
    last = lives.filter(key=OuterRef("last_key"))
    agreed = Consent.objects.to_sms().filter(client=OuterRef("client"))
    reachable = Q(
        client__opted_out_at__isnull=True,
        client__wrong_number_at__isnull=True,
        client__paused_at__isnull=True,
        client__mobile_confirmed_at__isnull=False,
        client__safe_to_text=True,
    )
    return (
        Booking.objects.upcoming()
        .annotate(last_key=_LAST_KEY)
        .exclude(slot__format=SlotFormat.COURSE)
        .filter(reachable, Exists(agreed), ~Exists(last), start_at__gt=Now() + NIGHT_BEFORE)
        .select_related("client", "slot__kind", "slot__district__message_rules", "slot__session__room")
        .annotate(now=Now())
    )


# The key of the last reminder, as `reminders` writes it.
_LAST_KEY = Concat(
    Value("booking:"),
    Cast(F("uuid"), CharField()),
    Value(":"),
    Case(
        When(ical_sequence=0, then=Value("")),
        default=Concat(Cast(F("ical_sequence"), CharField()), Value(":")),
    ),
    Value(f"reminder:{reminders.LAST}"),
    output_field=CharField(),
)
