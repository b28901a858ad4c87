"""The month's sessions and their slots as one person may see them.

Others' names never appear. Who booked shows to oneself, and by case number to the coordination.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from accounts import when
from accounts.models import User
from accounts.roles import Permission
from scheduling import contingents, doors, live, problems
from scheduling.contingents import Standing
from scheduling.models import Booking, Offer, Session, Slot, SlotFormat
from scheduling.models.slot import SlotQuerySet
from scheduling.problems import Problem
from scheduling.seats import ClockTimestamp

NEXT_DATES = 6
_SEAT_COLUMNS = (
    "uuid", "slot", "seat", "status", "held_until", "extensions", "holder", "answer", "start_at", "end_at",
    "client__case_number", "client__owner", "client__deputy",
)  # fmt: skip


class State(StrEnum):
    """What a card says."""

    FREE = "free"
    HELD = "held"
    MINE = "mine"
    BOOKED = "booked"
    TAKEN = "taken"
    AWAY = "away"
    PAST = "past"
    CLOSED = "cancelled"


# What the same state is called in frames, which know no viewer.
NEUTRAL = {
    State.MINE: "held",
    State.BOOKED: "taken",
    State.PAST: "past",
    State.CLOSED: "closed",
}


@dataclass(frozen=True)
class Taken:
    """A seat whose booking this viewer may know of; with the way to it if it is their own."""

    booking: Booking
    address: str

    @property
    def case_number(self) -> str:
        """The pseudonymous number; empty for a case consultation."""
        return self.booking.client.case_number if self.booking.client else ""


@dataclass(frozen=True)
class Card:
    """One slot for one viewer. `now` is the database's clock."""

    slot: Slot
    state: State
    now: datetime
    free_seats: int
    hold: Booking | None  # one's own living hold
    held_until: datetime | None  # when the next hold of others ends
    taken: tuple[Taken, ...]
    may_book: bool
    against: tuple[Problem, ...]  # why nobody may hold it, by the rules of its kind
    is_used_up: bool  # the viewer's organisation has taken its places of the session
    is_offered: bool  # to this viewer, from the waiting list

    @property
    def may_hold(self) -> bool:
        """Whether this viewer is offered to hold it."""
        return self.may_book and self.state == State.FREE and not (self.against or self.is_used_up)

    @property
    def may_ask_why(self) -> bool:
        """Whether this viewer books, and is not offered the place."""
        offered = self.state in {State.MINE, State.BOOKED, State.PAST}
        return self.may_book and not offered and not self.is_offered and not self.may_hold

    @property
    def neutral(self) -> str:
        """The state as frames call it."""
        return NEUTRAL.get(self.state, self.state.value)

    @property
    def css(self) -> str:
        """The end of its CSS class `slot--…`."""
        return {State.BOOKED: "mine", State.AWAY: "taken"}.get(self.state, self.state.value)

    @property
    def length(self) -> int:
        """Minutes."""
        return (self.slot.end_at - self.slot.start_at) // timedelta(minutes=1)

    @property
    def minutes(self) -> int:
        """The length in steps of five, for the block's height (at most four hours)."""
        return min(240, max(5, 5 * round(self.length / 5)))

    @property
    def extensions_left(self) -> int:
        """How often one's own hold may still be extended."""
        return problems.EXTENSIONS - self.hold.extensions if self.hold else 0

    @property
    def book_address(self) -> str:
        """Where one's own hold becomes a booking."""
        if self.hold is None:
            return ""
        if self.slot.kind.needs_referral:
            return doors.book_hold(self.hold)
        return reverse("scheduling:book", args=[self.slot.uuid])


@dataclass(frozen=True)
class Day:
    """One session with its cards, and the topic under which it is watched while it is to come."""

    session: Session
    cards: Sequence[Card]
    topic: str
    is_over: bool

    @property
    def socket(self) -> str:
        """Where its changes are heard (scheduling/routing.py)."""
        return live.address(self.topic)

    @property
    def free(self) -> int:
        """Places one could have now."""
        return sum(card.free_seats for card in self.cards)

    @property
    def total(self) -> int:
        """Places of the day."""
        return sum(card.slot.capacity for card in self.cards if card.slot.is_open)


@dataclass(frozen=True)
class Month:
    """A calendar month in the district's zone."""

    first: date

    @classmethod
    def of(cls, at: datetime, zone: ZoneInfo) -> "Month":
        """The month an instant falls into."""
        return cls(at.astimezone(zone).date().replace(day=1))

    @classmethod
    def parse(cls, text: str) -> "Month":
        """From "2026-12". ValueError if it is none, or centuries away."""
        first = date.fromisoformat(f"{text}-01")
        if first.year not in when.YEARS:
            raise ValueError(text)
        return cls(first)

    def __str__(self) -> str:
        return self.first.strftime("%Y-%m")

    @property
    def next(self) -> "Month | None":
        """The month after, if it can be opened."""
        return self._if_open(self._next_first)

    @property
    def previous(self) -> "Month | None":
        """The month before, if it can be opened."""
        return self._if_open((self.first - timedelta(days=1)).replace(day=1))

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Its first instant and that of the next one."""
        start, end = (
            datetime(first.year, first.month, 1, tzinfo=zone) for first in (self.first, self._next_first)
        )
        return start, end

    @property
    def _next_first(self) -> date:
        return (self.first + timedelta(days=31)).replace(day=1)

    @staticmethod
    def _if_open(first: date) -> "Month | None":
        return Month(first) if first.year in when.YEARS else None


def next_dates(user: User) -> list[Session]:
    """The sessions to come, soonest first, each with its number of `free_places`."""
    free = Slot.objects.free().filter(session=OuterRef("pk")).order_by().values("session")
    count = Subquery(free.annotate(count=Count("pk")).values("count"))
    sessions = Session.objects.for_user(user).of_consultation().taking_place().filter(end_at__gt=Now())
    return list(sessions.annotate(free_places=Coalesce(count, 0)).order_by("start_at")[:NEXT_DATES])


def days(user: User, month: Month) -> list[Day]:
    """The month's sessions in time order, each with its `standing`. Three queries, however many."""
    start, end = month.bounds(user.district.tz)
    slots = (
        _slots(user)
        .of_consultation()
        .filter(start_at__gte=start, start_at__lt=end)
        .order_by("session__start_at", "session", "start_at")
    )
    shown = cards(list(slots), user)
    return [_day(list(group)) for _, group in groupby(shown, key=lambda card: card.slot.session_id)]


