"""Instants are read by psycopg's compiled code, and are the same ones; nobody keeps locks asleep."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from config.database import WatchedConnection

offsets = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    min_value=datetime(1800, 1, 1),  # noqa: DTZ001 (hypothesis adds the zone)
    max_value=datetime(9000, 1, 1),  # noqa: DTZ001
    timezones=offsets,
)

SUMMER, WINTER = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@pytest.fixture
def db(database_server: None) -> Iterator[psycopg.Connection[Any]]:
    with WatchedConnection.connect(os.environ["DATABASE_URL"]) as found:
        yield found


@given(at=instants)
@how(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_instant_comes_back_as_it_was_sent(db: psycopg.Connection[Any], at: datetime) -> None:
    query = "SELECT %s::timestamptz, NULL::timestamptz, ARRAY[%s::timestamptz], tstzrange(%s, %s, '[]')"

    moment, nothing, several, span = db.execute(query, [at] * 4).fetchone() or []

    assert (moment, nothing, several, span.lower, span.upper) == (at, None, [at], at, at)


def test_whatever_the_zone_of_the_connection(db: psycopg.Connection[Any]) -> None:
    for zone in ("UTC", "Europe/Berlin", "Asia/Kathmandu"):
        db.execute(f"SET TIME ZONE '{zone}'")
        found = db.execute("SELECT timestamptz '2027-10-31 02:30+01', timestamptz '2027-10-31 02:30+02'")

        # In seconds: where an hour comes twice, Python says of no two zones that they mean the same.
        assert [at.timestamp() for at in found.fetchone() or []] == [WINTER.timestamp(), SUMMER.timestamp()]


def test_django_reads_them_in_its_own_zone(db: psycopg.Connection[Any]) -> None:
    db.execute("SET TIME ZONE 'UTC'")
    (now,) = db.execute("SELECT now()").fetchone() or [None]

    assert settings.USE_TZ
    assert now.tzinfo is UTC


def test_who_sleeps_in_a_transaction_loses_it_and_its_locks(db: psycopg.Connection[Any]) -> None:
    """A process that is stopped in the middle of a booking keeps its slot from nobody for long."""
    assert db.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert not db.autocommit
    assert db.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("1min",)
