"""Invitations: after any changes, each calendar concerned holds exactly one right entry, or none."""

from datetime import timedelta
from typing import Any

import icalendar
import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from clients import registry
from clients.models import Client
from notifications.models import MailChoice, Message
from scheduling import booking as rules
from scheduling import invitations, moving
from scheduling.models import Booking, Slot
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    owner = factories.UserFactory(email="fall@amt.example")
    made: Client = factories.ConsentFactory(
        client=factories.ClientFactory(owner=owner, given_name="Kanarienvogel", family_name="Papagei")
    ).client
    return made


@pytest.fixture
def slots() -> list[Slot]:
    """Three places of one kind a day apart, held by somebody with an address."""
    first = factories.SessionFactory()
    User.objects.filter(pk=first.specialist.user_id).update(email="praxis@klinik.example", language="en")
    days = [first.start_at + timedelta(days=7 + number) for number in range(3)]
    sessions = [factories.SessionFactory(series=first.series, start_at=day) for day in days]
    return [factories.SlotFactory(session=session) for session in sessions]


@pytest.fixture
def booked(client: Client, slots: list[Slot]) -> Booking:
    return rules.book(slots[0], client=client, by=client.owner)


def leave() -> None:
    """What is queued goes out, as the worker does it."""
    Message.objects.filter(status="queued", channel="email").update(status="sent")


def told(booking: Booking, email: str) -> list[tuple[str, int]]:
    """METHOD and SEQUENCE of what left for this person, in order."""
    sent = Message.objects.filter(user__email=email, channel="email", status="sent").order_by("id")
    return [(row.context["method"], event(row)["sequence"]) for row in sent]


def calendar_of(email: str) -> dict[str, Any]:
    """What stands in the person's calendar after all that was sent to them (RFC 5546: UID, SEQUENCE)."""
    entries: dict[str, Any] = {}
    for row in Message.objects.filter(user__email=email, channel="email", status="sent").order_by("id"):
        found = event(row)
        known = entries.get(str(found["uid"]))
        if known is not None and known["sequence"] > found["sequence"]:
            continue
        if row.context["method"] == "CANCEL":
            entries.pop(str(found["uid"]), None)
        else:
            entries[str(found["uid"])] = found
    return entries


def event(message: Message) -> Any:
    (found,) = icalendar.Calendar.from_ical(message.context["ics"]).walk("VEVENT")
    return found


# --- One right entry ---------------------------------------------------------------------------
def test_a_booking_invites_its_owner_and_whoever_holds_the_session(booked: Booking) -> None:
    assert invitations.catch_up() == 1
    leave()

    for email in ("fall@amt.example", "praxis@klinik.example"):
        (entry,) = calendar_of(email).values()
        assert (entry["dtstart"].dt, entry["dtend"].dt) == (booked.start_at, booked.end_at)
    assert invitations.catch_up() == 0
    assert Message.objects.filter(channel="email").count() == 2


def test_created_moved_moved_and_cancelled_leave_nothing(booked: Booking, slots: list[Slot]) -> None:
    invitations.catch_up()
    leave()
    for slot in slots[1:]:
        moving.move(booked, slot, by=booked.holder)
        invitations.catch_up()
        leave()
        (entry,) = calendar_of("fall@amt.example").values()
        assert entry["dtstart"].dt == slot.start_at
    rules.cancel(booked, reason="illness", by=booked.holder)
    invitations.catch_up()
    leave()

    assert calendar_of("fall@amt.example") == {}
    assert told(booked, "fall@amt.example") == [("REQUEST", 0), ("REQUEST", 1), ("REQUEST", 2), ("CANCEL", 3)]
    uids = {str(event(row)["uid"]) for row in Message.objects.filter(channel="email")}
    assert len(uids) == 1


def test_of_two_changes_in_a_row_only_the_last_is_told(booked: Booking, slots: list[Slot]) -> None:
    invitations.catch_up()
    moving.move(booked, slots[1], by=booked.holder)
    invitations.catch_up()
    leave()

    assert told(booked, "fall@amt.example") == [("REQUEST", 1)]


