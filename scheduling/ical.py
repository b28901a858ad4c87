"""An appointment as an iCalendar file (RFC 5545). The only door to `icalendar`.

The file lies open on phones that families share and in calendars that others see. So it says when
and where, and nothing that tells why: the kind's public title, the neutral address, no names, no
description, no attendees, CLASS:PRIVATE. (An invitation names the one colleague it is sent to.)

A single appointment is built with the library. A feed of thousands is joined from texts that were
written once (`event_text`), in the same words; a test reads both and compares.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from icalendar import (
    Calendar,
    Event,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vCalAddress,
    vText,
)
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from scheduling import zones
from scheduling.models import Booking

CONTENT_TYPE = "text/calendar; charset=utf-8"
FILE_NAME = "termin.ics"
# Names no product: the word "Sprechstunde" would tell.
_PRODUCT = "-//Termin//DE"
_LONGEST_LINE = 75  # bytes
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def booking_ics(booking: Booking) -> bytes:
    """The booking as a calendar with one event in the district's zone, for staff and for the client's page.

    The UID stays, SEQUENCE rises with every change others can see; a cancelled booking says so, so
    that a calendar that has it takes it out. Reads the slot, its kind, session, room and district.
    """
    zone = booking.district.tz
    calendar = _calendar()
    calendar.add_component(_timezone(zone, booking.start_at.astimezone(zone).year))
    calendar.add_component(event(booking, zone))
    return bytes(calendar.to_ical())


def invitation(booking: Booking, to: str, method: str) -> bytes:
    """The booking for the calendar of a member of staff (RFC 5546): METHOD is "REQUEST" or "CANCEL".

    `to` is their address, the only one in it but the office's own. A place that somebody wrote by hand is
    left out, as in feeds: free text may tell. Reads the slot, its kind, session, room and district.
    """
    zone = booking.district.tz
    calendar = _calendar()
    calendar.add("method", method)
    calendar.add_component(_timezone(zone, booking.start_at.astimezone(zone).year))
    entry = event(booking, zone)
    if booking.place:
        entry.pop("location", None)
    if method == "CANCEL":
        entry["status"] = vText("CANCELLED")
    organizer = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    organizer.params["CN"] = vText(booking.district.sender_name)
    attendee = vCalAddress(f"mailto:{to}")
    attendee.params.update(
        {"ROLE": vText("REQ-PARTICIPANT"), "PARTSTAT": vText("ACCEPTED"), "RSVP": vText("FALSE")}
    )
    entry.add("organizer", organizer)
    entry.add("attendee", attendee)
    calendar.add_component(entry)
    return bytes(calendar.to_ical())


class Entry(NamedTuple):
    """What an event says in a feed. `stamped_at`: when this was written down."""

    uuid: UUID
    sequence: int
    is_cancelled: bool
    title: str
    address: str
    start_at: datetime
    end_at: datetime
    stamped_at: datetime


def event_text(entry: Entry, zone: ZoneInfo) -> str:
    """The entry as a VEVENT in the zone, with the line ends and folds of RFC 5545, to be joined."""
    lines = [
        "BEGIN:VEVENT",
        f"UID:{uid(entry.uuid)}",
        f"DTSTAMP:{_stamp(entry.stamped_at.astimezone(UTC))}Z",
        f"SEQUENCE:{entry.sequence}",
        "STATUS:CANCELLED" if entry.is_cancelled else "STATUS:CONFIRMED",
        "CLASS:PRIVATE",
        f"SUMMARY:{_escaped(entry.title)}",
        f"DTSTART{_time(entry.start_at, zone)}",
        f"DTEND{_time(entry.end_at, zone)}",
    ]
    if entry.address:
        lines.append(f"LOCATION:{_escaped(entry.address)}")
    lines.append("END:VEVENT\r\n")
    return "\r\n".join(_folded(line) for line in lines)


def feed(zone: ZoneInfo, since: datetime, events: Iterable[str]) -> bytes:
    """Events (`event_text`) from `since` on as one calendar, which readers ask for again every hour."""
    head, tail = _around(zone, since.astimezone(zone).year)
    return "".join((head, *events, tail)).encode()


def uid(uuid: UUID) -> str:
    """What stays the same about an appointment in every calendar, however often it is moved."""
    return f"{uuid}@{urlsplit(settings.PUBLIC_URL).hostname}"


def zone_of(name: str) -> str:
    """The zone database's name for what Windows calls a zone; other names stay as they are."""
    return str(WINDOWS_TO_OLSON.get(name, name))


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    return calendar


@lru_cache(maxsize=64)
def _around(zone: ZoneInfo, year: int) -> tuple[str, str]:
    calendar = _calendar()
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    calendar.add_component(_timezone(zone, year))
    text = calendar.to_ical().decode()
    end = text.rindex("END:VCALENDAR")
    return text[:end], text[end:]


def _time(at: datetime, zone: ZoneInfo) -> str:
    local = _on_the_wall(at, zone)
    return f":{_stamp(local)}Z" if local.tzinfo is UTC else f";TZID={zone.key}:{_stamp(local)}"


def _stamp(at: datetime) -> str:
    # Several times faster than strftime, which is what a feed of thousands spends its time with.
    return f"{at.year:04}{at.month:02}{at.day:02}T{at.hour:02}{at.minute:02}{at.second:02}"


def _escaped(text: str) -> str:
    for plain in ("\\", ";", ","):
        text = text.replace(plain, f"\\{plain}")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Lines are at most 75 bytes long; what is over goes on in the next, after a blank."""
    if len(line.encode()) <= _LONGEST_LINE:
        return line
    parts, part, size = [], "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > _LONGEST_LINE:
            parts.append(part)
            part, size = " ", 1
        part += letter
        size += width
    return "\r\n".join([*parts, part])


class _Text(vText):
    """A text as the feeds write it: the library takes a backslash before an N for the end of a line."""

    def to_ical(self) -> bytes:
        """Escaped as RFC 5545 says."""
        return _escaped(self).encode()


def event(booking: Booking, zone: ZoneInfo) -> Event:
    """The booking as an event in the zone, built with the library."""
    made = Event()
    made.add("uid", uid(booking.uuid))
    made.add("dtstamp", timezone.now())
    made.add("sequence", booking.ical_sequence)
    is_cancelled = booking.status == Booking.Status.CANCELLED
    made.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    made.add("class", "PRIVATE")
    made.add("summary", _Text(booking.slot.kind.public_title))
    if address := booking.address:
        made.add("location", _Text(address))
    made.add("dtstart", _on_the_wall(booking.start_at, zone))
    made.add("dtend", _on_the_wall(booking.end_at, zone))
    return made


def _on_the_wall(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant in the zone; in UTC where the clock shows that time twice (October).

    RFC 5545 says that such a time means the first, but node-ical and others take the second.
    """
    local = at.astimezone(zone)
    comes_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return at.astimezone(UTC) if comes_twice else local


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
