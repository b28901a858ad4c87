"""Public holidays of the Land, and of a part of it where that has one more.

Mariä Himmelfahrt is a holiday in the Catholic municipalities of Bavaria (Art. 1 FTG), Fronleichnam in some
of Saxony and Thuringia (the Eichsfeld), the Friedensfest in Augsburg.
"""

from datetime import date
from functools import cache

import holidays
from django.utils.translation import get_language

# By our code: what `holidays` calls the part, or the Land and the category it has beside the public ones.
_PARTS = {
    "BM": ("BY", (holidays.PUBLIC, holidays.CATHOLIC)),
    "BA": ("Augsburg", (holidays.PUBLIC,)),
    "SF": ("SN", (holidays.PUBLIC, holidays.CATHOLIC)),
    "TF": ("TH", (holidays.PUBLIC, holidays.CATHOLIC)),
}


def name(on: date, land: str) -> str:
    """The public holiday on that day in the reader's language; empty when it is none."""
    language = "de" if (get_language() or "de").startswith("de") else "en_US"
    return _of_year(land, on.year, language).get(on, "")


def is_one(on: date, land: str) -> bool:
    """Whether that day is a public holiday there."""
    return on in _of_year(land, on.year, "de")


@cache
def _of_year(land: str, year: int, language: str) -> dict[date, str]:
    part, categories = _PARTS.get(land, (land, (holidays.PUBLIC,)))
    found = holidays.country_holidays("DE", subdiv=part, years=year, language=language, categories=categories)
    return dict(found)
