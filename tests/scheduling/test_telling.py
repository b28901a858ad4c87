"""Who gets no SMS is told by a person, once at a time, and again after a move."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from consultations import today
from notifications.models import Message
from scheduling import reminders, telling
from scheduling.models import Booking
from tests.factories import BookingFactory, ClientFactory, ConsentFactory, OrganisationFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


def tasks(user) -> list[tuple[str, str]]:
    return [(todo.text, todo.note) for todo in today.of(user).todos if todo.route == "scheduling:told"]


@pytest.fixture
def booking() -> Booking:
    """An appointment in a week, of somebody who did not agree to SMS."""
    made: Booking = BookingFactory(client=ClientFactory())
    return made


@pytest.mark.parametrize(
    ("way", "expected"),
    [("call", "Bitte anrufen: +49"), ("letter", "Brief"), ("accommodation", "Unterkunft")],
)
def test_a_person_tells_by_the_way_noted_with_the_client(booking, way: str, expected: str) -> None:
    type(booking.client).objects.update(other_way=way)

    ((text, note),) = tasks(booking.client.owner)

    assert "Amal Haddad bekommt keine SMS" in text
    assert expected in note
    assert "Bis " in note


def test_it_is_done_until_it_is_time_to_remind(booking) -> None:
    owner = booking.client.owner

    for _ in range(2):
        telling.told(booking, by=owner)

    assert tasks(owner) == []
    (message,) = Message.objects.all()
    assert (message.channel, message.status) == ("person", "delivered")
    assert AuditEvent.objects.about(message).filter(verb="told_in_person").count() == 1
    soon = booking.start_at - timedelta(days=1)
    (todo,) = [one for one in today.of(owner, now=soon).todos if one.route == "scheduling:told"]
    assert "erinnern" in todo.text


def test_a_moved_appointment_is_told_anew_and_a_cancelled_one_not_at_all(booking) -> None:
    owner = booking.client.owner
    telling.told(booking, by=owner)

    Booking.objects.update(ical_sequence=1)
    assert len(tasks(owner)) == 1

    Booking.objects.update(status="cancelled", cancelled_at=timezone.now())
    assert tasks(owner) == []


def test_whom_an_sms_reaches_nobody_has_to_call() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)

    assert tasks(booking.client.owner) == []


def test_an_sms_that_arrived_before_they_opted_out_counts(booking) -> None:
    ConsentFactory(client=booking.client)
    reminders.plan(booking)
    Message.objects.filter(kind="booked").update(status="delivered")
    type(booking.client).objects.update(opted_out_at=timezone.now())

    assert tasks(booking.client.owner) == []


def test_a_message_that_waits_for_a_person_is_theirs() -> None:
    booking = BookingFactory(client=ConsentFactory().client)
    reminders.plan(booking)
    Message.objects.filter(kind="booked").update(channel="person", send_at=timezone.now())
    message, owner = Message.objects.get(kind="booked"), booking.client.owner
    routes = [todo.route for todo in today.of(owner).todos]
    assert "scheduling:told_message" in routes

    telling.told_message(message, by=owner)

    assert "scheduling:told_message" not in [todo.route for todo in today.of(owner).todos]
    message.refresh_from_db()
    assert message.status == Message.Status.DELIVERED


@pytest.mark.promise(12)
def test_the_case_team_alone_says_so(booking) -> None:
    owner = booking.client.owner
    stranger = UserFactory(organisation=OrganisationFactory(name="Caritas"))
    address = f"/buchungen/{booking.uuid}/bescheid-gegeben/"

    assert tasks(stranger) == []
    assert as_user(stranger).post(address).status_code == 404
    assert as_user(UserFactory(roles=["coordinator"])).post(address).status_code == 403
    assert as_user(owner).post(address, {"next": "/"}).headers["Location"] == "/"
    assert tasks(owner) == []
