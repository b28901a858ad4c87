"""An office with a calendar, a counsellor and times it offers, for tests."""

from datetime import date, time, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from scheduling import calendars, openings
from scheduling.models import AppointmentKind, Calendar, Resource, Session, Slot
from scheduling.openings import Offer
from tests import factories


def caseworker(organisation: str = "AWO", **fields: Any) -> User:
    made: User = factories.UserFactory(
        organisation=factories.OrganisationFactory(name=organisation), **fields
    )
    return made


def counsellor(name: str = "Mara Linde", **fields: Any) -> Resource:
    made: Resource = Resource.objects.create(
        district=factories.DistrictFactory(), kind=Resource.Kind.STAFF, name=name, **fields
    )
    return made


def calendar(by: User, name: str = "Beratung AWO") -> Calendar:
    return Calendar.objects.filter(name=name).first() or calendars.save(None, name=name, by=by)


def kind(**fields: Any) -> AppointmentKind:
    made: AppointmentKind = factories.KindFactory(**fields)
    return made


def offer(by: User, **changes: Any) -> Offer:
    """Two appointments of 45 minutes in the office's calendar, at a place of nobody's."""
    fields: dict[str, Any] = {"minutes": 45, "number": 2, "place": "Hauptstr. 1"} | changes
    fields.setdefault("calendar", calendar(by))
    fields.setdefault("kind", kind())
    return Offer(**fields)


def monday(weeks: int = 2) -> date:
    """A Monday some weeks ahead."""
    today = timezone.localdate()
    return today + timedelta(days=7 * weeks - today.weekday())


def session(by: User, *, on: date | None = None, at: time = time(9, 0), **changes: Any) -> Session:
    """Offered once."""
    return openings.once(offer(by, **changes), on=on or workday(), start_time=at, by=by)


def slot(by: User, **changes: Any) -> Slot:
    """The first appointment of such a session."""
    return session(by, **changes).slots.earliest("start_at")


def workday() -> date:
    """A Tuesday two weeks ahead, or the next one that is no holiday."""
    from scheduling import public_holidays

    day = monday() + timedelta(days=1)
    while public_holidays.name(day, factories.DistrictFactory().land):
        day += timedelta(days=7)
    return day
