"""The hot contingent row: everyone of one organisation books into one session at once.

The same rule as in `booking_rule.py`, and the same limit (pgbench with the very statements, one after
the other); but each booking also takes a seat of the organisation's contingent, whose row is locked by
the last statement before the commit. Not a seat more is sold than was set aside: looked at after every
turn and at the end.
"""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.db.models import F
from django.utils import timezone

from benchmarks import database, district
from benchmarks.booking_rule import COUNTING, Race, recorded
from benchmarks.district import SLOTS
from benchmarks.frame import Effort, Goal, Result, side_by_side
from clients.models import Client
from scheduling import booking
from scheduling.models import Booking, Contingent, Session, Slot
from scheduling.problems import Refused
from tests import factories

GOAL = Goal(">=", 1)


def measure(effort: Effort) -> Iterator[Result]:
    """One result: eight clients, one row."""
    rounds, clients, each = effort.of(7, 1), effort.of(2000, 50), effort.of(60, 2)
    number, start = effort.of(8, 2), district.first_start()
    people = district.clients(clients, district.caseworkers())
    history = effort.of(2000, 20)
    needed = history + 2 * (rounds + 1) * number * each
    # One to record the statements with, and one more than is set aside.
    slots = district.slots(1 + needed + 1, factories.KindFactory(), start)
    contingent = _in_one_session(slots, seats=1 + needed)
    database.analyse()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "booking.sql"
        script.write_text(COUNTING + recorded(slots[0], people[0], start), encoding="utf-8")
        race, pairs = Race(script, clients, history=history), []
        for pair in race.run(number, each, rounds):
            _look(contingent)
            pairs.append(pair)
    _is_used_up(contingent, slots[-1], people[0])
    note = f"{number} clients of one organisation, 0 of {contingent.seats} seats oversold"
    yield side_by_side("quota-row", pairs, goal=GOAL, unit="bookings/s", note=note)


def _in_one_session(slots: list[Slot], *, seats: int) -> Contingent:
    """All slots belong to the first session, of which so many seats are the organisation's."""
    session = Session.objects.get(pk=slots[0].session_id)
    Slot.objects.update(session=session, block=F("pk") - SLOTS)
    free_from_at = timezone.now() + timedelta(days=7)
    Contingent.objects.create(session=session, organisation=None, seats=0, free_from_at=free_from_at)
    return Contingent.objects.create(
        session=session,
        organisation=factories.OrganisationFactory(),
        seats=seats,
        free_from_at=free_from_at,
    )


def _look(contingent: Contingent) -> None:
    """What is counted is what was booked, by whichever of the two."""
    contingent.refresh_from_db()
    booked = Booking.objects.filter(contingent=contingent).count()
    if contingent.used != booked or booked != Booking.objects.count():
        raise RuntimeError(f"{booked} bookings are counted as {contingent.used}")


def _is_used_up(contingent: Contingent, slot: Slot, client: Client) -> None:
    """The next one is refused, though the slot is free."""
    _look(contingent)
    try:
        booking.book(slot, client=client, by=client.owner, idempotency_key=uuid4())
    except Refused as refused:
        if refused.codes == ["contingent_used"] and contingent.used == contingent.seats:
            return
    raise RuntimeError(f"{contingent.used} of {contingent.seats} seats are used, and one more was to be had")
