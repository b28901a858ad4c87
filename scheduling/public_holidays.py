"""Where a date goes that falls on a public holiday of the Land, and which days are worked."""

from datetime import date, timedelta

from accounts.public_holidays import name
from scheduling.models import HolidayRule

__all__ = ["is_workday", "moved", "name", "workdays_before"]

_SATURDAY = 5


def moved(on: date, land: str, rule: HolidayRule) -> date | None:
    """The day that a date on a holiday goes to by the rule, itself no holiday; None: it falls out."""
    if rule == HolidayRule.SKIP:
        return None
    step = timedelta(days=7 if rule == HolidayRule.WEEK_LATER else 1)
    target = on + step
    while name(target, land) or (rule == HolidayRule.NEXT_WORKDAY and target.weekday() >= _SATURDAY):
        target += step
    return target


def is_workday(on: date, land: str) -> bool:
    """Monday to Friday, and no public holiday of the Land."""
    return on.weekday() < _SATURDAY and not name(on, land)


def workdays_before(on: date, number: int, land: str) -> date:
    """The day that lies that many working days before `on`; 0: `on` itself."""
    while number > 0:
        on -= timedelta(days=1)
        number -= is_workday(on, land)
    return on
