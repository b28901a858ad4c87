"""Places on a course: as many as there are seats, once for each client, warned of what overlaps."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from notifications.models import Message
from scheduling import (
    acceptance,
    booking,
    catching_up,
    course_seats,
    courses,
    enrolments,
    seats,
    waiting,
)
from scheduling import offers as waiting_offers
from scheduling.models import Booking, Course, Enrolment, Slot, WaitingEntry
from scheduling.problems import Refused
from tests import factories
from tests.consultations.rivals import at_once
from tests.scheduling import course_offers as offers


@pytest.fixture(autouse=True)
def _no_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.public_holidays.name", lambda day, land: "")


def enrol(course: Course, client: Any = None, **fields: Any) -> Booking:
    client = client or factories.ClientFactory()
    return enrolments.enrol(course, client=client, by=client.owner, **fields)


def codes(act: Callable[[], Any]) -> list[str]:
    with pytest.raises(Refused) as refused:
        act()
    return refused.value.codes


# --- Enrolling -----------------------------------------------------------------------------------
@pytest.mark.django_db
def test_an_enrolment_is_a_seat_with_the_day_it_was_asked_for() -> None:
    course = offers.enter()
    asked = timezone.localdate() - timedelta(days=30)
    place = enrol(course, requested_on=asked)
    assert (place.status, place.seat, place.enrolment.requested_on) == ("booked", 1, asked)
    assert place.during.isempty
    assert enrolments.days_to_start(place) == (course.start_on - asked).days


@pytest.mark.django_db
def test_who_enters_a_running_course_waited_until_their_place() -> None:
    course = offers.enter()
    asked = timezone.localdate()
    with time_machine.travel(course.slot.start_at + timedelta(days=8)):
        place = enrol(course, requested_on=asked)
        Booking.objects.filter(pk=place.pk).update(booked_at=timezone.now())
        place = enrolments.of_course(course).get()
        assert enrolments.days_to_start(place) == (timezone.localdate() - asked).days


@pytest.mark.django_db
def test_who_waited_asked_on_the_day_they_began_to_wait() -> None:
    """Whatever the form says later; a list of long ago that is over does not count."""
    course, client = offers.enter(), factories.ClientFactory()
    entries = {"kind": course.slot.kind, "client": client}
    over = factories.WaitingFactory(**entries, ended_at=timezone.now(), outcome="withdrawn")
    open_one = factories.WaitingFactory(**entries)
    now = timezone.now()
    for entry, days in ((over, 400), (open_one, 30)):
        WaitingEntry.objects.filter(pk=entry.pk).update(entered_at=now - timedelta(days=days))
    place = enrolments.enrol(course, client=client, requested_on=timezone.localdate(), by=client.owner)
    assert place.enrolment.requested_on == timezone.localdate(now - timedelta(days=30))
    open_one.refresh_from_db()
    assert open_one.outcome == "booked"


@pytest.mark.django_db
def test_a_client_is_on_a_course_once() -> None:
    course = offers.enter()
    client = factories.ClientFactory()
    enrol(course, client)
    assert codes(lambda: enrol(course, client)) == ["enrolled"]
    assert Booking.objects.count() == 1


@pytest.mark.django_db
def test_a_full_course_takes_nobody() -> None:
    course = offers.enter(capacity=1)
    enrol(course)
    assert codes(lambda: enrol(course)) == ["taken"]


@pytest.mark.django_db
def test_the_same_form_enrols_once() -> None:
    course = offers.enter()
    client, form = factories.ClientFactory(), factories.ClientFactory().uuid
    assert enrol(course, client, form=form) == enrol(course, client, form=form)


@pytest.mark.django_db
def test_guests_come_to_events_and_nowhere_else() -> None:
    by = offers.staff()
    event = offers.enter(type="training", audience="third_parties", by=by)
    place = enrolments.enrol(event, guest="Herr Weiß, Schule am Markt", by=by)
    place.refresh_from_db()
    assert (place.client, place.guest) == (None, "Herr Weiß, Schule am Markt")
    assert place.enrolment.requested_on == timezone.localdate()
    client = factories.ClientFactory()
    assert codes(lambda: enrol(event, client)) == ["no_clients"]
    course = offers.enter(by=by, lessons=offers.weekly())
    assert codes(lambda: enrolments.enrol(course, guest="Jemand", by=by)) == ["no_guests"]
    assert codes(lambda: enrolments.enrol(course, by=by)) == ["who"]


@pytest.mark.django_db
def test_a_course_over_takes_nobody_and_a_running_one_does() -> None:
    course = offers.enter()
    Slot.objects.filter(pk=course.slot_id).update(start_at=timezone.now() - timedelta(days=40))
    assert enrol(course).status == "booked"
    Slot.objects.filter(pk=course.slot_id).update(end_at=timezone.now() - timedelta(days=1))
    assert codes(lambda: enrol(course)) == ["course_over"]


@pytest.mark.django_db
def test_of_a_course_only_its_beginning_is_told() -> None:
    client = factories.ConsentFactory().client
    place = enrol(offers.enter(), client)

    catching_up.catch_up()

    told = Message.objects.get()
    assert (told.key, told.kind) == (f"booking:{place.uuid}:course", Message.Kind.COURSE_STARTS)
    assert told.send_at < told.expires_at == place.start_at


# --- Overlaps ------------------------------------------------------------------------------------
@pytest.fixture
def appointment() -> Callable[[Slot, Any], Booking]:
    """An ordinary appointment of the client at the time of a lesson."""

    def make(lesson: Slot, client: Any) -> Booking:
        session = factories.SessionFactory(start_at=lesson.start_at)
        slot = factories.SlotFactory(session=session, start_at=lesson.start_at)
        return booking.book(slot, client=client, by=client.owner)

    return make


@pytest.mark.django_db
def test_an_appointment_over_a_lesson_is_booked_and_warned_of(
    appointment: Callable[[Slot, Any], Booking],
) -> None:
    course, client = offers.enter(), factories.ClientFactory()
    enrol(course, client)
    lesson = courses.lessons(course)[2]

    made = appointment(lesson, client)

    assert list(course_seats.lessons_of(client, made.start_at, made.end_at)) == [lesson]
    assert enrolments.in_the_way(course, client) == [made]
    assert not course_seats.lessons_of(client, lesson.end_at, lesson.end_at + timedelta(hours=1))


@pytest.mark.django_db
def test_enrolling_over_an_appointment_is_no_refusal(appointment: Callable[[Slot, Any], Booking]) -> None:
    course, client = offers.enter(), factories.ClientFactory()
    made = appointment(courses.lessons(course)[0], client)
    assert enrol(course, client).status == "booked"
    assert enrolments.in_the_way(course, client) == [made]


@pytest.mark.django_db
def test_whoever_left_has_no_lessons_any_more() -> None:
    course, client = offers.enter(), factories.ClientFactory()
    place = enrol(course, client)
    lesson = courses.lessons(course)[0]
    enrolments.end(place, "left", left_reason="moved", by=client.owner)
    assert not course_seats.lessons_of(client, lesson.start_at, lesson.end_at)


# --- Ending --------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_leaving_frees_the_seat_and_keeps_the_reason() -> None:
    course = offers.enter(capacity=1)
    place = enrol(course)
    enrolments.end(place, "left", left_reason="work", by=place.holder)
    place.refresh_from_db()
    assert (place.status, place.enrolment.outcome, place.enrolment.left_reason) == (
        "cancelled",
        "left",
        "work",
    )
    assert enrol(course).seat == 1
    assert enrolments.of_course(course).count() == 2


@pytest.mark.django_db
def test_finishing_keeps_the_seat_and_may_be_corrected() -> None:
    course = offers.enter(capacity=1)
    place = enrol(course)
    assert codes(lambda: enrolments.end(place, "finished", by=place.holder)) == ["too_early"]
    Booking.objects.filter(pk=place.pk).update(start_at=timezone.now() - timedelta(days=20))
    enrolments.end(place, "finished", by=place.holder)
    place = enrolments.of_course(course).get()
    enrolments.end(place, "certificate", certificate_level="b1", by=place.holder)
    place = enrolments.of_course(course).get()
    assert (place.status, place.enrolment.outcome) == ("fulfilled", "certificate")
    assert place.enrolment.certificate_level == "b1"
    assert codes(lambda: enrol(course)) == ["taken"]


@pytest.mark.django_db
def test_whoever_moves_out_of_a_residential_group_frees_the_place() -> None:
    group = offers.enter(
        type="residential_group", lessons=None, start_on=timezone.localdate(), capacity=1, audience="women"
    )
    place = enrol(group)
    enrolments.end(place, "finished", by=place.holder)
    assert enrol(group).status == "booked"
    assert Enrolment.objects.get(booking=place).outcome == "finished"


# --- The waiting list ------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_begun", [False, True])
def test_a_place_given_back_is_offered_to_who_waits_for_this_course(has_begun: bool) -> None:
    course = offers.enter(capacity=1)
    leaves, waits = enrol(course), factories.ClientFactory()
    asked = waiting.enter(
        kind=course.slot.kind, slot=course.slot, format="course", client=waits, by=waits.owner
    )
    if has_begun:
        Slot.objects.filter(pk=course.slot_id).update(start_at=timezone.now() - timedelta(days=3))

    enrolments.end(leaves, "left", left_reason="moved", by=leaves.holder)

    offer = waiting_offers.own(waits.owner)[0]
    assert (offer.entry, offer.slot) == (asked, course.slot)
    place = acceptance.accept(offer, by=waits.owner)
    assert (place.status, place.during.isempty) == ("booked", True)
    assert place.enrolment.requested_on == timezone.localdate(asked.entered_at)
    asked.refresh_from_db()
    assert asked.outcome == "booked"


@pytest.mark.django_db(transaction=True)
def test_a_client_on_a_course_is_still_offered_appointments() -> None:
    course, client = offers.enter(), factories.ClientFactory()
    enrol(course, client)
    session = factories.SessionFactory(start_at=courses.lessons(course)[1].start_at)
    slot = factories.SlotFactory(session=session)
    taken = booking.book(slot, client=factories.ClientFactory(), by=factories.UserFactory())
    waiting.enter(kind=slot.kind, format=slot.format, client=client, by=client.owner)

    booking.cancel(taken, reason="client", by=taken.holder)

    assert [offer.slot for offer in waiting_offers.own(client.owner)] == [slot]


# --- Who may know --------------------------------------------------------------------------------
@pytest.mark.django_db
def test_who_takes_part_is_seen_by_the_case_team_and_by_who_runs_the_course() -> None:
    course = offers.enter()
    place = enrol(course)
    colleague = factories.UserFactory(organisation=place.holder.organisation)
    other_school = offers.staff(organisation=factories.OrganisationFactory(name="Andere"))
    coordinator = factories.UserFactory(roles=["coordinator"])
    assert place.client is not None
    assert [*enrolments.visible(course, place.client.owner)] == [place]
    assert [*enrolments.visible(course, course.created_by)] == [place]
    for stranger in (colleague, other_school, coordinator):
        assert not enrolments.visible(course, stranger).exists()


# --- The last seat -------------------------------------------------------------------------------
def _without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "lock", lambda slot_id, client=None: seats.peek(slot_id))
    monkeypatch.setattr(seats, "lock_client", lambda client: None)
    monkeypatch.setattr(seats, "lock_person", lambda person: None)


@pytest.fixture
def without_constraint() -> Iterator[None]:
    kept = {"booking_seat_taken_once", "booking_once_on_a_course"}
    found = [one for one in Booking._meta.constraints if one.name in kept]
    assert len(found) == 2
    with connection.schema_editor() as editor:
        for one in found:
            editor.remove_constraint(Booking, one)
    yield
    Booking.objects.all().delete()
    with connection.schema_editor() as editor:
        for one in found:
            editor.add_constraint(Booking, one)


RIVALS = 8


def _rush(course: Course, clients: list[Any]) -> list[Any]:
    def ready(client: Any) -> Any:
        connection.ensure_connection()
        return enrol(course, client)

    return at_once(*(partial(ready, client) for client in clients))


def _booked(course: Course) -> int:
    return Booking.objects.filter(slot=course.slot, status="booked").count()


@pytest.mark.django_db(transaction=True)
def test_without_the_guards_a_course_is_oversold(
    without_constraint: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_lock(monkeypatch)
    clients = [factories.ClientFactory() for _ in range(RIVALS)]
    most = 0
    for _ in range(8):
        course = offers.enter(capacity=2)
        _rush(course, clients)
        most = max(most, _booked(course))
        if most > 2:
            break
    assert most > 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guard", ["both", "lock", "constraint"])
def test_a_course_takes_exactly_as_many_as_it_has_seats(
    guard: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, rounds: Callable[[int], int]
) -> None:
    if guard == "lock":
        request.getfixturevalue("without_constraint")
    if guard == "constraint":
        _without_lock(monkeypatch)
    clients = [factories.ClientFactory() for _ in range(RIVALS)]
    for _ in range(rounds(10)):
        course = offers.enter(capacity=3)

        found = _rush(course, clients)

        refused = [one for one in found if isinstance(one, Refused)]
        made = [one for one in found if isinstance(one, Booking)]
        assert len(made) + len(refused) == RIVALS
        # Behind the constraint alone two may aim at the same seat, and one tries again by hand.
        assert len(made) == 3 if guard != "constraint" else 1 <= len(made) <= 3
        assert _booked(course) == len(made) == Enrolment.objects.filter(booking__slot=course.slot).count()


@pytest.mark.django_db(transaction=True)
def test_one_client_sent_twice_at_once_has_one_place(rounds: Callable[[int], int]) -> None:
    client = factories.ClientFactory()
    for _ in range(rounds(10)):
        course = offers.enter()
        _rush(course, [client, client])
        assert _booked(course) == 1
