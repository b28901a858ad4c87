"""An appointment is moved: it stays one appointment, and nobody hears of the old time any more."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Client, Consent
from notifications import delivery
from notifications.channels.memory import MemoryGateway
from notifications.models import Message
from scheduling import assignments, catching_up, contingents, interpreters, live, moving, reminders
from scheduling import booking as rules
from scheduling.interpreters import Need
from scheduling.models import AppointmentKind, Booking, BookingMove, Contingent, Reservation, Slot
from scheduling.problems import Refused, Visit
from tests import factories

pytestmark = pytest.mark.django_db


def refused(rule: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as caught, transaction.atomic():
        rule(*args, **kwargs)
    return caught.value.codes


def verbs(thing: Any) -> list[str]:
    return list(AuditEvent.objects.about(thing).order_by("pk").values_list("verb", flat=True))


def waiting(booking: Booking) -> dict[str, str]:
    """The time each message speaks of that has not left yet, by the end of its key."""
    found = Message.objects.filter(key__startswith=reminders.key_prefix(booking), status="queued")
    return {message.key.split(":", 2)[2]: message.context["start_at"] for message in found}


@pytest.fixture
def client() -> Client:
    client: Client = factories.ConsentFactory().client
    return client


@pytest.fixture
def slots() -> list[Slot]:
    """Three places of one kind and format, a day apart, two weeks from now."""
    first = factories.SessionFactory()
    days = [first.start_at + timedelta(days=7 + number) for number in range(3)]
    sessions = [factories.SessionFactory(series=first.series, start_at=day) for day in days]
    return [factories.SlotFactory(session=session) for session in sessions]


@pytest.fixture
def booked(client: Client, slots: list[Slot]) -> Booking:
    return rules.book(slots[0], client=client, by=client.owner)


# --- One appointment -----------------------------------------------------------------------------
def test_it_stays_one_appointment_with_its_history(booked: Booking, slots: list[Slot]) -> None:
    rules.answer(booked, "coming")

    moved = moving.move(booked, slots[1], by=booked.holder)

    moved.refresh_from_db()
    assert (moved.pk, moved.uuid, moved.status) == (booked.pk, booked.uuid, "booked")
    assert (moved.slot, moved.start_at, moved.end_at) == (slots[1], slots[1].start_at, slots[1].end_at)
    assert (moved.during.lower, moved.during.upper) == (moved.start_at, moved.end_at)
    assert (moved.moves, moved.ical_sequence) == (1, 1)
    # Whoever said yes to the old time has not said so to the new one.
    assert (moved.answer, moved.answered_at) == ("", None)
    move = BookingMove.objects.get(booking=moved)
    assert (move.from_slot, move.from_start_at, move.to_start_at) == (
        slots[0],
        slots[0].start_at,
        slots[1].start_at,
    )
    assert (move.moved_by, move.with_session) == (booked.holder, False)
    assert verbs(moved) == ["booked", "answered", "moved"]


def test_the_old_place_is_free_and_the_new_one_taken(booked: Booking, slots: list[Slot]) -> None:
    before = {slot.pk: slot.version for slot in Slot.objects.all()}

    moving.move(booked, slots[1], by=booked.holder)

    old, new, third = (Slot.objects.get(pk=slot.pk) for slot in slots)
    assert (old.has_room, new.has_room) == (True, False)
    assert old.version > before[old.pk]
    assert new.version > before[new.pk]
    assert third.version == before[third.pk]
    assert rules.book(old, client=factories.ClientFactory(), by=factories.UserFactory()).slot == old


def test_watchers_of_both_days_hear_of_it(
    booked: Booking, slots: list[Slot], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        moving.move(booked, slots[1], by=booked.holder)
    assert sum("after_commit" in callback.__qualname__ for callback in callbacks) == 2
    states = [live.frames([live.topic(slot.session)])[0].text for slot in slots[:2]]
    assert ['"state" : "free"' in text for text in states] == [True, False]


def test_moved_there_already_changes_nothing(booked: Booking, slots: list[Slot]) -> None:
    moving.move(booked, slots[1], by=booked.holder)
    again = moving.move(booked, slots[1], by=booked.holder)
    assert (again.moves, BookingMove.objects.count()) == (1, 1)


def test_ones_own_hold_on_the_new_place_is_used(booked: Booking, slots: list[Slot]) -> None:
    hold = rules.hold(slots[1], by=booked.holder)
    moved = moving.move(booked, slots[1], by=booked.holder)
    assert moved.slot == slots[1]
    assert not Booking.objects.filter(pk=hold.pk).exists()


def test_a_place_of_its_own_time_is_no_clash_with_itself(booked: Booking) -> None:
    later = factories.SlotFactory(
        session=booked.slot.session, block=1, start_at=booked.start_at + timedelta(minutes=30)
    )
    assert moving.move(booked, later, by=booked.holder).start_at == later.start_at


def test_after_a_move_it_is_cancelled_where_it_is_now(booked: Booking, slots: list[Slot]) -> None:
    """By somebody whose page is from before the move."""
    moving.move(booked, slots[1], by=booked.holder)
    assert booked.slot_id == slots[0].pk

    rules.cancel(booked, reason="client", by=booked.holder)

    new = Slot.objects.get(pk=slots[1].pk)
    assert new.has_room
    assert waiting(booked) == {"2:cancelled": slots[1].start_at.isoformat()}


def test_the_seat_counts_where_it_is_and_for_those_who_booked_it(slots: list[Slot], client: Client) -> None:
    """Also when a coordinator of another office moves it."""
    own = client.owner.organisation
    for slot in slots[:2]:
        contingents.set_aside(slot.session, {own: 1}, free_days_before=1, by=client.owner)
    booked = rules.book(slots[0], client=client, by=client.owner)
    office = factories.OrganisationFactory(name="Landratsamt")
    coordinator = factories.UserFactory(roles=["coordinator"], organisation=office)

    moved = moving.move(booked, slots[1], by=coordinator)

    assert moved.contingent is not None
    assert moved.contingent.session == slots[1].session
    used = Contingent.objects.filter(organisation=own).order_by("session__start_at")
    assert list(used.values_list("used", flat=True)) == [0, 1]


def test_who_goes_along_goes_along(slots: list[Slot], client: Client) -> None:
    """An accompaniment: the second person is kept for the new time, and free again at the old one."""
    AppointmentKind.objects.update(needs_second_person=True)
    Slot.objects.update(format="appointment")
    person = factories.SpecialistFactory(name="Nour Said")
    visit = Visit(second_person=person)
    booked = rules.book(slots[0], client=client, by=client.owner, visit=visit)

    moving.move(booked, slots[1], by=booked.holder)

    held = Reservation.objects.get(resource=person)
    assert (held.booking, held.during.lower) == (booked, slots[1].start_at)


def test_an_interpreter_goes_along_and_is_to_confirm_as_long_before(
    slots: list[Slot], client: Client
) -> None:
    one = factories.InterpreterFactory()
    booked = rules.book(slots[0], client=client, by=client.owner, interpreter=Need("ar"))
    asked = assignments.standing(booked)
    assert asked is not None
    assignments.confirm(asked, by=client.owner)

    moved = moving.move(booked, slots[2], by=booked.holder)

    asked = assignments.standing(moved)
    assert asked is not None
    due = interpreters.confirm_until(one, slots[2].start_at, slots[2].district)
    assert (asked.interpreter, asked.status, asked.confirm_until) == (one, "requested", due)
    assert Reservation.objects.get(resource=one.resource).during.lower == slots[2].start_at


# --- Refused -------------------------------------------------------------------------------------
def test_an_interpreter_is_asked_in_time_as_when_it_is_booked(slots: list[Slot], client: Client) -> None:
    """Neither offered nor moved to a day for which they had to be asked before."""
    one = factories.InterpreterFactory()
    session = factories.SessionFactory(
        series=slots[0].session.series, start_at=timezone.now() + timedelta(days=1)
    )
    tomorrow = factories.SlotFactory(session=session)
    booked = rules.book(slots[0], client=client, by=client.owner, interpreter=Need("ar"))

    assert refused(moving.move, booked, tomorrow, by=booked.holder) == ["interpreter_too_late"]
    assert refused(rules.book, tomorrow, client=client, by=client.owner, interpreter=Need("ar")) == [
        "interpreter_too_late"
    ]
    assert moving.choices(booked, by=booked.holder) == slots[1:]
    one.lead_workdays = 0
    one.save()
    assert moving.choices(booked, by=booked.holder) == [tomorrow, *slots[1:]]
    assert moving.move(booked, tomorrow, by=booked.holder).slot == tomorrow


def test_an_interpreter_is_not_taken_along_to_where_they_do_not_work(
    slots: list[Slot], client: Client
) -> None:
    one = factories.InterpreterFactory()
    booked = rules.book(slots[0], client=client, by=client.owner, interpreter=Need("ar"))
    days = {slot.start_at.astimezone(slot.district.tz).weekday() for slot in slots[:2]}
    for day in days:
        one.resource.weekly_hours.create(weekday=day, from_time=time(0), until_time=time(23, 59))

    assert refused(moving.move, booked, slots[2], by=booked.holder) == ["company_elsewhere"]
    assert moving.choices(booked, by=booked.holder) == [slots[1]]
    assert moving.move(booked, slots[1], by=booked.holder).slot == slots[1]


@pytest.mark.parametrize(
    ("rule", "code"), [({"notice_hours": 24 * 30}, "notice_too_short"), ({"horizon_days": 1}, "not_yet")]
)
def test_notice_and_horizon_hold_for_the_new_time(
    booked: Booking, slots: list[Slot], rule: dict[str, int], code: str
) -> None:
    AppointmentKind.objects.update(**rule)
    assert refused(moving.move, booked, slots[1], by=booked.holder) == [code]
    assert moving.choices(booked, by=booked.holder) == []


def test_every_reason_against_it_at_once(booked: Booking, slots: list[Slot], client: Client) -> None:
    factories.BookingFactory(slot=slots[1])
    factories.BookingFactory(
        slot=factories.SlotFactory(session=slots[1].session, block=1, start_at=slots[1].start_at),
        client=client,
    )
    assert refused(moving.move, booked, slots[1], by=booked.holder) == ["taken", "client_elsewhere"]
    booked.refresh_from_db()
    assert (booked.slot, booked.moves) == (slots[0], 0)


def test_only_to_the_same_kind_and_format(booked: Booking, slots: list[Slot]) -> None:
    consultation = factories.SlotFactory(session=slots[1].session, block=3, format="case_consultation")
    other = factories.SlotFactory(session=slots[1].session, block=4, kind=factories.KindFactory(code="other"))
    for slot in (consultation, other):
        assert "other_kind" in refused(moving.move, booked, slot, by=booked.holder)


def test_what_is_cancelled_or_begun_is_not_moved(booked: Booking, slots: list[Slot]) -> None:
    begun = booked.start_at - timedelta(days=30)
    Booking.objects.filter(pk=booked.pk).update(start_at=begun)
    assert refused(moving.move, booked, slots[1], by=booked.holder) == ["too_late_to_move"]
    Booking.objects.filter(pk=booked.pk).update(start_at=slots[0].start_at)
    rules.cancel(booked, reason="client", by=booked.holder)
    assert refused(moving.move, booked, slots[1], by=booked.holder) == ["not_booked"]


def test_moves_are_limited_and_the_coordination_may_go_beyond_with_a_reason(
    booked: Booking, slots: list[Slot]
) -> None:
    assert slots[0].kind.most_moves == 2
    moving.move(booked, slots[1], by=booked.holder)
    moving.move(booked, slots[2], by=booked.holder)
    coordinator = factories.UserFactory(roles=["coordinator"])

    assert refused(moving.move, booked, slots[0], by=booked.holder, reason="dringend") == ["no_more_moves"]
    assert refused(moving.move, booked, slots[0], by=coordinator) == ["needs_a_reason"]
    moved = moving.move(booked, slots[0], by=coordinator, reason="Bahnstreik")

    assert moved.moves == 3
    assert BookingMove.objects.latest("pk").reason == "Bahnstreik"


# --- The client ----------------------------------------------------------------------------------
@pytest.mark.promise(6)
def test_what_was_said_of_the_old_time_is_taken_back_and_the_new_time_told(
    booked: Booking, slots: list[Slot]
) -> None:
    assert set(waiting(booked).values()) == {slots[0].start_at.isoformat()}

    moving.move(booked, slots[1], by=booked.holder)

    assert waiting(booked) == {
        "1:moved": slots[1].start_at.isoformat(),
        "1:reminder:5d": slots[1].start_at.isoformat(),
        "1:reminder:last": slots[1].start_at.isoformat(),
    }


@pytest.mark.promise(6)
def test_moved_there_and_back_the_client_hears_of_both(booked: Booking, slots: list[Slot]) -> None:
    """What was sent of a time that holds again was taken back in between: it must be said again."""
    Message.objects.update(status="sent")
    moving.move(booked, slots[1], by=booked.holder)
    moving.move(booked, slots[0], by=booked.holder)
    assert set(waiting(booked)) == {"2:moved", "2:reminder:5d", "2:reminder:last"}
    assert set(waiting(booked).values()) == {slots[0].start_at.isoformat()}


@pytest.mark.promise(6)
@pytest.mark.django_db(transaction=True)
def test_what_a_worker_has_in_hand_is_not_tried_again_after_the_move(
    client: Client, slots: list[Slot]
) -> None:
    """The gateway is slow; the appointment moves while the word about the old time is under way."""
    booked = rules.book(slots[0], client=client, by=client.owner)

    class Slow(MemoryGateway):
        rings_telephones = False

        def send(self, batch: Any) -> Any:
            moving.move(booked, slots[1], by=booked.holder)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        delivery.deliver_due(Slow())

    in_hand = Message.objects.get(key=f"booking:{booked.uuid}:booked")
    assert in_hand.status == "sending"
    assert in_hand.expires_at < booked.start_at - timedelta(days=1)
    assert set(waiting(booked).values()) == {slots[1].start_at.isoformat()}


@pytest.mark.promise(6)
def test_what_became_possible_later_is_planned_for_the_new_time_only(
    slots: list[Slot],
) -> None:
    """Consent came after the move: the nightly look plans it once, under the new keys."""
    client = factories.ClientFactory()
    booked = rules.book(slots[0], client=client, by=client.owner)
    moving.move(booked, slots[1], by=client.owner)
    assert waiting(booked) == {}

    factories.ConsentFactory(client=client, purpose=Consent.Purpose.SMS)

    assert catching_up.catch_up() > 0
    assert set(waiting(booked)) == {"1:booked", "1:reminder:5d", "1:reminder:last"}
    assert catching_up.catch_up() == 0


# --- Taken back ----------------------------------------------------------------------------------
def test_taking_it_back_leaves_nothing_but_the_audit_row(booked: Booking, slots: list[Slot]) -> None:
    moving.move(booked, slots[1], by=booked.holder)

    back = moving.undo(booked, by=booked.holder)

    back.refresh_from_db()
    assert (back.slot, back.start_at, back.moves) == (slots[0], slots[0].start_at, 0)
    assert back.ical_sequence == 2
    assert not BookingMove.objects.exists()
    assert verbs(back) == ["booked", "moved", "move_undone"]
    assert set(waiting(back).values()) == {slots[0].start_at.isoformat()}
    assert refused(moving.undo, back, by=booked.holder) == ["nothing_to_undo"]


def test_it_is_not_taken_back_when_the_place_is_gone(booked: Booking, slots: list[Slot]) -> None:
    moving.move(booked, slots[1], by=booked.holder)
    factories.BookingFactory(slot=slots[0])
    assert refused(moving.undo, booked, by=booked.holder) == ["taken"]
    booked.refresh_from_db()
    assert booked.slot == slots[1]


def test_only_ones_own_last_move_of_the_day_is_taken_back(booked: Booking, slots: list[Slot]) -> None:
    moving.move(booked, slots[1], by=booked.holder)
    assert refused(moving.undo, booked, by=factories.UserFactory()) == ["nothing_to_undo"]
    BookingMove.objects.update(moved_at=BookingMove.objects.get().moved_at - timedelta(days=2))
    assert refused(moving.undo, booked, by=booked.holder) == ["nothing_to_undo"]


# --- What is offered -----------------------------------------------------------------------------
def test_what_is_offered_fits_is_free_and_leaves_the_client_in_one_place(
    booked: Booking, slots: list[Slot], client: Client
) -> None:
    session = slots[1].session
    factories.SlotFactory(session=session, block=3, format="case_consultation")
    factories.BookingFactory(slot=factories.SlotFactory(session=session, block=4))
    at = session.start_at + timedelta(days=3)
    elsewhere = factories.SessionFactory(series=session.series, start_at=at)
    factories.SlotFactory(session=elsewhere)
    factories.BookingFactory(
        slot=factories.SlotFactory(session=elsewhere, block=1, start_at=at), client=client
    )
    assert moving.choices(booked, by=booked.holder) == [slots[1], slots[2]]


def test_what_is_offered_is_read_with_few_queries(
    booked: Booking, slots: list[Slot], django_assert_num_queries: Any
) -> None:
    # the slots, whoever is reserved with the appointment (nobody), and what time it is
    with django_assert_num_queries(3):
        assert len(moving.choices(booked, by=booked.holder)) == 2
    for block in range(1, 4):
        factories.SlotFactory(session=slots[1].session, block=block)
    with django_assert_num_queries(3):
        assert len(moving.choices(booked, by=booked.holder)) == 5
