"""Calendars: entered, shared with other offices, put aside. Who may do what in one.

Three circles: whoever owns a calendar names and shares it; whoever manages it opens and closes times;
whoever may book in it books. The owner is the calendar's organisation; the district's own calendars,
in which all may book, are the coordination's.
"""

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import District, Organisation, User
from accounts.roles import Permission
from scheduling import live
from scheduling.models import Calendar, CalendarShare, Slot
from scheduling.models.calendar import CalendarQuerySet
from scheduling.transactions import constraint

Right = CalendarShare.Right


class NameTaken(Exception):
    """The district has a calendar of this name already."""


class NotAllowed(Exception):
    """This person's organisation may not do that in this calendar."""


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


def visible(user: User) -> CalendarQuerySet:
    """The calendars this person may look into."""
    return Calendar.objects.for_user(user)


def owned(user: User) -> CalendarQuerySet:
    """The calendars this person may name and share."""
    own = Calendar.objects.filter(district=user.district_id, organisation=user.organisation_id)
    return own | _of_district(user) if user.may(Permission.PLAN_SESSIONS) else own


def managed(user: User) -> CalendarQuerySet:
    """The calendars in which this person may open and close times."""
    theirs = Calendar.objects.managed_by(user)
    return theirs | _of_district(user) if user.may(Permission.PLAN_SESSIONS) else theirs


def may_book(slot: Slot, user: User) -> bool:
    """Whether this person's organisation may book the slot; asks the database only where it is another's.

    Courses name whose they are, and stand in a calendar of the district all the same.
    """
    if slot.organisation_id in (None, user.organisation_id):
        return True
    return Calendar.objects.bookable_by(user).filter(pk=slot.calendar_id).exists()


def bookers(slot: Slot) -> frozenset[int] | None:
    """The organisations that may book the slot, for looking at many people at once; None: all may.

    The slot comes with its calendar's number; asks the database only where it is an organisation's.
    """
    if slot.organisation_id is None:
        return None
    rights = [CalendarShare.Right.BOOK, CalendarShare.Right.MANAGE]
    shared = CalendarShare.objects.filter(calendar=slot.calendar_id, right__in=rights)
    owner = Calendar.objects.filter(pk=slot.calendar_id).values_list("organisation", flat=True).first()
    if owner is None:
        return None
    return frozenset({slot.organisation_id, owner, *shared.values_list("organisation", flat=True)})


def require_manager(calendar: Calendar, user: User) -> None:
    """Raises NotAllowed unless this person may open and close times in the calendar."""
    if not managed(user).filter(pk=calendar.pk).exists():
        raise NotAllowed


@transaction.atomic
def save(calendar: Calendar | None, *, name: str, is_active: bool = True, by: User) -> Calendar:
    """Enter a calendar of one's own organisation, or change one. Raises NameTaken and NotAllowed.

    Whose it is never changes: its slots are searched by that.
    """
    if calendar is not None and not owned(by).filter(pk=calendar.pk).exists():
        raise NotAllowed
    verb = "added" if calendar is None else "changed"
    calendar = calendar or Calendar(district=by.district, organisation=by.organisation)
    calendar.name, calendar.is_active = name, is_active
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        if constraint(error) != "calendar_name_unique":
            raise
        raise NameTaken(name) from error
    audit.record(verb, calendar, by=by)
    return calendar


@transaction.atomic
def share(calendar: Calendar, organisation: Organisation, right: Right | str, *, by: User) -> None:
    """Let another organisation of the district see, book, or manage; an empty right ends it, and
    closes what is open there.

    Raises NotAllowed, and ValueError for the calendar's own organisation or one of another district.
    """
    if not owned(by).filter(pk=calendar.pk).exists():
        raise NotAllowed
    if organisation.pk == calendar.organisation_id or organisation.district_id != calendar.district_id:
        raise ValueError("a calendar is shared with another organisation of its district")
    shares = CalendarShare.objects.filter(calendar=calendar, organisation=organisation)
    before = shares.values_list("right", flat=True).first() or ""
    if before == right:
        return
    if right:
        CalendarShare.objects.update_or_create(
            calendar=calendar, organisation=organisation, defaults={"right": Right(right)}
        )
    else:
        shares.delete()
        live.rights_changed(calendar)
    audit.record("shared", calendar, by=by, organisation=str(organisation.uuid), was=before, right=str(right))


def _of_district(user: User) -> CalendarQuerySet:
    return Calendar.objects.filter(district=user.district_id, organisation__isnull=True)
