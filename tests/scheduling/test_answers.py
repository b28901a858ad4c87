"""SMS from clients: acted on once and only where they can mean one thing, else read by the right person."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from accounts.roles import Role
from clients import registry
from clients.models import Client
from notifications import notices
from notifications.models import IncomingText, Message, MessageRules
from notifications.notices import What
from scheduling import answers, reminders
from scheduling import booking as rules
from scheduling.answers import Received
from scheduling.models import Booking
from tests.factories import (
    BookingFactory,
    ClientFactory,
    ConsentFactory,
    DistrictFactory,
    OrganisationFactory,
    SessionFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
Said = IncomingText.Understood
NUMBER = "+4915112345678"
_ids = count()


def person(number: str = NUMBER, **fields: Any) -> Client:
    """Somebody with this number who may get SMS."""
    client: Client = ClientFactory(mobile=number, mobile_key=registry.mobile_key(number), **fields)
    ConsentFactory(client=client)
    return client


def asked(client: Client, *, days: int = 7, **fields: Any) -> Booking:
    """An appointment in so many days of which an SMS has told the client."""
    start = timezone.now().replace(microsecond=0) + timedelta(days=days)
    made: Booking = BookingFactory(
        client=client, holder=client.owner, slot__session=SessionFactory(start_at=start), **fields
    )
    reminders.plan(made)
    told = Message.objects.filter(key__startswith=reminders.key_prefix(made), kind="booked")
    told.update(status=Message.Status.DELIVERED, claimed_at=timezone.now(), sent_at=timezone.now())
    return made


def says(body: str, number: str = NUMBER, *, id: str = "", gateway: str = "", **at: Any) -> IncomingText:
    text = answers.receive(Received(id or f"SM{next(_ids)}", number, body, gateway), **at)
    text.refresh_from_db()
    return text


def answer_of(booking: Booking) -> str:
    booking.refresh_from_db()
    return booking.answer


# --- What is sure ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("body", "expected"), [("1", "coming"), ("۲", "not_coming"), ("نعم", "coming")])
def test_an_answer_that_can_mean_one_thing_is_taken(body: str, expected: str) -> None:
    booking = asked(person())

    text = says(body)

    assert answer_of(booking) == expected
    assert (text.client, text.about, text.district) == (booking.client, booking.uuid, booking.district)
    assert text.handled_at is not None
    assert AuditEvent.objects.about(booking).filter(verb="answered", channel="sms", actor=None).exists()


def test_no_asks_the_caseworker_and_frees_nothing() -> None:
    booking = asked(person())

    says("2")

    assert answer_of(booking) == "not_coming"
    assert booking.status == Booking.Status.BOOKED


def test_no_frees_the_seat_where_the_district_says_so() -> None:
    booking = asked(person())
    MessageRules.objects.create(district=booking.district, no_frees_the_seat=True)

    text = says("2")

    booking.refresh_from_db()
    assert (booking.status, booking.cancel_reason) == (Booking.Status.CANCELLED, "client")
    assert (booking.answer, booking.cancelled_by, text.about) == ("not_coming", None, booking.uuid)
    assert not Message.objects.filter(status=Message.Status.QUEUED).exists()


@pytest.mark.promise(3)
def test_the_same_sms_delivered_twice_acts_once() -> None:
    booking = asked(person())

    for _ in range(3):
        says("1", id="SM1")

    assert IncomingText.objects.count() == 1
    assert AuditEvent.objects.about(booking).filter(verb="answered").count() == 1


def test_what_was_said_is_stored_encrypted() -> None:
    person()
    text = says("Kanari")

    (stored,) = IncomingText.objects.filter(pk=text.pk).extra(select={"raw": "body::text"}).values_list("raw")

    assert text.body == "Kanari"
    assert "Kanari" not in str(stored)
    assert text.number == NUMBER


# --- What is not sure is never guessed -----------------------------------------------------------
def open_and_untouched(text: IncomingText, *bookings: Booking) -> None:
    assert text.handled_at is None
    assert text.about is None
    for booking in bookings:
        assert (answer_of(booking), booking.status) == ("", Booking.Status.BOOKED)


def test_two_appointments_are_ambiguous() -> None:
    client = person()
    first, second = asked(client), asked(client, days=9)

    open_and_untouched(says("1"), first, second)


def test_an_appointment_just_over_may_be_meant_too() -> None:
    client = person()
    over, ahead = asked(client, days=1), asked(client, days=9)
    move_to_yesterday(over)

    open_and_untouched(says("2"), ahead)


def move_to_yesterday(booking: Booking) -> None:
    start = timezone.now() - timedelta(days=1)
    end = start + timedelta(hours=1)
    Booking.objects.filter(pk=booking.pk).update(start_at=start, end_at=end, during=(start, end))
    for message in Message.objects.filter(key__startswith=reminders.key_prefix(booking)):
        message.context["start_at"] = start.isoformat()
        message.save()


def test_two_people_on_one_phone_are_ambiguous_also_when_one_alone_has_an_appointment() -> None:
    booking = asked(person())
    person(shared_phone=True)

    text = says("2")

    open_and_untouched(text, booking)
    assert text.client is None


def test_an_answer_to_nothing_waits_for_a_person() -> None:
    client = person()

    text = says("1")

    open_and_untouched(text)
    assert (text.client, text.understood) == (client, Said.YES)


def test_an_appointment_nobody_wrote_about_is_not_what_is_answered() -> None:
    booking = asked(person())
    Message.objects.update(status=Message.Status.QUEUED)

    open_and_untouched(says("2"), booking)


def test_after_a_move_an_answer_to_the_old_time_counts_for_nothing() -> None:
    booking = asked(person())
    start = booking.start_at + timedelta(days=1)
    Booking.objects.update(start_at=start, end_at=start + timedelta(hours=1))

    open_and_untouched(says("1"), booking)


@pytest.mark.parametrize(
    "fields",
    [{"wrong_number_at": timezone.now()}, {"mobile_confirmed_at": None}],
    ids=["wrong", "unconfirmed"],
)
def test_a_number_that_may_be_somebody_elses_answers_nothing(fields: dict[str, Any]) -> None:
    booking = asked(person())
    Client.objects.update(**fields)

    open_and_untouched(says("1"), booking)


def test_too_late_is_for_a_person() -> None:
    booking = asked(person())
    rules.cancel(booking, reason="caseworker", by=booking.holder)

    text = says("2")

    assert text.handled_at is None


WHAT = st.sampled_from(["1", "2", "ja", "لا", "vielleicht", "1 oder 2", "", "STOP", "۲"])


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2), st.integers(0, 3), st.lists(WHAT, min_size=1, max_size=3))
def test_never_a_guess(people: int, appointments: int, bodies: list[str]) -> None:
    """Whoever has this number, whatever they write: an appointment changes only where one person has the
    number, one appointment was written about and the text is one clear word."""
    for table in (IncomingText, Message, Booking):
        table.objects.all().delete()
    Client.objects.update(mobile_key="")
    owners = [person() for _ in range(people)]
    bookings = [asked(owners[n % people], days=7 + n) for n in range(appointments)] if people else []

    texts = [says(body) for body in bodies]

    changed = [booking for booking in bookings if answer_of(booking)]
    acted = [text for text in texts if text.about]
    if people == 1 and appointments == 1:
        assert {text.about for text in acted} <= {bookings[0].uuid}
        assert all(text.understood in (Said.YES, Said.NO) for text in acted)
        assert bool(changed) == bool(acted)
    else:
        assert (changed, acted) == ([], [])
    assert all(text.handled_at is None for text in texts if text not in acted)


# --- Opting out ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("body", "gateway"), [("STOP", "STOP"), ("Stopp", ""), ("CANCEL", "")])
def test_stop_ends_sms_to_everybody_on_that_phone_and_is_shown(body: str, gateway: str) -> None:
    booking = asked(person())
    other = person()

    text = says(body, gateway=gateway)

    for client in Client.objects.filter(pk__in=[booking.client_id, other.pk]):
        assert client.opted_out_at is not None
    assert not Message.objects.filter(status=Message.Status.QUEUED).exists()
    assert text.understood == Said.STOP
    # Perhaps the appointment was meant: a person reads it. The appointment itself stays.
    open_and_untouched(text, booking)


def test_start_alone_does_not_undo_it() -> None:
    client = person()
    says("STOP", gateway="STOP")

    text = says("START", gateway="START")

    client.refresh_from_db()
    assert client.opted_out_at is not None
    assert (text.understood, text.handled_at) == (Said.START, None)


# --- Who reads the others --------------------------------------------------------------------------
@pytest.mark.promise(12)
def test_ones_own_clients_texts_and_nobody_elses() -> None:
    deputy = UserFactory()
    client = person(deputy=deputy)
    stranger = UserFactory(organisation=OrganisationFactory(name="Caritas"))
    coordinator = UserFactory(roles=["coordinator"])
    text = says("Ich bin krank")

    assert list(answers.inbox(client.owner)) == [text]
    assert list(answers.inbox(deputy)) == [text]
    assert list(answers.inbox(stranger)) == []
    assert list(answers.inbox(coordinator)) == []


@pytest.mark.promise(12)
def test_a_shared_number_is_read_by_the_case_teams_of_those_who_share_it() -> None:
    one, other = person(), person(owner=UserFactory(organisation=OrganisationFactory(name="Caritas")))
    text = says("1")

    assert list(answers.inbox(one.owner)) == list(answers.inbox(other.owner)) == [text]
    assert list(answers.inbox(UserFactory())) == []
    assert list(answers.inbox(UserFactory(roles=["coordinator"]))) == []


@pytest.mark.promise(12)
def test_an_unknown_number_is_read_by_who_coordinates_the_district() -> None:
    caseworker = UserFactory()
    elsewhere = OrganisationFactory(name="DRK", district=DistrictFactory(name="Anderer Kreis"))
    readers = [UserFactory(roles=[role]) for role in ("coordinator", "administrator")]
    strangers = [UserFactory(roles=["coordinator"], organisation=elsewhere), caseworker]

    text = says("Hallo?", "+4915199999999", district=caseworker.district)

    assert all(list(answers.inbox(reader)) == [text] for reader in readers)
    assert all(list(answers.inbox(stranger)) == [] for stranger in strangers)


def test_a_district_with_a_number_of_its_own_hears_its_own_people_only() -> None:
    booking = asked(person())
    other = DistrictFactory(name="Anderer Kreis")

    text = says("2", district=other)

    open_and_untouched(text, booking)
    assert (text.district, text.client) == (other, None)


def test_a_person_can_say_what_it_means() -> None:
    client = person()
    first, second = asked(client), asked(client, days=9)
    text = says("Am ersten Tag geht es nicht")

    assert answers.may_mean(text, by=client.owner) == [first, second]
    assert answers.may_mean(text, by=UserFactory()) == []
    answers.take_as(text, first, "not_coming", by=client.owner)

    text.refresh_from_db()
    assert (answer_of(first), answer_of(second)) == ("not_coming", "")
    assert (text.about, text.understood, text.handled_by) == (first.uuid, Said.NO, client.owner)
    assert AuditEvent.objects.about(first).filter(verb="answered", actor=client.owner.uuid).exists()


def test_handled_is_said_once() -> None:
    client = person()
    text = says("Danke")

    for _ in range(2):
        answers.handled(text, by=client.owner)

    assert AuditEvent.objects.about(text).filter(verb="text_handled").count() == 1
    assert list(answers.inbox(client.owner).open()) == []


# --- The bell ------------------------------------------------------------------------------------
def heard(*people: User) -> list[list[str]]:
    return [[str(line.notice.kind) for line in notices.lines(one)] for one in people]


def test_what_waits_in_the_inbox_is_heard_by_the_case_team_once() -> None:
    client = person()
    client.deputy = UserFactory(organisation=client.organisation)
    client.save()
    colleague = UserFactory(organisation=client.organisation)
    coordinator = UserFactory(organisation=client.organisation, roles=[Role.COORDINATOR])

    says("Wann ist das?", id="SM-once")
    says("Wann ist das?", id="SM-once")
    says("Hallo?")

    assert heard(client.owner, client.deputy, colleague, coordinator) == [
        [What.TEXT_RECEIVED],
        [What.TEXT_RECEIVED],
        [],
        [],
    ]
    (line,) = notices.lines(client.owner)
    assert line.url == reverse("scheduling:inbox")
    for word in (client.given_name, client.family_name, NUMBER):
        assert word not in str(line.text)


def test_what_was_understood_waits_for_nobody() -> None:
    client = person()
    asked(client)

    says("1")

    assert heard(client.owner) == [[]]


def test_of_a_number_two_share_both_case_teams_hear() -> None:
    one, other = person(), person()

    says("1")

    assert heard(one.owner, other.owner) == [[What.TEXT_RECEIVED]] * 2


@pytest.mark.parametrize("is_known", [True, False], ids=["one district", "several districts"])
def test_whoever_may_read_it_hears_of_it_and_nobody_else(is_known: bool) -> None:
    there = OrganisationFactory(district=DistrictFactory(name="Nachbarkreis"))
    here = OrganisationFactory()
    everybody = [
        UserFactory(roles=[role], organisation=organisation)
        for organisation in (here, there)
        for role in Role
    ]

    text = says("Hallo?", "+4915700000001", district=here.district if is_known else None)

    reads = [text in answers.inbox(one) for one in everybody]
    assert heard(*everybody) == [[What.TEXT_RECEIVED] if may else [] for may in reads]
    assert sum(reads) == 2
    assert all(any(map(one.may, answers.READERS)) for one, may in zip(everybody, reads, strict=True) if may)


def test_of_a_number_nobody_has_those_hear_who_may_read_it() -> None:
    coordinator, administrator, caseworker = (
        UserFactory(roles=[role]) for role in (Role.COORDINATOR, Role.ADMINISTRATOR, Role.CASEWORKER)
    )
    left = UserFactory(roles=[Role.COORDINATOR], is_active=False)
    there = DistrictFactory(name="Nachbarkreis")
    elsewhere = UserFactory(organisation=OrganisationFactory(district=there), roles=[Role.ADMINISTRATOR])

    text = says("Hallo?", "+4915700000001", district=coordinator.district)

    everybody = (coordinator, administrator, caseworker, left, elsewhere)
    reads = [text in answers.inbox(one) and one.is_active for one in everybody]
    assert heard(*everybody) == [[What.TEXT_RECEIVED] if may else [] for may in reads]
    assert reads == [True, True, False, False, False]

    says("Hallo?", "+4915700000002")
    assert heard(elsewhere, caseworker) == [[What.TEXT_RECEIVED], []]
