"""Times an office offers: every week as a series, or once. Made by whoever manages the calendar.

Both are sessions with equal blocks of one kind of appointment; a series is planned as the
consultation's year is. One date is taken out again by `sessions.cancel`.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext

from accounts import audit, neutral
from accounts.models import User
from accounts.rows import clock
from scheduling import calendars, feeds, planning, resources, series, slots
from scheduling.models import (
    AppointmentKind,
    Booking,
    Calendar,
    HolidayRule,
    Resource,
    Series,
    Session,
    Slot,
    SlotFormat,
)
from scheduling.planning import Block, Outcome, Outline, PreviewDate
from scheduling.recurrence import EveryWeeks
from scheduling.series import CannotPlan, NewTemplate
from scheduling.transactions import constraint, tried_again

MOST_BLOCKS = 20
MOST_DATES = 60


@dataclass(frozen=True)
class Offer:
    """What is offered at one date: `number` appointments of `minutes`, one after the other.

    `counsellor` and `room` are in one place at a time; without a counsellor it is nobody in
    particular. `capacity` is how many come to each appointment at once, or how many counsellors are
    there. `place` says where it is when in no room of ours.
    """

    calendar: Calendar
    kind: AppointmentKind
    minutes: int
    number: int = 1
    pause_minutes: int = 0
    capacity: int = 1
    counsellor: Resource | None = None
    room: Resource | None = None
    place: str = ""

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The equal blocks."""
        return (Block(self.minutes, SlotFormat.APPOINTMENT, self.pause_minutes),) * self.number


def weekly(
    offer: Offer,
    *,
    every: int,
    weekdays: tuple[int, ...],
    first_on: date,
    start_time: time,
    until: date | None,
    by: User,
    holiday_rule: HolidayRule = HolidayRule.SKIP,
    skip_conflicts: bool = False,
) -> Series:
    """Offer it every so many weeks. Raises NotAllowed, and CannotPlan as `series.plan`.

    With `skip_conflicts` the dates on which somebody is elsewhere are left out.
    """
    calendars.require_manager(offer.calendar, by)
    if problems := _against(offer):
        raise CannotPlan(problems)
    plan = partial(
        series.plan,
        by=by,
        district=by.district,
        kind=offer.kind,
        template=NewTemplate(offer.blocks),
        calendar=offer.calendar,
        specialist=offer.counsellor,
        room=offer.room,
        place=offer.place,
        capacity=offer.capacity,
        rule=EveryWeeks(every, tuple(sorted(set(weekdays)))),
        first_on=first_on,
        start_time=start_time,
        until=until,
        holiday_rule=holiday_rule,
    )
    try:
        return plan()
    except CannotPlan as problem:
        if not (skip_conflicts and problem.conflicts):
            raise
        return plan(leave_out={each.original_on for each in problem.conflicts})


def coming(user: User) -> list[Session]:
    """The next dates in the calendars this person manages, with their `places` and `booked`."""
    found = Session.objects.for_user(user).filter(calendar__in=calendars.managed(user), end_at__gt=Now())
    found = found.taking_place().filter(slots__format=SlotFormat.APPOINTMENT)
    seats = Slot.objects.open().filter(session=OuterRef("pk")).order_by().values("session")
    booked = Booking.objects.living().filter(slot__session=OuterRef("pk")).order_by().values("slot__session")
    counted = found.distinct().annotate(
        places=Coalesce(Subquery(seats.annotate(number=Sum("capacity")).values("number")), 0),
        booked=Coalesce(Subquery(booked.annotate(number=Count("pk")).values("number")), 0),
    )
    return list(
        counted.select_related("calendar", "specialist", "room").order_by("start_at", "pk")[:MOST_DATES]
    )


@tried_again
def once(offer: Offer, *, on: date, start_time: time, by: User) -> Session:
    """Offer it on one date: a session without a series. Raises NotAllowed and CannotPlan."""
    calendars.require_manager(offer.calendar, by)
    now = clock()
    # On paper it is a series of one date: what is looked at is the same.
    outline = Outline(
        district=by.district,
        specialist=offer.counsellor,
        room=offer.room,
        blocks=offer.blocks,
        rule=EveryWeeks(1, (on.weekday(),)),
        first_on=on,
        start_time=start_time,
        until=on,
        holiday_rule=HolidayRule.SKIP,
        **planning.buffers(offer.kind),
    )
    if problems := [*_against(offer), *planning.problems(outline, now=now)]:
        raise CannotPlan(problems)
    try:
        with transaction.atomic():
            resources.lock(outline.resources)
            return _make(offer, _takes_place(outline, now), by)
    except IntegrityError as error:
        if constraint(error) != "reservation_one_place_at_a_time":
            raise
        raise CannotPlan([gettext("Zu dieser Zeit ist inzwischen etwas anderes geplant.")]) from error


def _takes_place(outline: Outline, now: datetime) -> PreviewDate:
    """The one date with its slots, unless something is in its way."""
    (date,) = series.preview(outline, now=now)
    match date.outcome:
        case Outcome.HOLIDAY:
            raise CannotPlan([gettext("Das ist ein Feiertag: %(name)s.") % {"name": date.holiday}])
        case Outcome.NO_SUCH_TIME:
            raise CannotPlan([gettext("Diese Uhrzeit gibt es nicht: Die Uhren werden umgestellt.")])
        case Outcome.CONFLICT:
            raise CannotPlan([conflict.text for conflict in date.conflicts])
    if date.start_at <= now:
        raise CannotPlan([gettext("Diese Zeit ist schon vorbei.")])
    return date


def _make(offer: Offer, date: PreviewDate, by: User) -> Session:
    session = Session.objects.create(
        district=by.district,
        calendar=offer.calendar,
        specialist=offer.counsellor,
        room=offer.room,
        place=offer.place,
        original_start_at=date.start_at,
        start_at=date.start_at,
        end_at=date.end_at,
    )
    slots.fill([(session, slot) for slot in date.slots], kind_id=offer.kind.pk, capacity=offer.capacity)
    feeds.sessions_changed([session])
    audit.record("opened", session, by=by, slots=len(date.slots))
    return session


def _against(offer: Offer) -> list[str]:
    """What is wrong with the offer itself, whenever it is."""
    found = []
    if offer.kind.needs_referral:
        found.append(gettext("Diese Art von Termin wird unter „Jahr planen“ angelegt."))
    if not offer.kind.is_active or not offer.calendar.is_active:
        found.append(gettext("Diese Art von Termin oder dieser Kalender ist nicht mehr in Gebrauch."))
    if offer.kind.needs_room and not offer.room and not offer.place:
        found.append(gettext("Bitte wählen Sie einen Raum, oder nennen Sie den Ort."))
    if told := neutral.telling_words(offer.place, offer.calendar.district):
        found.append(neutral.complaint(told))
    return found
