"""Work that runs by itself, with a real worker; and what it forgets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts import audit, audit_chain, tidying, users
from accounts.models import AccessLink, AuditSeal, WrongCodes
from tests.browsing import wait_until
from tests.factories import UserFactory
from tests.servers import Worker
from tests.sign_in import as_user

NOW = datetime(2026, 12, 8, 14, 0, 10, tzinfo=UTC)


def _sql(statement: str, *values: str | int | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return int(row[0])


def _job_of_a_killed_worker(*, queueing_lock: str | None) -> int:
    """A sealing job left in `doing` by a worker whose heart stopped five minutes ago."""
    worker = _sql(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes')"
        " RETURNING id"
    )
    return _sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id, queueing_lock)"
        " VALUES ('default', 'accounts.tasks.seal_audit', '{\"timestamp\": 0}', 'doing', %s, %s)"
        " RETURNING id",
        worker,
        queueing_lock,
    )


def _status(job: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status::text FROM procrastinate_jobs WHERE id = %s", [job])
        row = cursor.fetchone()
    return str(row[0]) if row else "done"


@pytest.mark.django_db(transaction=True)
def test_a_killed_workers_jobs_are_taken_up_by_a_living_one(worker: Worker) -> None:
    """Without the task they would stay `doing` for ever; a twin that waits already makes one needless."""
    user = UserFactory()
    audit.record("changed", user, by=user)
    dead = _job_of_a_killed_worker(queueing_lock=None)
    twin = _job_of_a_killed_worker(queueing_lock="twin")
    _sql(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, queueing_lock, scheduled_at)"
        " VALUES ('default', 'accounts.tasks.seal_audit', '{}', 'twin', now() + interval '1 day')"
        " RETURNING id"
    )
    wait_until(lambda: _status(dead) == "done" and _status(twin) == "failed")
    wait_until(lambda: AuditSeal.objects.count() == 1)
    assert audit_chain.verify().finding is None


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.mark.django_db
class TestTidying:
    def test_sessions_that_are_over_are_forgotten(self, clock: time_machine.Traveller) -> None:
        as_user(UserFactory())
        clock.shift(timedelta(hours=13))
        as_user(UserFactory())
        tidying.forget_what_is_over()
        assert Session.objects.count() == 1

    def test_failed_sign_ins_are_forgotten_after_their_lock(self, clock: time_machine.Traveller) -> None:
        Client().post("/anmelden/", {"username": "anna", "password": "falsch"})
        tidying.forget_what_is_over()
        assert AccessAttempt.objects.count() == 1
        clock.shift(timedelta(minutes=16))
        tidying.forget_what_is_over()
        assert not AccessAttempt.objects.exists()

    def test_links_are_forgotten_a_month_after_they_end(self) -> None:
        users.new_link(UserFactory(), by=UserFactory())
        users.new_link(UserFactory(), by=UserFactory())
        used = AccessLink.objects.latest("pk")
        used.used_at = used.expires_at
        used.save()
        for days, left in ((36, 2), (2, 0)):
            # Their ends go by the database's clock, which no test turns.
            for name in ("used_at", "expires_at"):
                AccessLink.objects.update(**{name: F(name) - timedelta(days=days)})
            tidying.forget_what_is_over()
            assert AccessLink.objects.count() == left

    def test_old_wrong_codes_are_forgotten(self, clock: time_machine.Traveller) -> None:
        WrongCodes.objects.create(user=UserFactory(), place="unknown", count=3, last_at=timezone.now())
        clock.shift(timedelta(days=31))
        tidying.forget_what_is_over()
        assert not WrongCodes.objects.exists()
