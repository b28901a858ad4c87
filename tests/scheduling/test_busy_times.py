"""Reading when somebody is busy: right for what calendars write, harmless for what anybody may write."""

import time
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling import busy_times, ical
from scheduling.busy_times import Busy, Unreadable

ZONE = ZoneInfo("Europe/Berlin")
SINCE = datetime(2027, 1, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=400)


def read(data: bytes | str) -> Busy:
    given_ = data.encode() if isinstance(data, str) else data
    return busy_times.read(given_, zone=ZONE, since=SINCE, until=UNTIL, zone_of=ical.zone_of)


def calendar(*events: str) -> str:
    """A file with these events, each the lines inside of it."""
    inside = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{inside}END:VCALENDAR\n".replace("\n", "\r\n")


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)  # type: ignore[misc,arg-type]


# --- What calendars write ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("event", "spans"),
    [
        ("DTSTART:20270301T090000Z\nDTEND:20270301T100000Z", [(utc(2027, 3, 1, 9), utc(2027, 3, 1, 10))]),
        ("DTSTART:20270301T090000Z\nDURATION:PT1H30M", [(utc(2027, 3, 1, 9), utc(2027, 3, 1, 10, 30))]),
        ("DTSTART:20270301T090000\nDTEND:20270301T100000", [(utc(2027, 3, 1, 8), utc(2027, 3, 1, 9))]),
        (
            "DTSTART;TZID=America/New_York:20270301T090000\nDURATION:PT1H",
            [(utc(2027, 3, 1, 14), utc(2027, 3, 1, 15))],
        ),
        (
            'DTSTART;TZID="W. Europe Standard Time":20270701T090000\nDURATION:PT1H',
            [(utc(2027, 7, 1, 7), utc(2027, 7, 1, 8))],
        ),
        (
            "DTSTART;TZID=/example.org/Europe/London:20270301T090000\nDURATION:PT1H",
            [(utc(2027, 3, 1, 9), utc(2027, 3, 1, 10))],
        ),
        # A whole day is the day on the wall: 23 hours at the end of March.
        ("DTSTART;VALUE=DATE:20270328", [(utc(2027, 3, 27, 23), utc(2027, 3, 28, 22))]),
        (
            "DTSTART;VALUE=DATE:20270301\nDTEND;VALUE=DATE:20270303",
            [(utc(2027, 2, 28, 23), utc(2027, 3, 2, 23))],
        ),
        # Begun before the window, and reaching beyond it.
        ("DTSTART:20261231T230000Z\nDTEND:20270101T010000Z", [(SINCE, utc(2027, 1, 1, 1))]),
        # Free, cancelled, over, without length.
        ("DTSTART:20270301T090000Z\nDURATION:PT1H\nTRANSP:TRANSPARENT", []),
        ("DTSTART:20270301T090000Z\nDURATION:PT1H\nSTATUS:CANCELLED", []),
        ("DTSTART:20270301T090000Z\nDURATION:PT1H\nX-MICROSOFT-CDO-BUSYSTATUS:FREE", []),
        ("DTSTART:20260301T090000Z\nDURATION:PT1H", []),
        ("DTSTART:20270301T090000Z", []),
        # An alarm inside has times of its own.
        (
            "DTSTART:20270301T090000Z\nDURATION:PT1H\nBEGIN:VALARM\nDURATION:PT15M\nEND:VALARM",
            [(utc(2027, 3, 1, 9), utc(2027, 3, 1, 10))],
        ),
        (
            "DTSTART:20270301T090000Z\nDURATION:PT1H\nRDATE:20270302T090000Z,20270303T090000Z",
            [(utc(2027, 3, day, 9), utc(2027, 3, day, 10)) for day in (1, 2, 3)],
        ),
    ],
)
def test_single_events(event: str, spans: list[Any]) -> None:
    assert read(calendar(event)) == (spans, 0)


