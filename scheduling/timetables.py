"""What stands in somebody's or a room's calendar, day by day, as the reader may know it.

Of appointments that are not one's own one reads "belegt" and nothing else, neither whose nor what for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from accounts import when
from accounts.models import User
from scheduling.calendars import managed as managed_by
from scheduling.models import Absence, Booking, Calendar, Resource, Session, Slot, SlotFormat
from scheduling.models.slot import SlotQuerySet
from scheduling.wall_clock import midnight

_NOT_THERE = (Booking.Status.CANCELLED, Booking.Status.TENTATIVE)


class State(StrEnum):
    """What an entry is to the reader."""

    OWN = "own"
    FREE = "free"
    TAKEN = "taken"
    AWAY = "away"


@dataclass(frozen=True)
class Entry:
    """One time. `title` and `where` are empty where they are not the reader's business."""

    start_at: datetime
    end_at: datetime
    state: State
    title: str = ""
    where: str = ""
    booking: UUID | None = None


@dataclass(frozen=True)
class Day:
    """A day with its entries in order of time."""

    on: date
    entries: list[Entry] = field(default_factory=list)


def of_person(user: User, first: date, days: int) -> list[Day]:
    """One's own calendar: what one booked, one's clients' appointments, the times one holds, absences.

    Three queries.
    """
    since, until = _window(user, first, days)
    own = (
        Booking.objects.for_user(user).exclude(status__in=_NOT_THERE).exclude(slot__format=SlotFormat.COURSE)
    )
    bookings = own.filter(start_at__lt=until, end_at__gt=since).select_related(
        "slot__kind", "slot__session__room", "slot__session__specialist"
    )
    entries = [
        Entry(
            booking.start_at,
            booking.end_at,
            State.OWN,
            booking.slot.kind.name,
            booking.place or booking.slot.session.where,
            booking.uuid,
        )
        for booking in bookings
    ]
    seen = {entry.booking for entry in entries}
    held = _slots(user, since, until).filter(session__specialist__user=user)
    entries += [entry for entry in map(_held, held) if entry.booking is None or entry.booking not in seen]
    entries += _absences(Absence.objects.filter(resource__user=user), since, until)
    return _by_day(user, entries, first, days)


def of_resource(resource: Resource, user: User, first: date, days: int) -> list[Day]:
    """The calendar of a person or room as `user` may know it. Two queries."""
    since, until = _window(user, first, days)
    slots = _slots(user, since, until).filter(Q(session__specialist=resource) | Q(session__room=resource))
    entries = [_seen(slot) for slot in slots]
    entries += _absences(Absence.objects.filter(resource=resource), since, until)
    return _by_day(user, entries, first, days)


class SessionDay(NamedTuple):
    """A day of a calendar, with its (first) session where the reader manages it."""

    on: date
    session: UUID | None


def of_year(user: User, year: int) -> list[tuple[Calendar, list[list[SessionDay]]]]:
    """The calendars one may look into, each with its session days by month. Three queries."""
    calendars = list(Calendar.objects.for_user(user).in_use())
    sessions = Session.objects.for_user(user).taking_place().filter(calendar__in=calendars)
    # The whole term of a course is no day.
    dates = sessions.filter(
        Exists(Slot.objects.filter(session=OuterRef("pk")).exclude(format=SlotFormat.COURSE))
    )
    found: dict[int, list[list[SessionDay]]] = {each.pk: [[] for _ in range(12)] for each in calendars}
    managed = set(managed_by(user).values_list("pk", flat=True))
    rows = dates.annotate(on=TruncDate("start_at")).filter(start_at__year=year).order_by("start_at", "pk")
    for calendar, on, session in rows.values_list("calendar_id", "on", "uuid"):
        month = found[calendar][on.month - 1]
        if not month or month[-1].on != on:
            month.append(SessionDay(on, session if calendar in managed else None))
    return [(each, found[each.pk]) for each in calendars]


