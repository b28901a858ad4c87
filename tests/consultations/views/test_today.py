"""Heute, for everybody who signs in."""

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from notifications import texts
from notifications.models import IncomingText, Message, PhoneText
from tests.factories import BookingFactory, ClientFactory, OrganisationFactory, SessionFactory, UserFactory
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


def test_everybody_of_the_demo_district_has_a_today():
    call_command("load_demo")
    for user in User.objects.all():
        page = as_user(user).get(reverse("consultations:today")).content.decode()
        assert "Zu tun" in page or "Nichts zu tun" in page
    # Their clients' telephones have something of every kind, each in its owner's language.
    arrived = PhoneText.objects.select_related("message")
    assert {text.message.kind for text in arrived} >= set(texts.SMS_KINDS) - {Message.Kind.REMINDER}
    assert len({text.message.language for text in arrived}) >= 5
    assert IncomingText.objects.filter(understood="unclear", handled_at=None).exists()
    assert all(text.received_at <= timezone.now() for text in arrived)


def test_the_list_is_ones_own():
    client = ClientFactory(wrong_number_at="2026-11-01T10:00Z")
    assert "Amal Haddad" in as_user(client.owner).get("/").content.decode()
    assert "Amal Haddad" not in as_user(UserFactory()).get("/").content.decode()


def test_the_specialist_is_led_to_the_agenda_of_their_next_session():
    session = SessionFactory()
    page = as_user(session.specialist.user).get("/").content.decode()
    assert reverse("consultations:agenda", args=[timezone.localdate(session.start_at)]) in page


@pytest.mark.promise(12)
def test_called_is_noted_from_the_list_by_the_case_team_only():
    booking = BookingFactory(client=ClientFactory(), call_asked_at=timezone.now())
    address = reverse("scheduling:called", args=[booking.uuid])
    stranger = UserFactory(organisation=OrganisationFactory(name="Caritas"))

    assert as_user(stranger).post(address).status_code == 404
    own = as_user(booking.client.owner)
    assert f'action="{address}"' in own.get(reverse("consultations:today")).content.decode()
    answer = own.post(address, {"next": reverse("consultations:today")})

    assert answer.headers["Location"] == reverse("consultations:today")
    booking.refresh_from_db()
    assert booking.call_asked_at is None
    assert AuditEvent.objects.about(booking).filter(verb="called", actor=booking.client.owner.uuid).exists()
