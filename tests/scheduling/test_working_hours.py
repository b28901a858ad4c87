"""Deadlines in working hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scheduling import working_hours

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-23T10:00", 4, "2026-11-23T14:00"),  # a Monday
        ("2026-11-23T10:00", 8, "2026-11-24T10:00"),
        ("2026-11-23T05:00", 8, "2026-11-23T16:00"),
        ("2026-11-27T15:30", 1, "2026-11-30T08:30"),  # over the weekend
        ("2026-11-28T12:00", 8, "2026-11-30T16:00"),  # from a Saturday
        ("2026-12-24T12:00", 8, "2026-12-28T12:00"),  # Christmas
        ("2026-10-23T15:00", 2, "2026-10-26T09:00"),  # over the change of the clocks
        ("2027-01-05T15:00", 2, "2027-01-07T09:00"),  # Epiphany, a holiday of this Land
    ],
)
def test_only_hours_in_which_an_office_is_open_count(start: str, hours: int, end: str) -> None:
    assert working_hours.after(at(start), hours, zone=BERLIN, land="BW") == at(end)


@given(
    some.integers(0, 4 * 365 * 24 * 60).map(lambda minutes: FIRST + timedelta(minutes=minutes)),
    some.integers(1, 60),
)
def test_it_ends_while_the_office_is_open_and_not_before_the_hours_have_passed(
    start: datetime, hours: int
) -> None:
    end = working_hours.after(start, hours, zone=BERLIN, land="BW").astimezone(BERLIN)

    assert end.weekday() < 5
    assert working_hours.OPENS <= end.time() <= working_hours.CLOSES
    assert end - start >= timedelta(hours=hours)
