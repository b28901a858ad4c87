"""The demo's offices: what they offer every week, what they share, and who is expected."""

from datetime import date, time, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Municipality, User
from scheduling import booking, calendars, kinds, openings, public_holidays, resources
from scheduling.models import AppointmentKind, Calendar, Gender, Resource, Slot
from scheduling.openings import Offer
from scheduling.problems import Visit

_MONDAY, _TUESDAY, _WEDNESDAY, _THURSDAY, _FRIDAY = range(5)


@transaction.atomic
def load() -> None:
    """Kinds, three offices' calendars with a year of weekly hours, one opening, and a first booking."""
    caritas, awo, diakonie = (User.objects.get(username=name) for name in ("caritas", "awo", "diakonie"))
    kinds.begin(caritas.district)
    migration = calendars.save(None, name="Migrationsberatung Caritas", by=caritas)
    anybody = calendars.save(None, name="Erstberatung und Begleitung AWO", by=awo)
    debt = calendars.save(None, name="Schuldnerberatung Diakonie", by=diakonie)
    for calendar, by in ((migration, caritas), (debt, diakonie)):
        calendars.share(calendar, awo.organisation, "book", by=by)
    calendars.share(anybody, caritas.organisation, "manage", by=awo)
    room = _room("Beratung Erdgeschoss", "Bahnhofstr. 8, Zimmer 4", caritas)
    lena = _speaks(caritas, Gender.WOMAN, "de", "ar", "fr")
    thomas = _speaks(diakonie, Gender.MAN, "de", "ru", "uk")
    sabine = _speaks(awo, Gender.WOMAN, "de", "tr")
    mbe, first_talk = _kind("mbe", caritas), _kind("first_talk", awo)
    _weekly(Offer(migration, mbe, 45, 4, 0, 1, lena, room), time(9), (_MONDAY, _THURSDAY), caritas)
    _weekly(
        Offer(debt, _kind("debt", diakonie), 60, 2, 0, 1, thomas, place="Marktplatz 2"),
        time(14),
        (_WEDNESDAY,),
        diakonie,
    )
    _weekly(Offer(anybody, first_talk, 30, 4, 0, 2, sabine, place="Lindenstr. 3"), time(10), (_TUESDAY,), awo)
    outreach = _kind("outreach", awo)
    _weekly(Offer(anybody, outreach, 120, 1, 0, 20, place="Lindenweg 4"), time(10), (_FRIDAY,), awo)
    escort = Offer(anybody, _kind("accompaniment", awo), 120)
    openings.once(escort, on=_workday(awo, days=9), start_time=time(9), by=awo)
    _first_talk(awo, anybody)


def _weekly(offer: Offer, start: time, weekdays: tuple[int, ...], by: User) -> None:
    today = timezone.localdate()
    openings.weekly(
        offer,
        every=1,
        weekdays=weekdays,
        first_on=today,
        start_time=start,
        until=today + timedelta(days=180),
        by=by,
    )


def _first_talk(by: User, calendar: Calendar) -> None:
    """Somebody without a case comes to the next first talk."""
    slots = Slot.objects.free().filter(calendar=calendar, kind__code="first_talk")
    booking.book(slots.earliest("start_at"), client=None, visit=Visit(guest="Frau Noor"), by=by)


def _room(name: str, address: str, by: User) -> Resource:
    room = resources.save_room(None, name=name, address=address, way="Klingel links, ohne Stufen", by=by)
    room.is_step_free = True
    room.municipality = Municipality.objects.for_user(by).first()
    room.save(update_fields=["is_step_free", "municipality"])
    return room


def _speaks(user: User, gender: Gender, *languages: str) -> Resource:
    staff = resources.ensure_staff(user, by=user)
    staff.gender, staff.languages = gender, list(languages)
    staff.save(update_fields=["gender", "languages"])
    return staff


def _kind(code: str, user: User) -> AppointmentKind:
    return AppointmentKind.objects.for_user(user).get(code=code)


def _workday(user: User, *, days: int) -> date:
    day = timezone.localdate() + timedelta(days=days)
    while day.weekday() > _FRIDAY or public_holidays.name(day, user.district.land):
        day += timedelta(days=1)
    return day
