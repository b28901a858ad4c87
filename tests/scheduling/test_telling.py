"""Who gets no SMS is told by a person, once at a time, and again after a move."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Client
from consultations import today
from notifications.models import Message
from scheduling import reminders, telling
from scheduling.models import Booking, ReminderRule
from tests import clocks
from tests.factories import (
    BookingFactory,
    ClientFactory,
    ConsentFactory,
    OrganisationFactory,
    SessionFactory,
    SlotFactory,
    UserFactory,
)
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


# --- The plan of the kind -----------------------------------------------------------------------
BERLIN = ZoneInfo("Europe/Berlin")


def on(day: str, at: str = "08:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=BERLIN)


def told_at(booking: Booking, at: datetime) -> None:
    """It was said then, at that stage of the plan."""
    known = set(Message.objects.values_list("pk", flat=True))
    with clocks.at(at):
        telling.told(booking, by=booking.holder)
    assert Message.objects.exclude(pk__in=known).count() == 1


def asked_for(booking: Booking, at: datetime) -> str:
    """What "Heute" asks for then: nothing, to tell, or to remind, and until when."""
    for todo in today.of(booking.holder, now=at).todos:
        if todo.route == "scheduling:told":
            return f"{'remind' if 'erinnern' in todo.text else 'tell'}, {todo.note.split('Bis ')[1]}"
    return ""


@pytest.fixture
def planned() -> Iterator[Booking]:
    """On Wednesday, 7 April 2027, of a client without SMS; the week before is Easter."""
    start = on("2027-04-07", "14:00")
    client = ClientFactory()
    session = SessionFactory(start_at=start)
    slot = SlotFactory(session=session, start_at=start, end_at=start + timedelta(hours=1))
    made: Booking = BookingFactory(slot=slot, client=client, holder=client.owner)
    with clocks.of_the_database():
        yield made


def plan(booking: Booking, *rows: tuple[int, str | None]) -> None:
    for days, at in rows:
        ReminderRule.objects.create(kind=booking.slot.kind, days_before=days, at=at)


def test_each_day_of_the_plan_is_a_task_on_a_working_day(planned: Booking) -> None:
    # Saturday before Easter and Easter Monday go back to Thursday; then the day before.
    plan(planned, (11, "10:00"), (9, "10:00"), (1, None))
    assert asked_for(planned, on("2027-03-24", "12:00")) == ""
    assert asked_for(planned, on("2027-03-24", "15:00")) == "tell, Do 25. März, 10:00."
    told_at(planned, on("2027-03-24", "16:00"))
    assert asked_for(planned, on("2027-03-24", "17:00")) == ""

    assert asked_for(planned, on("2027-03-25")) == "remind, Do 25. März, 10:00."
    told_at(planned, on("2027-03-25", "09:00"))
    for day in ("2027-03-25", "2027-03-27", "2027-03-29", "2027-04-05"):
        assert asked_for(planned, on(day, "12:00")) == ""

    assert asked_for(planned, on("2027-04-06", "00:00")) == "remind, Di 6. Apr., 14:00."
    assert asked_for(planned, on("2027-04-07", "06:00")) == "remind, Mi 7. Apr., 12:00."
    told_at(planned, on("2027-04-07", "06:00"))
    assert asked_for(planned, on("2027-04-07", "13:00")) == ""


def test_a_plan_of_many_weeks_is_seen_in_time(planned: Booking) -> None:
    plan(planned, (60, "10:00"))
    told_at(planned, on("2027-01-07"))

    # 60 days before is 6 February, a Saturday.
    assert asked_for(planned, on("2027-02-04")) == ""
    assert asked_for(planned, on("2027-02-05")).startswith("remind")


def test_without_a_plan_of_its_own_the_usual_one_counts(planned: Booking) -> None:
    told_at(planned, on("2027-03-24"))

    # Five days before, a Friday, at the hour of the appointment; then the day before at five.
    assert asked_for(planned, on("2027-04-01")) == ""
    assert asked_for(planned, on("2027-04-02")) == "remind, Fr 2. Apr., 14:00."
    told_at(planned, on("2027-04-02"))
    assert asked_for(planned, on("2027-04-06")) == "remind, Di 6. Apr., 17:00."


def test_what_was_booked_late_is_told_and_not_also_reminded_of(planned: Booking) -> None:
    plan(planned, (9, "10:00"), (1, "10:00"))
    assert asked_for(planned, on("2027-04-05")).startswith("tell")

    told_at(planned, on("2027-04-05"))

    assert asked_for(planned, on("2027-04-05", "09:00")) == ""
    assert asked_for(planned, on("2027-04-06")).startswith("remind")


def test_an_sms_that_has_reminded_before_the_quiet_counts(planned: Booking) -> None:
    ConsentFactory(client=planned.client)
    plan(planned, (9, "10:00"), (1, "06:00"))
    reminders.plan(planned, now=on("2027-03-01"))
    # The day before at six is quiet, and so is Easter Monday: it went out on Saturday.
    last = Message.objects.get(key__endswith="reminder:last")
    sent_at = on("2027-04-05", "19:00")
    Message.objects.filter(pk=last.pk).update(status="sent", sent_at=sent_at)
    Client.objects.update(opted_out_at=sent_at)

    assert asked_for(planned, on("2027-04-06")) == ""


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
