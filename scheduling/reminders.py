"""Which messages an appointment owes its client, and when. Called inside the transaction of the act.

Something is told at once (booked, moved, cancelled, offered); reminders follow the plan of the kind. What
would ring at night or on a day of rest goes out before (`notifications.quiet`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import cache

from accounts.rows import Write, clock
from clients.models import Client
from notifications import outbox, quiet
from notifications import rules as message_rules
from notifications.models import Message
from notifications.outbox import Draft
from scheduling.models import Booking, CancelReason, ReminderRule, Slot

# Where the link in a message leads, and what its token is made for (`notifications.links`).
CLIENT_PAGE = "scheduling:client_page"

# Interpreter pools want five working days' notice, so that question goes out earlier (domain §4.2).
EARLY_DAYS_WITH_INTERPRETER = 9
EARLY_DAYS = 5
DAY_BEFORE_AT = time(17)
# A reminder that could not go out for a day says nothing useful any more, unless it is the last.
LIFETIME = timedelta(days=1)
# A course says once that it begins: early enough to arrange the way, late enough to be remembered.
COURSE_DAYS = 3
# The last reminder's name, whatever its day: by it `catching_up` knows what is missing.
LAST = "last"


@cache
def usual_plan() -> Sequence[ReminderRule]:
    """The plan of a kind that has none of its own; not saved."""
    return (
        ReminderRule(days_before=EARLY_DAYS_WITH_INTERPRETER, with_interpreter=True),
        ReminderRule(days_before=EARLY_DAYS, with_interpreter=False),
        ReminderRule(days_before=1, at=DAY_BEFORE_AT),
    )


# --- Telling -----------------------------------------------------------------------------------
def plan(
    booking: Booking, *, now: datetime | None = None, told: Message.Kind = Message.Kind.BOOKED
) -> list[str]:
    """Queue what this booking owes its client: one message now (`told`: booked or moved), reminders that
    are still to come. Returns the messages' keys.

    `now` is the moment of booking, or the database's clock at a later change (`withdraw` comes first).
    Costs one query when slot, room and client are at hand and the slot comes from `seats.lock`. Nothing
    is queued for a booking that has no client or is not booked, nor while something stands against SMS
    (`outbox.enqueue_all`). Of a course only its beginning is told; its many dates the teacher tells.
    """
    if booking.client is None or booking.status != Booking.Status.BOOKED:
        return []
    # The database's clock at the moment of booking.
    now = now or booking.booked_at or clock()
    return outbox.enqueue_all(booking.client, drafts(booking, now, told=told))


def plan_write(booking: Booking, *, now: datetime) -> Write | None:
    """The same as a value, to be written together with what else the booking leaves."""
    if booking.client is None or booking.status != Booking.Status.BOOKED:
        return None
    return outbox.enqueue_write(booking.client, drafts(booking, now))


def tell_cancelled(booking: Booking, now: datetime) -> list[str]:
    """Take back what has not left yet and say at once that the appointment is off; the keys of what is
    queued. Whoever cancelled on their own page knows, and what has begun needs no word."""
    withdraw(booking)
    told_themselves = booking.cancelled_by is None
    if booking.client is None or told_themselves or booking.start_at <= now:
        return []
    is_dropped = booking.cancel_reason == CancelReason.SESSION
    if booking.slot.is_course and not is_dropped:
        return []
    kind = Message.Kind.DROPPED if is_dropped else Message.Kind.CANCELLED
    return outbox.enqueue_all(booking.client, [_draft(booking, kind, kind, now, booking.start_at)])


def offer(booking: Booking, client: Client, now: datetime) -> list[str]:
    """Say at once that a seat is kept for this client, until the offer ends; the keys of what is queued."""
    kind, until = Message.Kind.OFFER, booking.held_until or booking.start_at
    return outbox.enqueue_all(client, [_draft(booking, kind, kind, now, until)])


def ask_to_call(booking: Booking, now: datetime) -> list[str]:
    """Ask the client to call about this appointment; once for each of its times. The keys of what is
    queued."""
    if booking.client is None or booking.status != Booking.Status.BOOKED:
        return []
    kind = Message.Kind.PLEASE_CALL
    return outbox.enqueue_all(booking.client, [_draft(booking, kind, kind, now, booking.start_at)])


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


# --- The plan ----------------------------------------------------------------------------------
def drafts(booking: Booking, now: datetime, *, told: Message.Kind = Message.Kind.BOOKED) -> list[Draft]:
    """The messages this booking owes at this moment, soonest first. What is past is left out."""
    reminders = [row for row in _reminders(booking) if now < row[1] < booking.start_at]
    if booking.slot.is_course:
        return [
            _draft(booking, kind, kind, at, booking.start_at)
            for _name, at in reminders
            for kind in [Message.Kind.COURSE_STARTS]
        ]
    # The word at the booking dies when the first reminder says the same.
    until = reminders[0][1] if reminders else booking.start_at
    return [
        _draft(booking, told, told, now, until),
        *(
            _draft(
                booking,
                f"reminder:{name}",
                Message.Kind.REMINDER,
                at,
                booking.start_at if name == LAST else at + LIFETIME,
            )
            for name, at in reminders
        ),
    ]


def _reminders(booking: Booking) -> Iterator[tuple[str, datetime]]:
    """Name and moment of each reminder, the earliest first."""
    rules = message_rules.of(booking.slot.district)
    for name, meant in planned(booking):
        yield name, quiet.latest_before(rules, booking.client, meant)


def planned(booking: Booking) -> Iterator[tuple[str, datetime]]:
    """Name and moment of each reminder by the plan, the earliest first, on the district's clock; whether a
    telephone may ring then is another question."""
    slot = booking.slot
    start = booking.start_at.astimezone(slot.district.tz)
    steps = [ReminderRule(days_before=COURSE_DAYS, at=DAY_BEFORE_AT)] if slot.is_course else _steps(slot)
    for step in steps:
        name = LAST if step is steps[-1] else f"{step.days_before}d"
        yield name, _days_before(start, step.days_before, step.at or start.time())


def _steps(slot: Slot) -> list[ReminderRule]:
    """The reminders of the kind's plan that fit this slot, the earliest first; one a day."""
    found = slot.reminder_rules
    own: Sequence[ReminderRule] = list(slot.kind.reminder_rules.all()) if found is None else found
    fitting = [rule for rule in own or usual_plan() if rule.with_interpreter in (None, slot.with_interpreter)]
    # What is meant for slots like this one wins over what is meant for all.
    fitting.sort(key=lambda rule: rule.with_interpreter is not None)
    by_day = {rule.days_before: rule for rule in fitting}
    return [by_day[days] for days in sorted(by_day, reverse=True)]


def _days_before(start: datetime, days: int, at: time) -> datetime:
    """That many calendar days before, at this time on the wall clock: 23 or 25 hours make a day, too."""
    return datetime.combine(start.date() - timedelta(days=days), at, tzinfo=start.tzinfo)


def _draft(booking: Booking, name: str, kind: Message.Kind, send_at: datetime, until: datetime) -> Draft:
    district = booking.slot.district
    return Draft(
        key=_key(booking, name),
        kind=kind,
        context={
            "start_at": booking.start_at.isoformat(),
            "zone": district.zone,
            "place": booking.address,
            "route": CLIENT_PAGE,
            "about": str(booking.uuid),
        },
        send_at=send_at,
        expires_at=min(until, booking.start_at),
    )
