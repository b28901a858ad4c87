"""SMS handed over by the gateway: signed over the address we published, stored once."""

import pytest
from django.test import Client
from django.urls import reverse
from twilio.request_validator import RequestValidator

from notifications.models import IncomingText
from tests.factories import DistrictFactory
from tests.scheduling.test_answers import NUMBER, answer_of, asked, person

pytestmark = [pytest.mark.django_db, pytest.mark.promise(9)]
PUBLIC, KEY = "https://t.example.org", "token of the test"
PATH = reverse("scheduling:incoming_text")


@pytest.fixture(autouse=True)
def _twilio_account(settings) -> None:
    settings.PUBLIC_URL, settings.TWILIO_AUTH_TOKEN = PUBLIC, KEY


def deliver(body: str = "1", *, path: str = PATH, key: str = KEY, public: str = PUBLIC, **form: str):
    """POST an SMS as Twilio does."""
    data = {"MessageSid": "SM1", "From": NUMBER, "Body": body, **form}
    signature = RequestValidator(key).compute_signature(f"{public}{path}", data)
    return Client().post(path, data, headers={"X-Twilio-Signature": signature})


def test_a_signed_sms_is_heard_and_not_answered() -> None:
    booking = asked(person())

    answer = deliver()

    assert (answer.status_code, answer.content) == (200, b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
    assert answer_of(booking) == "coming"


def test_delivered_again_it_is_one() -> None:
    asked(person())

    assert [deliver().status_code for _ in range(3)] == [200, 200, 200]
    assert IncomingText.objects.count() == 1


def test_forged_texts_are_refused_and_not_stored(settings) -> None:
    booking = asked(person())

    refused = [deliver(key="guessed"), deliver(public="https://elsewhere.example.org")]
    refused.append(Client().post(PATH, {"MessageSid": "SM1", "From": NUMBER, "Body": "2"}))
    settings.TWILIO_AUTH_TOKEN = ""
    refused.append(deliver(key=""))

    assert [answer.status_code for answer in refused] == [403] * 4
    assert not IncomingText.objects.exists()
    assert answer_of(booking) == ""


def test_a_signature_counts_for_its_words_only() -> None:
    data = {"MessageSid": "SM1", "From": NUMBER, "Body": "1"}
    signature = RequestValidator(KEY).compute_signature(f"{PUBLIC}{PATH}", data)

    answer = Client().post(PATH, {**data, "Body": "2"}, headers={"X-Twilio-Signature": signature})

    assert answer.status_code == 403


def test_each_district_may_have_a_number_of_its_own() -> None:
    booking = asked(person())
    other = DistrictFactory(name="Anderer Kreis")

    deliver(path=reverse("scheduling:incoming_text", args=[other.uuid]))
    deliver(path=reverse("scheduling:incoming_text", args=[booking.district.uuid]), MessageSid="SM2")

    assert [text.district for text in IncomingText.objects.order_by("pk")] == [other, booking.district]
    assert answer_of(booking) == "coming"


def test_the_gateways_opt_out_is_heard() -> None:
    client = person()

    deliver("STOP", OptOutType="STOP")

    client.refresh_from_db()
    assert client.opted_out_at is not None


def test_only_post_with_a_sender_is_an_sms() -> None:
    assert Client().get(PATH).status_code == 405
    assert deliver(From="").status_code == 400
