"""Any order of holding, extending, expiring, letting go, booking, moving, cancelling keeps the promises."""

from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import AuditEvent, User
from notifications.models import Message
from scheduling import board, live, moving, problems, session_moves
from scheduling import booking as rules
from scheduling.models import Booking, BookingMove, Rebooking, Session, Slot
from scheduling.problems import Refused
from scheduling.session_moves import Place
from tests import factories
from tests import rounds as every_round

pytestmark = pytest.mark.django_db

PEOPLE = st.integers(0, 2)
SLOTS = st.integers(0, 3)


class SeatLife(RuleBasedStateMachine):
    """Three caseworkers with a client each, four slots: two overlap, one has two seats."""

    def __init__(self) -> None:
        super().__init__()
        Message.objects.all().delete()
        Rebooking.objects.all().delete()
        BookingMove.objects.all().delete()
        Booking.objects.all().delete()
        Slot.objects.all().delete()
        self.clients = [factories.ConsentFactory().client for _ in range(3)]
        self.people = [client.owner for client in self.clients]
        first = factories.SlotFactory()
        start = first.start_at
        self.slots = [
            first,
            factories.SlotFactory(session=first.session, block=1, start_at=start + timedelta(minutes=30)),
            factories.SlotFactory(session=first.session, block=2, capacity=2),
            factories.SlotFactory(session=first.session, block=3),
        ]
        self.versions = {slot.pk: slot.version for slot in self.slots}

    def _try(self, call: Any, *args: Any, **kwargs: Any) -> None:
        with suppress(Refused):
            call(*args, **kwargs)

    def _bookings(self, **fields: Any) -> list[Booking]:
        return list(Booking.objects.filter(**fields).order_by("pk"))

    # --- What people do ------------------------------------------------------------------------
    @rule(who=PEOPLE, what=SLOTS)
    def hold(self, who: int, what: int) -> None:
        self._try(rules.hold, self.slots[what], by=self.people[who])

    @rule(who=PEOPLE, what=SLOTS)
    def extend(self, who: int, what: int) -> None:
        self._try(rules.extend_hold, self.slots[what], by=self.people[who])

    @rule(who=PEOPLE, what=SLOTS)
    def let_go(self, who: int, what: int) -> None:
        self._try(rules.let_go, self.slots[what], by=self.people[who])

    @rule(who=PEOPLE, what=SLOTS)
    def book(self, who: int, what: int) -> None:
        self._try(rules.book, self.slots[what], client=self.clients[who], by=self.people[who])

    @rule(which=st.integers(0, 20))
    def cancel(self, which: int) -> None:
        booked = self._bookings(status="booked")
        if booked:
            one = booked[which % len(booked)]
            self._try(rules.cancel, one, reason="client", by=one.holder)

    @rule(which=st.integers(0, 20), what=SLOTS)
    def move(self, which: int, what: int) -> None:
        booked = self._bookings(status="booked")
        if booked:
            one = booked[which % len(booked)]
            self._try(moving.move, one, self.slots[what], by=one.holder)

    @rule(which=st.integers(0, 20))
    def undo_move(self, which: int) -> None:
        booked = self._bookings(status="booked")
        if booked:
            one = booked[which % len(booked)]
            self._try(moving.undo, one, by=one.holder)

    @rule(minutes=st.sampled_from([-30, 15, 1440]), by=st.integers(0, 1))
    def move_session(self, minutes: int, by: int) -> None:
        """Both ways again and again; what the clients have at other times stays where it is."""
        session = Session.objects.select_related("district", "specialist", "room").get(
            pk=self.slots[0].session_id
        )
        to = Place(session.start_at + timedelta(minutes=minutes), session.specialist, session.room)
        self._try(session_moves.move, session, to, by=self.people[by])
        for slot in self.slots:
            slot.refresh_from_db()
            slot.session.refresh_from_db()

    @rule(which=st.integers(0, 20), said=st.sampled_from(Booking.Answer.values))
    def answer(self, which: int, said: str) -> None:
        booked = self._bookings(status="booked")
        if booked:
            self._try(rules.answer, booked[which % len(booked)], said)

    # --- What time does ------------------------------------------------------------------------
    @rule(what=SLOTS)
    def holds_end(self, what: int) -> None:
        Booking.objects.filter(slot=self.slots[what], status="tentative").update(
            held_until=_database_now() - timedelta(milliseconds=1)
        )

    @rule()
    def sweep(self) -> None:
        for slot_id in set(Booking.objects.dead_holds().values_list("slot_id", flat=True)):
            rules.release_dead_holds(slot_id)
        assert not Booking.objects.dead_holds().exists()

    # --- What is always true -------------------------------------------------------------------
    @invariant()
    def seats_are_taken_once_and_exist(self) -> None:
        for slot in self.slots:
            seats = list(
                Booking.objects.filter(slot=slot).exclude(status="cancelled").values_list("seat", flat=True)
            )
            assert len(seats) == len(set(seats)) <= slot.capacity
            assert set(seats) <= set(range(1, slot.capacity + 1))

    @invariant()
    def nobody_holds_more_than_two(self) -> None:
        for person in self.people:
            assert Booking.objects.living().filter(holder=person, status="tentative").count() <= 2

    @invariant()
    def nobody_extends_more_than_three_times(self) -> None:
        assert not Booking.objects.filter(extensions__gt=problems.EXTENSIONS).exists()

    @invariant()
    def clients_are_in_one_place(self) -> None:
        for client in self.clients:
            times = sorted(
                Booking.objects.filter(client=client, status="booked").values_list("start_at", "end_at")
            )
            assert all(end <= start for (_, end), (start, _) in pairwise(times))

    @invariant()
    def bookings_are_where_their_slots_are(self) -> None:
        for booking in Booking.objects.exclude(status="cancelled").select_related("slot"):
            slot = booking.slot
            assert (booking.start_at, booking.end_at) == (slot.start_at, slot.end_at)
            assert (booking.during.lower, booking.during.upper) == (slot.start_at, slot.end_at)

    @invariant()
    def moves_are_counted_and_limited(self) -> None:
        for booking in Booking.objects.select_related("slot__kind"):
            counted = booking.move_history.filter(with_session=False).count()
            assert booking.moves == counted <= booking.slot.kind.most_moves

    @invariant()
    def seats_left_are_known_to_the_search(self) -> None:
        for slot in Slot.objects.filter(pk__in=[slot.pk for slot in self.slots]):
            taken = Booking.objects.filter(slot=slot).exclude(status="cancelled").count()
            assert slot.has_room == (taken < slot.capacity)

    @invariant()
    def messages_speak_of_the_time_that_holds(self) -> None:
        for message in Message.objects.filter(status="queued"):
            booking = Booking.objects.get(uuid=message.key.split(":")[1])
            assert message.context["start_at"] == booking.start_at.isoformat()

    @invariant()
    def messages_wait_for_booked_appointments_only(self) -> None:
        waiting = {key.split(":")[1] for key in _queued_keys()}
        assert waiting == {str(booking.uuid) for booking in self._bookings(status="booked")}

    @invariant()
    def every_change_left_a_row(self) -> None:
        for booking in self._bookings():
            last = AuditEvent.objects.about(booking).order_by("-pk").values_list("verb", flat=True)[0]
            expected = {
                "tentative": {"held", "hold_extended"},
                "booked": {"booked", "answered", "moved", "move_undone", "moved_with_session"},
                "cancelled": {"cancelled"},
            }
            assert last in expected[booking.status]

    @invariant()
    def versions_only_rise(self) -> None:
        for pk, version in Slot.objects.values_list("pk", "version"):
            assert version >= self.versions[pk]
            self.versions[pk] = version

    @invariant()
    def page_frame_and_table_say_the_same(self) -> None:
        """For every viewer the card, for everyone the frame, both as the rows say."""
        topic = live.topic(self.slots[0].session)
        frames = {frame.slot: frame for frame in live.frames([topic])}
        cards = {person: self._cards(person) for person in self.people}
        for slot in self.slots:
            living = list(Booking.objects.living().filter(slot=slot))
            free = slot.capacity - len(living)
            held = any(one.status == "tentative" for one in living)
            frame = frames[str(slot.uuid)]
            assert f'"state" : "{"free" if free else "held" if held else "taken"}"' in frame.text
            assert f'"free" : {free}' in frame.text
            for person in self.people:
                card = cards[person][slot.pk]
                assert card.free_seats == free
                assert card.slot.version == frame.version
                own = {one.status for one in living if one.holder == person}
                if "booked" in own:
                    assert card.state == "booked"
                elif "tentative" in own:
                    assert card.state == "mine"
                else:
                    assert card.state == ("free" if free else "held" if held else "taken")

    def _cards(self, person: User) -> dict[int, board.Card]:
        day = board.day(person, self.slots[0].session)
        assert day is not None
        return {card.slot.pk: card for card in day.cards}


def _queued_keys() -> list[str]:
    return list(Message.objects.filter(status="queued").values_list("key", flat=True))


def _database_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@pytest.mark.promise(1)
def test_any_order_of_acts_keeps_the_promises(rounds: Any) -> None:
    run_state_machine_as_test(
        SeatLife,
        settings=settings(
            max_examples=rounds(100),
            stateful_step_count=every_round.of(30, quick=15),
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
