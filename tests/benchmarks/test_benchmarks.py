"""The benchmarks' frame: what stands in the file of results. How fast anything is, no test says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import database, run
from benchmarks.frame import Goal, Result, side_by_side, write_down
from config.embedded_db import CHECKOUT

KEYS = ["name", "ours", "limit", "ratio", "goal", "met", "unit", "note"]


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_each_result_is_one_line_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "var" / "bench.jsonl"
    fast = Result("feed", 50.0, 100.0, Goal(">=", 0.5), "feeds/s", "zwölf Kalender")
    slow = Result("agenda", 30.04, 4.0, Goal("<=", 6), "ms", "")

    for result in (fast, slow):
        write_down(result, file)

    first, second = lines(file)
    assert list(first) == KEYS
    assert (first["ratio"], first["goal"], first["met"], first["note"]) == (
        0.5,
        ">= 0.5",
        True,
        "zwölf Kalender",
    )
    assert (second["ours"], second["ratio"], second["goal"], second["met"]) == (30.04, 7.51, "<= 6", False)


def test_rounds_side_by_side_give_their_medians_and_how_far_they_lie_apart() -> None:
    rounds = [(10.0, 20.0), (90.0, 100.0), (12.0, 20.0)]

    result = side_by_side("feed", rounds, goal=Goal(">=", 0.5), unit="feeds/s", note="warm")

    assert (result.ours, result.limit) == (12.0, 20.0)
    assert result.note == "warm; 3 rounds, ratios 0.50 to 0.90"


def test_an_unknown_name_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["booking-rocket"]) == 2

    said = capsys.readouterr().err
    assert "booking-rocket" in said
    assert all(name in said for name in run.BENCHMARKS)


@pytest.fixture(autouse=True)
def migrated_already(migrated_template: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run takes a copy instead of migrating from nothing."""
    if migrated_template:
        monkeypatch.setenv(database.TEMPLATE, migrated_template)


def measured(name: str, folder: Path) -> tuple[str, list[dict[str, object]]]:
    """What a quick run says, and what it writes down."""
    file = folder / "bench.jsonl"
    command = [sys.executable, "-m", "benchmarks.run", name, "--quick", f"--into={file}"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, lines(file)


def test_the_booking_rule_is_measured_alone_and_with_others(tmp_path: Path) -> None:
    said, results = measured("booking-rule", tmp_path)

    assert "fsync=on, synchronous_commit=on, full_page_writes=on" in said
    assert [str(line["note"]).split(",")[0] for line in results] == ["1 client", "2 clients"]
    assert all(line["name"] == "booking-rule" and line["unit"] == "bookings/s" for line in results)


def test_a_feed_is_measured_cold_warm_and_unchanged(tmp_path: Path) -> None:
    _, results = measured("feed", tmp_path)

    assert [str(line["note"]).split(",")[0] for line in results] == ["cold", "warm", "304"]
    assert [line["goal"] for line in results] == ["<= 0.1", "<= 0.01", "<= 0.01"]


def test_the_agenda_is_measured_with_its_queries(tmp_path: Path) -> None:
    _, [line] = measured("agenda", tmp_path)

    assert (line["name"], line["goal"], line["unit"]) == ("agenda", "<= 6", "ms")
    assert "3 queries beyond those of an empty page, one of them the audit row" in str(line["note"])


def test_reminders_are_measured_and_each_is_sent_once(tmp_path: Path) -> None:
    _, [line] = measured("reminders", tmp_path)

    assert (line["name"], line["goal"], line["unit"]) == ("reminders", ">= 0.75", "messages/s")
    assert "each sent once" in str(line["note"])


def test_a_booking_over_http_is_measured(tmp_path: Path) -> None:
    said, [line] = measured("booking-http", tmp_path)

    assert "booking-http: " in said
    assert (line["name"], line["goal"], line["unit"]) == ("booking-http", "<= 2", "ms")


def test_the_fan_out_is_measured_in_four_ways(tmp_path: Path) -> None:
    _, results = measured("live-fanout", tmp_path)

    assert [str(line["note"]).split(",")[0] for line in results] == ["cpu", "delivered", "more", "memory"]
    assert [line["goal"] for line in results] == ["<= 5", "<= 0.25", "<= 1.5", "<= 1.5"]
