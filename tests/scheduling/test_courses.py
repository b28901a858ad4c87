"""Courses: seats on the whole, lessons as dates, changed and called off."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling import booking, courses, enrolments, series
from scheduling.models import Booking, Course, Rebooking, Reservation, Slot
from scheduling.problems import Refused
from scheduling.recurrence import EveryWeeks
from scheduling.series import CannotPlan
from tests import factories
from tests.scheduling import course_offers as offers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weeks to come are ordinary ones, whenever the tests run."""
    monkeypatch.setattr("scheduling.public_holidays.name", lambda day, land: "")


def lessons(course: Course) -> list[str]:
    """When it takes place, on the wall clock."""
    shown = courses.lessons(course).open()
    return [f"{timezone.localtime(one.start_at):%a %H:%M}" for one in shown]


# --- Entering ----------------------------------------------------------------------------------
def test_a_weekly_course_has_lessons_and_seats_for_its_whole_term() -> None:
    teacher, room = offers.teacher(), factories.RoomFactory(is_step_free=True)

    course = offers.enter(teacher=teacher, room=room, place="", capacity=12, level_from="a1", level_to="b1")

    assert lessons(course) == ["Tue 09:00", "Thu 09:00"] * 4
    assert (course.slot.format, course.slot.capacity, course.slot.is_step_free) == ("course", 12, True)
    assert course.slot.start_at == courses.lessons(course)[0].start_at
    assert timezone.localtime(course.slot.end_at).date() == offers.monday() + timedelta(days=28)
    assert course.slot.session.address == room.address
    assert (course.start_on, course.end_on) == (offers.monday(), offers.monday() + timedelta(days=27))
    assert course.levels == "A1–B1"
    assert AuditEvent.objects.about(course).get().verb == "added"


def test_lessons_reserve_teacher_and_room_and_the_seats_reserve_nobody() -> None:
    teacher, room = offers.teacher(), factories.RoomFactory()
    course = offers.enter(teacher=teacher, room=room)
    assert Reservation.objects.filter(resource=teacher).count() == 8
    assert Reservation.objects.filter(resource=room).count() == 8
    assert not Reservation.objects.filter(slot=course.slot).exists()


def test_a_teacher_is_not_in_two_courses_at_once() -> None:
    teacher = offers.teacher()
    offers.enter(teacher=teacher)
    with pytest.raises(CannotPlan) as refused:
        offers.enter(teacher=teacher, title="Zur selben Zeit")
    assert refused.value.conflicts
    assert Course.objects.count() == 1


def test_exceptions_of_the_pattern_are_left_out() -> None:
    off = offers.monday() + timedelta(days=8)
    course = offers.enter(lessons=offers.weekly(leave_out=frozenset({off})))
    assert len(lessons(course)) == 7
    assert off not in {timezone.localdate(one.start_at) for one in courses.lessons(course)}


def test_single_days_are_lessons_too() -> None:
    days = tuple(offers.monday() + timedelta(days=add) for add in (14, 2, 5))
    course = offers.enter(lessons=courses.Single(days, time(18), 90), type="information")
    assert lessons(course) == ["Wed 18:00", "Sat 18:00", "Mon 18:00"]
    assert (course.start_on, course.end_on) == (min(days), max(days))


def test_a_residential_group_has_places_and_no_lessons() -> None:
    on = timezone.localdate()
    course = offers.enter(type="residential_group", lessons=None, start_on=on, capacity=6)
    assert (course.series, lessons(course), course.end_on) == (None, [], None)
    assert course.slot.end_at > timezone.now() + timedelta(days=3650)
    assert course.slot.kind.category == "group"


def test_nightly_extension_keeps_an_open_ended_course_going() -> None:
    course = offers.enter(type="language_cafe", lessons=offers.weekly(until=None))
    before = courses.lessons(course).count()
    assert before > 90
    assert series.extend_all(timezone.now() + timedelta(days=14)) == 4
    assert courses.lessons(course).count() == before + 4


