"""The import contracts catch what they are there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOMS = ("config", "consultations", "scheduling", "notifications", "clients", "accounts")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house to plant violations in."""
    copy = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(settings.BASE_DIR / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(settings.BASE_DIR / "pyproject.toml", copy)
    return copy


def _lint(house: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).parent / "lint-imports"
    # Its cache lies in the copy: after the first time only the planted file is read anew.
    return subprocess.run([command], cwd=house, capture_output=True, text=True)


def test_the_house_keeps_its_contracts(house: Path) -> None:
    assert "0 broken" in _lint(house).stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("accounts/audit.py", "import clients.models", "A room imports only from the rooms below it"),
        ("scheduling/models/slot.py", "import consultations", "A room imports only from the rooms below it"),
        ("notifications/outbox.py", "import config.run", "A room imports only from the rooms below it"),
        ("clients/models/client.py", "import clients.contact", "Inside a room"),
        ("accounts/audit.py", "import accounts.middleware", "Inside a room"),
        ("scheduling/moving.py", "import scheduling.session_moves", "Inside a room"),
        ("scheduling/live.py", "import scheduling.hub", "Inside a room"),
        *((f"{room}/planted.py", "", "Inside a room") for room in ROOMS if room != "config"),
        ("consultations/brief.py", "import schedule", "Each outside thing has one door"),
        ("scheduling/doors.py", "from twilio.rest import Client", "Each outside thing has one door"),
        ("notifications/reasons.py", "import icalendar", "Each outside thing has one door"),
        ("scheduling/booking.py", "import procrastinate.contrib.django", "Each outside thing has one door"),
    ],
)
def test_a_planted_violation_is_caught(house: Path, module: str, line: str, contract: str) -> None:
    path = house / module
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    done = _lint(house)
    path.unlink() if before is None else path.write_text(before)
    assert done.returncode != 0
    broken = [text for text in done.stdout.splitlines() if " BROKEN" in text]
    assert len(broken) == 1
    assert contract in broken[0]
