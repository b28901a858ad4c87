"""A calendar feed of 2,000 appointments against the library building the same file anew.

Cold: a process that has joined nothing yet reads the kept events and joins them. Warm: it has. 304: the
calendar has the present state already. The first time of all, when nothing is kept, is in the note.
"""

import time
from collections.abc import Callable, Iterator
from statistics import median

from django.http import HttpResponse
from django.test import RequestFactory
from icalendar import Calendar

from accounts.models import User
from benchmarks import database, district
from benchmarks.frame import Effort, Goal, Result, side_by_side
from scheduling import feeds, ical
from scheduling.models import Booking, RenderedEvent, Slot
from scheduling.views.feeds import feed
from tests import factories

COLD, WARM = Goal("<=", 1 / 10), Goal("<=", 1 / 100)


def measure(effort: Effort) -> Iterator[Result]:
    """One result each for cold, warm and 304."""
    number, rounds = effort.of(2000, 20), effort.of(15, 2)
    by = district.caseworkers()[0]
    slots = district.slots(number, factories.KindFactory(), district.first_start())
    _book(slots, district.clients(1, [by])[0].owner)
    token = feeds.create(by=by).rsplit("/", 1)[1].removesuffix(".ics")
    database.analyse()
    first = _seconds(lambda: _ask(token))
    if RenderedEvent.objects.count() != number:
        raise RuntimeError("not all appointments were written")
    appointments = list(Booking.objects.select_related("district", "slot__kind", "slot__session__room"))
    etag = _ask(token)["ETag"]
    ways: dict[str, tuple[Goal, Callable[[], object]]] = {
        "cold": (COLD, lambda: _cold(token)),
        "warm": (WARM, lambda: _ask(token)),
        "304": (WARM, lambda: _ask(token, etag)),
    }
    turns = [{"limit": _seconds(lambda: _build(appointments))} for _ in range(rounds)]
    for turn in turns:
        for name, (_, act) in ways.items():
            turn[name] = median(_seconds(act) for _ in range(5))
    for name, (goal, _) in ways.items():
        note = f"{name}, {number} appointments; the very first time {first * 1000:.0f} ms"
        pairs = [(turn[name] * 1000, turn["limit"] * 1000) for turn in turns]
        yield side_by_side("feed", pairs, goal=goal, unit="ms", note=note)


def _book(slots: list[Slot], holder: User) -> None:
    """All of them, written past the rules."""
    Booking.objects.bulk_create(
        Booking(
            district_id=slot.district_id,
            slot=slot,
            holder=holder,
            status=Booking.Status.BOOKED,
            start_at=slot.start_at,
            end_at=slot.end_at,
            during=(slot.start_at, slot.end_at),
        )
        for slot in slots
    )


def _cold(token: str) -> None:
    feeds.forget_joined()
    _ask(token)


def _ask(token: str, etag: str = "") -> HttpResponse:
    """What the view answers; 304 where the calendar is said to have this state."""
    headers = {"If-None-Match": etag} if etag else {}
    answer: HttpResponse = feed(RequestFactory().get("/", headers=headers), token)
    if answer.status_code != (304 if etag else 200):
        raise RuntimeError(f"the feed answers {answer.status_code}")
    return answer


def _build(appointments: list[Booking]) -> bytes:
    """The same with the library, every event anew; reading the appointments is not counted."""
    calendar = Calendar()
    for booking in appointments:
        calendar.add_component(ical.event(booking, booking.district.tz))
    return bytes(calendar.to_ical())


def _seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
