"""Who may take an appointment into their calendar."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, User
from scheduling.models import Booking
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking() -> Booking:
    client = factories.ClientFactory(deputy=factories.UserFactory())
    made: Booking = factories.BookingFactory(client=client, holder=client.owner)
    return made


def address(booking: Booking) -> str:
    return reverse("scheduling:booking_ics", args=[booking.uuid])


def test_the_case_team_and_the_specialist_of_the_session_get_the_file(booking: Booking) -> None:
    assert booking.client is not None
    assert booking.client.deputy is not None
    assert booking.slot.session.specialist is not None
    specialist = booking.slot.session.specialist.user
    assert specialist is not None
    for user in (booking.holder, booking.client.deputy, specialist):
        response = as_user(user).get(address(booking))
        assert response.status_code == 200
        assert response["Content-Type"] == "text/calendar; charset=utf-8"
        assert response["Content-Disposition"] == 'attachment; filename="termin.ics"'
        assert "no-store" in response["Cache-Control"]
        assert response.content.startswith(b"BEGIN:VCALENDAR")
        assert AuditEvent.objects.about(booking).latest("pk").actor == user.uuid


def test_everyone_else_finds_nothing(booking: Booking) -> None:
    others: list[User] = [
        factories.UserFactory(),
        factories.UserFactory(organisation__name="Caritas"),
        factories.SpecialistFactory(name="Dr. Anders").user,
    ]
    assert {as_user(user).get(address(booking)).status_code for user in others} == {404}
    coordinator = factories.UserFactory(roles=["coordinator"])
    assert as_user(coordinator).get(address(booking)).status_code == 403


def test_a_hold_is_no_appointment(booking: Booking) -> None:
    Booking.objects.filter(pk=booking.pk).update(status="tentative", held_until=booking.start_at)
    assert as_user(booking.holder).get(address(booking)).status_code == 404
