"""Status callbacks: signed over the address we published, forward only."""

import pytest
from django.test import Client
from django.urls import reverse
from twilio.request_validator import RequestValidator

from notifications import delivery, links
from notifications.channels.memory import MemoryGateway
from notifications.models import Message
from tests.notifications.messages import queued

pytestmark = [pytest.mark.django_db, pytest.mark.promise(9)]
PUBLIC = "https://t.example.org"
KEY = "token of the test"


@pytest.fixture(autouse=True)
def _twilio_account(settings) -> None:
    settings.PUBLIC_URL, settings.TWILIO_AUTH_TOKEN = PUBLIC, KEY


@pytest.fixture
def sent() -> Message:
    message = queued()
    delivery.deliver_due(MemoryGateway())
    return message


def path_of(message: Message) -> str:
    return reverse("notifications:status", args=[links.token("notifications:status", message.uuid, 1)])


def call(path: str, said: str = "delivered", *, key: str = KEY, public: str = PUBLIC, **form: str) -> int:
    """POST a callback as Twilio does; the status code of the answer."""
    data = {"MessageSid": "memory-1", "MessageStatus": said, **form}
    signature = RequestValidator(key).compute_signature(f"{public}{path}", data)
    answer = Client().post(path, data, headers={"X-Twilio-Signature": signature})
    return answer.status_code


def status_of(message: Message) -> str:
    message.refresh_from_db()
    return message.status


def test_a_signed_callback_is_heard(sent: Message) -> None:
    assert call(path_of(sent)) == 204
    assert status_of(sent) == Message.Status.DELIVERED


def test_a_failure_comes_with_its_reason(sent: Message) -> None:
    assert call(path_of(sent), "undelivered", ErrorCode="30005") == 204

    assert (status_of(sent), sent.error_code) == (Message.Status.FAILED, "30005")
    sent.addressee.refresh_from_db()
    assert sent.addressee.mobile_confirmed_at is None


def test_forged_callbacks_are_refused(sent: Message) -> None:
    path = path_of(sent)

    assert call(path, key="guessed") == 403
    assert Client().post(path, {"MessageStatus": "delivered"}).status_code == 403
    assert call(path, public="https://elsewhere.example.org") == 403
    assert status_of(sent) == Message.Status.SENT


def test_the_host_header_decides_nothing(sent: Message, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    path, data = path_of(sent), {"MessageStatus": "delivered"}
    signature = RequestValidator(KEY).compute_signature(f"https://evil.example.org{path}", data)

    answer = Client().post(
        path, data, headers={"X-Twilio-Signature": signature, "Host": "evil.example.org"}, secure=True
    )

    assert answer.status_code == 403
    assert status_of(sent) == Message.Status.SENT


def test_a_signature_counts_for_its_message_only(sent: Message) -> None:
    other = queued()
    delivery.deliver_due(MemoryGateway())
    path, data = path_of(other), {"MessageSid": "memory-1", "MessageStatus": "delivered"}
    signature = RequestValidator(KEY).compute_signature(f"{PUBLIC}{path_of(sent)}", data)

    answer = Client().post(path, data, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 403
    assert status_of(other) == Message.Status.SENT


def test_an_address_we_did_not_sign_is_refused(sent: Message) -> None:
    wrong = reverse("notifications:status", args=[links.token("scheduling:client_page", sent.uuid, 1)])

    assert call(wrong) == 403
    assert call(reverse("notifications:status", args=["x"])) == 403


def test_without_a_key_of_ours_nothing_is_believed(sent: Message, settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""

    assert call(path_of(sent), key="") == 403


def test_repeated_reordered_and_unknown_callbacks_do_no_harm(sent: Message) -> None:
    for said in ["sent", "delivered", "delivered", "sending", "brand new", "sent", "failed"]:
        assert call(path_of(sent), said) == 204

    assert status_of(sent) == Message.Status.DELIVERED


def test_a_callback_about_an_erased_message_is_ignored(sent: Message) -> None:
    path = path_of(sent)
    sent.delete()

    assert call(path) == 204


def test_only_post_is_answered(sent: Message) -> None:
    assert Client().get(path_of(sent)).status_code == 405
