"""`make bench [NAME=…]`: measure our paths against their limits, print the ratios, write them down.

python -m benchmarks.run [NAME] [--quick] [--slots NUMBER] [--into FILE]
"""

import argparse
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import cast

import django

from benchmarks import database
from benchmarks.frame import Benchmark, Effort, write_down
from config import embedded_db

# Name → module. A module has `measure(effort)`, which yields results; it is imported once Django stands.
BENCHMARKS = {
    "booking-rule": "benchmarks.booking_rule",
    "quota-row": "benchmarks.quota_row",
    "booking-http": "benchmarks.booking_http",
    "reminders": "benchmarks.reminders",
    "feed": "benchmarks.feed",
    "free-slots": "benchmarks.free_slots",
    "live-fanout": "benchmarks.live_fanout",
    "agenda": "benchmarks.agenda",
}
RESULTS = embedded_db.CHECKOUT / "var" / "bench.jsonl"


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when all was measured, whatever the ratios are."""
    given = _parser().parse_args(arguments)
    if given.name is None:
        return _each_by_itself(sys.argv[1:] if arguments is None else arguments)
    if given.name not in BENCHMARKS:
        print(f"There is no benchmark {given.name}. There are: {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    try:
        _measure(given.name, Effort(is_quick=given.quick, slots=given.slots), given.into)
    except (embedded_db.DatabaseError, database.NotDurable) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def _each_by_itself(options: list[str]) -> int:
    """All of them, each in a process and with a database of its own, so that none warms up another."""
    commands = [[sys.executable, "-m", "benchmarks.run", name, *options] for name in BENCHMARKS]
    with embedded_db.addresses("test"):  # the server stays up from the first to the last
        return max(_call(command) for command in commands)


def _call(command: list[str]) -> int:
    return subprocess.run(command, cwd=embedded_db.CHECKOUT, check=False).returncode


def _measure(name: str, effort: Effort, into: Path) -> None:
    with database.private_database():
        settings = ", ".join(f"{key}={value}" for key, value in database.durability().items())
        print(f"{name}: PostgreSQL with {settings}", flush=True)
        django.setup()
        benchmark = cast(Benchmark, import_module(BENCHMARKS[name]))
        for result in benchmark.measure(effort):
            print(result, flush=True)
            write_down(result, into)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(BENCHMARKS)}; all of them without")
    parser.add_argument("--quick", action="store_true", help="just see that it works; the numbers say little")
    parser.add_argument("--slots", type=int, help="free-slots: among how many, instead of a million")
    parser.add_argument("--into", type=Path, default=RESULTS, help="the file of results")
    return parser


if __name__ == "__main__":
    sys.exit(main())
