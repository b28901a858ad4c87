"""The iCalendar file: right for every reader across both clock changes, and neutral."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import time_machine
from dateutil.rrule import YEARLY, rrule, weekday
from dateutil.tz import tzical
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar.timezone import TZP

from scheduling import booking as bookings
from scheduling import ical, zones
from scheduling.models import Booking
from tests import factories

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture
def booking(db: None) -> Booking:
    made: Booking = factories.BookingFactory(client=factories.ClientFactory(given_name="Kanarienvogel"))
    return made


def at(booking: Booking, start: datetime, minutes: int = 70) -> Booking:
    """The same booking at another time, unsaved."""
    booking.start_at, booking.end_at = start, start + timedelta(minutes=minutes)
    return booking


def event_of(ics: bytes) -> Any:
    (event,) = icalendar.Calendar.from_ical(ics).walk("VEVENT")
    return event


def read(ics: bytes, zone: Any, find: str) -> datetime:
    """A time of the file as an instant, its wall clock read in `zone`."""
    event = ics.decode().split("BEGIN:VEVENT")[1]
    (line,) = [line for line in event.split("\r\n") if line.startswith((f"{find};", f"{find}:"))]
    name, value = line.split(":", 1)
    if value.endswith("Z"):
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert name == f"{find};TZID={ZONE.key}"
    wall = datetime.strptime(value, "%Y%m%dT%H%M%S")  # noqa: DTZ007 (the zone comes next)
    local = zone.localize(wall, is_dst=True) if hasattr(zone, "localize") else wall.replace(tzinfo=zone)
    return local.astimezone(UTC)


class Later:
    """A reader's zone, as `pytz` has it, for which a time that comes twice means the second."""

    def localize(self, wall: datetime, *, is_dst: bool) -> datetime:
        return wall.replace(tzinfo=ZONE, fold=1)


def readers(ics: bytes) -> dict[str, Any]:
    """The file's zone as different programs understand it."""
    text = ics.decode()
    block = text[text.index("BEGIN:VTIMEZONE") : text.index("END:VTIMEZONE")] + "END:VTIMEZONE\r\n"
    component: Any
    (component,) = icalendar.Calendar.from_ical(ics).walk("VTIMEZONE")
    return {
        "dateutil, from VTIMEZONE": tzical(io.StringIO(block)).get(ZONE.key),
        "icalendar, from VTIMEZONE": component.to_tz(TZP("pytz"), lookup_tzid=False),
        "the system's zone": ZONE,
        # What node-ical does with a time that comes twice.
        "the later of two": Later(),
    }


def assert_read_right(booking: Booking) -> None:
    ics = ical.booking_ics(booking)
    for reader, zone in readers(ics).items():
        assert (read(ics, zone, "DTSTART"), read(ics, zone, "DTEND")) == (
            booking.start_at,
            booking.end_at,
        ), reader


# --- Time ----------------------------------------------------------------------------------------
@pytest.mark.promise(16)
@pytest.mark.parametrize(
    "start",
    [
        datetime(2027, 3, 26, 13, 0, tzinfo=UTC),  # the Friday before summer time
        datetime(2027, 3, 28, 0, 59, tzinfo=UTC),  # 01:59, one minute before
        datetime(2027, 3, 28, 1, 0, tzinfo=UTC),  # 03:00
        datetime(2027, 3, 29, 12, 0, tzinfo=UTC),
        datetime(2027, 7, 6, 12, 0, tzinfo=UTC),
        datetime(2027, 10, 29, 12, 0, tzinfo=UTC),
        datetime(2027, 10, 31, 0, 30, tzinfo=UTC),  # 02:30, the first time
        datetime(2027, 10, 31, 1, 30, tzinfo=UTC),  # 02:30, the second time
        datetime(2027, 11, 1, 13, 0, tzinfo=UTC),
        datetime(2027, 1, 5, 13, 0, tzinfo=UTC),
        datetime(2027, 12, 31, 22, 30, tzinfo=UTC),
    ],
)
def test_every_reader_reads_the_same_instant_across_both_clock_changes(
    booking: Booking, start: datetime
) -> None:
    assert_read_right(at(booking, start))


@pytest.mark.promise(16)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2036, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
    ),
    st.integers(10, 480),
)
def test_any_time_is_read_right(booking: Booking, start: datetime, minutes: int) -> None:
    assert_read_right(at(booking, start, minutes))


