"""`make run` as a person uses it: it comes up, says who may sign in, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
import psycopg
import pytest
from django.conf import settings

from accounts import demo, second_factor
from config.run import CannotRun, Starter, chosen_port, one_at_a_time, watch
from tests import migrated
from tests.servers import free_port


@contextmanager
def _database(name: str, template: str | None = None) -> Iterator[dict[str, str]]:
    """The environment for a database of one's own."""
    name = f"{name}_{os.getpid()}"
    migrated.create(name, template=template)
    given = {key: value for key, value in os.environ.items() if not key.startswith("SPRECHSTUNDE")}
    yield {**given, **migrated.addresses(name)}
    migrated.drop(name)


@pytest.fixture
def empty_database(database_server: None) -> Iterator[dict[str, str]]:
    """Nobody has migrated it yet, which takes the better part of a minute."""
    with _database("test_first_run") as environment:
        yield environment


@pytest.fixture(scope="module")
def database(migrated_template: str | None) -> Iterator[dict[str, str]]:
    """Migrated, and without the demo until somebody ran it."""
    with _database("test_run", migrated_template) as environment:
        yield environment


class Run:
    """`make run`, its output, and all its descendants."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self._log = log
        # Who was started in the background ignores Ctrl-C, and so would all they start.
        usual = signal.signal(signal.SIGINT, signal.default_int_handler)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", "run", f"PYTHON={sys.executable}", f"PORT={self.port}"],
                cwd=settings.BASE_DIR,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        signal.signal(signal.SIGINT, usual)

    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 240  # nothing is measured here; four processes share the machine
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def wait_until_ready(self) -> None:
        self.wait_for("The codes hold for")

    def descendants(self) -> list[psutil.Process]:
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found


@pytest.fixture
def run(database: dict[str, str], tmp_path: Path) -> Iterator[Run]:
    with _running(database, tmp_path) as started:
        yield started


@pytest.fixture
def first_run(empty_database: dict[str, str], tmp_path: Path) -> Iterator[Run]:
    with _running(empty_database, tmp_path) as started:
        yield started


@contextmanager
def _running(environment: dict[str, str], folder: Path) -> Iterator[Run]:
    started = Run(environment, folder / "log")
    yield started
    if started.process.poll() is None:  # the test failed
        for process in started.descendants():
            process.kill()
        started.process.wait(30)


def test_it_comes_up_names_the_accounts_and_ends_with_ctrl_c(first_run: Run) -> None:
    run = first_run
    run.wait_until_ready()
    assert f"http://localhost:{run.port}" in run.said()
    with urlopen(f"http://localhost:{run.port}/healthz") as answer:
        assert json.load(answer)["status"] == "ok"
    for person in demo.PEOPLE:
        assert person.username in run.said()
    started = run.descendants()
    assert len(started) >= 3
    os.killpg(run.process.pid, signal.SIGINT)
    run.process.wait(30)
    _, alive = psutil.wait_procs(started, timeout=5)
    assert alive == []
    assert "Traceback" not in run.said()


def test_ctrl_c_while_the_database_is_prepared_ends_it_in_one_line(run: Run) -> None:
    while not (preparing := [one for one in run.descendants() if "migrate" in _words(one)]):
        assert run.process.poll() is None, run.said()
        time.sleep(0.02)
    os.killpg(run.process.pid, signal.SIGINT)
    run.process.wait(30)
    _, alive = psutil.wait_procs(preparing, timeout=5)
    assert alive == []
    assert "Stopped." in run.said()
    assert "Traceback" not in run.said()


def _words(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_make_alone_ends_everything_and_the_data_stays(
    run: Run, database: dict[str, str], number: signal.Signals
) -> None:
    run.wait_until_ready()
    started = run.descendants()
    run.process.send_signal(number)
    run.process.wait(30)
    _, alive = psutil.wait_procs(started, timeout=15)
    assert alive == []
    with psycopg.connect(database["DATABASE_URL"]) as db:
        assert db.execute("SELECT count(*) FROM accounts_district").fetchone() == (1,)


def test_killed_it_leaves_nobody_on_the_port(run: Run) -> None:
    run.wait_until_ready()
    started = run.descendants()
    (runner,) = [one for one in started if "config.run" in _words(one)]
    runner.kill()
    run.process.wait(30)
    _, alive = psutil.wait_procs(started, timeout=15)
    assert alive == []


def test_two_who_start_at_once_prepare_the_database_one_after_the_other(
    database: dict[str, str],
) -> None:
    came = threading.Event()

    def second() -> None:
        with one_at_a_time(database["DATABASE_OWNER_URL"]):
            came.set()

    other = threading.Thread(target=second)
    with one_at_a_time(database["DATABASE_OWNER_URL"]):
        other.start()
        assert not came.wait(0.5)
    other.join(10)
    assert came.is_set()


def test_a_database_that_does_not_answer_is_said_in_one_line(tmp_path: Path) -> None:
    nowhere = one_at_a_time(f"postgresql://somebody@/x?host={tmp_path}")
    with pytest.raises(CannotRun, match="The database does not answer: "), nowhere:
        pass


def test_without_its_database_it_ends_and_says_so() -> None:
    with pytest.raises(CannotRun, match="The database ended by itself"):
        watch({}, Starter(), lambda: False)


def test_a_taken_port_is_named_and_nothing_starts(database: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "config.run"],
            cwd=settings.BASE_DIR,
            env={**database, "PORT": str(port)},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == f"Port {port} is taken; choose another one: PORT=8123 make run\n"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(CannotRun, match="is not a port number"):
        chosen_port()


def _demo_accounts(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "demo_accounts", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_demo_accounts_as_json_is_enough_to_sign_in() -> None:
    listed = json.loads(_demo_accounts("--json", SPRECHSTUNDE_MODE="demo").stdout)
    roles = {role for account in listed for role in account["roles"]}
    assert roles == {
        "caseworker",
        "team_lead",
        "specialist",
        "coordinator",
        "interpreter_coordinator",
        "course_staff",
        "data_protection_officer",
        "administrator",
    }
    assert {account["organisation"] for account in listed} >= {"AWO", "Caritas", "Landratsamt"}
    first = listed[0]
    assert first["password"] == demo.PASSWORD
    assert len(second_factor.current_code(first["totp_secret"])) == 6


@pytest.mark.parametrize("mode", ["production", "test"])
def test_demo_accounts_refuses_outside_the_demo(production: dict[str, str], mode: str) -> None:
    done = _demo_accounts("--json", **(production if mode == "production" else {"SPRECHSTUNDE_MODE": mode}))
    assert done.returncode == 1
    assert "Only a demo" in done.stderr
    assert demo.PASSWORD not in done.stdout + done.stderr
