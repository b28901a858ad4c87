"""The next 20 free slots of a kind in 90 days, by language and organisation, among very many slots.

The same search over 10,000 slots and over a million (`--slots 10000000` for ten): the limit is the
small one, so what counts is how little the search notices the other slots. Rows are made by the
server (INSERT … SELECT generate_series); half have room. Kinds, languages and organisations are few,
so that the small side finds its twenty as well.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import quantiles
from typing import Any

import psycopg
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg import sql

from accounts.models import User
from benchmarks import database, district
from benchmarks.frame import Effort, Goal, Result, side_by_side
from scheduling import search
from scheduling.models import Session
from scheduling.search import Wish
from tests import factories

P50, P95 = Goal("<=", 2), Goal("<=", 4)
SMALL, LARGE = 10_000, 1_000_000
LANGUAGES = ("ar", "fa", "uk", "tr", "de")
KINDS, ORGANISATIONS = 8, 4
EACH = 30_000  # slots to a session: their number in it is a smallint
# Ninety days and a little more, to the minute.
_SPREAD = 100 * 24 * 60

_MAKE = """
    INSERT INTO scheduling_slot (uuid, district_id, session_id, block, kind_id, format, with_interpreter,
        start_at, end_at, capacity, is_open, has_room, calendar_id, organisation_id, languages, gender,
        is_step_free, version, changed_at)
    SELECT gen_random_uuid(), %(district)s, (%(sessions)s::bigint[])[1 + n / %(each)s], n %% %(each)s,
        (%(kinds)s::bigint[])[1 + n %% %(kind_count)s], 'appointment', false, at, at + interval '45 minutes',
        1, true, n / 3 %% 2 = 0, (%(calendars)s::bigint[])[1 + n / 16 %% %(organisation_count)s],
        (%(organisations)s::bigint[])[1 + n / 16 %% %(organisation_count)s],
        ARRAY[(%(languages)s::text[])[1 + n / 7 %% 5]], CASE n %% 2 WHEN 0 THEN 'f' ELSE 'm' END, n %% 3 = 0,
        1, now()
    FROM (
        SELECT n, now() + n::bigint * 7919 %% %(spread)s * interval '1 minute' AS at
        FROM generate_series(%(first)s::int, %(last)s::int) n
    ) numbered
"""


def measure(effort: Effort) -> Iterator[Result]:
    """One result for p50, one for p95."""
    large = effort.slots or effort.of(LARGE, 50_000)
    rounds, searches = effort.of(7, 1), effort.of(200, 20)
    place = _Place()
    wishes = place.wishes()
    small = effort.of(SMALL, 5_000)
    place.fill(1, small)
    limit = [_timed(place.user, wishes, searches) for _ in range(rounds + 1)][1:]
    place.fill(small + 1, large)
    ours = [_timed(place.user, wishes, searches) for _ in range(rounds + 1)][1:]
    queries = place.count_queries(wishes[0])
    note = f"{large:,} slots against {small:,} before they were added, queries a search: {queries}"
    for name, at, goal in (("p50", 49, P50), ("p95", 94, P95)):
        pairs = [
            (_percentile(mine, at), _percentile(theirs, at)) for mine, theirs in zip(ours, limit, strict=True)
        ]
        yield side_by_side("free-slots", pairs, goal=goal, unit="ms", note=f"{name}, {note}")


@contextmanager
def _bare_table() -> Iterator[None]:
    """Slots without indexes and foreign keys for the block: all at once afterwards takes a fraction of
    what looking at each of ten million rows for each of them would."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as db:
        constraints, indexes = db.execute(_CONSTRAINTS).fetchall(), db.execute(_INDEXES).fetchall()
        for name, _ in constraints:
            db.execute(sql.SQL("ALTER TABLE scheduling_slot DROP CONSTRAINT {}").format(sql.Identifier(name)))
        for name, _ in indexes:
            db.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        yield
        db.execute("SET maintenance_work_mem = '256MB'")
        for _, definition in indexes:
            db.execute(definition)
        for name, definition in constraints:
            add = sql.SQL("ALTER TABLE scheduling_slot ADD CONSTRAINT {} ").format(sql.Identifier(name))
            db.execute(add + sql.SQL(definition))


_CONSTRAINTS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'scheduling_slot'::regclass AND contype IN ('f', 'u')
        -- what others point at stays
        AND NOT EXISTS (SELECT FROM pg_constraint other WHERE other.confrelid = 'scheduling_slot'::regclass
            AND other.conindid = pg_constraint.conindid)
    ORDER BY contype DESC
"""
_INDEXES = """
    SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = 'scheduling_slot'::regclass AND NOT indisunique
"""


class _Place:
    """A district with offices, kinds, and one person who may book in all of them."""

    def __init__(self) -> None:
        self.user: User = district.caseworkers()[0]
        self._session = factories.SessionFactory()
        self._kinds = [factories.KindFactory(code=f"k{n}", name=f"Art {n}") for n in range(KINDS)]
        self._organisations = [
            factories.OrganisationFactory(name=f"Stelle {n}") for n in range(ORGANISATIONS)
        ]
        # The district's own calendars: everyone books in them.
        self._calendars = [factories.CalendarFactory(name=f"Kalender {n}") for n in range(ORGANISATIONS)]

    def fill(self, first: int, last: int) -> None:
        """Slots of these numbers, and what the planner should know of them."""
        values = self._values(first, last)
        with _bare_table(), connection.cursor() as cursor:
            cursor.execute(_MAKE, values)
        database.analyse()

    def wishes(self) -> list[Wish]:
        """A few hundred different ones: by kind, most also by language or organisation."""
        return [
            Wish(
                kind=self._kinds[n % KINDS],
                language=LANGUAGES[n % 5] if n % 3 else "",
                organisation=self._organisations[n % ORGANISATIONS] if n % 2 else None,
            )
            for n in range(240)
        ]

    def count_queries(self, wish: Wish) -> int:
        """How many queries one search is."""
        with CaptureQueriesContext(connection) as asked:
            search.free(self.user, wish)
        return len(asked)

    def _sessions(self, number: int) -> list[int]:
        """That many sessions, made as they are needed."""
        keys = list(Session.objects.order_by("pk").values_list("pk", flat=True))
        more = [
            factories.SessionFactory(
                series=self._session.series, start_at=self._session.start_at + timedelta(hours=n)
            ).pk
            for n in range(len(keys), number)
        ]
        return keys + more

    def _values(self, first: int, last: int) -> dict[str, Any]:
        return {
            "district": self._session.district_id,
            "sessions": self._sessions(1 + last // EACH),
            "each": EACH,
            "kinds": [kind.pk for kind in self._kinds],
            "kind_count": KINDS,
            "calendars": [calendar.pk for calendar in self._calendars],
            "organisations": [organisation.pk for organisation in self._organisations],
            "organisation_count": ORGANISATIONS,
            "languages": list(LANGUAGES),
            "spread": _SPREAD,
            "first": first,
            "last": last,
        }


def _timed(user: User, wishes: list[Wish], number: int) -> list[float]:
    """Milliseconds of so many searches."""
    took = []
    for n in range(number):
        began = time.perf_counter()
        found = search.free(user, wishes[n % len(wishes)])
        took.append((time.perf_counter() - began) * 1000)
        if not found:
            raise RuntimeError("a search found nothing, so there is nothing to measure")
    return took


def _percentile(times: list[float], at: int) -> float:
    return quantiles(times, n=100)[at]
