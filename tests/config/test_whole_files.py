"""What a merge can leave behind in a file, where neither Python nor the templates would notice."""

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
WRITTEN = ("*.py", "*.html", "*.js", "*.css", "*.toml", "*.md", "*.po", "*.json")
OURS = ("accounts", "benchmarks", "clients", "config", "consultations", "docs", "locale", "notifications",
        "scheduling", "static", "templates", "tests")  # fmt: skip
MARKS = tuple(sign * 7 for sign in "<>|")


@pytest.mark.parametrize("folder", OURS)
def test_no_marks_of_a_merge_are_left(folder: str) -> None:
    files = [file for pattern in WRITTEN for file in (CHECKOUT / folder).rglob(pattern)]
    assert files
    left = [
        file.relative_to(CHECKOUT)
        for file in files
        if any(line.startswith(MARKS) for line in file.read_text(encoding="utf-8").splitlines())
    ]
    assert left == []
