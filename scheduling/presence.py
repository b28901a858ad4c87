"""Weekly hours, absences, languages and gender entered: by the person, or by who plans with them."""

from collections.abc import Sequence
from datetime import datetime, time
from itertools import pairwise

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.dates import WEEKDAYS_ABBR

from accounts import audit
from accounts.models import User
from accounts.roles import Permission
from scheduling import seats
from scheduling.availability import Span
from scheduling.models import Absence, Booking, Resource, Slot, WeeklyHours
from scheduling.models.resource import Gender, ResourceQuerySet
from scheduling.transactions import tried_again

Hours = tuple[int, time, time]  # weekday (0 is Monday), from, until


class HoursOverlap(ValueError):
    """Two of the hours are about the same time, or one ends before it starts."""


def manageable(user: User) -> ResourceQuerySet:
    """Whose hours and absences one may enter: one's own, as coordinator everyone's of the district, as
    coordinator of the interpreters theirs."""
    allowed = Q(user=user)
    if user.may(Permission.PLAN_SESSIONS):
        allowed |= Q(district=user.district_id)
    if user.may(Permission.COORDINATE_INTERPRETERS):
        allowed |= Q(kind=Resource.Kind.INTERPRETER)
    return Resource.objects.for_user(user).filter(allowed)


def week_in_words(resource: Resource) -> str:
    """ "Mo 09:00–12:00, Di 14:00–17:00"; empty: there always."""
    rows = resource.weekly_hours.all()
    return ", ".join(
        f"{WEEKDAYS_ABBR[row.weekday]} {row.from_time:%H:%M}–{row.until_time:%H:%M}" for row in rows
    )


@transaction.atomic
def set_hours(resource: Resource, hours: Sequence[Hours], *, keeps_holidays: bool, by: User) -> None:
    """These are the weekly hours from now on; none: there always. What is planned already stays.

    Raises HoursOverlap.
    """
    for weekday, since, until in hours:
        if since >= until or not 0 <= weekday <= 6:
            raise HoursOverlap
    for (day, _since, until), (next_day, next_since, _until) in pairwise(sorted(hours)):
        if day == next_day and next_since < until:
            raise HoursOverlap
    Resource.objects.select_for_update(no_key=True).get(pk=resource.pk)
    resource.weekly_hours.all().delete()
    WeeklyHours.objects.bulk_create(
        WeeklyHours(resource=resource, weekday=weekday, from_time=since, until_time=until)
        for weekday, since, until in hours
    )
    resource.keeps_holidays = keeps_holidays
    resource.save(update_fields=["keeps_holidays"])
    audit.record("set_hours", resource, by=by, hours=len(hours), keeps_holidays=keeps_holidays)


@tried_again
def describe(resource: Resource, *, gender: Gender | str, languages: Sequence[str], by: User) -> None:
    """What a person who holds talks is known as, and in which languages they hold them: from now on their
    times to come are found by it. Raises ValueError for a room or an interpreter."""
    if not is_described(resource):
        raise ValueError("Only who holds talks is looked for by language and gender.")
    with transaction.atomic():
        coming = Slot.objects.filter(session__specialist=resource, start_at__gt=Now()).order_by("pk")
        keys = list(coming.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
        resource.gender, resource.languages = gender, sorted(set(languages))
        resource.save(update_fields=["gender", "languages"])
        Slot.objects.filter(pk__in=keys).update(gender=resource.gender, languages=resource.languages)
        audit.record("changed", resource, by=by, fields=["gender", "languages"])


def is_described(resource: Resource) -> bool:
    """Whether one looks for this person by language and gender here; interpreters have a register."""
    return resource.kind in (Resource.Kind.SPECIALIST, Resource.Kind.STAFF)


@tried_again
def add_absence(
    resource: Resource, *, start_at: datetime, end_at: datetime, reason: Absence.Reason | str, by: User
) -> Absence:
    """From now on the resource is not there in [start_at, end_at): its free slots in it are not offered.

    What is booked stays (`concerned`). Raises ValueError when it ends before it starts.
    """
    if end_at <= start_at:
        raise ValueError("An absence lasts.")
    with transaction.atomic():
        _lock_slots(resource, start_at, end_at)
        absence = Absence.objects.create(
            resource=resource,
            during=DateTimeTZRange(start_at, end_at, "[)"),
            reason=Absence.Reason(reason),
            created_by=by,
        )
        audit.record("absence_entered", resource, by=by, start_at=f"{start_at}", end_at=f"{end_at}")
        _tell(resource, start_at, end_at)
    return absence


@tried_again
def remove_absence(absence: Absence, *, by: User) -> None:
    """The resource is there after all. Times of a calendar kept elsewhere go with that calendar."""
    if absence.source_id is not None:
        raise ValueError("Busy times from elsewhere are removed with their calendar.")
    start_at, end_at = absence.during.lower, absence.during.upper
    with transaction.atomic():
        _lock_slots(absence.resource, start_at, end_at)
        audit.record("absence_removed", absence.resource, by=by, start_at=f"{start_at}", end_at=f"{end_at}")
        absence.delete()
        _tell(absence.resource, start_at, end_at)


def concerned(resource: Resource, start_at: datetime, end_at: datetime) -> list[Booking]:
    """The appointments that stand in this time although the resource is not there, in order of time."""
    return concerned_in(resource, [(start_at, end_at)])[0]


def concerned_in(resource: Resource, spans: Sequence[Span]) -> list[list[Booking]]:
    """The same for each of several times. One query."""
    if not spans:
        return []
    held = Q(slot__session__specialist=resource) | Q(slot__session__room=resource)
    held |= Q(reservations__resource=resource)
    standing = Booking.objects.filter(
        held,
        status__in=[Booking.Status.BOOKED, Booking.Status.ARRIVED],
        start_at__lt=max(until for _, until in spans),
        end_at__gt=min(since for since, _ in spans),
    )
    found = list(standing.select_related("slot__session").distinct().order_by("start_at"))
    return [[one for one in found if one.start_at < until and one.end_at > since] for since, until in spans]


def changed(resource: Resource, start_at: datetime, end_at: datetime) -> None:
    """Tell those who watch that slots in this time can be had, or not any more; inside a transaction."""
    _lock_slots(resource, start_at, end_at)
    _tell(resource, start_at, end_at)


def _slots(resource: Resource, start_at: datetime, end_at: datetime) -> list[int]:
    held = Q(session__specialist=resource) | Q(session__room=resource)
    met = Slot.objects.open().filter(held, start_at__lt=end_at, end_at__gt=start_at)
    return list(met.order_by("pk").values_list("pk", flat=True))


def _lock_slots(resource: Resource, start_at: datetime, end_at: datetime) -> None:
    keys = _slots(resource, start_at, end_at)
    list(Slot.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk"))


def _tell(resource: Resource, start_at: datetime, end_at: datetime) -> None:
    for slot in Slot.objects.filter(pk__in=_slots(resource, start_at, end_at)).order_by("pk"):
        seats.touch(slot)
