"""Appointments of one client in one go: "every second Tuesday, six times".

Conflicts are shown before anything is saved; whether then all or only what is free is booked, the
person chooses.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from clients.models import Client
from scheduling import booking, companions, problems, seats, wall_clock
from scheduling.models import Booking, Slot
from scheduling.problems import ALONE, Problem, Refused, Visit
from scheduling.transactions import tried_again

MOST_TIMES = 26
MOST_WEEKS = 8

NOT_OFFERED = Problem(
    "not_offered",
    _("An diesem Tag wird zu dieser Uhrzeit nichts angeboten."),
    _("Lassen Sie den Tag aus, oder wählen Sie einen anderen Rhythmus."),
)


@dataclass(frozen=True)
class Rhythm:
    """Every so many weeks, so many times, the slot's own date counted."""

    every: int
    times: int

    def __post_init__(self) -> None:
        if not (1 <= self.every <= MOST_WEEKS and 1 <= self.times <= MOST_TIMES):
            raise ValueError("a rhythm of 1 to 8 weeks and 1 to 26 times")


@dataclass(frozen=True)
class Planned:
    """One date of the rhythm: its slot if there is one, and everything against booking it."""

    start_at: datetime
    slot: Slot | None
    problems: tuple[Problem, ...]

    @property
    def is_free(self) -> bool:
        """Whether it can be booked."""
        return self.slot is not None and not self.problems


class NotAll(Exception):
    """Not every date could be booked, and nothing was; `dates` say why, as they are now."""

    def __init__(self, dates: Sequence[Planned]) -> None:
        super().__init__()
        self.dates = list(dates)


def look(
    slot: Slot, rhythm: Rhythm, *, client: Client | None, by: User, visit: Visit = ALONE
) -> list[Planned]:
    """Every date of the rhythm from the slot's own on, at the same time on the wall clock.

    Where several are offered at that time the same counsellor comes first, then whoever is free.
    """
    offered: dict[datetime, list[Slot]] = {}
    starts = list(_starts(slot, rhythm))
    same = Slot.objects.for_user(by).open().filter(calendar=slot.calendar_id, kind=slot.kind_id)
    for each in (
        same.filter(format=slot.format, start_at__in=starts)
        .select_related("session__specialist")
        .order_by("pk")
    ):
        offered.setdefault(each.start_at, []).append(each)
    return [_at(start, offered.get(start, []), slot, client, by, visit) for start in starts]


@tried_again
def book(
    slot: Slot,
    rhythm: Rhythm,
    *,
    only_free: bool,
    client: Client | None,
    by: User,
    form: UUID,
    visit: Visit = ALONE,
) -> list[Booking]:
    """Book all dates of the rhythm, or none and raise NotAll; with `only_free` those that can be had.

    The same form acts once. Raises NotAll also when nothing at all is free.
    """
    with transaction.atomic():
        seats.lock_person(by)
        made = list(Booking.objects.filter(holder=by, batch=form).order_by("start_at"))
        if made:
            return made
        if client is not None:
            seats.lock_client(client.pk)
        wanted = look(slot, rhythm, client=client, by=by, visit=visit)
        places = sorted(each.slot.pk for each in wanted if each.slot is not None and each.is_free)
        if not places or (len(places) < len(wanted) and not only_free):
            raise NotAll(wanted)
        for place in places:
            seats.lock(place)
        companions.lock(visit)
        visit = replace(visit, batch=form)
        return sorted(_book(places, wanted, only_free, client, by, visit), key=lambda each: each.start_at)


def _book(
    places: Sequence[int],
    wanted: Sequence[Planned],
    only_free: bool,
    client: Client | None,
    by: User,
    visit: Visit,
) -> list[Booking]:
    """What was free a moment ago may be gone now that the places are locked."""
    slots = {each.slot.pk: each.slot for each in wanted if each.slot is not None}
    made, gone = [], dict[int, tuple[Problem, ...]]()
    for place in places:
        try:
            made.append(booking.book(slots[place], client=client, by=by, visit=visit))
        except Refused as refused:
            gone[place] = tuple(refused.problems)
    if not made or (gone and not only_free):
        raise NotAll([_with(each, gone) for each in wanted])
    return made


def _with(planned: Planned, gone: dict[int, tuple[Problem, ...]]) -> Planned:
    found = gone.get(planned.slot.pk) if planned.slot else None
    return replace(planned, problems=found) if found else planned


def _starts(slot: Slot, rhythm: Rhythm) -> Iterator[datetime]:
    zone = slot.district.tz
    first = slot.start_at.astimezone(zone)
    for number in range(rhythm.times):
        on = first.date() + timedelta(weeks=rhythm.every * number)
        try:
            yield wall_clock.instant(on, first.time(), zone)
        except wall_clock.NoSuchTime:
            yield datetime.combine(on, first.time(), tzinfo=zone).astimezone(UTC)


def _at(
    start: datetime, offered: Sequence[Slot], first: Slot, client: Client | None, by: User, visit: Visit
) -> Planned:
    """The best of what is offered then: this very slot, the same counsellor, then anybody free."""
    ranked = sorted(
        offered,
        key=lambda each: (each.pk != first.pk, each.session.specialist_id != first.session.specialist_id),
    )
    best = Planned(start, None, (NOT_OFFERED,))
    for slot in ranked:
        facts = seats.look(seats.peek(slot.pk), by=by, client=client, visit=visit, to_book=True)
        against = tuple(problems.collect(facts))
        if not against:
            return Planned(start, slot, ())
        best = best if best.slot else Planned(start, slot, against)
    return best