def year_and_neighbours(year: int) -> dict[str, int | None]:
    """For a page that turns by years: the one before and the one after, if they can be opened."""
    before, after = (each if each in when.YEARS else None for each in (year - 1, year + 1))
    return {"year": year, "before": before, "after": after}


def monday(on: date) -> date:
    """The first day of its week."""
    return on - timedelta(days=on.weekday())


def hours(days: Iterable[Day], user: User) -> list[tuple[int, list[list[Entry]]]]:
    """The same by hours: for each hour in which something begins, what begins on each day."""
    listed = list(days)
    zone = user.district.tz
    begin: dict[int, list[list[Entry]]] = {}
    for number, day in enumerate(listed):
        for entry in day.entries:
            local = entry.start_at.astimezone(zone)
            hour = local.hour if local.date() == day.on else 0
            begin.setdefault(hour, [[] for _ in listed])[number].append(entry)
    return sorted(begin.items())


def _slots(user: User, since: datetime, until: datetime) -> SlotQuerySet:
    living = Booking.objects.living().filter(slot=OuterRef("pk"))
    own = Booking.objects.for_user(user).exclude(status__in=_NOT_THERE).filter(slot=OuterRef("pk"))
    # Also of calendars one may not look into: that a room is taken then is everybody's business.
    found = Slot.objects.filter(district=user.district_id).open().exclude(format=SlotFormat.COURSE)
    return (
        found.filter(start_at__lt=until, end_at__gt=since)
        .select_related("kind", "session__room", "session__specialist")
        .annotate(
            is_taken=Exists(living),
            own_booking=Subquery(own.values("uuid")[:1]),
            is_visible=Exists(Calendar.objects.for_user(user).filter(pk=OuterRef("calendar"))),
        )
        .order_by("start_at", "pk")
    )


def _held(slot: Slot) -> Entry:
    """A slot of one's own session: one knows what it is for, and whether somebody comes."""
    is_taken = getattr(slot, "is_taken") or slot.format == SlotFormat.LESSON
    state = State.OWN if is_taken else State.FREE
    own: UUID | None = getattr(slot, "own_booking")
    return Entry(slot.start_at, slot.end_at, state, slot.kind.name, slot.session.where, own)


def _seen(slot: Slot) -> Entry:
    """A slot as a colleague may know it."""
    own: UUID | None = getattr(slot, "own_booking")
    if own is not None:
        return Entry(slot.start_at, slot.end_at, State.OWN, slot.kind.name, slot.session.where, own)
    is_free = (
        getattr(slot, "is_visible") and not getattr(slot, "is_taken") and slot.format != SlotFormat.LESSON
    )
    if not is_free:
        return Entry(slot.start_at, slot.end_at, State.TAKEN)
    title = "" if slot.kind.is_sensitive else slot.kind.name
    return Entry(slot.start_at, slot.end_at, State.FREE, title, slot.session.where)


def _absences(found: QuerySet[Absence], since: datetime, until: datetime) -> list[Entry]:
    met = found.filter(during__overlap=DateTimeTZRange(since, until)).values_list("during", flat=True)
    return [Entry(each.lower, each.upper, State.AWAY) for each in met]


def _window(user: User, first: date, days: int) -> tuple[datetime, datetime]:
    zone = user.district.tz
    last = first + timedelta(days=days)
    return midnight(first, zone), midnight(last, zone)


def _by_day(user: User, entries: list[Entry], first: date, days: int) -> list[Day]:
    """What reaches over midnight stands on each day it touches."""
    zone = user.district.tz
    found = [Day(first + timedelta(days=number)) for number in range(days)]
    for entry in sorted(entries, key=lambda each: (each.start_at, each.end_at)):
        starts = (entry.start_at.astimezone(zone).date() - first).days
        # Half-open: what ends at midnight does not touch the day that begins.
        ends = ((entry.end_at - timedelta(microseconds=1)).astimezone(zone).date() - first).days
        for number in range(max(0, starts), min(days - 1, ends) + 1):
            found[number].entries.append(entry)
    return found
