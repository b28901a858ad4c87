"""An SMS comes back at the very moment something else happens: another one, a cancellation, a move, a send.

Each race is first shown without what guards against it. Who pauses does so where it matters, until the
other has ended or waits for a lock.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models import CharField
from django.utils import timezone

from accounts.models import AuditEvent
from accounts.rows import clock
from clients import registry
from clients.models import Client
from notifications import claiming, delivery, outbox
from notifications.channels.base import Answer, Verdict
from notifications.channels.memory import MemoryGateway
from notifications.models import IncomingText, Message, MessageRules
from notifications.models.message import MessageQuerySet
from scheduling import answers, booking, moving, reminders, seats
from scheduling.answers import Received
from scheduling.models import Booking, CancelReason
from tests.browsing import wait_until
from tests.consultations.rivals import at_once
from tests.factories import BookingFactory, ConsentFactory, SessionFactory, SlotFactory
from tests.locks import somebody_waits
from tests.scheduling.test_races import rush

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+4915112345678"
SECONDS = 20
Status = Message.Status


@pytest.fixture
def asked() -> Booking:
    """An appointment in a week, of which an SMS has told its client."""
    client = ConsentFactory().client
    Client.objects.update(mobile=NUMBER, mobile_key=registry.mobile_key(NUMBER))
    MessageRules.objects.create(district=client.district, no_frees_the_seat=True)
    start = timezone.now().replace(microsecond=0) + timedelta(days=7)
    made: Booking = BookingFactory(
        client=client, holder=client.owner, slot__session=SessionFactory(start_at=start)
    )
    again(made)
    return made


def again(made: Booking) -> Booking:
    """The appointment as it was before anybody answered; an SMS has told of it."""
    IncomingText.objects.all().delete()
    Message.objects.all().delete()
    Booking.objects.filter(pk=made.pk).update(
        status="booked", answer="", answered_at=None, cancelled_at=None, cancel_reason=""
    )
    found = Booking.objects.get(pk=made.pk)
    reminders.plan(found)
    told = Message.objects.filter(kind="booked")
    told.update(status=Status.DELIVERED, claimed_at=timezone.now(), sent_at=timezone.now())
    return found


def says(body: str, id: str = "") -> Callable[[], IncomingText]:
    return partial(answers.receive, Received(id or f"SM {body}", NUMBER, body))


def cancelling(made: Booking) -> Callable[[], Booking]:
    return partial(booking.cancel, made, reason=CancelReason.CLIENT, by=made.holder)


class Pause:
    """One act waits, once, until the other has ended or waits for a lock."""

    def __init__(self) -> None:
        self._reached, self._ended, self._go_on = (threading.Event() for _ in range(3))

    def after(self, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> "Pause":
        """Where this function of ours has done its work."""
        real = getattr(module, name)

        def pausing(*args: Any, **options: Any) -> Any:
            result = real(*args, **options)
            self.here()
            return result

        monkeypatch.setattr(module, name, pausing)
        return self

    def between(self, paused: Callable[[], Any], other: Callable[[], Any]) -> tuple[Any, Any]:
        """What both came to."""
        found = at_once(paused, partial(self._meanwhile, other), self._watch)
        return found[0], found[1]

    def here(self) -> None:
        """The first to come here pauses."""
        if not self._reached.is_set():
            self._reached.set()
            assert self._go_on.wait(SECONDS)

    def _meanwhile(self, other: Callable[[], Any]) -> Any:
        assert self._reached.wait(SECONDS)
        try:
            return other()
        finally:
            self._ended.set()

    def _watch(self) -> None:
        assert self._reached.wait(SECONDS)
        try:
            wait_until(lambda: self._ended.is_set() or somebody_waits())
        finally:
            self._go_on.set()


@pytest.fixture
def nobody_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The people with that number are read, not locked."""
    monkeypatch.setattr(
        answers, "_locked_people", lambda key, _district: list(Client.objects.filter(mobile_key=key))
    )


# --- Against a move --------------------------------------------------------------------------------
def moved_meanwhile(asked: Booking, monkeypatch: pytest.MonkeyPatch) -> Booking:
    later = SessionFactory(start_at=asked.start_at + timedelta(days=1))
    slot = SlotFactory(session=later, kind=asked.slot.kind)
    pause = Pause().after(monkeypatch, answers, "_asked_about")

    _, moved = pause.between(says("1"), partial(moving.move, asked, slot, by=asked.holder))

    assert isinstance(moved, Booking)
    found = Booking.objects.get(pk=asked.pk)
    assert found.start_at == slot.start_at
    return found


