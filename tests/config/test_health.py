"""`/healthz`, and what people see while the database is away."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.db import connection
from django.test import Client

from notifications import place
from scheduling import tasks
from tests import rounds
from tests.browsing import wait_until
from tests.servers import Daphne, DatabaseProxy

# A cookie makes the server look for a session, so every page of it needs the database.
COOKIE = {"Cookie": "sessionid=0123456789abcdef0123456789abcdef"}


def _get(server: Daphne, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of a page; within the promised five seconds, or more in `make test`."""
    began = time.monotonic()
    try:
        with urlopen(Request(server.url + path, headers=headers), timeout=20) as response:
            answer = response.status, response.read().decode()
    except HTTPError as refusal:
        answer = refusal.code, refusal.read().decode()
    assert time.monotonic() - began < rounds.of(5, quick=10)
    return answer


@pytest.fixture
def proxy(transactional_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseProxy]:
    line = DatabaseProxy(tmp_path_factory.mktemp("p"))
    line.open()
    yield line
    line.cut()


@pytest.fixture
def server(proxy: DatabaseProxy, tmp_path: Path) -> Iterator[Daphne]:
    """A Daphne that reaches the database through the proxy only."""
    daphne = Daphne(tmp_path / "log", DATABASE_URL=proxy.url)
    daphne.start()
    yield daphne
    daphne.end()


def test_health_names_a_silent_worker_and_is_content_with_an_awake_one(
    live_server_daphne: Daphne, request: pytest.FixtureRequest
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    status, body = _get(live_server_daphne, "/healthz")
    assert (status, json.loads(body)) == (
        503,
        {"status": "failing", "database": "ok", "worker": "silent", "sending": "ok"},
    )
    request.getfixturevalue("worker")
    wait_until(lambda: _get(live_server_daphne, "/healthz")[0] == 200)
    assert json.loads(_get(live_server_daphne, "/healthz")[1]) == {
        "status": "ok",
        "database": "ok",
        "worker": "ok",
        "sending": "ok",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "waits", "expected"),
    [("todo", "46 seconds", "stuck"), ("todo", "40 seconds", "ok"), ("doing", "1 hour", "ok")],
)
def test_a_worker_that_reports_but_does_not_get_to_its_work_is_stuck(
    client: Client, status: str, waits: str, expected: str
) -> None:
    """All its hands may be tied, by a lock somebody keeps for instance, while its heart beats on."""
    every_second = tasks.release_dead_holds
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, queueing_lock)"
            " VALUES ('default', %s, '{}', %s::procrastinate_job_status, %s) RETURNING id",
            [every_second.name, status, every_second.queueing_lock],
        )
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - %s::interval WHERE job_id = %s",
            [waits, cursor.fetchone()[0]],
        )

    answer = client.get("/healthz")

    assert answer.json()["worker"] == expected
    assert answer.status_code == (200 if expected == "ok" else 503)


@pytest.mark.django_db
def test_messages_held_after_a_restore_are_said_and_are_no_failure(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
    place.hold()

    held = client.get("/healthz")
    place.release()
    released = client.get("/healthz")

    assert (held.status_code, held.json()["sending"], held.json()["status"]) == (200, "held", "ok")
    assert (released.status_code, released.json()["sending"]) == (200, "ok")


@pytest.mark.promise(21)
@pytest.mark.parametrize("fault", [DatabaseProxy.cut, DatabaseProxy.fall_silent], ids=["cut", "silent"])
def test_without_its_database_the_service_says_so_within_five_seconds_and_comes_back(
    server: Daphne, proxy: DatabaseProxy, fault: Callable[[DatabaseProxy], None]
) -> None:
    assert _get(server, "/gibt-es-nicht/", **COOKIE)[0] == 404
    fault(proxy)
    status, page = _get(server, "/gibt-es-nicht/", **COOKIE)
    assert status == 503
    assert "Der Dienst ist gerade nicht erreichbar" in page
    assert _get(server, "/healthz")[0] == 503
    proxy.cut()
    proxy.open()
    wait_until(lambda: _get(server, "/gibt-es-nicht/", **COOKIE)[0] == 404)
