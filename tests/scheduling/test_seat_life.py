"""Any order of holding, extending, expiring, letting go, booking, moving, cancelling, waiting, being offered,
and sharing out seats keeps the promises; and whoever watches sees what is stored, also after a cut line."""

from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.db.models import F
from django.test import TestCase
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.models import AuditEvent
from notifications.models import Message
from scheduling import acceptance, board, contingents, live, moving, offers, problems, session_moves, waiting
from scheduling import booking as rules
from scheduling.models import (
    Booking,
    BookingMove,
    Contingent,
    Offer,
    Rebooking,
    Reservation,
    Session,
    Slot,
    WaitingEntry,
)
from scheduling.problems import Refused
from scheduling.session_moves import Place
from tests import factories
from tests import rounds as every_round
from tests.scheduling.contradictions import FREE_DAYS_BEFORE, contradictions
from tests.scheduling.watching import Browser

pytestmark = pytest.mark.django_db

PEOPLE = st.integers(0, 2)
SLOTS = st.integers(0, 3)


class SeatLife(RuleBasedStateMachine):
    """Three caseworkers of two organisations with a client each; four slots of one day: one is of another
    session and overlaps the first, one has two seats."""

    def __init__(self) -> None:
        super().__init__()
        for model in (Offer, WaitingEntry, Message, Rebooking, BookingMove, Booking, Contingent, Reservation):
            model._default_manager.all().delete()
        Slot.objects.all().delete()
        Session.objects.all().delete()
        owners = [factories.UserFactory(organisation__name=name) for name in ("AWO", "AWO", "Caritas")]
        self.clients = [factories.ConsentFactory(client__owner=owner).client for owner in owners]
        self.people = owners
        first = factories.SlotFactory()
        beside = factories.SessionFactory(
            start_at=first.start_at + timedelta(minutes=30),
            series__room=factories.RoomFactory(name="Zimmer 4"),
        )
        self.slots = [
            first,
            factories.SlotFactory(session=beside),
            factories.SlotFactory(session=first.session, block=2, capacity=2),
            factories.SlotFactory(session=first.session, block=3),
        ]
        for slot in self.slots:
            for resource in (slot.session.specialist, slot.session.room):
                factories.ReservationFactory(slot=slot, resource=resource)
        self.versions = {slot.pk: slot.version for slot in self.slots}
        self.browser = SeatLife.watching = Browser(first.session)

    watching: ClassVar[Browser]

    @staticmethod
    def announced(query: str, values: list[str | int]) -> None:
        """Stands in for `live.after_commit`."""
        SeatLife.watching.announced(query, values)

    def teardown(self) -> None:
        self.browser.end()

    def _try(self, call: Any, *args: Any, **kwargs: Any) -> None:
        """With all that follows the commit: offers, and what others are told."""
        with TestCase.captureOnCommitCallbacks(execute=True), suppress(Refused):
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

    @rule(who=PEOPLE)
    def wait(self, who: int) -> None:
        """Both others may be offered what one of them gives back."""
        self._try(
            waiting.enter,
            kind=self.slots[0].kind,
            client=self.clients[who],
            by=self.people[who],
            at_short_notice=True,
        )

    @rule(which=st.integers(0, 5))
    def accept(self, which: int) -> None:
        standing = list(Offer.objects.filter(ended_at=None).order_by("pk"))
        if standing:
            one = standing[which % len(standing)]
            self._try(acceptance.accept, one, by=one.entry.entered_by)

    @rule(which=st.integers(0, 5))
    def decline(self, which: int) -> None:
        made = list(Offer.objects.order_by("pk"))
        if made:
            one = made[which % len(made)]
            self._try(offers.decline, one, by=one.entry.entered_by)

    @rule(which=st.integers(0, 5))
    def wait_no_longer(self, which: int) -> None:
        entries = list(WaitingEntry.objects.order_by("pk"))
        if entries:
            one = entries[which % len(entries)]
            self._try(offers.withdraw, one, by=one.entered_by)

    @rule(awo=st.integers(0, 2), caritas=st.integers(0, 2))
    def share_out(self, awo: int, caritas: int) -> None:
        shares = {self.people[0].organisation: awo, self.people[2].organisation: caritas}
        session = Session.objects.select_related("district").get(pk=self.slots[0].session_id)
        self._try(
            contingents.set_aside, session, shares, free_days_before=FREE_DAYS_BEFORE, by=self.people[0]
        )

    # --- What happens to the line ------------------------------------------------------------------
    @rule()
    def cut(self) -> None:
        self.browser.cut()

    @rule()
    def mend(self) -> None:
        self.browser.mend()

    @rule()
    def lose_without_noticing(self) -> None:
        self.browser.is_cut = True

    @rule()
    def look_again(self) -> None:
        self.browser.lose_and_look_again()

    # --- What time does ------------------------------------------------------------------------
    @rule(what=SLOTS)
    def holds_end(self, what: int) -> None:
        """And offers, whose seats go to the next when somebody looks."""
        Booking.objects.filter(slot=self.slots[what], status="tentative").update(
            held_until=_database_now() - timedelta(milliseconds=1)
        )

    @rule()
    def sweep(self) -> None:
        for slot_id in set(Booking.objects.dead_holds().values_list("slot_id", flat=True)):
            self._try(rules.release_dead_holds, slot_id)
        assert not Booking.objects.dead_holds().exists()

    @rule()
    def tidy(self) -> None:
        """The safety net: after it no offer stands for somebody who waits no longer."""
        self._try(offers.tidy)
        assert not Offer.objects.filter(ended_at=None, entry__ended_at__isnull=False)

    # --- What is always true -------------------------------------------------------------------
    @invariant()
    def nothing_contradicts_anything(self) -> None:
        assert contradictions() == []

    @invariant()
    def nobody_holds_more_than_two(self) -> None:
        for person in self.people:
            holds = Booking.objects.living().filter(holder=person, status="tentative", offer=None)
            assert holds.count() <= problems.HOLDS_A_PERSON

    @invariant()
    def nobody_extends_more_than_three_times(self) -> None:
        assert not Booking.objects.filter(extensions__gt=problems.EXTENSIONS).exists()

    @invariant()
    def moves_are_limited(self) -> None:
        assert not Booking.objects.filter(moves__gt=F("slot__kind__most_moves")).exists()

    @invariant()
    def nobody_is_offered_two_seats_or_one_twice(self) -> None:
        made = list(Offer.objects.values_list("entry", "slot"))
        assert len(made) == len(set(made))
        standing = list(Offer.objects.filter(ended_at=None).values_list("entry", flat=True))
        assert len(standing) == len(set(standing))

    @invariant()
    def who_is_booked_is_reminded(self) -> None:
        """And nobody else; whether each message fits its booking, `contradictions` says."""
        reminders = Message.objects.filter(status="queued", kind="reminder").values_list("key", flat=True)
        booked = {str(booking.uuid) for booking in self._bookings(status="booked")}
        assert {key.split(":")[1] for key in reminders} == booked

    @invariant()
    def every_change_left_a_row(self) -> None:
        for booking in Booking.objects.exclude(status="tentative", offer__isnull=False):
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
        sessions = list(Session.objects.select_related("calendar", "district"))
        frames = {frame.slot: frame for frame in live.frames(list({live.topic(one) for one in sessions}))}
        living: dict[int, list[Booking]] = {slot.pk: [] for slot in self.slots}
        for booking in Booking.objects.living().select_related("holder").prefetch_related("offer"):
            living[booking.slot_id].append(booking)
        for slot in self.slots:
            free = slot.capacity - len(living[slot.pk])
            frame = frames[str(slot.uuid)]
            assert f'"state" : "{_state(free, living[slot.pk])}"' in frame.text
            assert f'"free" : {free}' in frame.text
        for person in self.people:
            days = [board.day(person, session) for session in sessions]
            for card in (card for day in days if day for card in day.cards):
                there = living[card.slot.pk]
                free = card.slot.capacity - len(there)
                own = {one.status for one in there if one.holder == person and not _is_offer(one)}
                assert card.free_seats == free
                assert card.slot.version == frames[str(card.slot.uuid)].version
                assert card.state == (
                    "booked" if "booked" in own else "mine" if "tentative" in own else _state(free, there)
                )
                assert card.is_offered == any(one.holder == person and _is_offer(one) for one in there)

    @invariant()
    def who_watches_sees_what_is_stored(self) -> None:
        """While the line stands. That a hold's time is over, everybody is told when it is swept up."""
        if self.browser.is_cut:
            return
        stored = self.browser.stored()
        unswept = Slot.objects.filter(bookings__in=Booking.objects.dead_holds())
        untold = {str(uuid) for uuid in unswept.values_list("uuid", flat=True)}
        assert self.browser.shown.keys() == stored.keys()
        for slot, shown in self.browser.shown.items():
            assert shown[0] == stored[slot][0]
            assert shown == stored[slot] or slot in untold


def _state(free: int, living: list[Booking]) -> str:
    """As frames say it."""
    return "free" if free else "held" if any(one.status == "tentative" for one in living) else "taken"


def _is_offer(booking: Booking) -> bool:
    return booking.status == "tentative" and hasattr(booking, "offer")


def _database_now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@pytest.mark.promise(1)
@pytest.mark.promise(20)
def test_any_order_of_acts_keeps_the_promises(rounds: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The browser's hub runs between the acts, in the same thread.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    monkeypatch.setattr(live, "after_commit", SeatLife.announced)
    run_state_machine_as_test(
        SeatLife,
        settings=settings(
            max_examples=rounds(60),
            stateful_step_count=every_round.of(30, quick=15),
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