@pytest.mark.parametrize(
    ("type", "category", "needs_client"),
    [("vocational", "course", True), ("supervised_group", "group", True), ("training", "event", False)],
)
def test_what_a_course_counts_as(type: str, category: str, needs_client: bool) -> None:
    kind = offers.enter(type=type).slot.kind
    assert (kind.category, kind.needs_client, kind.public_title) == (category, needs_client, "Termin")


def test_a_place_that_tells_what_it_is_for_is_refused() -> None:
    with pytest.raises(ValueError, match="neutral"):
        offers.enter(place="Traumaambulanz, 1. Stock")


# --- Lessons are no appointments -----------------------------------------------------------------
def test_a_lesson_is_neither_held_nor_booked_nor_found() -> None:
    course = offers.enter()
    lesson, client = courses.lessons(course)[0], factories.ClientFactory()
    for act in (
        lambda: booking.hold(lesson, by=client.owner),
        lambda: booking.book(lesson, client=client, by=client.owner),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert "lesson" in refused.value.codes
    assert not Slot.objects.free().filter(format="lesson").exists()
    assert not Slot.objects.filter(format="lesson", has_room=True).exists()


def test_the_database_itself_refuses_to_book_a_lesson() -> None:
    lesson = courses.lessons(offers.enter())[0]
    with pytest.raises(IntegrityError, match="is a lesson"), transaction.atomic():
        factories.BookingFactory(slot=lesson, during=DateTimeTZRange(empty=True))


# --- Changing ------------------------------------------------------------------------------------
def change(course: Course, **changes: Any) -> Course:
    fields = {"capacity": course.slot.capacity, "end_on": course.end_on} | changes
    return courses.change(course, by=course.created_by, **fields)


def test_what_is_said_about_a_course_is_changed_and_recorded() -> None:
    course = change(offers.enter(), title="Deutsch am Abend", has_child_care=True)
    course.refresh_from_db()
    assert (course.title, course.has_child_care) == ("Deutsch am Abend", True)
    event = AuditEvent.objects.about(course).get(verb="changed")
    assert event.details == {"fields": ["has_child_care", "title"]}


def test_seats_are_added_and_taken_away_down_to_those_who_sit() -> None:
    course = offers.enter(capacity=3)
    clients = [factories.ClientFactory() for _ in range(3)]
    places = [enrolments.enrol(course, client=client, by=client.owner) for client in clients]
    booking.cancel(places[0], reason="client", by=clients[0].owner)

    change(course, capacity=2)

    assert sorted(Booking.objects.living().values_list("seat", flat=True)) == [1, 2]
    course.refresh_from_db()
    assert (course.slot.capacity, course.slot.has_room) == (2, False)
    with pytest.raises(Refused) as refused:
        change(course, capacity=1)
    assert refused.value.codes == ["too_few_seats"]
    change(course, capacity=4)
    course.slot.refresh_from_db()
    assert course.slot.has_room


def test_an_earlier_end_strikes_the_lessons_after_it() -> None:
    course = offers.enter()
    client = factories.ClientFactory()
    place = enrolments.enrol(course, client=client, by=client.owner)
    end_on = offers.monday() + timedelta(days=13)

    change(course, end_on=end_on)

    course.refresh_from_db()
    place.refresh_from_db()
    assert len(lessons(course)) == 4
    assert timezone.localdate(course.slot.end_at) == end_on + timedelta(days=1)
    assert place.end_at == course.slot.session.end_at == course.slot.end_at


def test_dates_are_added_and_the_term_follows() -> None:
    course = offers.enter()
    day = offers.monday() + timedelta(days=30)
    courses.add_lessons(course, [day], start_time=time(14), by=course.created_by)
    course.refresh_from_db()
    assert lessons(course)[-1].endswith("14:00")
    assert (course.end_on, len(lessons(course))) == (day, 9)
    assert course.slot.end_at > courses.lessons(course).reverse()[0].end_at
    with pytest.raises(CannotPlan, match="schon Kurs"):
        courses.add_lessons(course, [day], start_time=time(14), by=course.created_by)
    with pytest.raises(CannotPlan, match="Mitternacht"):
        courses.add_lessons(course, [day + timedelta(days=1)], start_time=time(23, 30), by=course.created_by)


def test_one_date_is_cancelled_and_the_teacher_is_free() -> None:
    teacher = offers.teacher()
    course = offers.enter(teacher=teacher)
    courses.cancel_lesson(courses.lessons(course)[0], reason="Lehrkraft krank", by=course.created_by)
    assert len(lessons(course)) == 7
    assert Reservation.objects.filter(resource=teacher).count() == 7
    assert series.extend_all(timezone.now()) == 0


# --- Calling off -----------------------------------------------------------------------------------
def test_a_course_called_off_puts_everybody_on_the_list_to_rebook_and_frees_the_teacher() -> None:
    teacher = offers.teacher()
    course = offers.enter(teacher=teacher)
    client = factories.ClientFactory()
    place = enrolments.enrol(course, client=client, by=client.owner)

    lost = courses.call_off(course, reason="zu wenige Anmeldungen", by=course.created_by)

    assert lost == [place]
    place.refresh_from_db()
    assert place.get_cancel_reason_display() == "Kurs fällt aus"
    assert Rebooking.objects.for_user(client.owner).open().get().booking == place
    assert not Reservation.objects.filter(resource=teacher).exists()
    assert lessons(course) == []
    course.refresh_from_db()
    assert (course.status, course.slot.is_open) == ("cancelled", False)
    assert courses.call_off(course, reason="noch einmal", by=course.created_by) == []
    with pytest.raises(Refused) as refused:
        enrolments.enrol(course, client=factories.ClientFactory(), by=client.owner)
    assert "closed" in refused.value.codes


# --- Seeing ----------------------------------------------------------------------------------------
def test_courses_stand_neither_on_the_board_nor_in_the_planned_year() -> None:
    from scheduling import board, running
    from scheduling.board import Month
    from scheduling.models import Session

    course = offers.enter()
    user = factories.UserFactory()
    assert board.days(user, Month.of(course.slot.start_at, user.district.tz)) == []
    assert board.next_dates(user) == []
    assert running.of_district(user.district, now=timezone.now()) == []
    assert not Session.objects.without_courses().exists()


def test_how_a_course_stands_is_what_its_dates_say() -> None:
    course = offers.enter(lessons=offers.weekly(rule=EveryWeeks(1, (0,))))
    day = course.start_on
    found = [course.standing_on(day + timedelta(days=add)) for add in (-1, 0, 27, 28)]
    assert found == ["planned", "running", "running", "finished"]
    assert list(Course.objects.offered(day)) == [course]
    assert not Course.objects.offered(day + timedelta(days=28)).exists()


def test_who_keeps_and_who_runs_a_course() -> None:
    teacher = offers.staff(organisation=factories.OrganisationFactory(name="Honorar"))
    course = offers.enter(teacher=offers.teacher(user=teacher))
    assert course.organisation != teacher.organisation
    own, other = offers.staff(), offers.staff(organisation=factories.OrganisationFactory(name="Andere"))
    coordinator = factories.UserFactory(roles=["coordinator"])
    caseworker = factories.UserFactory(organisation=own.organisation)
    everybody = {"own": own, "other": other, "teacher": teacher, "coordinator": coordinator, "cw": caseworker}

    def those(which: str) -> set[str]:
        return {name for name, user in everybody.items() if getattr(Course.objects, which)(user).exists()}

    assert those("run_by") == {"own", "teacher"}
    assert those("kept_by") == {"own", "coordinator"}
    assert those("for_user") == set(everybody)
