"""The specialist's day with 40 appointments against an empty signed-in page.

Both through all middleware in one process, by turns: what the page itself costs, and how many queries.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benchmarks import database
from benchmarks.asgi import application  # noqa: F401 (adds the empty page)
from benchmarks.frame import Effort, Goal, Result, side_by_side
from scheduling.models import Booking
from tests import factories, sign_in

GOAL = Goal("<=", 6)
EMPTY = "/benchmark/empty/"


def measure(effort: Effort) -> Iterator[Result]:
    """One result; the queries beyond those of an empty page are in the note."""
    number, rounds = effort.of(40, 3), effort.of(15, 2)
    browser, agenda = _day(number), reverse("consultations:agenda")
    database.analyse()
    pages = {}
    browser.get(EMPTY)  # whatever page comes first moves the session's own clock
    for path in (agenda, EMPTY):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            browser.get(path)
        asked = [query["sql"] for query in queries.captured_queries]
        pages[path] = sum(not sql.startswith(("BEGIN", "COMMIT")) for sql in asked)
    pairs = [
        (
            median(_seconds(browser, agenda) for _ in range(5)),
            median(_seconds(browser, EMPTY) for _ in range(5)),
        )
        for _ in range(rounds)
    ]
    more = pages[agenda] - pages[EMPTY]
    note = f"{number} appointments, {more} queries beyond those of an empty page, one of them the audit row"
    yield side_by_side(
        "agenda",
        [(ours * 1000, limit * 1000) for ours, limit in pairs],
        goal=GOAL,
        unit="ms",
        note=note,
    )


def _day(number: int) -> Client:
    """A specialist's browser, whose today has that many booked presentations with referrals."""
    start = timezone.localtime().replace(hour=6, minute=0, second=0, microsecond=0)
    session = factories.SessionFactory(start_at=start, end_at=start + timedelta(hours=14))
    for block in range(number):
        begins = start + timedelta(minutes=20 * block)
        slot = factories.SlotFactory(
            session=session, block=block, start_at=begins, end_at=begins + timedelta(minutes=20)
        )
        client = factories.ClientFactory()
        booking = factories.BookingFactory(
            slot=slot, client=client, holder=client.owner, status=Booking.Status.BOOKED
        )
        factories.ReferralFactory(client=client, booking=booking, submitted_at=timezone.now())
    return sign_in.as_user(session.specialist.user)


def _seconds(browser: Client, path: str) -> float:
    began = time.perf_counter()
    answer = browser.get(path)
    seconds = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answers {answer.status_code}")
    return seconds
