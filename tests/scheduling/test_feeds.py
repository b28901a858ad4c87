"""Calendar feeds: whose appointments, how they read, when they answer anew, and what it costs."""

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.db import close_old_connections, connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, District, User
from clients import registry
from scheduling import booking as bookings
from scheduling import feeds, ical, kinds, resources, sessions
from scheduling.models import Booking, CalendarFeed, FeedVersion, RenderedEvent, SlotFormat
from tests import factories
from tests.scheduling import planned

ZONE = ZoneInfo("Europe/Berlin")


@pytest.fixture(autouse=True)
def _nothing_joined() -> None:
    feeds.forget_joined()


def token_of(user: User) -> str:
    """A new feed's secret."""
    return feeds.create(by=user).rsplit("/", 1)[1].removesuffix(".ics")


def asked(token: str) -> feeds.Subscriber:
    """The subscriber, who is there."""
    found = feeds.subscriber(token)
    assert found is not None
    return found


def events(token: str) -> list[Any]:
    """The feed's events as a reader sees them."""
    return list(icalendar.Calendar.from_ical(feeds.text(asked(token))).walk("VEVENT"))


def uids(token: str) -> set[str]:
    return {str(event["uid"]).split("@")[0] for event in events(token)}


@pytest.fixture
def booking(db: None) -> Booking:
    client = factories.ClientFactory(deputy=factories.UserFactory())
    made: Booking = factories.BookingFactory(client=client, holder=client.owner)
    return made


# --- The address -----------------------------------------------------------------------------------
@pytest.mark.promise(15)
def test_the_address_is_long_and_only_its_digest_is_stored(db: None) -> None:
    anna = factories.UserFactory()
    tokens = {token_of(anna) for _ in range(5)}
    assert len(tokens) == 5
    assert {len(token) for token in tokens} == {22}  # 128 bits in base64
    stored = str(list(CalendarFeed.objects.values())) + str(list(AuditEvent.objects.values()))
    assert not any(token in stored for token in tokens)


@pytest.mark.promise(15)
def test_a_new_address_ends_the_one_before(db: None) -> None:
    anna = factories.UserFactory()
    first, second = token_of(anna), token_of(anna)
    assert feeds.subscriber(first) is None
    assert feeds.subscriber(second) is not None
    assert CalendarFeed.objects.filter(user=anna).living().count() == 1


@pytest.mark.promise(15)
def test_a_revoked_address_opens_nothing(db: None) -> None:
    anna = factories.UserFactory()
    token = token_of(anna)
    feeds.revoke(by=anna)
    assert feeds.subscriber(token) is None
    feeds.revoke(by=anna)
    assert list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True)) == [
        "feed_created",
        "feed_revoked",
    ]


def test_whoever_left_has_no_feed(db: None) -> None:
    anna = factories.UserFactory()
    token = token_of(anna)
    User.objects.filter(pk=anna.pk).update(is_active=False)
    assert feeds.subscriber(token) is None


@pytest.mark.django_db(transaction=True)
def test_two_addresses_asked_for_at_once_leave_one() -> None:
    anna = factories.UserFactory()
    start, errors = threading.Barrier(4), []

    def make() -> None:
        close_old_connections()
        try:
            start.wait(timeout=10)
            feeds.create(by=User.objects.get(pk=anna.pk))
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert CalendarFeed.objects.filter(user=anna).living().count() == 1


# --- What is in it -----------------------------------------------------------------------------------
def test_owner_and_deputy_see_the_appointment_and_nobody_else(booking: Booking) -> None:
    assert booking.client is not None
    assert booking.client.deputy is not None
    for user in (booking.client.owner, booking.client.deputy):
        assert uids(token_of(user)) == {str(booking.uuid)}
    # Who booked it and handed the case over since.
    former = factories.UserFactory()
    Booking.objects.filter(pk=booking.pk).update(holder=former)
    for stranger in (former, factories.UserFactory(), factories.UserFactory(organisation__name="Caritas")):
        assert uids(token_of(stranger)) == set()


def test_without_a_client_whoever_holds_the_appointment_sees_it(booking: Booking) -> None:
    Booking.objects.filter(pk=booking.pk).update(client=None)
    assert uids(token_of(booking.holder)) == {str(booking.uuid)}


