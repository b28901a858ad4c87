"""The outbox: queued once, taken back, never without consent."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from clients.models import Client
from notifications import outbox
from notifications.models import Message
from notifications.outbox import Draft
from tests.factories import ClientFactory, ConsentFactory

pytestmark = pytest.mark.django_db

Status = Message.Status


def draft(key: str = "booking:1:booked", *, send_at: datetime | None = None, place: str = "Haus 1") -> Draft:
    due = send_at or timezone.now()
    return Draft(key, Message.Kind.BOOKED, {"place": place}, due, due + timedelta(days=1))


@pytest.fixture
def client_() -> Client:
    client: Client = ConsentFactory().client
    return client


def test_a_message_is_queued_in_the_clients_language(client_: Client) -> None:
    due = timezone.now() + timedelta(hours=2)

    assert outbox.enqueue_all(client_, [draft(send_at=due)]) == ["booking:1:booked"]

    message = Message.objects.get(key="booking:1:booked")
    assert (message.status, message.language, message.attempts) == (Status.QUEUED, "ar", 0)
    assert (message.client, message.district) == (client_, client_.district)
    assert message.context == {"place": "Haus 1"}
    assert message.send_at == due


def test_the_same_key_is_queued_once(client_: Client) -> None:
    outbox.enqueue_all(client_, [draft(place="Haus 1")])
    again = outbox.enqueue_all(client_, [draft(place="Haus 2"), draft("booking:1:reminder:1d")])

    assert again == ["booking:1:reminder:1d"]
    assert Message.objects.count() == 2
    assert Message.objects.get(key="booking:1:booked").context == {"place": "Haus 1"}


@pytest.mark.parametrize("many", [1, 3])
def test_any_number_of_messages_costs_the_same(
    client_: Client, many: int, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        queued = outbox.enqueue_all(client_, [draft(f"booking:1:{n}") for n in range(many)])

    assert len(queued) == many


def test_nothing_is_queued_without_consent() -> None:
    client = ClientFactory()

    assert outbox.enqueue_all(client, [draft()]) == []
    assert not Message.objects.exists()


@pytest.mark.promise(2)
def test_messages_go_the_way_of_their_transaction(client_: Client) -> None:
    with transaction.atomic():
        outbox.enqueue_all(client_, [draft()])
        transaction.set_rollback(True)

    assert not Message.objects.exists()


def test_withdrawing_takes_back_what_has_not_left(client_: Client) -> None:
    for status in Status:
        outbox.enqueue_all(client_, [draft(f"booking:1:{status}"), draft(f"booking:2:{status}")])
        Message.objects.filter(key__endswith=status).update(status=status, claimed_at=timezone.now())

    outbox.withdraw("booking:1:")

    states = {message.key: message.status for message in Message.objects.all()}
    assert states.pop("booking:1:queued") == Status.WITHDRAWN
    assert all(key.endswith(f":{status}") for key, status in states.items())
    # What is under way cannot be called back, but it will not be tried again.
    under_way = Message.objects.get(key="booking:1:sending")
    assert under_way.expires_at <= timezone.now()
    assert Message.objects.get(key="booking:2:sending").expires_at > timezone.now()


def test_a_prefix_is_not_a_pattern(client_: Client) -> None:
    outbox.enqueue_all(client_, [draft("booking:1:booked")])

    assert outbox.withdraw("booking:_:") == 0
    assert outbox.withdraw("booking:%") == 0


def test_everything_to_one_client_can_be_taken_back(client_: Client) -> None:
    other = ConsentFactory().client
    outbox.enqueue_all(client_, [draft("booking:1:booked"), draft("booking:2:booked")])
    outbox.enqueue_all(other, [draft("booking:3:booked")])

    assert outbox.withdraw_all(client_) == 2
    assert list(Message.objects.filter(status=Status.QUEUED).values_list("key", flat=True)) == [
        "booking:3:booked"
    ]


def test_what_was_withdrawn_can_be_queued_anew(client_: Client) -> None:
    outbox.enqueue_all(client_, [draft(place="Haus 1")])
    outbox.withdraw("booking:1:")

    outbox.enqueue_all(client_, [draft(place="Haus 2")])

    revived = Message.objects.get()
    assert (revived.status, revived.context, revived.settled_at) == (Status.QUEUED, {"place": "Haus 2"}, None)
    assert Message.objects.count() == 1


def test_what_was_sent_is_never_queued_anew(client_: Client) -> None:
    for status in sorted(set(Status) - {Status.WITHDRAWN}):
        outbox.enqueue_all(client_, [draft(status)])
        Message.objects.filter(key=status).update(status=status, claimed_at=timezone.now())

        assert outbox.enqueue_all(client_, [draft(status)]) == []
        assert Message.objects.get(key=status).status == status


@pytest.mark.parametrize("many", [1, 3])
def test_messages_about_several_things_come_with_one_query(
    client_: Client, many: int, django_assert_num_queries: pytest.FixtureRequest
) -> None:
    later = timezone.now() + timedelta(days=1)
    for n in range(many):
        outbox.enqueue_all(client_, [draft(f"booking:{n}:b", send_at=later), draft(f"booking:{n}:a")])

    with django_assert_num_queries(1):  # type: ignore[operator]
        found = outbox.by_key_prefix([f"booking:{n}:" for n in range(many + 1)])

    assert [message.key for message in found["booking:0:"]] == ["booking:0:a", "booking:0:b"]
    assert [len(messages) for messages in found.values()] == [2] * many + [0]


def test_messages_about_nothing_cost_nothing(django_assert_num_queries: pytest.FixtureRequest) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert outbox.by_key_prefix([]) == {}
