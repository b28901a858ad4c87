"""What a clock on the wall shows, and the instant that is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.wall_clock import NoSuchTime, instant

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.promise(17)
@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2027, 3, 28), date(2028, 3, 26)])
def test_half_past_two_does_not_exist_on_the_last_sunday_of_march(day: date) -> None:
    with pytest.raises(NoSuchTime):
        instant(day, time(2, 30), BERLIN)
    assert instant(day, time(1, 59), BERLIN) == datetime(day.year, 3, day.day, 0, 59, tzinfo=UTC)
    assert instant(day, time(3, 0), BERLIN) == datetime(day.year, 3, day.day, 1, 0, tzinfo=UTC)


@pytest.mark.promise(17)
@pytest.mark.parametrize("fold", [0, 1])
def test_half_past_two_means_summer_time_on_the_last_sunday_of_october(fold: int) -> None:
    assert instant(date(2027, 10, 31), time(2, 30, fold=fold), BERLIN) == datetime(
        2027, 10, 31, 0, 30, tzinfo=UTC
    )


@pytest.mark.promise(17)
@given(
    st.dates(date(2026, 1, 1), date(2037, 12, 31)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
def test_a_time_is_refused_exactly_when_no_instant_shows_it(on: date, at: time) -> None:
    shown = [
        moment
        for offset in (1, 2)
        if (moment := datetime.combine(on, at, tzinfo=UTC) - timedelta(hours=offset))
        .astimezone(BERLIN)
        .replace(tzinfo=None)
        == datetime.combine(on, at)
    ]
    if shown:
        assert instant(on, at, BERLIN) == min(shown)
    else:
        with pytest.raises(NoSuchTime):
            instant(on, at, BERLIN)