def test_whoever_holds_the_session_sees_it_as_one_event(booking: Booking) -> None:
    session = booking.slot.session
    assert session.specialist is not None
    assert session.specialist.user is not None
    (event,) = events(token_of(session.specialist.user))
    assert (event.start, event.end) == (session.start_at, session.end_at)
    assert event["summary"] == "Termin"
    assert event["location"] == "Hauptstr. 1, Zimmer 3"


def test_a_hold_is_no_appointment(booking: Booking) -> None:
    token = token_of(booking.holder)
    later = timezone.now() + timedelta(minutes=5)
    Booking.objects.filter(pk=booking.pk).update(status="tentative", held_until=later)
    assert uids(token) == set()


def test_a_seat_in_a_course_does_not_fill_the_term(booking: Booking) -> None:
    assert booking.slot.session.specialist is not None
    assert booking.slot.session.specialist.user is not None
    booking.slot.format = SlotFormat.COURSE
    booking.slot.save()
    assert uids(token_of(booking.holder)) == set()
    assert uids(token_of(booking.slot.session.specialist.user)) == set()


def test_what_is_long_past_or_long_cancelled_is_left_out(booking: Booking) -> None:
    token = token_of(booking.holder)
    now = timezone.now()
    for days, expected in ((89, 1), (91, 0)):
        then = now - timedelta(days=days)
        Booking.objects.filter(pk=booking.pk).update(start_at=then - timedelta(hours=1), end_at=then)
        feeds.forget_joined()
        assert len(events(token)) == expected
    ahead = now + timedelta(days=3)
    for days, expected in ((29, 1), (31, 0)):
        Booking.objects.filter(pk=booking.pk).update(
            start_at=ahead,
            end_at=ahead + timedelta(hours=1),
            status="cancelled",
            cancelled_at=now - timedelta(days=days),
        )
        feeds.forget_joined()
        assert len(events(token)) == expected


# --- How it reads --------------------------------------------------------------------------------------
@pytest.mark.promise(14)
def test_it_tells_no_name_and_no_reason(booking: Booking) -> None:
    kind, client = booking.slot.kind, booking.client
    assert client is not None
    kind.name = "Suchtkanarie"
    kind.save()
    client.given_name, client.family_name, client.case_number = "Kanarienvogel", "Goldkanarie", "K-4711"
    client.save()
    Booking.objects.filter(pk=booking.pk).update(place="Kanariengasse 9", guest="Gastkanarie")
    booking.holder.name = "Frau Kanarienfink"
    booking.holder.save()
    text = feeds.text(asked(token_of(booking.holder))).decode()
    for word in ("kanari", "4711", "Sprechstunde", "AWO", "Musterkreis"):
        assert word.casefold() not in text.casefold()
    (kept,) = RenderedEvent.objects.values_list("text", flat=True)
    assert "kanari" not in kept.casefold()


def entry(**changes: Any) -> ical.Entry:
    fields: dict[str, Any] = {
        "uuid": UUID(int=4711),
        "sequence": 0,
        "is_cancelled": False,
        "title": "Termin",
        "address": "Hauptstr. 1",
        "start_at": datetime(2027, 3, 27, 13, tzinfo=UTC),
        "end_at": datetime(2027, 3, 27, 14, tzinfo=UTC),
        "stamped_at": datetime(2026, 12, 1, tzinfo=UTC),
    }
    return ical.Entry(**{**fields, **changes})


_WORDS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]) | st.just("\n"), max_size=200)


@pytest.mark.promise(16)
@given(
    title=_WORDS,
    address=_WORDS,
    start=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(1, 600),
)
def test_an_event_reads_as_the_library_would_have_written_it(
    title: str, address: str, start: datetime, minutes: int
) -> None:
    start = start.replace(microsecond=0)
    written = entry(title=title, address=address, start_at=start, end_at=start + timedelta(minutes=minutes))
    text = ical.event_text(written, ZONE)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    calendar = icalendar.Calendar.from_ical(ical.feed(ZONE, start, [text]))
    event: Any
    (event,) = calendar.walk("VEVENT")
    assert (event.start.astimezone(UTC), event.end.astimezone(UTC)) == (written.start_at, written.end_at)
    assert event["summary"] == title
    assert event.get("location", "") == address


