"""Public holidays of the Land, and where a date goes that falls on one."""

from datetime import date, timedelta
from functools import cache

import holidays
from django.utils.translation import get_language

from scheduling.models import HolidayRule

_SATURDAY = 5


def name(on: date, land: str) -> str:
    """The public holiday on that day in the reader's language; empty when it is none."""
    language = "de" if (get_language() or "de").startswith("de") else "en_US"
    return _of_year(land, on.year, language).get(on, "")


def moved(on: date, land: str, rule: HolidayRule) -> date | None:
    """The day that a date on a holiday goes to by the rule, itself no holiday; None: it falls out."""
    if rule == HolidayRule.SKIP:
        return None
    step = timedelta(days=7 if rule == HolidayRule.WEEK_LATER else 1)
    target = on + step
    while name(target, land) or (rule == HolidayRule.NEXT_WORKDAY and target.weekday() >= _SATURDAY):
        target += step
    return target


@cache
def _of_year(land: str, year: int, language: str) -> dict[date, str]:
    return dict(holidays.country_holidays("DE", subdiv=land, years=year, language=language))


def is_workday(on: date, land: str) -> bool:
    """Monday to Friday, and no public holiday of the Land."""
    return on.weekday() < _SATURDAY and not name(on, land)


def workdays_before(on: date, number: int, land: str) -> date:
    """The day that lies that many working days before `on`; 0: `on` itself."""
    while number > 0:
        on -= timedelta(days=1)
        number -= is_workday(on, land)
    return on
