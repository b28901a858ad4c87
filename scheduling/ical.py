"""An appointment as an iCalendar file (RFC 5545). The only door to `icalendar`.

The file lies open on phones that families share and in calendars that others see. So it says when
and where, and nothing that tells why: the kind's public title, the neutral address, no names, no
description, no attendees, CLASS:PRIVATE.
"""

from datetime import UTC, datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from scheduling import zones
from scheduling.models import Booking

CONTENT_TYPE = "text/calendar; charset=utf-8"
FILE_NAME = "termin.ics"
# Names no product: the word "Sprechstunde" would tell.
_PRODUCT = "-//Termin//DE"
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def booking_ics(booking: Booking) -> bytes:
    """The booking as a calendar with one event in the district's zone, for staff and for the client's page.

    The UID stays, SEQUENCE rises with every change others can see; a cancelled booking says so, so
    that a calendar that has it takes it out. Reads the slot, its kind, session, room and district.
    """
    zone = booking.district.tz
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add_component(_timezone(zone, booking.start_at.astimezone(zone).year))
    calendar.add_component(_event(booking, zone))
    return bytes(calendar.to_ical())


def client_ics(booking: Booking) -> bytes:
    """What the client's page offers: the same file, which tells nothing to whoever holds the phone."""
    return booking_ics(booking)


def _event(booking: Booking, zone: ZoneInfo) -> Event:
    event = Event()
    event.add("uid", f"{booking.uuid}@{urlsplit(settings.PUBLIC_URL).hostname}")
    event.add("dtstamp", timezone.now())
    event.add("sequence", booking.ical_sequence)
    is_cancelled = booking.status == Booking.Status.CANCELLED
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("summary", booking.slot.kind.public_title)
    if address := booking.address:
        event.add("location", address)
    event.add("dtstart", _on_the_wall(booking.start_at, zone))
    event.add("dtend", _on_the_wall(booking.end_at, zone))
    return event


def _on_the_wall(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant in the zone; in UTC where the clock shows that time for the second time (October)."""
    local = at.astimezone(zone)
    return at.astimezone(UTC) if local.fold else local


def _timezone(zone: ZoneInfo, year: int) -> Timezone:
    component = Timezone()
    component.add("tzid", zone.key)
    for observance in zones.observances(zone, year):
        part = TimezoneDaylight() if observance.is_daylight else TimezoneStandard()
        part.add("dtstart", observance.starts_at)
        part.add("tzoffsetfrom", observance.offset_from)
        part.add("tzoffsetto", observance.offset_to)
        part.add("tzname", observance.name)
        if observance.yearly:
            part.add("rrule", _yearly(observance.yearly))
        component.add_component(part)
    return component


def _yearly(rule: zones.Yearly) -> dict[str, str | int]:
    return {"freq": "YEARLY", "bymonth": rule.month, "byday": f"{rule.nth}{_WEEKDAYS[rule.weekday]}"}