def test_a_feed_says_the_same_as_the_single_file(booking: Booking) -> None:
    for number in (0, 3):
        Booking.objects.filter(pk=booking.pk).update(ical_sequence=number)
        booking.refresh_from_db()
        feeds.forget_joined()
        (single,) = icalendar.Calendar.from_ical(ical.booking_ics(booking)).walk("VEVENT")
        (fed,) = events(token_of(booking.holder))
        for each in (single, fed):
            each.pop("dtstamp")
        assert fed.to_ical() == single.to_ical()


def test_its_zone_has_yearly_rules(booking: Booking) -> None:
    text = feeds.text(asked(token_of(booking.holder))).decode()
    zone = text[text.index("BEGIN:VTIMEZONE") : text.index("END:VTIMEZONE")]
    assert zone.count("RRULE:FREQ=YEARLY") == 2
    assert "RDATE" not in text
    assert text.count("BEGIN:VTIMEZONE") == 1
    assert text.endswith("END:VCALENDAR\r\n")


def test_no_time_names_a_zone_that_the_calendar_does_not_describe(booking: Booking) -> None:
    """Büsingen keeps Zurich's time; what was kept before the district's zone was another is written anew."""
    token = token_of(booking.holder)
    before = feeds.text(asked(token)).decode()
    District.objects.update(zone="Europe/Busingen")
    text = feeds.text(asked(token)).decode()
    assert text == before.replace("Europe/Berlin", "Europe/Busingen").replace(
        *(re.findall("DTSTAMP:.*", each)[0] for each in (before, text))
    )
    feeds.forget_joined()
    assert feeds.text(asked(token)).decode() == text


@pytest.mark.django_db
def test_a_sessions_sequence_is_a_number_that_every_calendar_can_read() -> None:
    """It rises with the seconds; in 2040, too, it keeps to 32 bits."""
    resource = planned.specialist()
    session = factories.SessionFactory(specialist=resource, start_at=datetime(2040, 3, 6, 13, tzinfo=UTC))
    factories.SlotFactory(session=session)
    token = token_of(resource.user)
    found = []
    for moved_at in (datetime(2040, 1, 1, tzinfo=UTC), datetime(2040, 1, 1, 0, 0, 1, tzinfo=UTC)):
        type(session).objects.update(moved_at=moved_at)
        feeds.forget_joined()
        found.append(events(token)[0]["sequence"])
    assert found[0] < found[1] < 2**31


# --- When it answers anew --------------------------------------------------------------------------------
def test_booking_and_cancelling_change_the_mark_of_those_concerned_only(db: None) -> None:
    client = factories.ClientFactory()
    slot = factories.SlotFactory()
    anna, berta = token_of(client.owner), token_of(factories.UserFactory())
    marks = [(asked(anna).etag, asked(berta).etag)]
    made = bookings.book(slot, client=client, by=client.owner)
    marks.append((asked(anna).etag, asked(berta).etag))
    bookings.cancel(made, reason="client", by=client.owner)
    marks.append((asked(anna).etag, asked(berta).etag))
    assert len({mine for mine, _ in marks}) == 3
    assert len({hers for _, hers in marks}) == 1
    (event,) = events(anna)
    assert (event["status"], event["sequence"]) == ("CANCELLED", 1)


def test_a_hold_changes_no_mark(db: None) -> None:
    anna = factories.UserFactory()
    token = token_of(anna)
    before = asked(token).etag
    bookings.hold(factories.SlotFactory(), by=anna)
    assert asked(token).etag == before


def test_a_case_handed_over_changes_both_feeds(booking: Booking) -> None:
    assert booking.client is not None
    anna, berta = booking.client.owner, factories.UserFactory()
    Booking.objects.filter(pk=booking.pk).update(holder=factories.UserFactory())
    of_anna, of_berta = token_of(anna), token_of(berta)
    marks = asked(of_anna).etag, asked(of_berta).etag
    registry.assign(booking.client, owner=berta, deputy=None, by=factories.UserFactory(roles=["team_lead"]))
    assert asked(of_anna).etag != marks[0]
    assert asked(of_berta).etag != marks[1]
    assert (uids(of_anna), uids(of_berta)) == (set(), {str(booking.uuid)})