def day(user: User, session: Session) -> Day | None:
    """One session's day; None if it has no slots."""
    shown = cards(list(_slots(user).filter(session=session).order_by("start_at")), user)
    return _day(shown) if shown else None


def card(user: User, slot: Slot) -> Card:
    """One slot as it is now."""
    return cards([_slots(user).get(pk=slot.pk)], user)[0]


def cards(slots: Sequence[Slot], user: User) -> list[Card]:
    """The given slots (of `_slots`) with what lives on them, and how their sessions are shared out. Two
    queries."""
    standings = contingents.standings(user, [slot.session for slot in slots])
    living = Booking.objects.living().filter(slot__in=[slot.pk for slot in slots])
    # Names are encrypted and not wanted here: of the client only the number is read.
    from_list = Exists(Offer.objects.filter(booking=OuterRef("pk")))
    found = (
        living.select_related("client").only(*_SEAT_COLUMNS).annotate(from_list=from_list).order_by("seat")
    )
    by_slot: dict[int, list[Booking]] = {slot.pk: [] for slot in slots}
    slot_of = {slot.pk: slot for slot in slots}
    for booking in found:
        booking.slot = slot_of[booking.slot_id]
        by_slot[booking.slot_id].append(booking)
    about = doors.about([booking for booking in found if booking.is_of(user)])
    for slot in slots:
        slot.session.standing = standings.get(slot.session_id)
    return [_card(slot, by_slot[slot.pk], user, about, standings.get(slot.session_id)) for slot in slots]


def _slots(user: User) -> SlotQuerySet:
    related = ("kind", "district", "session__calendar", "session__room", "session__specialist")
    own = Slot.objects.for_user(user).exclude(format__in=[SlotFormat.COURSE, SlotFormat.LESSON])
    return own.with_absence().select_related(*related).annotate(now=ClockTimestamp())


def _card(
    slot: Slot,
    living: Sequence[Booking],
    user: User,
    about: Mapping[int, str],
    standing: Standing | None,
) -> Card:
    now: datetime = getattr(slot, "now")
    own = [one for one in living if one.is_of(user)]
    held = [one for one in own if one.status == Booking.Status.TENTATIVE]
    hold = next((one for one in held if not getattr(one, "from_list")), None)
    booked = [one for one in own if one.status != Booking.Status.TENTATIVE]
    room = max(0, slot.capacity - len(living)) if slot.is_open and slot.start_at > now else 0
    free_seats = 0 if slot.is_away else room
    ends = [one.held_until for one in living if one.held_until is not None]
    state = _state(slot, now, hold, booked, room=room, is_away=slot.is_away, is_held=bool(ends))
    return Card(
        slot=slot,
        state=state,
        now=now,
        free_seats=free_seats,
        hold=hold,
        held_until=min(ends) if ends else None,
        taken=tuple(
            Taken(one, _address(one, about) if one in booked else "")
            for one in _readable(living, booked, user)
        ),
        may_book=user.may(Permission.BOOK),
        against=tuple(problems.out_of_time(slot, now)) if state == State.FREE else (),
        is_offered=any(getattr(one, "from_list") for one in held),
        is_used_up=standing is not None and standing.is_used(now),
    )


def _state(
    slot: Slot,
    now: datetime,
    hold: Booking | None,
    booked: Sequence[Booking],
    *,
    room: int,
    is_away: bool,
    is_held: bool,
) -> State:
    if not slot.is_open:
        return State.CLOSED
    if booked:
        return State.BOOKED
    if slot.start_at <= now:
        return State.PAST
    if hold is not None:
        return State.MINE
    if room:
        return State.AWAY if is_away else State.FREE
    return State.HELD if is_held else State.TAKEN


def _address(booking: Booking, about: Mapping[int, str]) -> str:
    return about.get(booking.pk) or reverse("scheduling:booking", args=[booking.uuid])


def _readable(living: Sequence[Booking], booked: Sequence[Booking], user: User) -> Iterable[Booking]:
    """The coordination reads case numbers of the whole district, everyone else only their own."""
    if user.may(Permission.PLAN_SESSIONS):
        return (one for one in living if one.status != Booking.Status.TENTATIVE)
    return booked


def _day(shown: Sequence[Card]) -> Day:
    session = shown[0].slot.session
    session.district = shown[0].slot.district
    return Day(
        session=session,
        cards=shown,
        topic=live.topic(session),
        is_over=all(one.slot.end_at <= one.now for one in shown),
    )
