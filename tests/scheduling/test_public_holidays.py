"""Holidays of the Land, and where a date goes that falls on one."""

from datetime import date, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Land
from scheduling import public_holidays
from scheduling.models import HolidayRule


def test_holidays_are_those_of_the_land() -> None:
    with translation.override("de"):
        assert public_holidays.name(date(2027, 1, 6), "BW") == "Heilige Drei Könige"
        assert public_holidays.name(date(2027, 1, 6), "HE") == ""
        assert public_holidays.name(date(2027, 11, 17), "SN") == "Buß- und Bettag"
    with translation.override("en"):
        assert public_holidays.name(date(2027, 1, 6), "BW") == "Epiphany"


@pytest.mark.parametrize("land", Land.values)
def test_every_land_is_known(land: str) -> None:
    assert public_holidays.name(date(2027, 5, 1), land)
    assert not public_holidays.name(date(2027, 5, 4), land)


# Of 2028: Easter is 16 April, so Ascension 25 May, Whit Monday 5 June, Corpus Christi 15 June.
EVERYWHERE = {"01-01", "04-14", "04-17", "05-01", "05-25", "06-05", "10-03", "12-25", "12-26"}
ELSEWHERE = {
    "01-06": {"BW", "BY", "BM", "BA", "ST"},
    "03-08": {"BE", "MV"},
    "04-16": {"BB"},
    "06-04": {"BB"},
    "06-15": {"BW", "BY", "BM", "BA", "HE", "NW", "RP", "SL", "SF", "TF"},
    "06-17": {"BE"},  # once only: 75 years after the uprising
    "08-08": {"BA"},
    "08-15": {"SL", "BM", "BA"},
    "09-20": {"TH", "TF"},
    "10-31": {"BB", "HB", "HH", "MV", "NI", "SH", "SN", "SF", "ST", "TH", "TF"},
    "11-01": {"BW", "BY", "BM", "BA", "NW", "RP", "SL"},
    "11-22": {"SN", "SF"},
}


@pytest.mark.parametrize("land", Land.values)
def test_a_year_has_the_holidays_that_the_laws_name(land: str) -> None:
    year = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
    found = {f"{on:%m-%d}" for on in year if public_holidays.name(on, land)}
    assert found == EVERYWHERE | {on for on, lands in ELSEWHERE.items() if land in lands}


def test_a_date_is_skipped_or_moved() -> None:
    ascension = date(2027, 5, 6)  # a Thursday
    assert public_holidays.moved(ascension, "BW", HolidayRule.SKIP) is None
    assert public_holidays.moved(ascension, "BW", HolidayRule.WEEK_LATER) == date(2027, 5, 13)
    assert public_holidays.moved(ascension, "BW", HolidayRule.NEXT_WORKDAY) == date(2027, 5, 7)


def test_moving_goes_on_past_further_holidays_and_the_weekend() -> None:
    christmas = date(2026, 12, 25)  # a Friday; New Year's Day is one too
    assert public_holidays.moved(christmas, "BW", HolidayRule.WEEK_LATER) == date(2027, 1, 8)
    assert public_holidays.moved(christmas, "BW", HolidayRule.NEXT_WORKDAY) == date(2026, 12, 28)
    good_friday = date(2027, 3, 26)
    assert public_holidays.moved(good_friday, "BW", HolidayRule.NEXT_WORKDAY) == date(2027, 3, 30)


@given(
    st.dates(date(2025, 1, 1), date(2035, 12, 31)),
    st.sampled_from(Land.values),
    st.sampled_from([HolidayRule.WEEK_LATER, HolidayRule.NEXT_WORKDAY]),
)
def test_a_moved_date_is_a_later_working_day_within_a_month(on: date, land: str, rule: HolidayRule) -> None:
    target = public_holidays.moved(on, land, rule)
    assert target is not None
    assert on < target <= on + timedelta(days=31)
    assert not public_holidays.name(target, land)
    if rule == HolidayRule.WEEK_LATER:
        assert target.weekday() == on.weekday()
    else:
        assert target.weekday() < 5