def test_a_series_with_an_exception_and_a_moved_date() -> None:
    series = (
        "UID:a\nDTSTART;TZID=Europe/Berlin:20270322T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=4\n"
        "EXDATE;TZID=Europe/Berlin:20270329T100000"
    )
    moved = "UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20270405T100000\nDTSTART:20270406T120000Z\nDURATION:PT1H"
    # Ten o'clock on the wall, before and after the clocks change.
    assert [start for start, _ in read(calendar(series, moved)).spans] == [
        utc(2027, 3, 22, 9),
        utc(2027, 4, 6, 12),
        utc(2027, 4, 12, 8),
    ]


def test_lists_of_busy_times() -> None:
    text = (
        "BEGIN:VCALENDAR\nBEGIN:VFREEBUSY\nFREEBUSY:20270301T090000Z/PT1H,20270302T090000Z/20270302T100000Z\n"
        "FREEBUSY;FBTYPE=FREE:20270303T090000Z/PT1H\nEND:VFREEBUSY\nEND:VCALENDAR"
    )
    assert [start for start, _ in read(text).spans] == [utc(2027, 3, 1, 9), utc(2027, 3, 2, 9)]


def test_overlapping_entries_tell_only_when_one_is_busy() -> None:
    events = [
        f"DTSTART:20270301T{hour:02}0000Z\nDURATION:PT{minutes}M"
        for hour, minutes in ((9, 90), (10, 60), (11, 30))
    ]
    assert read(calendar(*events)).spans == [(utc(2027, 3, 1, 9), utc(2027, 3, 1, 11, 30))]


def test_folded_lines_are_read_whole() -> None:
    assert read(calendar("DTSTART;TZID=Europe\n /Berlin:20270301T0\n\t90000\nDURATION:PT1H")).spans == [
        (utc(2027, 3, 1, 8), utc(2027, 3, 1, 9))
    ]


_starts = st.datetimes(datetime(2020, 1, 1), datetime(2027, 6, 1))  # noqa: DTZ001
_weekdays = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
_ends = st.just("") | st.integers(1, 300).map(lambda n: f";COUNT={n}") | st.just(";UNTIL=20270801T000000Z")


