"""Courses for tests: a weekly course on Tuesdays and Thursdays, 9:00 to 12:15, from next week on."""

from datetime import date, time, timedelta
from typing import Any

from django.utils import timezone

from scheduling import courses
from scheduling.courses import Weekly
from scheduling.models import Course, Resource
from scheduling.recurrence import EveryWeeks
from tests import factories


def staff(**fields: Any) -> Any:
    """Somebody who runs courses, of the language school unless said otherwise."""
    fields.setdefault("organisation", factories.OrganisationFactory(name="Volkshochschule"))
    return factories.UserFactory(**{"roles": ["course_staff"], **fields})


def teacher(name: str = "Frau Lehmann", **fields: Any) -> Resource:
    """A teacher; `user=` for one who signs in."""
    district = factories.DistrictFactory()
    return Resource.objects.create(district=district, kind=Resource.Kind.STAFF, name=name, **fields)


def monday() -> date:
    """Monday of next week."""
    today = timezone.localdate()
    return today + timedelta(days=7 - today.weekday())


def weekly(**changes: Any) -> Weekly:
    """Four weeks of lessons."""
    fields: dict[str, Any] = {
        "rule": EveryWeeks(1, (1, 3)),
        "start_time": time(9),
        "minutes": 195,
        "first_on": monday(),
        "until": monday() + timedelta(days=27),
    }
    return Weekly(**(fields | changes))


def enter(**changes: Any) -> Course:
    """Enter it; without `lessons=` the weekly one."""
    fields: dict[str, Any] = {
        "title": "Deutsch am Vormittag",
        "type": "integration",
        "capacity": 3,
        "lessons": weekly(),
        "place": "Marktplatz 4",
    } | changes
    by = fields.setdefault("by", None) or staff()
    fields |= {"by": by}
    fields.setdefault("organisation", by.organisation)
    return courses.enter(**fields)
