"""A rule's own statements as a script for pgbench: what PostgreSQL can do when nobody thinks in between."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql
from psycopg.types.range import Range

from benchmarks import database

Statement = tuple[str, Sequence[Any] | Mapping[str, Any]]
_QUOTED = re.compile(r"(?:(?<!\w)E)?'(?:[^']|'')*'")
_PLACEHOLDER = re.compile(r"%(?:s|\((\w+)\)s)")
_SPEED = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")


@dataclass
class Recorder:
    """Notes every statement, and where transactions begin and end (`connection.execute_wrapper`)."""

    _noted: list[Statement] = field(default_factory=list)
    _is_inside: bool = False

    def __call__(self, execute: Callable[..., Any], query: str, values: Any, many: bool, context: Any) -> Any:
        self._note_edge(connection.in_atomic_block)
        self._noted.append((query, values or ()))
        return execute(query, values, many, context)

    def statements(self) -> list[Statement]:
        """All of them, the last transaction committed."""
        self._note_edge(is_inside=False)
        return list(self._noted)

    def _note_edge(self, is_inside: bool) -> None:
        if is_inside != self._is_inside:
            self._noted.append(("BEGIN" if is_inside else "COMMIT", ()))
        self._is_inside = is_inside


class Script:
    """Recorded statements with the run's own values replaced by expressions of pgbench's variables.

    `varying` says which expression stands for which value; all other values stay as they were sent. A
    UUID is found inside longer texts, too.
    """

    def __init__(self, varying: Mapping[Any, str]) -> None:
        self._varying = varying

    def text(self, statements: Sequence[Statement]) -> str:
        """One statement a line."""
        return "".join(f"{self._statement(query, values)};\n" for query, values in statements)

    def _statement(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> str:
        # Between the placeholders stands SQL, in them (for named ones) the name.
        sql_parts, names = _PLACEHOLDER.split(query)[::2], _PLACEHOLDER.findall(query)
        ordered = [values[name] for name in names] if isinstance(values, Mapping) else values
        between = (_safe(re.sub(r"\s+", " ", part)).replace("%%", "%") for part in sql_parts)
        filled = (self._expression(value) for value in ordered)
        return "".join(part for pair in zip_longest(between, filled, fillvalue="") for part in pair)

    def _expression(self, value: Any) -> str:
        if isinstance(value, Range):
            edges = f"{self._expression(value.lower)}, {self._expression(value.upper)}"
            return f"tstzrange({edges}, '{value.bounds}')"
        if isinstance(value, int | UUID | str | datetime) and value in self._varying:
            return self._varying[value]
        return self._with_uuids(value) if isinstance(value, str) else constant(value)

    def _with_uuids(self, text: str) -> str:
        found = constant(text)
        for known, expression in self._varying.items():
            if isinstance(known, UUID) and str(known) in text:
                found = f"replace({found}, '{known}', ({expression})::text)"
        return found


def constant(value: Any) -> str:
    """The value as the driver writes it into a statement, fit for pgbench."""
    return _safe(sql.Literal(value).as_string(connection.connection))


def _safe(text: str) -> str:
    """Without colons inside of quotes, where pgbench would look for its variables."""
    return _QUOTED.sub(_without_colons, text)


def _without_colons(quoted: re.Match[str]) -> str:
    text = quoted[0]
    if ":" not in text:
        return text
    if not text.startswith("E"):
        text = "E" + text.replace("\\", "\\\\")
    return text.replace(":", "\\x3a")


def run(script: Path, *, clients: int, transactions: int, variables: Mapping[str, int]) -> float:
    """Transactions a second of so many clients with so many transactions each, all prepared.

    Raises `RuntimeError` when a statement fails: a limit that does less is none.
    """
    given = [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
    done = subprocess.run(
        [
            database.binaries() / "pgbench",
            *("--no-vacuum", "--protocol=prepared", f"--client={clients}", f"--jobs={min(clients, 2)}"),
            *(f"--transactions={transactions}", f"--file={script}", *given, database.address()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench did not do what it was asked for:\n{done.stdout}{done.stderr}")
    found = _SPEED.search(done.stdout)
    assert found is not None, done.stdout
    return float(found[1])
