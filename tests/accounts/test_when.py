"""Times and dates as people read them."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from accounts import languages, when

BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2026, 12, 8, 13, 0, tzinfo=UTC)  # 14:00 in Berlin
NOW = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _german() -> object:
    with translation.override("de"):
        yield


def test_a_slot_reads_as_a_caseworker_says_it() -> None:
    assert when.span(TUESDAY, TUESDAY + timedelta(minutes=70), now=NOW) == "Di 8. Dez., 14:00–15:10"
    assert when.moment(TUESDAY, now=NOW) == "Di 8. Dez., 14:00"
    assert (when.day(TUESDAY), when.day_year(TUESDAY)) == ("Di 8. Dez.", "Di 8. Dez. 2026")
    assert (when.clock(TUESDAY), when.month(TUESDAY)) == ("14:00", "Dezember 2026")


def test_in_english_too() -> None:
    with translation.override("en"):
        assert when.span(TUESDAY, TUESDAY + timedelta(minutes=70), now=NOW) == "Tue 8 Dec, 14:00–15:10"
        assert when.day_year(TUESDAY) == "Tue 8 Dec 2026"
        assert when.ago(NOW - timedelta(minutes=3), now=NOW).startswith("3 min")


def test_a_month_without_abbreviation_has_no_full_stop() -> None:
    assert when.day(date(2027, 5, 4)) == "Di 4. Mai"
    assert when.day(date(2027, 3, 2)) == "Di 2. März"


def test_the_year_is_named_when_it_does_not_go_without_saying() -> None:
    end = timedelta(minutes=35)
    close, far, past = (
        datetime(*day, 13, 0, tzinfo=UTC) for day in [(2027, 7, 31), (2027, 8, 3), (2025, 12, 30)]
    )
    assert when.span(close, close + end, now=NOW) == "Sa 31. Juli, 15:00–15:35"
    assert when.span(far, far + end, now=NOW) == "Di 3. Aug. 2027, 15:00–15:35"
    assert when.span(past, past + end, now=NOW) == "Di 30. Dez. 2025, 14:00–14:35"


def test_a_span_over_midnight_names_both_days() -> None:
    assert (
        when.span(TUESDAY, TUESDAY + timedelta(hours=12), now=NOW) == "Di 8. Dez., 14:00 – Mi 9. Dez., 02:00"
    )


def test_how_long_ago() -> None:
    words = [
        when.ago(NOW - timedelta(minutes=minutes), now=NOW)
        for minutes in (0, 3, 59, 61, 23 * 60 + 59, 24 * 60)
    ]
    assert words == [
        "gerade eben",
        "vor 3 Min.",
        "vor 59 Min.",
        "vor 1 Std.",
        "vor 23 Std.",
        "Sa 31. Okt., 09:00",
    ]


def test_a_clock_a_little_ahead_still_means_now() -> None:
    assert when.ago(NOW + timedelta(seconds=20), now=NOW) == "gerade eben"
    assert when.ago(NOW + timedelta(hours=2), now=NOW) == "So 1. Nov., 11:00"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        when.clock(datetime(2026, 12, 8, 14, 0))  # noqa: DTZ001


def test_both_changes_of_the_clock() -> None:
    """28 March 2027 skips 02:00–03:00 in Berlin, 31 October 2027 has it twice."""
    spring, autumn = datetime(2027, 3, 28, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    hour = timedelta(hours=1)
    assert [when.clock(spring + hour * n) for n in range(3)] == ["01:30", "03:30", "04:30"]
    assert [when.clock(autumn + hour * n)[:5] for n in range(3)] == ["02:30", "02:30", "03:30"]


around_the_clock_changes = st.sampled_from([datetime(2027, 3, 28), datetime(2027, 10, 31)]).flatmap(  # noqa: DTZ001
    lambda night: st.datetimes(night - timedelta(days=2), night + timedelta(days=2), timezones=st.just(UTC))
)
anytime = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(at=anytime | around_the_clock_changes, minutes=st.integers(1, 240), now=anytime)
def test_what_stands_there_is_the_time_on_the_wall(at: datetime, minutes: int, now: datetime) -> None:
    with translation.override("de"):
        text = when.span(at, at + timedelta(minutes=minutes), now=now, zone=BERLIN)
    start, end = at.astimezone(BERLIN), (at + timedelta(minutes=minutes)).astimezone(BERLIN)
    assert f" {start.day}. " in text
    assert f", {start:%H:%M}" in text
    # What may follow is which of two it is.
    assert text.rpartition("–")[2].partition(" Uhr (")[0].endswith(f"{end:%H:%M}")
    assert (
        (str(start.year) in text) or start.year == now.astimezone(BERLIN).year or start.date() >= now.date()
    )


def test_clients_read_the_day_in_their_language() -> None:
    assert {language: when.long_date(TUESDAY, language) for language in languages.known()} == {
        "ar": "الثلاثاء، 08.12.2026",
        "ckb": "سێشەممە، 08.12.2026",
        "de": "Dienstag, 08.12.2026",
        "en": "Tuesday, 08.12.2026",
        "fa": "سه‌شنبه، 08.12.2026",
        "fr": "mardi 08.12.2026",
        "kmr": "sêşem, 08.12.2026",
        "prs": "سه‌شنبه، 08.12.2026",
        "ps": "درېنۍ، 08.12.2026",
        "ru": "вторник, 08.12.2026",
        "so": "Talaado, 08.12.2026",
        "ti": "ሰሉስ፣ 08.12.2026",
        "tr": "Salı, 08.12.2026",
        "uk": "вівторок, 08.12.2026",
    }


@pytest.mark.parametrize("language", languages.known())
def test_every_weekday_has_a_name_of_its_own(language: str) -> None:
    week = {when.long_date(date(2026, 12, 7) + timedelta(days=n), language)[:-10] for n in range(7)}
    assert len(week) == 7


def test_direction_and_language_of_what_clients_read() -> None:
    right_to_left = {language for language in languages.known() if when.direction(language) == "rtl"}
    assert right_to_left == {"ar", "ckb", "fa", "prs", "ps"}
    assert (when.html_lang("prs"), when.html_lang("kmr"), when.direction("de-AT")) == ("fa-AF", "kmr", "ltr")
    # A language whose file is gone: nobody's page breaks, and nothing is claimed.
    assert (when.html_lang("xx"), when.direction("xx")) == ("xx", "auto")
    with pytest.raises(ValueError, match="xx"):
        when.long_date(TUESDAY, "xx")


# --- The hour that comes twice -----------------------------------------------------------------------
BACK = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, for the first time


def test_in_the_hour_that_comes_twice_a_time_says_which() -> None:
    again, three = BACK + timedelta(hours=1), BACK + timedelta(minutes=90)
    first, second = "02:30 Uhr (Sommerzeit)", "02:30 Uhr (Winterzeit)"
    berlin = partial(when.clock, zone=BERLIN)
    assert [berlin(at) for at in (BACK, again, three)] == [first, second, "03:00"]
    assert [when.o_clock(at, zone=BERLIN) for at in (again, three)] == [second, "03:00 Uhr"]
    assert when.moment(again, now=NOW, zone=BERLIN) == f"So 31. Okt. 2027, {second}"
    assert when.exact(BACK, zone=BERLIN) == "So 31. Okt. 2027, 02:30:00 Uhr (Sommerzeit)"
    assert when.span(BACK, again, now=BACK, zone=BERLIN) == f"So 31. Okt., {first}–{second}"
    assert when.span(BACK, three, now=BACK, zone=BERLIN) == f"So 31. Okt., {first}–03:00"
    # Clients have the hours from Greenwich, which every language writes alike.
    assert [when.time_of_day(at, "ar", zone=BERLIN) for at in (BACK, again)] == [
        "02:30 (UTC+2)", "02:30 (UTC+1)"
    ]  # fmt: skip
    with translation.override("en"):
        assert berlin(again) == "02:30 (winter time)"
        assert when.o_clock(three, zone=BERLIN) == "03:00"


def test_clocks_put_back_for_another_reason_name_the_hours_from_greenwich() -> None:
    """Moscow gave up an hour in 2014, and it was winter time all along; Lord Howe has half an hour."""
    moscow = ZoneInfo("Europe/Moscow")
    before = datetime(2014, 10, 25, 21, 30, tzinfo=UTC)
    assert [when.clock(before + timedelta(hours=n), zone=moscow) for n in (0, 1)] == [
        "01:30 (UTC+4)", "01:30 (UTC+3)"
    ]  # fmt: skip
    island, saturday = ZoneInfo("Australia/Lord_Howe"), datetime(2027, 4, 3, 14, 45, tzinfo=UTC)
    times = [when.time_of_day(saturday + timedelta(minutes=n), "de", zone=island) for n in (0, 30)]
    assert times == ["01:45 (UTC+11)", "01:45 (UTC+10:30)"]


# Two zones of one district's neighbours, and both of the year's changes.
CHANGES = [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)]


@given(
    zone=st.sampled_from([BERLIN, ZoneInfo("Europe/Lisbon")]),
    change=st.sampled_from(CHANGES),
    minutes=st.tuples(st.integers(-240, 240), st.integers(-240, 240)),
    language=st.sampled_from(["de", "en", "ar", "ckb", "uk"]),
)
def test_two_instants_never_read_alike_and_only_a_doubled_hour_has_more_words(
    zone: ZoneInfo, change: datetime, minutes: tuple[int, int], language: str
) -> None:
    at, other = (change + timedelta(minutes=each) for each in minutes)

    def read(instant: datetime) -> tuple[str, str]:
        on = when.long_date(instant.astimezone(zone).date(), language)
        time = when.time_of_day(instant, language, zone=zone)
        return when.moment(instant, now=NOW, zone=zone), f"{on} {time}"

    for mine, theirs in zip(read(at), read(other), strict=True):
        assert (mine == theirs) == (at == other)
    # What the clocks show, an hour before and after this instant.
    shown = [(at + timedelta(hours=n)).astimezone(zone).replace(tzinfo=None) for n in (-1, 0, 1)]
    is_double = shown[1] in (shown[0], shown[2])
    assert all(("(" in text) == is_double for text in read(at))
