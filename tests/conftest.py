"""The frame of all tests: their own PostgreSQL, nobody beyond this machine, the application's rights.

Without `DATABASE_URL` a test session leases the checkout's embedded `test` cluster. Ordinary
database tests run as the application's role, as the service does, so that a missing grant fails
here. Transactional tests run as the owner, because Django empties the tables after each.
"""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import django
import hypothesis
import psycopg
import pytest
from psycopg import sql

os.environ["SPRECHSTUNDE_MODE"] = "test"
os.environ["SPRECHSTUNDE_DB_ROLE"] = "owner"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

from config import embedded_db, promises

_OURS = embedded_db.cluster("test").environment()
# The processes of one session (`pytest -n 4`) inherit the address: each holds a lease of its own.
_EMBEDDED = not embedded_db.given_from_outside() or os.environ["DATABASE_URL"] == _OURS["DATABASE_URL"]
if _EMBEDDED:
    os.environ.update(_OURS)

django.setup()

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase
from playwright.sync_api import Browser, Page
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from tests import browsing, emptying, migrated
from tests import rounds as every_round
from tests.consultations import rivals
from tests.servers import Daphne, Worker

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences"}

# A slow machine is no counterexample.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """SIGTERM ends the session as Ctrl-C does: tidily, with the database stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


# --- Promises --------------------------------------------------------------------------------
_outcomes: list[tuple[int, str]] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each test's report carry the promises it shows."""
    known = promises.read()
    for item in items:
        for mark in item.iter_markers("promise"):
            (number,) = mark.args
            if number not in known:
                raise pytest.UsageError(f"{item.nodeid}: there is no promise {number} in promises.toml")
            item.user_properties.append(("promise", number))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember how a promise's test went; setting up and tidying up count when they fail."""
    for name, value in report.user_properties:
        if name == "promise" and (report.when == "call" or not report.passed):
            _outcomes.append((int(str(value)), report.outcome))
        if name == "rounds":
            _rounds_run[report.nodeid] = str(value)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the outcomes to `make promises`; the session's first process hears of all tests."""
    if hasattr(session.config, "workerinput"):
        return
    if target := os.environ.get("PROMISES_REPORT"):
        Path(target).write_text(json.dumps(_outcomes))


# --- Rounds ----------------------------------------------------------------------------------
_rounds_run: dict[str, str] = {}


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How often to repeat a race or a fault: `rounds(20)` is 20 with `ROUNDS=full` (`make
    promises`), else a tenth of it, at least 1. The number is printed at the end."""

    def number(full: int) -> int:
        chosen = full if every_round.FULL else max(1, full // 10)
        request.node.user_properties.append(("rounds", f"{chosen} of {full}"))
        return chosen

    return number


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    files = Counter((number, test.partition("::")[0]) for test, number in _rounds_run.items())
    for (number, file), tests in sorted(files.items()):
        terminalreporter.write_line(f"rounds: {number} in {tests} of {file}")


# --- Order -------------------------------------------------------------------------------------
BROWSER, LONG, SHORT = range(3)
LONG_FIXTURES = {"worker", "live_server_daphne", "rounds"}
LONG_FILES = ("tests/benchmarks", "tests/config", "tests/test_main_job.py")


@pytest.hookimpl(specname="pytest_collection_modifyitems", trylast=True)
def pytest_long_tests_first(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes (`-n 4`) two begin with what takes long, so that none waits in the end.

    `--dist worksteal` gives each process its part in this order, and whoever is done takes from the end
    of another's. The first gets the browser tests, which share a Chromium, the second the other long
    ones; both often wait, and the others keep the processor busy meanwhile.
    """
    if not hasattr(config, "workerinput"):
        return
    sorts: dict[int, list[pytest.Item]] = {BROWSER: [], LONG: [], SHORT: []}
    for item in items:
        sorts[_length(item)].append(item)
    part = len(items) // int(config.workerinput["workercount"])
    rest = max(0, part - len(sorts[BROWSER]))
    items[:] = [*sorts[BROWSER], *sorts[SHORT][:rest], *sorts[LONG], *sorts[SHORT][rest:]]


def _length(item: pytest.Item) -> int:
    if "chromium" in _fixtures(item):
        return BROWSER
    return LONG if LONG_FIXTURES & set(_fixtures(item)) or item.nodeid.startswith(LONG_FILES) else SHORT


def _fixtures(item: pytest.Item | None) -> Collection[str]:
    return getattr(item, "fixturenames", ())