def _list(name: str, values: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[str]:
    joined = st.lists(values.map(str), min_size=1, max_size=most, unique=True).map(",".join)
    return st.just("") | joined.map(lambda text: f";{name}={text}")


_months = _list("BYMONTH", st.integers(1, 12))
_nths = st.integers(-5, 5).filter(bool)
_month_days = _list("BYMONTHDAY", st.integers(-31, 31).filter(bool))
_rules = st.one_of(
    st.tuples(st.just("FREQ=DAILY"), _months, _month_days, _list("BYDAY", _weekdays)).map("".join),
    st.tuples(
        st.just("FREQ=WEEKLY"), _list("BYDAY", _weekdays), st.sampled_from(["", ";WKST=MO", ";WKST=SU"])
    ).map("".join),
    st.tuples(st.sampled_from(["FREQ=MONTHLY", "FREQ=YEARLY"]), _months, _month_days).map("".join),
    st.tuples(
        st.sampled_from(["FREQ=MONTHLY", "FREQ=YEARLY;BYMONTH=3,10"]),
        _list("BYDAY", st.tuples(_nths, _weekdays).map(lambda day: f"{day[0]}{day[1]}")),
    ).map("".join),
    st.tuples(st.just("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR"), _list("BYSETPOS", _nths, 2)).map("".join),
)


@given(start=_starts, rule=_rules, interval=st.integers(1, 5), end=_ends)
def test_rules_mean_what_the_library_says(start: datetime, rule: str, interval: int, end: str) -> None:
    start = start.replace(microsecond=0)
    text = f"{rule};INTERVAL={interval}{end}"
    given_ = rrulestr(f"RRULE:{text}", dtstart=start.replace(tzinfo=UTC))
    # Entries of one second tell each date apart; the first date always counts.
    expected = {at for at in given_.between(SINCE - timedelta(seconds=1), UNTIL) if SINCE <= at < UNTIL}
    if SINCE <= start.replace(tzinfo=UTC) < UNTIL:
        expected.add(start.replace(tzinfo=UTC))
    found = read(calendar(f"DTSTART:{start:%Y%m%dT%H%M%S}Z\nDURATION:PT1S\nRRULE:{text}"))
    assert found.left_out == 0
    assert {at for at, _ in found.spans} == expected


@given(st.lists(st.tuples(_starts, st.integers(1, 3000)), max_size=8))
def test_what_the_library_writes_is_read(times: list[tuple[datetime, int]]) -> None:
    made = icalendar.Calendar()
    expected = set()
    for start, minutes in times:
        event = icalendar.Event()
        begins = start.replace(microsecond=0, tzinfo=ZONE).astimezone(UTC)
        event.add("summary", "Zahnarzt: BEGIN:VEVENT")
        event.add("dtstart", begins)
        event.add("dtend", begins + timedelta(minutes=minutes))
        made.add_component(event)
        expected |= {begins + timedelta(minutes=n) for n in range(minutes)}
    spans = read(made.to_ical()).spans
    expected = {at for at in expected if at >= SINCE}
    # The very first minute may be cut by the window.
    busy = {at for at in expected if not any(start <= at < end for start, end in spans)}
    assert busy == set()
    assert sum(((end - start) for start, end in spans), timedelta()) <= timedelta(minutes=len(expected) + 1)


# --- What anybody may write ----------------------------------------------------------------------------
_HOSTILE = {
    "every second": "RRULE:FREQ=SECONDLY",
    "every minute until 9999": "RRULE:FREQ=MINUTELY;UNTIL=99991231T235959Z",
    "no step": "RRULE:FREQ=DAILY;INTERVAL=0",
    "a step backwards": "RRULE:FREQ=DAILY;INTERVAL=-1",
    "a huge step": "RRULE:FREQ=DAILY;INTERVAL=99999999999999999999",
    "a huge count": "RRULE:FREQ=DAILY;COUNT=99999999999999999999",
    "a huge position": "RRULE:FREQ=YEARLY;BYSETPOS=999999999",
    "seconds of the day": "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3;BYMINUTE=0,1,2,3;BYSECOND=0,1,2,3",
    "no such weekday": "RRULE:FREQ=WEEKLY;BYDAY=XX",
    "weeks of the year": "RRULE:FREQ=YEARLY;BYWEEKNO=53",
    "two rules": "RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY",
    "nothing": "RRULE:",
    "backwards": "DTEND:20260101T000000Z",
    "the year nought": "DTSTART:00000101T000000Z",
    "the year 9999": "EXDATE:99991231T235959Z",
    "no date": "EXDATE:20271345T999999Z",
}


@pytest.mark.promise(22)
@pytest.mark.parametrize("line", _HOSTILE.values(), ids=_HOSTILE.keys())
def test_a_hostile_entry_is_left_out_and_the_others_count(line: str) -> None:
    # A property given twice counts the first time.
    hostile = f"{line}\nDTSTART:20270301T090000Z\nDTEND:20270301T100000Z"
    found = read(calendar(hostile, "DTSTART:20270401T090000Z\nDURATION:PT1H"))
    assert found.left_out == 1
    assert found.spans == [(utc(2027, 4, 1, 9), utc(2027, 4, 1, 10))]


@pytest.mark.parametrize("length", ["P99999999999D", "P99999D", "-PT1H", "P", "soon"])
def test_a_length_that_is_none_is_left_out(length: str) -> None:
    assert read(calendar(f"DTSTART:20270301T090000Z\nDURATION:{length}")) == ([], 1)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=50",
    ],
)
def test_a_rule_that_never_comes_true_ends(rule: str) -> None:
    found = read(calendar(f"DTSTART:20200106T090000Z\nDURATION:PT1H\nRRULE:{rule}"))
    assert found == ([], 0)


