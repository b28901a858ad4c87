"""The specialist's day: their sessions' places in order, each with the referral that fills it.

Three queries at any size: the sessions around today, the day's slots, their bookings with referrals and
interpreters. What time it is comes with the first, by the database's clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Exists, FilteredRelation, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import User
from accounts.rows import clock
from consultations import brief
from consultations.brief import Brief
from consultations.models import Referral, SheetVersion
from consultations.models.referral import SPECIALIST_WINDOW, in_specialist_window
from scheduling.models import BlockFormat, Booking, InterpreterAssignment, Session, Slot, SlotFormat

_OF_SESSION = (
    "start_at",
    "end_at",
    "place",
    "room__name",
    "room__address",
    "district__zone",
    "calendar__uuid",
)


@dataclass(frozen=True)
class Card:
    """One place of the day. `brief` is missing where nobody is booked, or the window is over."""

    slot: Slot
    booking: Booking | None
    referral: Referral | None  # for the audit trail; pages read `brief`
    brief: Brief | None
    is_released: bool

    @property
    def uuid(self) -> str:
        """The place's, as it stands in the page's addresses."""
        return str(self.slot.uuid)

    @property
    def is_free(self) -> bool:
        """Nobody comes at this time (a hold is nobody yet)."""
        return self.booking is None

    @property
    def format(self) -> str | Promise:
        """What kind of talk, in words."""
        return SlotFormat(self.slot.format).label

    @property
    def is_case(self) -> bool:
        """A case consultation: nobody arrives, the talk takes place."""
        return self.slot.format == BlockFormat.CASE_CONSULTATION

    @property
    def may_be_marked(self) -> bool:
        """Whether arrived, fulfilled or missed can still be said."""
        return self.booking is not None and self.booking.status in ("booked", "arrived")

    @property
    def may_be_undone(self) -> bool:
        """Whether there is a mark to take back."""
        marks = ("arrived", "fulfilled", "noshow")
        return self.booking is not None and self.booking.status in marks and not self.is_released


@dataclass(frozen=True)
class Day:
    """One day of the agenda."""

    on: date
    sessions: list[Session]
    cards: list[Card]
    previous: date | None  # the session days before and after it, as far as one may look
    following: date | None
    today: date  # in the active zone, the district's

    @property
    def is_today(self) -> bool:
        """It is the district's today."""
        return self.on == self.today

    @property
    def is_over(self) -> bool:
        """Nothing is booked on it any more."""
        return self.on < self.today

    @property
    def may_be_marked(self) -> bool:
        """Marks are made on the day and afterwards, not before."""
        return self.on <= self.today


@dataclass(frozen=True)
class Around:
    """A person's session days within two weeks of today, in the active zone, in order."""

    days: dict[date, list[Session]]
    now: datetime

    @property
    def nearest(self) -> date:
        """Where the agenda opens: today or the next session day, else the last one, else today."""
        today = timezone.localdate(self.now)
        ahead = [on for on in self.days if on >= today]
        return min(ahead) if ahead else max(self.days, default=today)


def around(user: User) -> Around:
    """The days of this person."""
    own = Session.objects.for_user(user).held_by(user).taking_place().without_courses()
    near = own.filter(
        start_at__gte=Now() - SPECIALIST_WINDOW - timedelta(days=1),
        start_at__lte=Now() + SPECIALIST_WINDOW + timedelta(days=1),
    )
    shown = near.select_related("room", "district", "calendar").only(*_OF_SESSION).annotate(now=Now())
    sessions = list(shown.order_by("start_at"))
    now = getattr(sessions[0], "now") if sessions else clock()
    found: dict[date, list[Session]] = {}
    for session in sessions:
        on = timezone.localdate(session.start_at)
        if may_look_at(on, now):
            found.setdefault(on, []).append(session)
    return Around(found, now)


def may_look_at(on: date, now: datetime) -> bool:
    """Whether the day is within two weeks of today."""
    return abs(on - timezone.localdate(now)) <= SPECIALIST_WINDOW


def on_day(on: date, around: Around) -> Day:
    """The day's places in order of time."""
    of_day = around.days.get(on, [])
    slots = list(_slots(of_day)) if of_day else []
    bookings = _bookings(slots) if slots else {}
    cards = [_card(slot, bookings.get(slot.pk), around.now) for slot in slots]
    before, after = [one for one in around.days if one < on], [one for one in around.days if one > on]
    neighbours = max(before, default=None), min(after, default=None)
    return Day(on, of_day, cards, *neighbours, timezone.localdate(around.now))


def _slots(sessions: list[Session]) -> QuerySet[Slot]:
    places = Slot.objects.filter(session__in=sessions).open().order_by("start_at")
    return places.only("uuid", "version", "format", "start_at", "end_at")


def _bookings(slots: list[Slot]) -> dict[int, Booking]:
    released = SheetVersion.objects.filter(sheet__referral__booking=OuterRef("pk"))
    taken = Booking.objects.filter(slot__in=slots).exclude(
        status__in=[Booking.Status.CANCELLED, Booking.Status.TENTATIVE]
    )
    fallen = [InterpreterAssignment.Status.CANCELLED, InterpreterAssignment.Status.DECLINED]
    standing = FilteredRelation(
        "interpreter_assignments", condition=~Q(interpreter_assignments__status__in=fallen)
    )
    rows = taken.annotate(is_released=Exists(released), assignment=standing).select_related(
        "referral__client",
        "referral__consent",
        "referral__author",
        "referral__organisation",
        "assignment__interpreter__resource",  # type: ignore[misc]  # the annotation just made
    )
    # The tables have 170 columns, many of them encrypted: no more is read than the cards show.
    rows = rows.only("uuid", "slot", "status", "answer", "noshow_reason", *_read_along())
    # Of several who were asked, the last one counts.
    return {booking.slot_id: booking for booking in rows.order_by("assignment__pk")}


def _read_along() -> Iterator[str]:
    yield from ("referral__booking", "referral__consent__client", "referral__consent__revoked_at")
    yield from (f"referral__{name}" for name in brief.READS)


def _card(slot: Slot, booking: Booking | None, now: datetime) -> Card:
    referral: Referral | None = getattr(booking, "referral", None)
    if referral is not None and not _may_read(referral, slot, now):
        referral = None
    return Card(
        slot=slot,
        booking=booking,
        referral=referral,
        brief=brief.of(referral, getattr(booking, "assignment", None)) if referral else None,
        is_released=getattr(booking, "is_released", False),
    )


def _may_read(referral: Referral, slot: Slot, now: datetime) -> bool:
    """As `Referral.objects.for_user` for the session's specialist, without asking again."""
    is_open = not referral.is_presentation or referral.has_valid_consent
    return is_open and in_specialist_window(slot.start_at, slot.end_at, now=now)
