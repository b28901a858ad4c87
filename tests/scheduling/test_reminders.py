"""What a booking owes its client, and when: right on the wall clock, never at night."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clients import registry
from clients.models import Client
from notifications.models import Message
from scheduling import booking as rules
from scheduling import catching_up, reminders, replies, seats
from scheduling.models import Booking, ReminderRule, Session, Slot
from tests.factories import BookingFactory, ClientFactory, ConsentFactory, RoomFactory

BERLIN = ZoneInfo("Europe/Berlin")


def booking_at(start: datetime, *, interpreter: bool = False) -> Booking:
    """A booked seat that is not saved."""
    room = RoomFactory.build()
    slot = Slot(district=room.district, with_interpreter=interpreter, session=Session(room=room))
    slot.reminder_rules = []
    return Booking(slot=slot, status=Booking.Status.BOOKED, start_at=start)


def planned(start: datetime, *, now: datetime, interpreter: bool = False) -> dict[str, str]:
    """Name of each message and its due time on the wall clock."""
    drafts = reminders.drafts(booking_at(start, interpreter=interpreter), now)
    return {
        draft.key.split(":", 2)[2]: f"{draft.send_at.astimezone(BERLIN):%d.%m. %H:%M}" for draft in drafts
    }


NOW = datetime(2026, 11, 2, 10, 0, tzinfo=BERLIN)
START = datetime(2026, 12, 8, 14, 0, tzinfo=BERLIN)


def test_one_message_now_and_two_reminders() -> None:
    assert planned(START, now=NOW) == {
        "booked": "02.11. 10:00",
        "reminder:5d": "03.12. 14:00",
        "reminder:last": "07.12. 17:00",
    }


def test_with_an_interpreter_the_early_one_goes_out_nine_days_before() -> None:
    assert planned(START, now=NOW, interpreter=True)["reminder:9d"] == "28.11. 14:00"


def test_what_is_past_is_left_out() -> None:
    assert list(planned(START, now=START - timedelta(days=4))) == ["booked", "reminder:last"]
    assert list(planned(START, now=START - timedelta(hours=20))) == ["booked"]


@pytest.mark.parametrize(
    ("start", "early"),
    [(time(7, 30), "02.12. 19:00"), (time(8, 0), "03.12. 08:00"), (time(20, 30), "03.12. 19:00")],
)
def test_an_early_reminder_that_would_ring_at_night_goes_out_before(start: time, early: str) -> None:
    assert planned(datetime.combine(START, start, tzinfo=BERLIN), now=NOW)["reminder:5d"] == early


@pytest.mark.promise(16)
@pytest.mark.parametrize(
    ("start", "due"),
    [
        # 28 March and 31 October 2027 have 23 and 25 hours; the wall clock decides. Both are Sundays.
        (datetime(2027, 3, 28, 14, 0, tzinfo=BERLIN), ["23.03. 14:00", "27.03. 17:00"]),
        (datetime(2027, 3, 29, 9, 0, tzinfo=BERLIN), ["24.03. 09:00", "27.03. 17:00"]),
        (datetime(2027, 10, 31, 14, 0, tzinfo=BERLIN), ["26.10. 14:00", "30.10. 17:00"]),
        (datetime(2027, 11, 1, 9, 0, tzinfo=BERLIN), ["27.10. 09:00", "30.10. 17:00"]),
    ],
)
def test_reminders_keep_the_wall_clock_across_both_clock_changes(start: datetime, due: list[str]) -> None:
    messages = planned(start, now=datetime(2027, 3, 1, tzinfo=UTC))

    assert list(messages.values())[1:] == due


@given(
    day=st.dates(date(2026, 1, 1), date(2030, 12, 31)),
    start=st.times(),
    interpreter=st.booleans(),
    before=st.timedeltas(timedelta(minutes=1), timedelta(days=400)),
)
@pytest.mark.promise(17)
def test_no_reminder_rings_at_night_or_after_the_appointment(
    day: date, start: time, interpreter: bool, before: timedelta
) -> None:
    start_at = datetime.combine(day, start, tzinfo=BERLIN).astimezone(UTC)
    now = start_at - before

    for draft in reminders.drafts(booking_at(start_at, interpreter=interpreter), now)[1:]:
        assert time(8) <= draft.send_at.astimezone(BERLIN).time() < time(20)
        assert now < draft.send_at < draft.expires_at <= start_at


def test_a_message_dies_when_the_next_says_the_same_or_the_appointment_begins() -> None:
    booked, early, last = reminders.drafts(booking_at(START), NOW)

    assert booked.expires_at == early.send_at
    assert early.expires_at == early.send_at + timedelta(days=1)
    assert last.expires_at == START


@pytest.mark.django_db
def test_planning_queues_them_with_neutral_facts() -> None:
    client = ConsentFactory().client
    booking = BookingFactory(client=client)

    queued = reminders.plan(booking)

    assert queued == [
        f"booking:{booking.uuid}:booked",
        f"booking:{booking.uuid}:reminder:5d",
        f"booking:{booking.uuid}:reminder:last",
    ]
    assert Message.objects.get(key=queued[0]).context == {
        "start_at": booking.start_at.isoformat(),
        "zone": "Europe/Berlin",
        "place": "Hauptstr. 1, Zimmer 3",
        "route": "scheduling:client_page",
        "about": str(booking.uuid),
    }


@pytest.mark.django_db
def test_planning_twice_changes_nothing() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)

    assert reminders.plan(booking) == []
    assert Message.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("status", [Booking.Status.TENTATIVE, Booking.Status.CANCELLED])
def test_what_is_not_booked_owes_nothing(status: str) -> None:
    assert reminders.plan(booking_of(status)) == []
    assert not Message.objects.exists()


def booking_of(status: str) -> Booking:
    booking: Booking = BookingFactory(client=ConsentFactory().client)
    booking.status = status
    return booking


@pytest.mark.django_db
def test_nobody_is_written_to_about_a_booking_without_a_client() -> None:
    assert reminders.plan(BookingFactory(client=None)) == []


@pytest.mark.django_db
def test_withdrawing_concerns_this_booking_only() -> None:
    client = ConsentFactory().client
    first, second = BookingFactory(client=client), BookingFactory(client=client, slot__block=1)
    reminders.plan(first)
    reminders.plan(second)

    assert reminders.withdraw(first) == 3
    assert Message.objects.filter(status=Message.Status.QUEUED).count() == 3


@pytest.mark.django_db
def test_planning_costs_one_query(django_assert_num_queries: pytest.FixtureRequest) -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    ReminderRule.objects.create(kind=booking.slot.kind, days_before=2)
    with transaction.atomic():
        booking.slot = seats.lock(booking.slot_id).slot

    with time_machine.travel(NOW), django_assert_num_queries(1):  # type: ignore[operator]
        assert len(reminders.plan(booking)) == 2


# --- Catching up -------------------------------------------------------------------------------
@pytest.fixture
def unplanned():
    """A booking in a week whose client had not agreed to SMS when it was made."""
    booking = BookingFactory(client=ClientFactory())
    assert reminders.plan(booking) == []
    return booking


@pytest.mark.django_db
def test_consent_given_later_brings_the_messages(unplanned) -> None:
    assert catching_up.catch_up() == 0

    ConsentFactory(client=unplanned.client)

    assert catching_up.catch_up() == 3
    assert catching_up.catch_up() == 0
    assert Message.objects.filter(key__startswith=reminders.key_prefix(unplanned)).count() == 3


@pytest.mark.django_db
def test_a_corrected_number_brings_them_back() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)
    replies.wrong_number(booking)
    assert catching_up.catch_up() == 0

    registry.change(
        booking.client, {"mobile": "+4915112345999", "mobile_confirmed": True}, by=booking.client.owner
    )

    assert catching_up.catch_up() == 3
    assert set(Message.objects.values_list("status", flat=True)) == {Message.Status.QUEUED}


@pytest.mark.django_db
def test_what_a_bad_number_refused_goes_to_the_corrected_one() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)
    Message.objects.update(status=Message.Status.FAILED, error_code="30005", settled_at=timezone.now())
    Message.objects.filter(key__endswith="5d").update(error_code="30007")

    assert catching_up.catch_up() == 2
    early = Message.objects.get(key__endswith="5d")
    assert early.status == Message.Status.FAILED


@pytest.mark.django_db
def test_what_was_sent_is_not_sent_again_by_catching_up() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)
    Message.objects.filter(key__endswith="booked").update(status=Message.Status.SENT)
    replies.no_more_sms(booking)
    Client.objects.update(opted_out_at=None)

    assert catching_up.catch_up() == 2
    assert Message.objects.get(key__endswith="booked").status == Message.Status.SENT


@pytest.mark.promise(6)
@pytest.mark.django_db
def test_nothing_comes_back_for_a_cancelled_appointment() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)
    rules.cancel(booking, reason="caseworker", by=booking.holder)

    assert catching_up.catch_up() == 0
    assert said(booking) == [("cancelled", "1:cancelled")]


@pytest.mark.django_db
@pytest.mark.parametrize("many", [1, 3])
def test_catching_up_looks_once_when_nothing_is_missing(django_assert_num_queries, many: int) -> None:
    for _ in range(many):
        reminders.plan(BookingFactory(client=ConsentFactory().client))

    with django_assert_num_queries(1):
        catching_up.catch_up()


# --- The plan of a kind --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("interpreter", "names"),
    [
        (False, {"booked", "reminder:14d", "reminder:last"}),
        (True, {"booked", "reminder:14d", "reminder:10d", "reminder:last"}),
    ],
)
def test_a_kind_has_a_plan_of_its_own(interpreter: bool, names: set[str]) -> None:
    booking = booking_at(START, interpreter=interpreter)
    booking.slot.reminder_rules = [
        ReminderRule(days_before=2, at=time(9)),
        ReminderRule(days_before=10, with_interpreter=True),
        ReminderRule(days_before=14),
    ]

    found = {draft.key.split(":", 2)[2]: draft.send_at for draft in reminders.drafts(booking, NOW)}

    assert found.keys() == names
    # Two days before is a Sunday: it goes out the day before that.
    assert found["reminder:last"] == datetime(2026, 12, 5, 9, tzinfo=BERLIN)


def test_what_is_meant_for_slots_like_this_one_wins() -> None:
    booking = booking_at(START, interpreter=True)
    booking.slot.reminder_rules = [
        ReminderRule(days_before=1, at=time(12), with_interpreter=True),
        ReminderRule(days_before=1, at=time(9)),
    ]

    [last] = reminders.drafts(booking, NOW)[1:]

    assert last.send_at == datetime(2026, 12, 7, 12, tzinfo=BERLIN)


def test_a_reminder_keeps_to_the_clients_window() -> None:
    booking = booking_at(START)
    booking.client = Client(text_from=time(10), text_until=time(11, 30))

    _booked, early, last = reminders.drafts(booking, NOW)

    assert early.send_at == datetime(2026, 12, 3, 10, 30, tzinfo=BERLIN)
    assert last.send_at == datetime(2026, 12, 7, 10, 30, tzinfo=BERLIN)


def test_a_reminder_on_a_holiday_moves_before_it() -> None:
    after_christmas = datetime(2026, 12, 28, 14, 0, tzinfo=BERLIN)

    assert planned(after_christmas, now=NOW)["reminder:last"] == "24.12. 17:00"


# --- Told at once --------------------------------------------------------------------------------
def said(booking: Booking) -> list[tuple[str, str]]:
    """Kind and end of key of what is waiting, in order."""
    waiting = Message.objects.filter(key__startswith=reminders.key_prefix(booking), status="queued")
    return [(message.kind, message.key.split(":", 2)[2]) for message in waiting.order_by("send_at", "id")]


@pytest.mark.promise(6)
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reason", "kind"), [("caseworker", "cancelled"), ("illness", "cancelled"), ("session", "dropped")]
)
def test_a_cancelled_appointment_is_told_at_once_and_nothing_else(reason: str, kind: str) -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)

    rules.cancel(booking, reason=reason, by=booking.holder)

    assert said(booking) == [(kind, f"1:{kind}")]
    told = Message.objects.get(kind=kind)
    assert (told.context["start_at"], told.expires_at) == (booking.start_at.isoformat(), booking.start_at)
    assert told.send_at <= timezone.now()


@pytest.mark.django_db
def test_who_cancelled_on_their_own_page_knows() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)

    rules.cancel(booking, reason="client", by=None)

    assert said(booking) == []


@pytest.mark.django_db
def test_what_has_begun_is_not_told() -> None:
    booking = BookingFactory(client=ConsentFactory().client)

    with time_machine.travel(booking.start_at):
        booking.cancelled_by = booking.holder
        assert reminders.tell_cancelled(booking, timezone.now()) == []


@pytest.mark.django_db
def test_a_client_is_asked_to_call_once() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    now = timezone.now()

    assert reminders.ask_to_call(booking, now) == [f"booking:{booking.uuid}:please_call"]
    assert reminders.ask_to_call(booking, now) == []
    assert reminders.ask_to_call(booking_of(Booking.Status.CANCELLED), now) == []
