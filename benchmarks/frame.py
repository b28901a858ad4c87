"""What every benchmark gives back, and where it is written down. Needs no Django."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Goal:
    """What ours/limit should be: at least (throughput) or at most (time, cost)."""

    sign: Literal[">=", "<="]
    ratio: float

    def met(self, ratio: float) -> bool:
        """Whether this ratio reaches the goal."""
        return ratio >= self.ratio if self.sign == ">=" else ratio <= self.ratio

    def __str__(self) -> str:
        return f"{self.sign} {self.ratio:g}"


@dataclass(frozen=True)
class Result:
    """Our path and its limit, measured side by side in one run, in the same `unit`."""

    name: str
    ours: float
    limit: float
    goal: Goal
    unit: str
    note: str

    @property
    def ratio(self) -> float:
        """Ours in terms of the limit."""
        return self.ours / self.limit

    def line(self) -> dict[str, Any]:
        """The object that stands in the file of results."""
        numbers = {"ours": _short(self.ours), "limit": _short(self.limit), "ratio": _short(self.ratio)}
        goal = {"goal": str(self.goal), "met": self.goal.met(self.ratio)}
        return {"name": self.name, **numbers, **goal, "unit": self.unit, "note": self.note}

    def __str__(self) -> str:
        verdict = "met" if self.goal.met(self.ratio) else "MISSED"
        numbers = f"ours {_short(self.ours)} / limit {_short(self.limit)} {self.unit}"
        return f"{self.name}: {_short(self.ratio):g} (goal {self.goal}, {verdict})  {numbers}  [{self.note}]"


@dataclass(frozen=True)
class Effort:
    """How long to measure: full, or just enough to see that it works."""

    is_quick: bool = False
    slots: int | None = None  # how many the search is among, where one says so

    def of(self, full: int, quick: int) -> int:
        """The number for this effort."""
        return quick if self.is_quick else full


class Benchmark(Protocol):
    """A module of this folder."""

    def measure(self, effort: Effort) -> Iterator[Result]:
        """Measure on the private database Django is connected to."""


def side_by_side(
    name: str, rounds: Iterable[tuple[float, float]], *, goal: Goal, unit: str, note: str
) -> Result:
    """The medians of rounds of (ours, limit); the note also says how far the rounds' ratios lie apart."""
    pairs = list(rounds)
    ratios = sorted(ours / limit for ours, limit in pairs)
    spread = f"{len(pairs)} rounds, ratios {ratios[0]:.2f} to {ratios[-1]:.2f}"
    ours, limit = (median(side) for side in zip(*pairs, strict=True))
    return Result(name, ours, limit, goal, unit, f"{note}; {spread}")


def write_down(result: Result, file: Path) -> None:
    """Add the result to the file, one JSON object a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(result.line(), ensure_ascii=False) + "\n")


def _short(number: float) -> float:
    """Four digits are more than a shared machine can tell."""
    return float(f"{number:.4g}")