@pytest.mark.promise(22)
@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_a_calendar"),
        (b"<html>", "not_a_calendar"),
        (b"\x00" * 1000, "not_a_calendar"),
        (calendar("DTSTART:20270301T090000Z\nDURATION:PT1H").encode()[:-20], "not_a_calendar"),
        (b"BEGIN:VCALENDAR\n" * 50 + b"END:VCALENDAR", "not_a_calendar"),
        (b"BEGIN:VCALENDAR\n" + b"x" * busy_times.MOST_BYTES, "too_large"),
        (
            calendar(
                *["DTSTART:19000101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=99999"] * 40
            ).encode(),
            "too_much",
        ),
        (
            calendar(
                *(
                    f"DTSTART:2027{month:02}{day:02}T{hour:02}{minute:02}00Z\nDURATION:PT1M"
                    for month in range(1, 13)
                    for day in range(1, 15)
                    for hour in range(8)
                    for minute in range(0, 60, 15)
                )
            ).encode(),
            "too_much",
        ),
    ],
    ids=["empty", "a page", "zeros", "cut", "boxes in boxes", "large", "long ago", "many"],
)
def test_a_file_is_used_whole_or_not_at_all(data: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read(data)
    assert refused.value.code == code


@pytest.mark.promise(22)
@pytest.mark.parametrize(
    "data",
    [
        calendar(*["DTSTART:20200101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"] * 12_000),
        calendar(*["DTSTART:19000101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY;COUNT=99999"] * 9_000),
        calendar(
            "DTSTART:20270101T090000Z\nDURATION:PT1H\nEXDATE:" + ",".join(["20270101T090000Z"] * 55_000)
        ),
        calendar("DTSTART:20270101T090000Z\nRRULE:FREQ=DAILY;BYMONTHDAY=" + ",".join(["1"] * 400_000)),
        "BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\nEND:VEVENT\n" * 40_000,
        "BEGIN:VCALENDAR\n" + "DTSTART;" * 120_000,
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;" + 'X="' * 330_000 + ":20270101",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + "DTSTART;A=B\n " * 70_000,
        "BEGIN:VCALENDAR\n" + "\n " * 490_000,
    ],
    ids=["daily", "long ago", "exceptions", "days", "empty", "names", "quotes", "folds", "blank"],
)
def test_the_largest_files_are_read_or_refused_within_seconds_and_in_little_memory(data: str) -> None:
    end = b"\r\nEND:VCALENDAR\r\n"
    given_ = data.encode()[: busy_times.MOST_BYTES - len(end)] + end
    began = time.process_time()
    with suppress(Unreadable):
        read(given_)
    assert time.process_time() - began < 5
    tracemalloc.start()
    try:
        with suppress(Unreadable):
            read(given_[:20_000] + b"\r\nEND:VCALENDAR")
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 20_000_000


_NAMES = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
    "UID",
    "STATUS",
    "FREEBUSY",
]
_values = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["20270301T090000Z", "20270301", "00010101", "99991231T235960Z", "P1D", "-PT5M", "PT0S"]),
    st.text(alphabet="FREQ=DAILYWKBMONTH;,:-0123456789TZP/", max_size=60),
    _rules,
)
_lines = st.tuples(
    st.sampled_from([*_NAMES, "BEGIN", "END", "X"]),
    st.just("") | st.text(alphabet=';TZID=/."VALUEDATE ', max_size=20).map(lambda text: f";{text}"),
    _values | st.sampled_from(["VEVENT", "VALARM", "VFREEBUSY", "VCALENDAR"]),
).map(lambda parts: f"{parts[0]}{parts[1]}:{parts[2]}")


@pytest.mark.promise(22)
@settings(max_examples=300)
@given(st.lists(_lines, max_size=30), st.binary(max_size=50))
def test_whatever_stands_in_it_either_it_is_read_or_refused(lines: list[str], rest: bytes) -> None:
    data = (
        "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT"]).encode(errors="replace")
        + rest
        + b"\r\nEND:VCALENDAR"
    )
    try:
        busy = read(data)
    except Unreadable:
        return
    last = SINCE
    for start, end in busy.spans:
        assert last <= start < end <= UNTIL
        last = end
