"""Rules of dates, against a model that looks at every single day."""

from calendar import monthrange
from datetime import date, timedelta

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from scheduling import recurrence
from scheduling.recurrence import LAST, EveryWeeks, MonthDay, NthWeekday, Recurrence, UnusableRule

nth_weekdays = st.builds(NthWeekday, st.sampled_from([1, 2, 3, 4, LAST]), st.integers(0, 6))
every_weeks = st.builds(
    EveryWeeks,
    st.integers(1, 12),
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
)
month_days = st.builds(MonthDay, st.one_of(st.just(LAST), st.integers(1, 28)))
rules = st.one_of(nth_weekdays, every_weeks, month_days)
days = st.dates(date(2024, 1, 1), date(2031, 12, 31))


def every_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def belongs(rule: Recurrence, on: date, first_on: date) -> bool:
    """The naive model: does the rule mean this day?"""
    length = monthrange(on.year, on.month)[1]
    match rule:
        case NthWeekday(nth, weekday) if nth == LAST:
            return on.weekday() == weekday and on.day + 7 > length
        case NthWeekday(nth, weekday):
            return on.weekday() == weekday and 7 * (nth - 1) < on.day <= 7 * nth
        case MonthDay(day):
            return on.day == (length if day == LAST else day)
        case EveryWeeks(every, weekdays):
            counted_from = next(
                day for day in every_day(first_on, first_on + timedelta(6)) if day.weekday() in weekdays
            )
            weeks = (monday(on) - monday(counted_from)).days // 7
            return on >= counted_from and on.weekday() in weekdays and weeks % every == 0


def monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


@given(rules, days, st.integers(0, 800))
def test_a_rule_means_the_days_a_calendar_shows(rule: Recurrence, first_on: date, length: int) -> None:
    until = first_on + timedelta(days=length)
    expected = [on for on in every_day(first_on, until) if belongs(rule, on, first_on)]
    assert list(recurrence.dates(rule, first_on, until)) == expected


@given(rules, days)
def test_counting_again_from_the_first_date_gives_the_same_dates(rule: Recurrence, first_on: date) -> None:
    until = first_on + timedelta(days=400)
    dates = list(recurrence.dates(rule, first_on, until))
    assert list(recurrence.dates(rule, dates[0], until)) == dates


@given(rules)
def test_what_is_stored_is_read_again(rule: Recurrence) -> None:
    assert recurrence.read(*recurrence.stored(rule)) == rule


@pytest.mark.parametrize(
    ("frequency", "params"),
    [
        ("MINUTELY", "interval:1;byweekday:TU"),
        ("HOURLY", ""),
        ("SECONDLY", "bymonthday:1"),
        ("DAILY", ""),
        ("YEARLY", "bymonthday:1"),
        ("MONTHLY", "byweekday:1WE"),  # django-scheduler drops it silently
        ("WEEKLY", "interval:1;byweekday:0,2"),  # django-scheduler collapses it to one day
        ("WEEKLY", "interval:0;byweekday:TU"),
        ("WEEKLY", "interval:1;byweekday:TU;byhour:9,10"),
        ("MONTHLY", "byweekday:TU;bysetpos:5"),
        ("MONTHLY", "bymonthday:31"),
        ("MONTHLY", "bymonthday"),
        ("", ""),
    ],
)
def test_what_we_do_not_plan_with_is_refused(frequency: str, params: str) -> None:
    with pytest.raises(UnusableRule):
        recurrence.read(frequency, params)


def test_a_rule_reads_as_a_person_says_it() -> None:
    with translation.override("de"):
        assert recurrence.words(NthWeekday(1, 1)) == "1. Dienstag im Monat"
        assert recurrence.words(NthWeekday(LAST, 4)) == "letzter Freitag im Monat"
        assert recurrence.words(EveryWeeks(1, (1,))) == "jede Woche: Dienstag"
        assert recurrence.words(EveryWeeks(2, (0, 2))) == "alle 2 Wochen: Montag, Mittwoch"
        assert recurrence.words(MonthDay(15)) == "15. Tag im Monat"
        assert recurrence.words(MonthDay(LAST)) == "letzter Tag im Monat"


def test_ordinals_as_each_language_writes_them() -> None:
    numbers = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23]
    with translation.override("de"):
        assert [recurrence.ordinal(nth) for nth in numbers] == [f"{nth}." for nth in numbers]
    with translation.override("en"):
        said = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd"]
        assert [recurrence.ordinal(nth) for nth in numbers] == said
