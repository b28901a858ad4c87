"""Holding, booking, cancelling, marking: what the rules promise to one person at a time."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEvent
from accounts.rows import Write
from scheduling import booking as rules
from scheduling.models import Booking, Slot
from scheduling.problems import Refused
from tests import factories

pytestmark = pytest.mark.django_db


def in_database(minutes: float = 0) -> datetime:
    """The database's clock, some minutes on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now + timedelta(minutes=minutes)


def end_hold(hold: Booking) -> None:
    """Let the hold's time have passed, for the database."""
    Booking.objects.filter(pk=hold.pk).update(held_until=in_database(-0.01))


def begin(slot: Slot, *, days_ago: int = 0) -> None:
    """Let the slot and its bookings have begun a moment ago, on that day."""
    now = in_database().astimezone(slot.district.tz)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    start = max(now - timedelta(minutes=1), midnight) - timedelta(days=days_ago)
    end = start + timedelta(minutes=70)
    Slot.objects.filter(pk=slot.pk).update(start_at=start, end_at=end)
    Booking.objects.filter(slot=slot).update(start_at=start, end_at=end, during=(start, end))
    slot.refresh_from_db()


def verbs(thing: Any) -> list[str]:
    return list(AuditEvent.objects.about(thing).order_by("pk").values_list("verb", flat=True))


