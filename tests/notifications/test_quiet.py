"""When a telephone may ring: never at night, never on a day of rest, only in the client's own window."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import District
from clients.models import Client
from notifications import quiet, rules
from notifications.models import MessageRules
from tests.factories import DistrictFactory

BERLIN = ZoneInfo("Europe/Berlin")


def ruled(**choices: object) -> MessageRules:
    """Rules of a district in Baden-Württemberg, not saved."""
    return MessageRules(district=District(name="Musterkreis", land="BW"), **choices)


def at(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=BERLIN)


def clock(moment: datetime) -> str:
    return f"{moment.astimezone(BERLIN):%a %d.%m. %H:%M}"


NIGHT_LONG = ruled()
SATURDAY, SUNDAY = "2026-12-05", "2026-12-06"


@pytest.mark.parametrize(
    ("moment", "rings"),
    [
        (at(SATURDAY, "07:59:59"), False),
        (at(SATURDAY, "08:00"), True),
        (at(SATURDAY, "19:59:59"), True),
        (at(SATURDAY, "20:00"), False),
        (at(SUNDAY, "12:00"), False),
        (at("2027-01-06", "12:00"), False),  # Epiphany, a holiday in Baden-Württemberg
    ],
)
def test_the_night_and_days_of_rest_are_quiet(moment: datetime, rings: bool) -> None:
    assert quiet.may_ring(NIGHT_LONG, None, moment) is rings
    assert quiet.may_ring(NIGHT_LONG, None, moment.astimezone(UTC)) is rings


def test_a_district_may_write_on_sundays_and_holidays() -> None:
    busy = ruled(rests_on_sundays=False, rests_on_holidays=False)

    assert quiet.may_ring(busy, None, at(SUNDAY, "12:00"))
    assert quiet.may_ring(busy, None, at("2027-01-06", "12:00"))


def test_the_holidays_are_those_of_the_land() -> None:
    hesse = MessageRules(district=District(land="HE"))

    assert quiet.may_ring(hesse, None, at("2027-01-06", "12:00"))


def test_a_break_at_noon_leaves_two_spans() -> None:
    siesta = ruled(quiet_from=time(12), quiet_until=time(14))

    assert quiet.may_ring(siesta, None, at(SATURDAY, "00:00"))
    assert quiet.may_ring(siesta, None, at(SATURDAY, "23:59:59"))
    assert not quiet.may_ring(siesta, None, at(SATURDAY, "13:00"))
    assert quiet.latest_before(siesta, None, at(SATURDAY, "13:00")) == at(SATURDAY, "11:00")
    assert quiet.next_moment(siesta, None, at(SATURDAY, "13:00")) == at(SATURDAY, "14:00")


def test_a_client_s_window_narrows_the_day() -> None:
    client = Client(text_from=time(16), text_until=time(22))

    assert not quiet.may_ring(NIGHT_LONG, client, at(SATURDAY, "15:59"))
    assert quiet.may_ring(NIGHT_LONG, client, at(SATURDAY, "16:00"))
    assert not quiet.may_ring(NIGHT_LONG, client, at(SATURDAY, "20:30"))


def test_a_window_in_the_night_was_agreed_with_the_client_and_counts() -> None:
    client = Client(text_from=time(21), text_until=time(22))

    assert quiet.may_ring(NIGHT_LONG, client, at(SATURDAY, "21:30"))
    assert not quiet.may_ring(NIGHT_LONG, client, at(SATURDAY, "12:00"))


@pytest.mark.parametrize(
    ("meant", "sent"),
    [
        (at("2026-12-07", "17:00"), "Mon 07.12. 17:00"),
        (at("2026-12-07", "06:00"), "Sat 05.12. 19:00"),  # the night, and the Sunday before it
        (at("2026-12-08", "06:00"), "Mon 07.12. 19:00"),
        (at("2026-12-08", "23:00"), "Tue 08.12. 19:00"),
        (at(SUNDAY, "17:00"), "Sat 05.12. 17:00"),
        (at("2027-03-29", "17:00"), "Sat 27.03. 17:00"),  # Easter Monday, and the clocks go forward
        (at("2026-12-27", "23:00"), "Thu 24.12. 19:00"),  # Christmas: Friday, Saturday, Sunday
    ],
)
def test_a_reminder_moves_earlier_never_into_the_night(meant: datetime, sent: str) -> None:
    assert clock(quiet.latest_before(NIGHT_LONG, None, meant)) == sent


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (at("2026-12-07", "17:00"), "Mon 07.12. 17:00"),
        (at(SATURDAY, "20:00"), "Mon 07.12. 08:00"),
        (at("2026-12-08", "03:00"), "Tue 08.12. 08:00"),
        (at("2026-12-24", "21:00"), "Mon 28.12. 08:00"),
    ],
)
def test_what_is_told_at_once_waits_for_the_morning(asked: datetime, sent: str) -> None:
    assert clock(quiet.next_moment(NIGHT_LONG, None, asked)) == sent


@pytest.mark.parametrize(
    ("utc", "rings"),
    [
        ("00:29", False),
        ("00:30", False),
        ("01:00", False),
        ("01:29", False),
        ("01:30", True),
        ("02:00", False),
    ],
)
def test_a_time_that_comes_twice_counts_for_silence_both_times(utc: str, rings: bool) -> None:
    """Loud from 2:30 to 3:00: the clock says 2:00 again at 1:00 UTC, and some have not put theirs back."""
    hours = ruled(quiet_from=time(3), quiet_until=time(2, 30), rests_on_sundays=False)
    assert quiet.may_ring(hours, None, datetime.fromisoformat(f"2027-10-31T{utc}Z")) is rings


minutes = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))
two_times = st.tuples(minutes, minutes).filter(lambda pair: pair[0] != pair[1])
# A week around each clock change, an ordinary one, and Christmas.
moments = st.builds(
    lambda day, minute: datetime.combine(day, time(), tzinfo=UTC) + timedelta(minutes=minute),
    st.sampled_from([date(2026, 10, 20), date(2027, 3, 23), date(2027, 6, 1), date(2026, 12, 21)]),
    st.integers(0, 10 * 24 * 60),
)
NIGHT_OF_OCTOBER = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 2:15 for the second time
NIGHT_OF_MARCH = datetime(2027, 3, 28, 1, 15, tzinfo=UTC)  # 3:15, a quarter past the hour that is none


@given(two_times, st.none() | two_times, moments, st.booleans())
@example((time(20), time(8)), None, NIGHT_OF_OCTOBER, False)
@example((time(1), time(2, 30)), None, NIGHT_OF_OCTOBER, False)
@example((time(1), time(2, 30)), None, NIGHT_OF_MARCH, False)
@example((time(3), time(2, 30)), (time(2, 40), time(2, 50)), NIGHT_OF_MARCH, False)
def test_moved_moments_may_ring_and_move_one_way(
    quiet_hours: tuple[time, time], window: tuple[time, time] | None, moment: datetime, rests: bool
) -> None:
    hours = ruled(
        quiet_from=quiet_hours[0], quiet_until=quiet_hours[1], rests_on_sundays=rests, rests_on_holidays=rests
    )
    client = Client(text_from=min(window), text_until=max(window)) if window else None

    earlier = quiet.latest_before(hours, client, moment)
    later = quiet.next_moment(hours, client, moment)

    assert earlier <= moment <= later
    assert quiet.may_ring(hours, client, earlier)
    assert quiet.may_ring(hours, client, later)
    if quiet.may_ring(hours, client, moment):
        assert earlier == moment == later
    else:
        # Nothing between would have done for what is told at once.
        assert not quiet.may_ring(hours, client, moment + (later - moment) / 2)
    # Three days of rest and a night are the longest wait; a vanished hour may cost one more.
    assert later - moment < timedelta(days=6)
    assert moment - earlier < timedelta(days=6)


@pytest.mark.django_db
def test_a_district_without_choices_has_the_defaults(django_assert_num_queries: object) -> None:
    district = DistrictFactory()

    unsaved = rules.of(district)

    assert unsaved._state.adding
    assert (unsaved.quiet_from, unsaved.quiet_until) == (time(20), time(8))
    assert unsaved.district == district
    MessageRules.objects.create(district=district, quiet_from=time(19))
    with django_assert_num_queries(1):  # type: ignore[operator]
        read = District.objects.select_related("message_rules").get(pk=district.pk)
        assert rules.of(read).quiet_from == time(19)
        assert rules.of(read).district is read


@pytest.mark.django_db
def test_no_choices_are_known_without_a_query_of_their_own(django_assert_num_queries: object) -> None:
    DistrictFactory()
    read = District.objects.select_related("message_rules").get()

    with django_assert_num_queries(0):  # type: ignore[operator]
        assert rules.of(read).rests_on_sundays
