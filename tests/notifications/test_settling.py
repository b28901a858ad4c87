"""What was left in between is settled before any second try, or shown to a person."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import delivery, parcels, recording, wording
from notifications.channels.base import Answer, Verdict
from notifications.channels.memory import MemoryGateway
from notifications.models import DeliveryEvent, Message
from notifications.reasons import reason
from tests.notifications.messages import claimed, queued

pytestmark = pytest.mark.django_db
Status = Message.Status
NUMBER = "+4915100000001"
AT_ONCE = timedelta()


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


def left_in_between(gateway: MemoryGateway, *, accepted: bool, **facts) -> Message:
    """A message whose worker was killed during the call."""
    message = queued(NUMBER, **facts)
    ((_, sms),) = claimed(gateway)
    if accepted:
        gateway.accept(sms)
    message.refresh_from_db()
    return message


def status_of(message: Message) -> str:
    message.refresh_from_db()
    return message.status


@pytest.mark.promise(4)
def test_what_the_gateway_accepted_is_recorded_not_repeated(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=True)

    delivery.settle(gateway, after=AT_ONCE)
    delivery.deliver_due(gateway)

    assert (status_of(message), message.gateway_id) == (Status.SENT, "memory-1")
    assert len(gateway.sent) == 1


@pytest.mark.promise(4)
def test_what_the_gateway_never_saw_is_sent_after_all(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=False)

    delivery.settle(gateway, after=AT_ONCE)
    assert status_of(message) == Status.QUEUED
    delivery.deliver_due(gateway)

    assert (status_of(message), message.attempts) == (Status.SENT, 2)
    assert len(gateway.sent) == 1


def test_a_living_worker_is_given_its_time(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=False)

    delivery.settle(gateway)
    assert status_of(message) == Status.SENDING

    Message.objects.update(claimed_at=Now() - delivery.SETTLE_AFTER)
    delivery.settle(gateway)
    assert status_of(message) == Status.QUEUED


@pytest.mark.promise(7)
def test_what_was_never_accepted_and_is_too_late_now_dies(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=False)
    Message.objects.update(expires_at=Now())

    delivery.settle(gateway, after=AT_ONCE)
    delivery.deliver_due(gateway)

    assert status_of(message) == Status.EXPIRED
    assert gateway.sent == []


@pytest.mark.promise(5)
def test_what_cannot_be_settled_is_shown_to_a_person(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=True)
    gateway.has_list = False

    delivery.settle(gateway, after=AT_ONCE)
    assert status_of(message) == Status.SENDING

    delivery.settle(gateway, after=AT_ONCE, give_up=AT_ONCE)
    assert status_of(message) == Status.UNCLEAR
    assert "nicht noch einmal gesendet" in str(reason(message))

    gateway.has_list = True
    delivery.settle(gateway, after=AT_ONCE)
    delivery.deliver_due(gateway)
    assert len(gateway.sent) == 1


@pytest.mark.promise(5)
def test_a_late_callback_clears_up_what_was_unclear(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=True)
    gateway.has_list = False
    delivery.settle(gateway, after=AT_ONCE, give_up=AT_ONCE)

    delivery.report(message.uuid, Status.DELIVERED, said="delivered", gateway_id="memory-1")

    assert status_of(message) == Status.DELIVERED


@pytest.mark.promise(4)
def test_of_two_messages_that_read_alike_each_needs_its_own_proof(gateway: MemoryGateway) -> None:
    first = queued(NUMBER)
    second = queued()
    Message.objects.filter(pk=second.pk).update(client=first.addressee, context=first.context)
    (_, sms), _ = claimed(gateway)
    gateway.accept(sms)

    delivery.settle(gateway, after=AT_ONCE)
    assert sorted([status_of(first), status_of(second)]) == [Status.QUEUED, Status.SENT]

    delivery.deliver_due(gateway)
    assert len(gateway.sent) == 2


@pytest.mark.promise(4)
def test_a_trace_that_belongs_to_another_message_proves_nothing(gateway: MemoryGateway) -> None:
    earlier = queued(NUMBER)
    delivery.deliver_due(gateway)
    later = queued()
    Message.objects.filter(pk=later.pk).update(client=earlier.addressee, context=earlier.context)
    claimed(gateway)

    delivery.settle(gateway, after=AT_ONCE)

    assert status_of(later) == Status.QUEUED


@pytest.mark.promise(4)
def test_new_words_do_not_hide_what_was_accepted(gateway: MemoryGateway, monkeypatch) -> None:
    message = left_in_between(gateway, accepted=True)
    monkeypatch.setattr("notifications.texts._PLAIN", {ord("H"): "X"})
    assert parcels.body(message, wording.of(message.district)) != gateway.sent[0].body

    delivery.settle(gateway, after=AT_ONCE)

    assert status_of(message) == Status.SENT


@pytest.mark.promise(4)
def test_a_worker_that_wakes_up_late_changes_nothing(gateway: MemoryGateway) -> None:
    message = queued(NUMBER)
    ((taken, _),) = claimed(gateway)
    delivery.settle(gateway, after=AT_ONCE)
    delivery.deliver_due(gateway)

    recording.record([recording.outcome(taken, Answer(Verdict.LATER))])

    assert (status_of(message), message.gateway_id) == (Status.SENT, "memory-1")


@pytest.mark.promise(18)
def test_a_gateway_whose_clock_is_behind_is_understood(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=True)
    Message.objects.update(claimed_at=F("claimed_at") + timedelta(minutes=10))

    delivery.settle(gateway, after=timedelta(minutes=-11))

    assert status_of(message) == Status.SENT


def test_a_client_without_a_number_now_cannot_be_looked_up(gateway: MemoryGateway) -> None:
    message = left_in_between(gateway, accepted=True)
    message.addressee.mobile = ""
    message.addressee.save()

    delivery.settle(gateway, after=AT_ONCE, give_up=AT_ONCE)

    assert status_of(message) == Status.UNCLEAR


# --- Reports ------------------------------------------------------------------------------------------
REPORTS = [
    ("queued", Status.SENT),
    ("sending", Status.SENT),
    ("sent", Status.SENT),
    ("delivered", Status.DELIVERED),
]


@pytest.mark.promise(9)
@settings(max_examples=30)
@given(order=st.permutations(REPORTS * 2))
def test_repeated_and_reordered_reports_end_the_same(order: list[tuple[str, Message.Status]]) -> None:
    gateway = MemoryGateway()
    message = queued()
    delivery.deliver_due(gateway)
    seen = [Status.SENT.value]

    for said, status in order:
        delivery.report(message.uuid, status, said=said, gateway_id="memory-1")
        seen.append(status_of(message))

    assert seen[-1] == Status.DELIVERED
    assert seen == [Status.SENT] * seen.count(Status.SENT) + [Status.DELIVERED] * seen.count(Status.DELIVERED)
    assert DeliveryEvent.objects.filter(message=message, status="delivered").count() == 1
    Message.objects.all().delete()


@pytest.mark.promise(9)
def test_an_early_report_is_the_record(gateway: MemoryGateway, monkeypatch) -> None:
    message = queued()
    accept = gateway.send

    def callback_is_faster(batch):
        delivery.report(message.uuid, Status.DELIVERED, said="delivered", gateway_id="memory-1")
        return accept(batch)

    monkeypatch.setattr(gateway, "send", callback_is_faster)
    delivery.deliver_due(gateway)

    assert (status_of(message), message.gateway_id) == (Status.DELIVERED, "memory-1")
    assert message.sent_at is not None


@pytest.mark.promise(9)
@pytest.mark.parametrize("last", [Status.DELIVERED, Status.FAILED])
def test_a_state_never_goes_back(gateway: MemoryGateway, last: Message.Status) -> None:
    message = queued()
    delivery.deliver_due(gateway)
    delivery.report(message.uuid, last, said="x", gateway_id="memory-1", error_code="")

    for status in (Status.SENT, Status.DELIVERED, Status.FAILED):
        assert not delivery.report(message.uuid, status, said="y", gateway_id="memory-1")

    assert status_of(message) == last


@pytest.mark.promise(4)
def test_a_report_stops_a_second_try(gateway: MemoryGateway) -> None:
    # The list lagged behind, so the message was due again; then its callback came.
    message = left_in_between(gateway, accepted=False)
    delivery.settle(gateway, after=AT_ONCE)

    delivery.report(message.uuid, Status.SENT, said="sent", gateway_id="late")
    delivery.deliver_due(gateway)

    assert gateway.sent == []
    assert status_of(message) == Status.SENT


def test_nobody_reports_on_what_never_left(gateway: MemoryGateway) -> None:
    message = queued(due=timedelta(hours=1))

    assert not delivery.report(message.uuid, Status.DELIVERED, said="delivered", gateway_id="x")
    assert status_of(message) == Status.QUEUED
