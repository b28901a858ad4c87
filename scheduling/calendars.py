"""Calendars: entered, shared with other offices, put aside."""

from accounts.models import District
from scheduling.models import Calendar


def of_consultation(district: District) -> Calendar:
    """The district's own calendar, in which the trauma consultation stands; entered on first use."""
    own, _ = Calendar.objects.get_or_create(
        district=district, name="Traumasprechstunde", defaults={"organisation": None}
    )
    return own


def of_courses(district: District) -> Calendar:
    """The district's calendar of courses, which all may watch; entered on first use."""
    own, _ = Calendar.objects.get_or_create(
        district=district, name="Kurse und Gruppen", defaults={"organisation": None}
    )
    return own
