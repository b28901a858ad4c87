"""`make promises`: the tests of each promise with the full number of rounds, then a table of them."""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def read(path: Path = CHECKOUT / "tests" / "promises.toml") -> dict[int, str]:
    """Number → what is promised."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["promises"]
    return {int(number): text for number, text in listed.items()}


def table(promises: dict[int, str], outcomes: dict[int, list[str]]) -> list[str]:
    """One line a promise: number, state, number of tests, text. Without a passing test it is open.

    `outcomes` are pytest's words for each test of a promise ("passed", "failed" …).
    """
    lines = []
    for number, text in promises.items():
        tests = outcomes.get(number, [])
        lines.append(f"{number:>3}  {_state(tests):6}  {len(tests):>3} tests  {text}")
    return lines


def _state(tests: list[str]) -> str:
    if not tests:
        return "open"
    return "passed" if set(tests) == {"passed"} else "FAILED"


def run(report: Path) -> int:
    """Run the marked tests; each promise's outcomes are written to `report` (tests/conftest.py)."""
    environment = {**os.environ, "ROUNDS": "full", "PROMISES_REPORT": str(report)}
    command = [sys.executable, "-m", "pytest", "-m", "promise", "--quiet", "-n", "2", "--dist", "worksteal"]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode


def main() -> int:
    """The exit code: that of the tests; an open promise is no failure."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "outcomes.json"
        code = run(report)
        outcomes: dict[int, list[str]] = defaultdict(list)
        for number, outcome in json.loads(report.read_text()) if report.exists() else []:
            outcomes[number].append(outcome)
    print("\nRounds of races and faults: full")
    print("\n".join(table(read(), outcomes)))
    shown = sum(set(tests) == {"passed"} for tests in outcomes.values())
    print(f"{shown} of {len(read())} promises shown.")
    return code


if __name__ == "__main__":
    sys.exit(main())