# --- Database --------------------------------------------------------------------------------
@pytest.fixture(scope="session")
def database_server() -> Iterator[None]:
    """The database server, running until the session ends."""
    if not _EMBEDDED:
        yield
        return
    with embedded_db.lease("test"):
        yield


@pytest.fixture(scope="session")
def migrated_template(database_server: None) -> str | None:
    """The migrated database that others are copied from; on a server from outside we leave none behind."""
    return migrated.template() if _EMBEDDED else None


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The database is there already; migrations newer than it are run."""
    return True


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    migrated_template: str | None, django_db_modify_db_settings_parallel_suffix: None
) -> Iterator[None]:
    """A database of one's own, so that two processes of one checkout do not meet."""
    _drop_leftovers()
    name = f"test_sprechstunde_{os.getpid()}"
    migrated.create(name, template=migrated_template)
    settings.DATABASES["default"]["TEST"]["NAME"] = name
    yield
    connection.close()
    migrated.drop(name)


def _drop_leftovers() -> None:
    """Drop the test databases of sessions that were killed; one process at a time."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(hashtext('leftovers'))")
        names = db.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^test_(sprechstunde|run)_[0-9]+$'"
        )
        for (name,) in names.fetchall():
            if not _is_alive(int(name.rsplit("_", 1)[1])):
                db.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Transactional tests leave empty tables behind, and fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptying.empty)
        yield


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[dict[str, int]]:
    """Argon2 as ever, but without its price: the tests hash hundreds of passwords. Gives the price."""
    price = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}
    usual = {name: getattr(Argon2PasswordHasher, name) for name in price}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in price.items():
            patch.setattr(Argon2PasswordHasher, name, value)
        yield usual


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Each test client has a WhiteNoise of its own, and each would look through all static files."""
    found: dict[str, StaticFile] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def look_once(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", look_once)
        yield


@pytest.fixture(autouse=True)
def application_role(request: pytest.FixtureRequest) -> None:
    """Ordinary database tests act with the rights of the application's role, not the owner's."""
    if not (request.node.get_closest_marker("django_db") or DATABASE_FIXTURES & set(request.fixturenames)):
        return
    request.getfixturevalue("db")
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {connection.ops.quote_name(settings.APP_DB_ROLE)}")


# --- Server processes --------------------------------------------------------------------------
@pytest.fixture(scope="session")
def _daphne(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daphne]:
    server = Daphne(tmp_path_factory.mktemp("daphne") / "log")
    yield server
    server.end()


@pytest.fixture
def live_server_daphne(transactional_db: None, _daphne: Daphne) -> Daphne:
    """A real Daphne on a free port, against the test database, as the application's role.

    One process serves the whole session; a test that ended it leaves a fresh one to the next.
    """
    if not _daphne.is_running:
        _daphne.start()
    return _daphne


@pytest.fixture(scope="session")
def _second_daphne(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daphne]:
    server = Daphne(tmp_path_factory.mktemp("second") / "log")
    yield server
    server.end()


@pytest.fixture
def two_servers(live_server_daphne: Daphne, _second_daphne: Daphne) -> list[Daphne]:
    """Two web processes on one database."""
    if not _second_daphne.is_running:
        _second_daphne.start()
    return [live_server_daphne, _second_daphne]


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[Worker]:
    """A real worker that runs the periodic tasks while the test lasts."""
    process = Worker(tmp_path / "worker.log")
    process.start()
    yield process
    process.end()


# --- Rivals --------------------------------------------------------------------------------------
@pytest.hookimpl(trylast=True, specname="pytest_runtest_teardown")
def pytest_rivals_go_home(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The threads of the races stay, with their connections, while the tests of one file run."""
    if nextitem is None or nextitem.path != item.path:
        rivals.send_home()


# --- Browser -----------------------------------------------------------------------------------
_chromium = browsing.Chromium()


@pytest.fixture
def chromium() -> Browser:
    """A Chromium, the same for all browser tests that follow each other."""
    return _chromium.browser()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """No Chromium stays behind for a test that uses none: it might be an async one."""
    if "chromium" not in _fixtures(nextitem):
        _chromium.end()


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """For tests that open their windows themselves."""
    return chromium


@pytest.fixture
def windows(browser: Browser, live_server_daphne: Daphne) -> Iterator[browsing.Windows]:
    """Opens browser windows on the live server; fails on script errors, CSP violations and 5xx."""
    opened = browsing.Windows(browser, live_server_daphne.url)
    yield opened
    opened.close()
    assert opened.faults == []


@pytest.fixture
def page(windows: browsing.Windows) -> Page:
    """One window."""
    return windows.open()
