"""Claim, send, record: what leaves, what does not, and what a caseworker reads about it."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import AuditEvent
from clients import contact
from clients.models import Client, Consent, Literacy
from notifications import claiming, delivery, outbox, place, recording
from notifications.channels.base import Answer, Sms, Verdict
from notifications.channels.console import ConsoleGateway
from notifications.channels.memory import MemoryGateway
from notifications.models import Message, Notice, PhoneText, Spending
from notifications.outbox import Draft
from notifications.reasons import reason
from tests.notifications.messages import queued

pytestmark = pytest.mark.django_db
Status = Message.Status


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


def status_of(message: Message) -> str:
    message.refresh_from_db()
    return message.status


def due_now(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(send_at=Now())


# --- What leaves -------------------------------------------------------------------------------
def test_what_is_due_is_sent_and_recorded(gateway: MemoryGateway) -> None:
    message = queued("+4915100000001")

    assert delivery.deliver_due(gateway) == 1

    (sms,) = gateway.sent
    assert (sms.uuid, sms.number, sms.sender) == (message.uuid, "+4915100000001", "Musterkreis")
    assert "Hauptstr. 1" in sms.body
    assert status_of(message) == Status.SENT
    assert (message.attempts, message.gateway_id) == (1, "memory-1")
    assert message.sent_at is not None
    assert [event.status for event in message.events.all()] == ["sending", "accepted"]


def test_it_says_which_language_the_client_had_when_it_left(gateway: MemoryGateway) -> None:
    message = queued()
    client = message.addressee
    was = message.language
    assert was != "tr"
    Client.objects.filter(pk=client.pk).update(language="tr")

    delivery.deliver_due(gateway)

    assert "randevu" in gateway.sent[0].body
    message.refresh_from_db()
    assert message.language == "tr"


def test_what_is_not_due_waits(gateway: MemoryGateway) -> None:
    message = queued(due=timedelta(minutes=1))

    assert delivery.deliver_due(gateway) == 0
    assert status_of(message) == Status.QUEUED


def test_what_was_sent_is_not_sent_again(gateway: MemoryGateway) -> None:
    queued()

    delivery.deliver_due(gateway)
    delivery.deliver_due(gateway)

    assert len(gateway.sent) == 1


def test_the_attempt_is_known_before_the_gateway_is(gateway: MemoryGateway, monkeypatch) -> None:
    message = queued()
    seen = []

    def look(batch: list[Sms]) -> list[Answer]:
        seen.append((status_of(message), message.attempts, message.claimed_at is not None))
        return [Answer(Verdict.ACCEPTED, "id")]

    monkeypatch.setattr(gateway, "send", look)
    delivery.deliver_due(gateway)

    assert seen == [(Status.SENDING, 1, True)]


@pytest.mark.parametrize("many", [1, 3])
def test_a_batch_costs_the_same_at_any_size(
    gateway: MemoryGateway, django_assert_num_queries, many: int
) -> None:
    for _ in range(many):
        queued()

    # lock; which database, and since when; expire, due districts; claim: savepoint, select, the district's
    # words, lock the month, pay, update with events, release; still wanted? record: savepoint, update,
    # release; nothing more: districts; unlock
    place.may_send()
    with django_assert_num_queries(18):
        delivery.deliver_due(gateway)

    assert len(gateway.sent) == many


def test_large_amounts_go_in_batches(gateway: MemoryGateway, monkeypatch) -> None:
    monkeypatch.setattr(gateway, "at_once", 2)
    for _ in range(5):
        queued()

    assert delivery.deliver_due(gateway) == 5


# --- What does not -----------------------------------------------------------------------------
@pytest.mark.promise(7)
def test_a_late_reminder_dies(gateway: MemoryGateway) -> None:
    message = queued(due=timedelta(days=-2), lives=timedelta(days=-1))

    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.EXPIRED
    assert "nicht rechtzeitig" in str(reason(message))


@pytest.mark.promise(7)
@pytest.mark.parametrize(
    ("lives", "most"), [(timedelta(days=1), timedelta(hours=4)), (timedelta(hours=1), timedelta(hours=1))]
)
def test_the_gateway_may_not_hold_a_message_longer_than_it_lives(
    gateway: MemoryGateway, lives: timedelta, most: timedelta
) -> None:
    queued(lives=lives)

    delivery.deliver_due(gateway)

    assert most - timedelta(minutes=1) < gateway.sent[0].valid_for <= most


@pytest.mark.parametrize("hour", [20, 23, 3, 7])
def test_nobodys_telephone_rings_at_night(gateway: MemoryGateway, hour: int) -> None:
    message = queued(hour=hour)

    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.QUEUED


@pytest.mark.parametrize("hour", [8, 19])
def test_the_day_lasts_from_eight_to_eight(gateway: MemoryGateway, hour: int) -> None:
    queued(hour=hour)

    assert delivery.deliver_due(gateway) == 1


def test_the_demo_needs_no_night_rest() -> None:
    queued(hour=3)

    assert delivery.deliver_due(ConsoleGateway()) == 1
    assert PhoneText.objects.count() == 1


AGAINST: dict[str, Callable[[Client], object]] = {
    "no_consent": lambda client: Consent.objects.filter(client=client).update(revoked_at=timezone.now()),
    "no_number": lambda client: Client.objects.filter(pk=client.pk).update(mobile=""),
    "not_confirmed": lambda client: Client.objects.filter(pk=client.pk).update(mobile_confirmed_at=None),
    "not_safe": lambda client: Client.objects.filter(pk=client.pk).update(safe_to_text=False),
    "opted_out": contact.opt_out,
    "wrong_number": contact.wrong_number,
    "does_not_read": lambda client: Client.objects.filter(pk=client.pk).update(
        literacy=Literacy.DOES_NOT_READ
    ),
}


@pytest.mark.promise(8)
@pytest.mark.parametrize("code", AGAINST)
def test_what_came_to_stand_against_it_meanwhile_is_heeded(gateway: MemoryGateway, code: str) -> None:
    message, other = queued(), queued()
    AGAINST[code](message.addressee)

    delivery.deliver_due(gateway)

    assert [sms.uuid for sms in gateway.sent] == [other.uuid]
    assert (status_of(message), message.error_code) == (Status.WITHDRAWN, code)
    (obstacle,) = contact.sms_obstacles(message.addressee)
    assert str(reason(message)) == str(obstacle.text) != ""


# --- What the gateway says ------------------------------------------------------------------------
@pytest.mark.promise(8)
@pytest.mark.parametrize("code", ["21211", "21610", "21614", "30003", "30005", "30007", "99999"])
def test_one_bad_recipient_never_stops_the_others(gateway: MemoryGateway, code: str) -> None:
    bad = queued("+4915100000001")
    good = [queued(), queued()]
    gateway.answers["+4915100000001"] = Answer(Verdict.REFUSED, error_code=code)

    delivery.deliver_due(gateway)

    assert [status_of(message) for message in good] == [Status.SENT, Status.SENT]
    assert (status_of(bad), bad.error_code) == (Status.FAILED, code)
    assert str(reason(bad)).endswith(".") or code in str(reason(bad))
    delivery.deliver_due(gateway)
    assert bad.attempts == 1


@pytest.mark.promise(8)
@pytest.mark.parametrize("code", ["21211", "21614", "30005", "30006"])
def test_a_bad_number_counts_as_unconfirmed(gateway: MemoryGateway, code: str) -> None:
    message = queued("+4915100000001")
    gateway.answers["+4915100000001"] = Answer(Verdict.REFUSED, error_code=code)

    delivery.deliver_due(gateway)

    message.addressee.refresh_from_db()
    assert message.addressee.mobile_confirmed_at is None
    assert AuditEvent.objects.about(message.addressee).filter(verb="number_failed", channel="sms").exists()


@pytest.mark.promise(8)
def test_a_number_confirmed_since_stays_confirmed(gateway: MemoryGateway) -> None:
    message = queued("+4915100000001")
    delivery.deliver_due(gateway)
    Client.objects.update(mobile_confirmed_at=timezone.now() + timedelta(seconds=1))

    delivery.report(message.uuid, Status.FAILED, said="undelivered", gateway_id="", error_code="30005")

    message.addressee.refresh_from_db()
    assert message.addressee.mobile_confirmed_at is not None


@pytest.mark.promise(8)
def test_an_opt_out_at_the_network_stops_all(gateway: MemoryGateway) -> None:
    message = queued("+4915100000001")
    gateway.answers["+4915100000001"] = Answer(Verdict.REFUSED, error_code="21610")

    delivery.deliver_due(gateway)

    message.addressee.refresh_from_db()
    assert message.addressee.opted_out_at is not None
    again = Draft(
        "test:2:", Message.Kind.BOOKED, message.context, timezone.now(), timezone.now() + timedelta(days=1)
    )
    assert outbox.enqueue_all(message.addressee, [again]) == []


@pytest.mark.promise(8)
def test_a_busy_gateway_is_asked_again_later(gateway: MemoryGateway) -> None:
    message = queued("+4915100000001")
    gateway.answers["+4915100000001"] = Answer(Verdict.LATER, error_code="20429")

    delivery.deliver_due(gateway)
    assert status_of(message) == Status.QUEUED
    assert message.send_at > timezone.now()

    gateway.answers.clear()
    assert delivery.deliver_due(gateway) == 0
    due_now(message)
    assert delivery.deliver_due(gateway) == 1
    assert (status_of(message), message.attempts, message.error_code) == (Status.SENT, 2, "")


def test_waiting_grows_with_each_attempt() -> None:
    waits = [recording.back_off(attempts) for attempts in range(1, 60)]

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=2), timedelta(minutes=10))


@pytest.mark.promise(5)
def test_no_answer_is_no_reason_to_try_again(gateway: MemoryGateway) -> None:
    message = queued("+4915100000001")
    gateway.answers["+4915100000001"] = Answer(Verdict.NO_ANSWER)

    delivery.deliver_due(gateway)
    gateway.answers.clear()
    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.SENDING


def test_a_text_that_cannot_be_written_stops_nobody(gateway: MemoryGateway) -> None:
    broken, good = queued(), queued()
    Message.objects.filter(pk=broken.pk).update(context={})

    delivery.deliver_due(gateway)

    assert status_of(good) == Status.SENT
    assert (status_of(broken), broken.error_code) == (Status.FAILED, "text")


# --- Taken back ------------------------------------------------------------------------------------
@pytest.mark.promise(6)
def test_what_is_withdrawn_during_back_off_never_leaves(gateway: MemoryGateway) -> None:
    message = queued("+4915100000001", key="booking:1:reminder:1d")
    gateway.answers["+4915100000001"] = Answer(Verdict.LATER)
    delivery.deliver_due(gateway)
    gateway.answers.clear()

    outbox.withdraw("booking:1:")
    due_now(message)
    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.WITHDRAWN


@pytest.mark.promise(6)
@pytest.mark.parametrize("verdict", [Verdict.LATER, Verdict.NO_ANSWER])
def test_what_is_withdrawn_while_under_way_is_not_tried_a_second_time(
    gateway: MemoryGateway, monkeypatch, verdict: Verdict
) -> None:
    message = queued(key="booking:1:reminder:1d")

    def cancelled_meanwhile(batch: list[Sms]) -> list[Answer]:
        outbox.withdraw("booking:1:")
        return [Answer(verdict) for _ in batch]

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "send", cancelled_meanwhile)
        delivery.deliver_due(gateway)
    delivery.settle(gateway, after=timedelta())
    due_now(message)
    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.WITHDRAWN
    assert not Notice.objects.exists()


class OneByOne(MemoryGateway):
    """Slow enough that something happens between one call and the next."""

    together = 1

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def send(self, batch: Sequence[Sms]) -> list[Answer]:
        answers = super().send(batch)
        self._meanwhile()
        return answers


@pytest.mark.promise(6)
def test_what_is_withdrawn_between_claim_and_call_does_not_leave() -> None:
    """The worker has both in hand; while it sends the first, the second is cancelled."""
    first, second = queued(), queued(key="booking:1:reminder:1d")
    gateway = OneByOne(lambda: outbox.withdraw("booking:1:"))

    delivery.deliver_due(gateway)

    assert [sms.uuid for sms in gateway.sent] == [first.uuid]
    assert (status_of(second), second.attempts) == (Status.WITHDRAWN, 1)
    assert [event.status for event in second.events.all()] == ["sending", "recalled"]
    assert Spending.objects.get(district=second.district).messages == 1


@pytest.mark.promise(6)
def test_an_opt_out_between_claim_and_call_is_heeded() -> None:
    first, second = queued(), queued()
    gateway = OneByOne(lambda: outbox.withdraw_all(second.addressee))

    delivery.deliver_due(gateway)

    assert [sms.uuid for sms in gateway.sent] == [first.uuid]
    assert status_of(second) == Status.WITHDRAWN


@pytest.mark.promise(7)
def test_what_waited_too_long_in_hand_does_not_leave(monkeypatch) -> None:
    monkeypatch.setattr(claiming, "LEAVE_WITHIN", timedelta(seconds=-1))
    message, gateway = queued(), MemoryGateway()

    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.QUEUED


@pytest.mark.promise(7)
def test_at_night_it_is_put_off_to_the_morning(gateway: MemoryGateway) -> None:
    message = queued(hour=3)

    delivery.deliver_due(gateway)

    message.refresh_from_db()
    local = message.send_at.astimezone(message.district.tz)
    assert (local.hour, local.minute, message.attempts) == (8, 0, 0)
