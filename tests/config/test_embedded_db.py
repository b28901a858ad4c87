"""The embedded database: private, durable, shared by its users, unharmed by what is left behind."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config import embedded_db
from config.embedded_db import Cluster, DatabaseError
from tests.browsing import wait_until


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster of its own, as if this checkout lay elsewhere."""
    monkeypatch.setattr(embedded_db, "CHECKOUT", tmp_path)
    cluster = embedded_db.cluster("test")
    yield cluster
    embedded_db.discard(cluster)
    assert not cluster.data.exists()
    assert not cluster.sockets.exists()


def _is_up(place: Cluster) -> bool:
    try:
        psycopg.connect(place.url("app")).close()
    except psycopg.OperationalError:
        return False
    return True


def _server(place: Cluster) -> int:
    return int((place.data / "postmaster.pid").read_text().split()[0])


def _ask(place: Cluster, role: str, question: str) -> tuple[object, ...]:
    with psycopg.connect(place.url(role)) as db:
        return db.execute(question).fetchone() or ()


def test_the_cluster_is_private_durable_and_sorts_the_same_everywhere(place: Cluster) -> None:
    with embedded_db.lease("test"):
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
        }.items():
            assert _ask(place, "app", f"SHOW {setting}") == (value,)
        assert _ask(place, "app", "SELECT 'Zebra' < 'apfel', 'ä' > 'z', upper('ä')") == (True, True, "Ä")
        for folder in (place.sockets, place.data):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(os.fsencode(place.sockets / ".s.PGSQL.5432")) <= embedded_db.SOCKET_LIMIT


def test_the_application_role_owns_nothing_and_the_owner_can_step_down_to_it(place: Cluster) -> None:
    with embedded_db.lease("test"):
        rights = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        mine = f"{rights} WHERE rolname = current_user"
        assert _ask(place, "app", mine) == (False, False, False, False)
        assert _ask(place, "owner", mine) == (False, False, False, True)
        with psycopg.connect(place.url("owner")) as db:
            db.execute("SET ROLE sprechstunde_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            _ask(place, "app", "CREATE TABLE public.mine ()")


def test_the_last_to_leave_stops_the_server(place: Cluster) -> None:
    with embedded_db.lease("test"):
        with embedded_db.lease("test"):
            assert _is_up(place)
        assert _is_up(place)
    assert not _is_up(place)


def test_two_starters_at_once_share_one_server(place: Cluster) -> None:
    servers: list[int] = []
    together, apart = threading.Barrier(2), threading.Barrier(2)

    def use() -> None:
        together.wait()
        with embedded_db.lease("test"):
            servers.append(_server(place))
            apart.wait(60)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(servers) == 2
    assert servers[0] == servers[1]
    assert not _is_up(place)


def test_a_killed_server_comes_back_with_its_data(place: Cluster) -> None:
    with embedded_db.lease("test"):
        with psycopg.connect(place.url("owner")) as db:
            db.execute("CREATE TABLE kept AS SELECT 1 AS row")
        os.kill(_server(place), signal.SIGKILL)
        with embedded_db.lease("test"):
            assert _ask(place, "owner", "SELECT row FROM kept") == (1,)


def test_whether_it_serves_is_known(place: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in place.environment():
        monkeypatch.delenv(name, raising=False)
    with embedded_db.lease("test"):
        assert embedded_db.is_serving("test")
        os.kill(_server(place), signal.SIGKILL)
        wait_until(lambda: not embedded_db.is_serving("test"))
    # Somebody else's care.
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    assert embedded_db.is_serving("test")


def test_a_pid_file_whose_number_went_to_a_stranger_is_not_obeyed(place: Cluster) -> None:
    with embedded_db.lease("test"):
        pid_file = place.data / "postmaster.pid"
        left_behind = pid_file.read_text()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        pid_file.write_text(left_behind.replace(left_behind.split()[0], str(stranger.pid), 1))
        if place.account:
            os.chown(pid_file, place.account.pw_uid, place.account.pw_gid)
        with embedded_db.lease("test"):
            assert _is_up(place)
        assert stranger.poll() is None
        stranger.kill()


def test_a_lost_socket_is_made_again(place: Cluster) -> None:
    with embedded_db.lease("test"):
        (place.sockets / ".s.PGSQL.5432").unlink()
        with embedded_db.lease("test"):
            assert _is_up(place)


def test_who_squats_on_the_socket_folder_is_named_and_nothing_is_followed(
    place: Cluster, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    elsewhere.chmod(0o755)  # whatever the umask
    place.sockets.symlink_to(elsewhere)
    with pytest.raises(DatabaseError, match="belongs to someone else"), embedded_db.lease("test"):
        pass
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755
    assert not any(elsewhere.iterdir())
    place.sockets.unlink()


def test_sigterm_to_the_runner_ends_its_command_and_the_server(place: Cluster, tmp_path: Path) -> None:
    code = "import sys; from config import embedded_db as e; from pathlib import Path\n"
    code += "e.CHECKOUT = Path(sys.argv[1])\n"
    code += "sys.exit(e.main(['--cluster', 'test', 'run', 'sleep', '60']))"
    without = {k: v for k, v in os.environ.items() if not k.startswith("DATABASE_")}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=without) as runner:
        deadline = time.monotonic() + 30
        while not _is_up(place) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)
        runner.terminate()
        assert runner.wait(30) != 0
    assert not _is_up(place)


def test_half_a_database_from_outside_is_refused() -> None:
    assert not embedded_db.given_from_outside({})
    assert embedded_db.given_from_outside({"DATABASE_URL": "a", "DATABASE_OWNER_URL": "b"})
    with pytest.raises(DatabaseError, match="DATABASE_OWNER_URL is missing"):
        embedded_db.given_from_outside({"DATABASE_URL": "a"})


@pytest.mark.parametrize(
    ("installed", "expected"),
    [({}, {}), ({13, 14}, {}), ({9, 15, 17}, {15, 17})],
    ids=["none", "too old", "some"],
)
def test_only_a_recent_installed_postgresql_is_used(
    tmp_path: Path, installed: set[int], expected: set[int]
) -> None:
    for major in installed:
        (tmp_path / str(major) / "bin").mkdir(parents=True)
        (tmp_path / str(major) / "bin" / "initdb").touch()
    assert set(embedded_db.installed_versions(tmp_path)) == set(expected)


def test_without_any_postgresql_one_line_says_what_to_install(
    place: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_db, "installed_versions", dict)
    monkeypatch.setattr(embedded_db, "_wheel", lambda: None)
    with pytest.raises(DatabaseError, match="apt-get install postgresql"), embedded_db.lease("test"):
        pass