@pytest.mark.promise(16)
def test_the_zone_is_written_as_two_yearly_rules(booking: Booking) -> None:
    text = ical.booking_ics(at(booking, datetime(2027, 7, 6, 12, 0, tzinfo=UTC))).decode()
    assert text.count("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=") == 2
    assert "RDATE" not in text
    assert "DTSTART;TZID=Europe/Berlin:20270706T140000\r\n" in text


def test_a_zone_without_clock_changes_has_no_rule(booking: Booking) -> None:
    booking.district.zone = "Africa/Addis_Ababa"
    ics = ical.booking_ics(at(booking, datetime(2027, 7, 6, 12, 0, tzinfo=UTC)))
    assert b"RRULE" not in ics
    assert b"DTSTART;TZID=Africa/Addis_Ababa:20270706T150000\r\n" in ics
    assert ics.count(b"TZOFFSETTO:+0300") == 1


@pytest.mark.parametrize("name", ["Europe/Berlin", "Europe/Dublin", "America/New_York", "Africa/Casablanca"])
@pytest.mark.parametrize("year", [2026, 2027, 2030])
def test_observances_say_what_the_zone_database_says(name: str, year: int) -> None:
    zone = ZoneInfo(name)
    found = zones.observances(zone, year)
    moment = datetime(year, 1, 1, tzinfo=UTC)
    while moment.year == year:
        begun = [each for each in unrolled(found, year) if each[0] <= moment]
        assert max(begun)[1] == moment.astimezone(zone).utcoffset(), moment
        moment += timedelta(hours=6)


def unrolled(found: tuple[zones.Observance, ...], year: int) -> list[tuple[datetime, timedelta]]:
    """Every onset up to the end of the year, with the offset from then on."""
    onsets = []
    for each in found:
        step = (
            rrule(
                YEARLY,
                dtstart=each.starts_at,
                bymonth=each.yearly.month,
                byweekday=weekday(each.yearly.weekday, each.yearly.nth),
                until=datetime(year + 1, 1, 1),  # noqa: DTZ001
            )
            if each.yearly
            else [each.starts_at]
        )
        onsets += [((at - each.offset_from).replace(tzinfo=UTC), each.offset_to) for at in step]
    return onsets


# --- What it says --------------------------------------------------------------------------------
def test_the_file_says_when_and_where_and_nothing_that_tells(booking: Booking) -> None:
    booking.slot.kind.public_title = "Termin"
    event = event_of(ical.booking_ics(booking))
    assert sorted(event) == [
        "CLASS", "DTEND", "DTSTAMP", "DTSTART", "LOCATION", "SEQUENCE", "STATUS", "SUMMARY", "UID",
    ]  # fmt: skip
    assert (event["SUMMARY"], event["LOCATION"], event["CLASS"]) == (
        "Termin",
        "Hauptstr. 1, Zimmer 3",
        "PRIVATE",
    )


@pytest.mark.promise(14)
def test_no_name_and_no_telling_word_leaves_the_house(booking: Booking) -> None:
    assert booking.client is not None
    text = ical.booking_ics(booking).decode().lower()
    secrets = [
        booking.client.given_name,
        booking.client.family_name,
        booking.client.case_number,
        booking.client.mobile,
        booking.holder.name,
        booking.slot.session.held_by_name,
        booking.slot.kind.name,
        "sprechstunde",
        "trauma",
    ]
    assert [secret for secret in secrets if secret.lower() in text] == []


def test_the_uid_stays_and_the_sequence_rises(booking: Booking) -> None:
    before = event_of(ical.booking_ics(booking))
    with time_machine.travel(datetime(2027, 1, 1, 12, tzinfo=UTC), tick=False):
        cancelled = bookings.cancel(booking, reason="other", by=booking.holder)
        ics = ical.booking_ics(cancelled)
    after = event_of(ics)

    assert before["UID"] == after["UID"] == f"{booking.uuid}@localhost"
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (0, 1)
    assert (before["STATUS"], after["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert after["DTSTAMP"].dt == datetime(2027, 1, 1, 12, tzinfo=UTC)


def test_lines_are_folded_and_special_letters_escaped(booking: Booking) -> None:
    assert booking.slot.session.room is not None
    booking.slot.session.room.address = "Bürgerhaus; Hof 2\\Nord, Erdgeschoß links, bitte klingeln bei Nr. 3"
    ics = ical.booking_ics(booking)
    assert event_of(ics)["LOCATION"] == booking.slot.session.room.address
    assert max(len(line) for line in ics.split(b"\r\n")) <= 75