def test_without_the_lock_a_yes_to_the_old_time_counts_for_the_new(
    asked: Booking, nobody_locked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved_meanwhile(asked, monkeypatch).answer == Booking.Answer.COMING


@pytest.mark.promise(6)
def test_a_yes_to_the_old_time_says_nothing_of_the_new(
    asked: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert moved_meanwhile(asked, monkeypatch).answer == ""


@pytest.fixture
def read_only(nobody_locked: None, monkeypatch: pytest.MonkeyPatch) -> Pause:
    """Nor is the appointment locked; whoever reads it first pauses there."""
    pause = Pause()

    @contextmanager
    def read(made: Booking) -> Iterator[tuple[Booking, datetime]]:
        found = Booking.objects.select_related("client", "holder").get(pk=made.pk)
        found.slot, _ = seats.peek(found.slot_id)
        pause.here()
        yield found, clock()

    monkeypatch.setattr(booking, "_locked", read)
    return pause


# --- Against a cancellation --------------------------------------------------------------------------
def test_without_locks_a_cancelled_appointment_is_answered(asked: Booking, read_only: Pause) -> None:
    read_only.between(says("1"), cancelling(asked))

    asked.refresh_from_db()
    assert (asked.status, asked.answer) == (Booking.Status.CANCELLED, Booking.Answer.COMING)
    assert asked.answered_at is not None
    assert asked.cancelled_at is not None
    assert asked.answered_at > asked.cancelled_at


def test_a_yes_comes_before_a_cancellation_or_waits_to_be_read(
    asked: Booking, rounds: Callable[[int], int]
) -> None:
    for _ in range(rounds(20)):
        asked = again(asked)
        rush([says("1"), cancelling(asked)])

        asked.refresh_from_db()
        text = IncomingText.objects.get()
        assert asked.status == Booking.Status.CANCELLED
        assert (asked.answer == Booking.Answer.COMING) == (text.handled_at is not None)
        if asked.answered_at is not None and asked.cancelled_at is not None:
            assert asked.answered_at < asked.cancelled_at


# --- Two at once -------------------------------------------------------------------------------------
def test_without_locks_a_yes_is_written_over_the_no_that_freed_the_seat(
    asked: Booking, read_only: Pause
) -> None:
    read_only.between(says("1"), says("2"))

    asked.refresh_from_db()
    yes, no = IncomingText.objects.get(understood="yes"), IncomingText.objects.get(understood="no")
    assert (asked.status, asked.answer) == (Booking.Status.CANCELLED, Booking.Answer.COMING)
    assert yes.handled_at is not None
    assert no.handled_at is not None
    assert yes.handled_at > no.handled_at


def test_yes_and_no_at_once_are_taken_one_after_the_other(
    asked: Booking, rounds: Callable[[int], int]
) -> None:
    """ "2" frees the seat here, so a "1" after it has nothing to answer any more and is read by somebody."""
    for _ in range(rounds(20)):
        asked = again(asked)
        rush([says("1"), says("2")])

        asked.refresh_from_db()
        yes, no = IncomingText.objects.get(understood="yes"), IncomingText.objects.get(understood="no")
        assert (asked.status, asked.answer) == (Booking.Status.CANCELLED, Booking.Answer.NOT_COMING)
        assert no.handled_at is not None
        if yes.handled_at is not None:
            assert yes.handled_at < no.handled_at


@pytest.fixture
def texts_may_double() -> Iterator[None]:
    """The table without what tells that a text was delivered before; back afterwards."""
    field = IncomingText._meta.get_field("gateway_id")
    plain: CharField[str, str] = CharField(max_length=field.max_length)
    plain.set_attributes_from_name("gateway_id")
    with connection.schema_editor() as editor:
        editor.alter_field(IncomingText, field, plain)
    yield
    IncomingText.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.alter_field(IncomingText, plain, field)


def test_without_its_key_one_sms_delivered_at_once_is_several(asked: Booking, texts_may_double: None) -> None:
    sent = 0
    # A busy machine may let the six go one after the other; it does not do so every time.
    while IncomingText.objects.count() == sent and sent < 20:
        rush([says("Wann?", f"SM{sent}")] * 6)
        sent += 1

    assert IncomingText.objects.count() > sent


def test_one_sms_delivered_several_times_at_once_is_one(asked: Booking, rounds: Callable[[int], int]) -> None:
    for _ in range(rounds(10)):
        asked = again(asked)
        before = AuditEvent.objects.count()
        found = rush([says("1", "SM1")] * 6)

        assert {type(one) for one in found} == {IncomingText}
        assert IncomingText.objects.count() == 1
        assert AuditEvent.objects.count() == before + 1


# --- STOP against a send -----------------------------------------------------------------------------
@pytest.fixture
def due(asked: Booking) -> Message:
    """One message to the client that may leave now."""
    Message.objects.filter(kind="booked").update(status=Status.QUEUED, claimed_at=None, sent_at=None)
    Message.objects.exclude(kind="booked").delete()
    return Message.objects.get()


def at_any_hour() -> MemoryGateway:
    made = MemoryGateway()
    made.rings_telephones = False
    return made


def stopped_after(module: Any, name: str, gateway: MemoryGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """STOP comes while a worker is right there."""
    pause = Pause().after(monkeypatch, module, name)
    pause.between(partial(delivery.deliver_due, gateway), says("STOP"))


def test_without_asking_again_it_leaves_after_stop(due: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_taken_back", lambda _: [])
    gateway = at_any_hour()

    Pause().after(monkeypatch, claiming, "claim").between(
        partial(delivery.deliver_due, gateway), says("STOP")
    )

    assert len(gateway.sent) == 1


@pytest.mark.promise(8)
def test_stop_keeps_back_what_a_worker_has_in_hand(due: Message, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = at_any_hour()

    Pause().after(monkeypatch, claiming, "claim").between(
        partial(delivery.deliver_due, gateway), says("STOP")
    )

    due.refresh_from_db()
    assert (gateway.sent, due.status) == ([], Status.WITHDRAWN)


def test_without_the_row_s_lock_a_claim_overwrites_stop(
    due: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = claiming._takeable

    def unlocked(*args: Any) -> MessageQuerySet:
        found = real(*args)
        found.query.select_for_update = False
        return found

    monkeypatch.setattr(claiming, "_takeable", unlocked)
    gateway = at_any_hour()

    stopped_after(claiming._Turn, "prepare", gateway, monkeypatch)

    assert len(gateway.sent) == 1


@pytest.mark.promise(8)
def test_stop_during_a_claim_waits_for_it_and_keeps_the_message_back(
    due: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = at_any_hour()

    stopped_after(claiming._Turn, "prepare", gateway, monkeypatch)

    due.refresh_from_db()
    assert due.status in (Status.WITHDRAWN, Status.SENT)


def busy_gateway() -> MemoryGateway:
    """It takes nothing at the moment, and asks to come back later."""
    made = at_any_hour()
    made.answers[NUMBER] = Answer(Verdict.LATER, error_code="20429")
    return made


@pytest.mark.parametrize(("ends", "asks", "left"), [(False, False, 1), (True, False, 0), (False, True, 0)])
def test_only_without_both_of_its_guards_it_leaves_at_the_second_try_after_stop(
    due: Message, monkeypatch: pytest.MonkeyPatch, ends: bool, asks: bool, left: int
) -> None:
    """STOP ends the life of what is under way, and a claim asks whether an SMS may still go there."""

    def only_what_waits(messages: MessageQuerySet) -> int:
        waiting = messages.filter(status=Status.QUEUED)
        return waiting.update(status=Status.WITHDRAWN, settled_at=timezone.now())

    if not ends:
        monkeypatch.setattr(outbox, "_take_back", only_what_waits)
    if not asks:
        monkeypatch.setattr(claiming, "sms_obstacles", lambda *_args, **_options: [])

    stopped_after(delivery, "_taken_back", busy_gateway(), monkeypatch)

    assert Client.objects.get().opted_out_at is not None
    Message.objects.update(send_at=timezone.now())
    free = at_any_hour()
    delivery.deliver_due(free)
    assert len(free.sent) == left


@pytest.mark.promise(8)
def test_after_stop_nothing_is_tried_again(due: Message, rounds: Callable[[int], int]) -> None:
    """The gateway asks to wait while STOP comes: there is no second try, whoever was first."""
    busy = busy_gateway()
    for _ in range(rounds(20)):
        IncomingText.objects.all().delete()
        Client.objects.update(opted_out_at=None)
        Message.objects.update(
            status=Status.QUEUED, send_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1)
        )
        rush([partial(delivery.deliver_due, busy), says("STOP")])

        Message.objects.update(send_at=timezone.now())
        free = at_any_hour()
        delivery.deliver_due(free)
        due.refresh_from_db()
        assert free.sent == []
        assert due.status in (Status.WITHDRAWN, Status.EXPIRED)
        assert Client.objects.get().opted_out_at is not None