def refusal(call: Any, *args: Any, **kwargs: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        call(*args, **kwargs)
    return caught.value


# --- Holding -----------------------------------------------------------------------------------
def test_a_hold_takes_the_seat_for_five_minutes_by_the_databases_clock() -> None:
    slot, anna = factories.SlotFactory(), factories.UserFactory()
    before = in_database()

    hold = rules.hold(slot, by=anna)

    hold.refresh_from_db()
    assert (hold.status, hold.seat, hold.holder, hold.client) == ("tentative", 1, anna, None)
    assert hold.held_until is not None
    assert before + timedelta(minutes=5) <= hold.held_until <= in_database(5)
    assert verbs(hold) == ["held"]
    slot.refresh_from_db()
    assert slot.version == 2
    assert before <= slot.changed_at <= in_database()


def test_holding_twice_is_one_hold() -> None:
    slot, anna = factories.SlotFactory(), factories.UserFactory()

    assert rules.hold(slot, by=anna) == rules.hold(slot, by=anna)

    assert Booking.objects.count() == 1
    slot.refresh_from_db()
    assert slot.version == 2


def test_a_third_hold_is_refused_until_one_is_given_back() -> None:
    first = factories.SlotFactory()
    slots = [first, *(factories.SlotFactory(session=first.session, block=n) for n in (1, 2))]
    anna = factories.UserFactory()
    holds = [rules.hold(slot, by=anna) for slot in slots[:2]]

    assert refusal(rules.hold, slots[2], by=anna).codes == ["too_many_holds"]
    rules.let_go(holds[0], by=anna)
    assert rules.hold(slots[2], by=anna).slot_id == slots[2].pk


def test_a_dead_hold_does_not_count_against_the_person() -> None:
    first = factories.SlotFactory()
    slots = [first, *(factories.SlotFactory(session=first.session, block=n) for n in (1, 2))]
    anna = factories.UserFactory()
    for slot in slots[:2]:
        end_hold(rules.hold(slot, by=anna))

    assert rules.hold(slots[2], by=anna).status == "tentative"


def test_somebody_elses_hold_is_refused_with_its_end_and_without_a_name() -> None:
    slot = factories.SlotFactory()
    later = factories.SlotFactory(session=slot.session, block=1)
    anna, ben = factories.UserFactory(name="Anna Geheim"), factories.UserFactory()
    hold = rules.hold(slot, by=anna)

    refused = refusal(rules.hold, slot, by=ben)

    assert refused.codes == ["held"]
    assert hold.held_until is not None
    assert timezone.localtime(hold.held_until).strftime("%H:%M") in str(refused.problems[0].text)
    assert "Anna" not in str(refused.problems[0])
    assert refused.next_free == later


def test_a_dead_hold_is_no_obstacle_and_is_gone_afterwards() -> None:
    slot = factories.SlotFactory()
    old = rules.hold(slot, by=factories.UserFactory())
    end_hold(old)
    ben = factories.UserFactory()

    hold = rules.hold(slot, by=ben)

    assert list(Booking.objects.all()) == [hold]
    assert (hold.seat, hold.holder) == (1, ben)


def test_a_hold_is_extended_three_times_by_five_minutes_from_now() -> None:
    slot, anna = factories.SlotFactory(), factories.UserFactory()
    hold = rules.hold(slot, by=anna)

    for number in (1, 2, 3):
        before = in_database(5)
        extended = rules.extend_hold(hold, by=anna)
        assert extended.extensions == number
        assert extended.held_until is not None
        assert before <= extended.held_until <= in_database(5)

    assert refusal(rules.extend_hold, hold, by=anna).codes == ["no_more_extensions"]
    assert verbs(hold) == ["held", "hold_extended", "hold_extended", "hold_extended"]


def test_a_hold_that_ended_cannot_be_extended_and_says_who_has_the_place_now() -> None:
    slot, anna, ben = factories.SlotFactory(), factories.UserFactory(), factories.UserFactory()
    hold = rules.hold(slot, by=anna)
    end_hold(hold)
    assert refusal(rules.extend_hold, hold, by=anna).codes == ["hold_ended"]

    rules.hold(slot, by=ben)
    assert refusal(rules.extend_hold, hold, by=anna).codes == ["hold_ended", "held"]


def test_another_persons_hold_can_be_neither_extended_nor_let_go() -> None:
    slot, anna, ben = factories.SlotFactory(), factories.UserFactory(), factories.UserFactory()
    hold = rules.hold(slot, by=anna)

    refusal(rules.extend_hold, hold, by=ben)
    rules.let_go(hold, by=ben)

    hold.refresh_from_db()
    assert (hold.extensions, hold.holder) == (0, anna)


def test_letting_go_frees_the_seat_and_twice_is_no_problem() -> None:
    slot, anna = factories.SlotFactory(), factories.UserFactory()
    hold = rules.hold(slot, by=anna)
    reference = Booking(uuid=hold.uuid)

    rules.let_go(hold, by=anna)
    rules.let_go(Booking(pk=0, slot=slot), by=anna)

    assert not Booking.objects.exists()
    assert verbs(reference) == ["held", "let_go"]
    slot.refresh_from_db()
    assert slot.version == 3


def test_what_has_begun_or_does_not_take_place_cannot_be_held() -> None:
    closed = factories.SlotFactory(is_open=False)
    begun = factories.SlotFactory(session=closed.session, block=1)
    begin(begun)
    anna = factories.UserFactory()

    assert refusal(rules.hold, closed, by=anna).codes == ["closed"]
    assert refusal(rules.hold, begun, by=anna).codes == ["begun"]


# --- Booking -----------------------------------------------------------------------------------
def test_a_hold_becomes_the_booking() -> None:
    slot = factories.SlotFactory()
    client = factories.ClientFactory()
    hold = rules.hold(slot, by=client.owner)

    booking = rules.book(hold, client=client, by=client.owner)

    assert booking.pk == hold.pk
    booking.refresh_from_db()
    assert (booking.status, booking.client, booking.held_until) == ("booked", client, None)
    assert booking.booked_at is not None
    assert booking.during.lower == slot.start_at
    assert verbs(booking) == ["held", "booked"]
    slot.refresh_from_db()
    assert slot.version == 3


def test_booking_needs_no_hold() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()

    booking = rules.book(slot, client=client, by=client.owner)

    assert (booking.seat, booking.status) == (1, "booked")


def test_a_hold_that_just_ended_still_books_when_nobody_took_the_place() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()
    hold = rules.hold(slot, by=client.owner)
    end_hold(hold)

    booking = rules.book(hold, client=client, by=client.owner)

    assert booking.status == "booked"
    assert list(Booking.objects.all()) == [booking]


def test_a_lost_place_is_refused_with_the_next_free_one() -> None:
    slot = factories.SlotFactory()
    later = factories.SlotFactory(session=slot.session, block=1)
    winner, loser = factories.ClientFactory(), factories.ClientFactory()
    rules.book(slot, client=winner, by=winner.owner)

    refused = refusal(rules.book, slot, client=loser, by=loser.owner)

    assert refused.codes == ["taken"]
    assert refused.next_free == later
    assert Booking.objects.count() == 1


def test_one_client_is_in_one_place_at_a_time() -> None:
    slot = factories.SlotFactory()
    elsewhere = factories.SlotFactory(start_at=slot.start_at + timedelta(minutes=30))
    after = factories.SlotFactory(start_at=slot.end_at)
    client = factories.ClientFactory()
    rules.book(slot, client=client, by=client.owner)

    assert refusal(rules.book, elsewhere, client=client, by=client.owner).codes == ["client_elsewhere"]
    assert rules.book(after, client=client, by=client.owner).status == "booked"


def test_every_reason_is_named_at_once() -> None:
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    slot = factories.SlotFactory(kind=kind)
    other = factories.SlotFactory(start_at=slot.start_at)
    client = factories.ClientFactory()
    rules.book(other, client=client, by=client.owner)
    factories.BookingFactory(slot=slot, status="noshow", noshow_reason="forgot")
    Slot.objects.filter(pk=slot.pk).update(is_open=False)

    refused = refusal(rules.book, slot, client=client, by=client.owner)

    assert refused.codes == ["closed", "taken", "client_elsewhere", "needs_referral"]
    assert all(str(problem.way_out) for problem in refused.problems)


def test_a_kind_with_referral_is_booked_only_with_something_attached_in_the_same_transaction() -> None:
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    slot = factories.SlotFactory(kind=kind)
    client = factories.ClientFactory()
    attached: list[tuple[int, str]] = []

    assert refusal(rules.book, slot, client=client, by=client.owner).codes == ["needs_referral"]

    def attach(booking: Booking) -> list[Write]:
        assert connection.in_atomic_block
        attached.append((booking.pk, booking.status))
        referral = factories.ReferralFactory(client=client, submitted_at=timezone.now())
        referral.booking = booking
        referral.save()
        return [audit.record_write("referral_submitted", referral, by=client.owner)]

    booking = rules.book(slot, client=client, by=client.owner, attach=attach)
    assert attached == [(booking.pk, "booked")]
    assert AuditEvent.objects.filter(verb="referral_submitted").count() == 1


def test_what_fails_while_attaching_undoes_the_booking() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()

    def attach(booking: Booking) -> list[Write]:
        raise Refused([])

    refusal(rules.book, slot, client=client, by=client.owner, attach=attach)

    assert not Booking.objects.exists()
    slot.refresh_from_db()
    assert slot.version == 1


@pytest.mark.promise(3)
def test_the_same_form_submitted_again_answers_with_the_booking_it_made() -> None:
    slot, client, key = factories.SlotFactory(), factories.ClientFactory(), uuid.uuid4()

    first = rules.book(slot, client=client, by=client.owner, idempotency_key=key)
    again = rules.book(slot, client=client, by=client.owner, idempotency_key=key)

    assert again == first
    assert Booking.objects.count() == 1
    assert verbs(first) == ["booked"]

    rules.cancel(first, reason="client", by=client.owner)
    replayed = rules.book(slot, client=client, by=client.owner, idempotency_key=key)
    assert (replayed, replayed.status) == (first, "cancelled")


def test_two_people_may_use_the_same_key() -> None:
    slot = factories.SlotFactory(capacity=2)
    one, two, key = factories.ClientFactory(), factories.ClientFactory(), uuid.uuid4()

    first = rules.book(slot, client=one, by=one.owner, idempotency_key=key)
    second = rules.book(slot, client=two, by=two.owner, idempotency_key=key)

    assert (first.seat, second.seat) == (1, 2)


# --- Cancelling and answering ------------------------------------------------------------------
def test_cancelling_frees_the_seat_and_raises_the_calendars_sequence() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()
    booking = rules.book(slot, client=client, by=client.owner)

    cancelled = rules.cancel(booking, reason="illness", by=client.owner)

    assert (cancelled.status, cancelled.cancel_reason, cancelled.ical_sequence) == ("cancelled", "illness", 1)
    assert cancelled.cancelled_by == client.owner
    assert verbs(booking) == ["booked", "cancelled"]
    slot.refresh_from_db()
    assert slot.version == 3
    assert rules.book(slot, client=client, by=client.owner).seat == 1


def test_cancelling_twice_keeps_the_first_reason() -> None:
    booking = factories.BookingFactory()
    rules.cancel(booking, reason="illness", by=booking.holder)

    again = rules.cancel(booking, reason="other", by=booking.holder)

    assert (again.cancel_reason, again.ical_sequence) == ("illness", 1)
    assert verbs(booking) == ["cancelled"]


def test_after_the_start_only_a_cancelled_session_or_a_revoked_consent_cancels() -> None:
    booking = factories.BookingFactory()
    begin(booking.slot)

    assert refusal(rules.cancel, booking, reason="client", by=booking.holder).codes == ["too_late_to_cancel"]
    assert rules.cancel(booking, reason="consent_revoked", by=booking.holder).status == "cancelled"


@pytest.mark.parametrize("status", ["arrived", "fulfilled"])
def test_what_took_place_is_not_cancelled(status: str) -> None:
    booking = factories.BookingFactory(status=status)

    assert refusal(rules.cancel, booking, reason="client", by=booking.holder).codes == ["not_booked"]


def test_the_clients_answer_is_kept_and_frees_nothing() -> None:
    booking = factories.BookingFactory()

    said = rules.answer(booking, "not_coming")

    assert (said.status, said.answer) == ("booked", "not_coming")
    assert said.answered_at is not None
    assert rules.answer(booking, "coming").answer == "coming"
    assert rules.answer(booking, "coming").answer == "coming"
    assert verbs(booking) == ["answered", "answered"]
    assert AuditEvent.objects.about(booking).filter(channel="link", actor=None).count() == 2


def test_after_the_start_or_a_cancellation_there_is_nothing_to_answer() -> None:
    booking = factories.BookingFactory()
    begin(booking.slot)
    assert refusal(rules.answer, booking, "coming").codes == ["begun"]
    rules.cancel(booking, reason="session", by=None)
    assert refusal(rules.answer, booking, "coming").codes == ["not_booked"]


# --- What became of it -------------------------------------------------------------------------
def test_arrived_then_fulfilled() -> None:
    booking = factories.BookingFactory()
    begin(booking.slot)

    rules.mark_arrived(booking, by=booking.holder)
    done = rules.mark_fulfilled(booking, by=booking.holder)

    assert done.status == "fulfilled"
    assert verbs(booking) == ["arrived", "fulfilled"]


def test_a_missed_appointment_has_its_reason_and_keeps_its_seat() -> None:
    booking = factories.BookingFactory()
    begin(booking.slot)

    missed = rules.mark_noshow(booking, reason="transport", by=booking.holder)

    assert (missed.status, missed.noshow_reason) == ("noshow", "transport")
    assert Booking.objects.living().filter(slot=booking.slot).exists()


def test_a_wrong_tap_is_undone_on_the_same_day() -> None:
    booking = factories.BookingFactory()
    begin(booking.slot)
    rules.mark_noshow(booking, reason="forgot", by=booking.holder)

    undone = rules.undo_mark(booking, by=booking.holder)

    assert (undone.status, undone.noshow_reason) == ("booked", "")
    assert verbs(booking) == ["noshow", "mark_undone"]


def test_another_day_nothing_is_undone() -> None:
    booking = factories.BookingFactory(status="fulfilled")
    begin(booking.slot, days_ago=2)

    assert refusal(rules.undo_mark, booking, by=booking.holder).codes == ["too_late_to_undo"]


def test_undoing_is_refused_when_the_client_is_elsewhere_by_now() -> None:
    client = factories.ClientFactory()
    missed = factories.BookingFactory(client=client)
    begin(missed.slot)
    missed.refresh_from_db()
    rules.mark_noshow(missed, reason="wrong_info", by=client.owner)
    other = factories.SlotFactory(start_at=missed.start_at + timedelta(minutes=10))
    factories.BookingFactory(slot=other, client=client)

    assert refusal(rules.undo_mark, missed, by=client.owner).codes == ["client_elsewhere"]
    missed.refresh_from_db()
    assert missed.status == "noshow"


def test_nothing_is_marked_before_its_day_and_no_absence_before_the_start() -> None:
    booking = factories.BookingFactory()

    assert refusal(rules.mark_arrived, booking, by=booking.holder).codes == ["too_early"]
    assert refusal(rules.mark_fulfilled, booking, by=booking.holder).codes == ["too_early"]
    assert refusal(rules.mark_noshow, booking, reason="forgot", by=booking.holder).codes == ["too_early"]


@pytest.mark.parametrize("status", ["cancelled", "tentative"])
def test_only_what_was_booked_can_be_marked(status: str) -> None:
    extra = {"cancelled_at": timezone.now()} if status == "cancelled" else {"held_until": timezone.now()}
    booking = factories.BookingFactory(status=status, **extra)
    begin(booking.slot)

    assert refusal(rules.mark_arrived, booking, by=booking.holder).codes == ["not_booked"]
    assert refusal(rules.mark_fulfilled, booking, by=booking.holder).codes == ["not_booked"]


# --- The clock ---------------------------------------------------------------------------------
@pytest.mark.promise(18)
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_web_process_with_a_wrong_clock_holds_and_books_by_the_databases(minutes: int) -> None:
    soon = factories.SlotFactory(start_at=in_database(5), end_at=in_database(75))
    past = factories.SlotFactory(start_at=in_database(-5), end_at=in_database(65))
    client = factories.ClientFactory()
    other = factories.UserFactory()

    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        hold = rules.hold(soon, by=client.owner)
        assert refusal(rules.hold, past, by=client.owner).codes == ["begun"]
        assert refusal(rules.hold, soon, by=other).codes == ["held"]
        assert hold.held_until is not None
        assert abs(hold.held_until - in_database(5)) < timedelta(seconds=5)
        booking = rules.book(hold, client=client, by=client.owner)
        cancelled = rules.cancel(booking, reason="client", by=client.owner)

    assert booking.booked_at is not None
    assert cancelled.cancelled_at is not None
    assert abs(booking.booked_at - in_database()) < timedelta(seconds=5)
    assert abs(cancelled.cancelled_at - in_database()) < timedelta(seconds=5)
