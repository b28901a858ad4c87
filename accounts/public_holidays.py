"""Public holidays of the Land."""

from datetime import date
from functools import cache

import holidays
from django.utils.translation import get_language


def name(on: date, land: str) -> str:
    """The public holiday on that day in the reader's language; empty when it is none."""
    language = "de" if (get_language() or "de").startswith("de") else "en_US"
    return _of_year(land, on.year, language).get(on, "")


def is_one(on: date, land: str) -> bool:
    """Whether that day is a public holiday there."""
    return on in _of_year(land, on.year, "de")


@cache
def _of_year(land: str, year: int, language: str) -> dict[date, str]:
    return dict(holidays.country_holidays("DE", subdiv=land, years=year, language=language))
