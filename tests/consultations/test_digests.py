"""The daily overview: on working days from seven, once, to those who want it, and without a name."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from consultations import digests
from notifications.models import MailChoice, Message
from tests import factories

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
# A Tuesday.
MORNING = datetime(2027, 6, 8, 7, 5, tzinfo=BERLIN)


@pytest.fixture
def person() -> User:
    """A caseworker who wants the overview and has an appointment at ten."""
    user: User = factories.UserFactory(email="fall@amt.example")
    MailChoice.objects.create(user=user, digest=True)
    client = factories.ClientFactory(owner=user, given_name="Kanarienvogel", case_number="F-4711")
    start = MORNING.replace(hour=10, minute=0)
    slot = factories.SlotFactory(start_at=start, end_at=start + timedelta(hours=1))
    factories.BookingFactory(slot=slot, client=client, holder=user, status="booked")
    return user


def test_it_comes_once_a_day_with_numbers_and_times(person: User) -> None:
    assert [digests.send_due(MORNING), digests.send_due(MORNING + timedelta(minutes=5))] == [1, 0]

    mail = Message.objects.get(channel="email")
    assert mail.user == person
    assert "10:00" in mail.context["text"]
    assert mail.context["subject"] == "Überblick für Di 8. Juni"
    for word in ("Kanarienvogel", "4711"):
        assert word not in str(mail.context)


@pytest.mark.parametrize(
    "now",
    [
        MORNING.replace(hour=6, minute=59),
        MORNING.replace(hour=12, minute=1),
        MORNING - timedelta(days=2),  # a Sunday
        datetime(2027, 5, 6, 7, 5, tzinfo=BERLIN),  # Ascension Day
    ],
)
def test_not_at_night_not_at_noon_not_on_days_off(person: User, now: datetime) -> None:
    assert digests.send_due(now) == 0


def test_who_has_not_asked_for_it_gets_none(person: User) -> None:
    MailChoice.objects.update(digest=False)
    assert digests.send_due(MORNING) == 0


def test_a_day_with_nothing_to_say_sends_nothing() -> None:
    user = factories.UserFactory(email="leer@amt.example")
    MailChoice.objects.create(user=user, digest=True)

    assert digests.send_due(MORNING) == 0
    assert not Message.objects.exists()