def test_what_was_never_sent_needs_no_cancelling(booked: Booking) -> None:
    invitations.catch_up()
    rules.cancel(booked, reason="illness", by=booked.holder)
    invitations.catch_up()

    assert {row.status for row in Message.objects.filter(channel="email")} == {"withdrawn"}


def test_what_may_have_arrived_is_cancelled(booked: Booking) -> None:
    invitations.catch_up()
    Message.objects.filter(channel="email").update(status="unclear")
    rules.cancel(booked, reason="illness", by=booked.holder)
    invitations.catch_up()
    leave()

    assert told(booked, "fall@amt.example") == [("CANCEL", 1)]


def test_a_case_handed_over_moves_the_entry_to_the_new_owners_calendar(
    booked: Booking, client: Client
) -> None:
    invitations.catch_up()
    leave()
    new = factories.UserFactory(email="neu@amt.example", organisation=client.organisation)
    registry.assign(client, owner=new, deputy=None, by=client.owner)

    assert invitations.look_for_new_people() == 1
    invitations.catch_up()
    leave()

    assert calendar_of("fall@amt.example") == {}
    assert len(calendar_of("neu@amt.example")) == 1
    # The specialist's entry was right already.
    assert told(booked, "praxis@klinik.example") == [("REQUEST", 0)]
    assert invitations.look_for_new_people() == 0


def test_who_wants_no_invitations_gets_none_and_loses_what_would_become_wrong(
    booked: Booking, client: Client, slots: list[Slot]
) -> None:
    invitations.catch_up()
    leave()
    MailChoice.objects.create(user=client.owner, invitations=False)
    moving.move(booked, slots[1], by=booked.holder)
    invitations.catch_up()
    leave()

    assert calendar_of("fall@amt.example") == {}
    assert invitations.look_for_new_people() == 0


def test_nothing_is_said_of_what_is_over(booked: Booking) -> None:
    past = timezone.now() - timedelta(days=1)
    Booking.objects.update(start_at=past - timedelta(hours=1), end_at=past)

    assert invitations.catch_up() == 0
    assert not Booking.objects.to_invite().exists()
    assert not Message.objects.filter(channel="email").exists()


def test_a_hold_invites_nobody(slots: list[Slot]) -> None:
    rules.hold(slots[0], by=factories.UserFactory(email="x@amt.example"))
    assert not Booking.objects.to_invite().exists()


# --- What mail programs need, and nothing that tells -----------------------------------------------
def test_the_file_says_what_mail_programs_need(booked: Booking) -> None:
    invitations.catch_up()
    row = Message.objects.get(user__email="praxis@klinik.example")
    calendar: Any = icalendar.Calendar.from_ical(row.context["ics"])
    (found,) = calendar.walk("VEVENT")

    assert calendar["method"] == row.context["method"] == "REQUEST"
    assert found["organizer"].endswith(settings.DEFAULT_FROM_EMAIL.split("<")[1].rstrip(">"))
    assert found["attendee"] == "mailto:praxis@klinik.example"
    assert found["class"] == "PRIVATE"
    (zone,) = calendar.walk("VTIMEZONE")
    assert all("rrule" in part for part in zone.subcomponents)


def test_neither_names_nor_what_it_is_about_leave_the_house(booked: Booking) -> None:
    invitations.catch_up()
    rules.cancel(booked, reason="illness", by=booked.holder)
    Message.objects.filter(channel="email").update(status="sent")
    invitations.catch_up()

    for row in Message.objects.filter(channel="email"):
        said = " ".join(str(part) for part in row.context.values()).lower()
        for word in ("kanarienvogel", "papagei", "trauma", "beratung", "sprechstunde", "illness", "krank"):
            assert word not in said


def test_a_place_written_by_hand_stays_in_the_house(booked: Booking) -> None:
    Booking.objects.update(place="Frauenhaus, Geheimweg 1")
    booked.refresh_from_db()
    invitations.catch_up()

    for row in Message.objects.filter(channel="email"):
        assert "Geheimweg" not in str(row.context)


def test_each_reads_their_own_language(booked: Booking) -> None:
    invitations.catch_up()
    texts = dict(Message.objects.values_list("user__email", "context__text"))
    assert "Mehr dazu nach der Anmeldung" in texts["fall@amt.example"]
    assert "More after signing in" in texts["praxis@klinik.example"]
