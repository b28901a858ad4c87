"""Which messages a booking owes its client, and when. Called inside the booking's transaction."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from django.db import transaction
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat, Now
from django.utils import timezone

from clients.models import Consent
from notifications import outbox
from notifications.models import Message
from notifications.outbox import Draft
from scheduling import seats
from scheduling.models import Booking, SlotFormat

# Where the link in a message leads, and what its token is made for (`notifications.links`).
CLIENT_PAGE = "scheduling:client_page"

# Interpreter pools want five working days' notice, so that question goes out earlier (domain §4.2).
EARLY_DAYS_WITH_INTERPRETER = 9
EARLY_DAYS = 5
DAY_BEFORE_AT = time(17)
# Nobody's telephone rings between 20:00 and 8:00; what would fall there goes out before.
MORNING, NIGHT, LAST_CALL = time(8), time(20), time(19)
# A reminder that could not go out for a day says nothing useful any more, unless it is the last.
LIFETIME = timedelta(days=1)
# From the last reminder at 17:00 to the earliest appointment of the next day.
NIGHT_BEFORE = timedelta(hours=15)


def plan(booking: Booking, *, now: datetime | None = None) -> list[str]:
    """Queue what this booking owes its client: one message now, reminders that are still to come.
    Returns the messages' keys.

    `now` is the moment of booking, or the database's clock at a later change (`withdraw` comes first).
    Costs one query when slot, room and client are at hand. Nothing is queued for a booking that
    has no client or is not booked, nor while something stands against SMS (`outbox.enqueue_all`);
    nor for a place on a course, whose many dates the teacher tells.
    """
    if booking.client is None or booking.status != Booking.Status.BOOKED or booking.slot.is_course:
        return []
    # The database's clock at the moment of booking.
    now = now or booking.booked_at or timezone.now()
    return outbox.enqueue_all(booking.client, drafts(booking, now))


def catch_up() -> int:
    """Plan what became possible since the booking: consent given, number corrected; how many messages.

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
        return len(outbox.enqueue_all(still.client, drafts(still, getattr(still, "now"))))


def _without_reminder() -> QuerySet[Booking]:
    lives = Message.objects.exclude(status__in=[Message.Status.WITHDRAWN, Message.Status.FAILED])
    last = lives.filter(key=OuterRef("last_key"))
    agreed = Consent.objects.valid().filter(purpose=Consent.Purpose.SMS, client=OuterRef("client"))
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
        .select_related("client", "slot__district", "slot__session__room")
        .annotate(now=Now())
    )


def withdraw(booking: Booking) -> int:
    """Take back what has not left yet; returns how many messages that concerned."""
    return outbox.withdraw(key_prefix(booking))


def key_prefix(booking: Booking) -> str:
    """What the keys of all messages about this booking begin with."""
    return f"booking:{booking.uuid}:"


def _key(booking: Booking, name: str) -> str:
    """A message's key: its own after each change of the appointment, so that what was said of the old
    time keeps nobody from hearing of the new one (`ical_sequence` rises with each)."""
    change = f"{booking.ical_sequence}:" if booking.ical_sequence else ""
    return f"{key_prefix(booking)}{change}{name}"


# The key of the last reminder, as `_key` writes it.
_LAST_KEY = Concat(
    Value("booking:"),
    Cast(F("uuid"), CharField()),
    Value(":"),
    Case(
        When(ical_sequence=0, then=Value("")),
        default=Concat(Cast(F("ical_sequence"), CharField()), Value(":")),
    ),
    Value("reminder:1d"),
    output_field=CharField(),
)


def drafts(booking: Booking, now: datetime) -> list[Draft]:
    """The messages this booking owes at this moment, soonest first. What is past is left out."""
    reminders = [(name, at) for name, at in _reminders(booking) if now < at < booking.start_at]
    # The word at the booking dies when the first reminder says the same.
    until = reminders[0][1] if reminders else booking.start_at
    at_once = _draft(booking, "booked", Message.Kind.BOOKED, now, until)
    return [
        at_once,
        *(
            _draft(booking, f"reminder:{name}", Message.Kind.REMINDER, at, at + LIFETIME)
            for name, at in reminders
        ),
    ]


def _reminders(booking: Booking) -> Iterator[tuple[str, datetime]]:
    start = booking.start_at.astimezone(booking.slot.district.tz)
    early_days = EARLY_DAYS_WITH_INTERPRETER if booking.slot.with_interpreter else EARLY_DAYS
    yield "early", _awake(_days_before(start, early_days, start.time()))
    yield "1d", _days_before(start, 1, DAY_BEFORE_AT)


def _days_before(start: datetime, days: int, at: time) -> datetime:
    """That many calendar days before, at this time on the wall clock: 23 or 25 hours make a day, too."""
    return datetime.combine(start.date() - timedelta(days=days), at, tzinfo=start.tzinfo)


def _awake(local: datetime) -> datetime:
    """The same moment, or the last decent one before it."""
    if MORNING <= local.time() < NIGHT:
        return local
    return _days_before(local, 1 if local.time() < MORNING else 0, LAST_CALL)


def _draft(booking: Booking, name: str, kind: Message.Kind, send_at: datetime, until: datetime) -> Draft:
    return Draft(
        key=_key(booking, name),
        kind=kind,
        context={
            "start_at": booking.start_at.isoformat(),
            "zone": booking.slot.district.zone,
            "place": booking.address,
            "route": CLIENT_PAGE,
            "about": str(booking.uuid),
        },
        send_at=send_at,
        expires_at=min(until, booking.start_at),
    )