@pytest.mark.django_db
def test_sessions_planned_and_cancelled_change_the_feed_of_whoever_holds_them() -> None:
    resource = planned.specialist()
    token = token_of(resource.user)
    before = asked(token).etag
    series = planned.plan(specialist=resource)
    after = asked(token).etag
    assert after != before
    first = series.sessions.first()
    assert first is not None
    sessions.cancel(first, reason="krank", by=planned.coordinator())
    assert asked(token).etag != after
    statuses = [str(event["status"]) for event in events(token)]
    assert statuses == ["CANCELLED", *["CONFIRMED"] * (series.sessions.count() - 1)]
    assert events(token)[0]["sequence"] > 0


def test_another_address_of_the_room_reaches_what_was_kept(booking: Booking) -> None:
    token = token_of(booking.holder)
    before = asked(token).etag
    assert events(token)[0]["location"] == "Hauptstr. 1, Zimmer 3"
    room, coordinator = booking.slot.session.room, factories.UserFactory(roles=["coordinator"])
    assert room is not None
    resources.save_room(room, name=room.name, address="Seestr. 4", way="", is_active=True, by=coordinator)
    assert asked(token).etag != before
    assert events(token)[0]["location"] == "Seestr. 4"


def test_a_new_day_is_a_new_mark(db: None) -> None:
    token = token_of(factories.UserFactory())
    assert asked(token).etag.endswith(f'{timezone.localdate():%Y-%m-%d}"')


def test_a_change_that_is_rolled_back_changes_no_mark(booking: Booking) -> None:
    from django.db import transaction

    token = token_of(booking.holder)
    before = asked(token).etag
    with transaction.atomic():
        bookings.cancel(booking, reason="client", by=booking.holder)
        assert asked(token).etag != before
        transaction.set_rollback(True)
    assert asked(token).etag == before


# --- What it costs -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [1, 3])
def test_it_is_written_once_joined_once_and_marked_without_an_appointment(
    db: None, number: int, django_assert_num_queries: Any
) -> None:
    holder = factories.UserFactory()
    for _ in range(number):
        factories.BookingFactory(holder=holder)
    token = token_of(holder)
    with django_assert_num_queries(1) as queries:
        subscriber = asked(token)
    assert "scheduling_booking" not in queries.captured_queries[0]["sql"]
    with django_assert_num_queries(4):  # what there is, what to write, keep it, sessions
        first = feeds.text(subscriber)
    with django_assert_num_queries(0):
        assert feeds.text(subscriber) == first
    feeds.forget_joined()
    with django_assert_num_queries(2):  # another process: what there is, sessions
        assert feeds.text(subscriber) == first
    assert RenderedEvent.objects.count() == number


def test_what_was_written_by_an_older_look_does_not_win(booking: Booking) -> None:
    token = token_of(booking.holder)
    events(token)
    RenderedEvent.objects.filter(booking=booking).update(sequence=5, text="newer")
    feeds.forget_joined()
    events(token)
    assert RenderedEvent.objects.get(booking=booking).sequence == 5


def test_whoever_has_no_feed_costs_no_row(db: None) -> None:
    client = factories.ClientFactory()
    bookings.book(factories.SlotFactory(), client=client, by=client.owner)
    assert not FeedVersion.objects.exists()
    assert not RenderedEvent.objects.exists()


def test_a_process_keeps_as_much_as_it_may() -> None:
    joined = feeds.Joined(most_bytes=10)
    joined.keep(1, "a", b"12345")
    joined.keep(2, "a", b"12345")
    assert joined.get(1, "a") == b"12345"
    joined.keep(3, "a", b"123")
    assert (joined.get(1, "a"), joined.get(2, "a"), joined.get(3, "a")) == (b"12345", None, b"123")
    joined.keep(3, "b", b"1234")
    assert (joined.get(3, "a"), joined.get(3, "b")) == (None, b"1234")
    joined.keep(4, "a", b"0" * 11)
    assert [joined.get(user, "a") for user in (1, 4)] == [None, None]


def test_another_neutral_title_reaches_what_was_kept(booking: Booking) -> None:
    token = token_of(booking.holder)
    assert events(token)[0]["summary"] == "Termin"
    kind = booking.slot.kind
    values = {name: getattr(kind, name) for name in ("name", "category", "minutes", "capacity")}
    kinds.save(kind, by=factories.UserFactory(roles=["coordinator"]), **values, public_title="Gespräch")
    assert events(token)[0]["summary"] == "Gespräch"
