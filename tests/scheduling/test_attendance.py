"""Attendance: one tap, seen by others, from the day of the lesson on."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import AuditEvent
from scheduling import attendance, courses, enrolments
from scheduling.models import Attendance, Booking, Course, Slot
from scheduling.problems import Refused
from tests import factories
from tests.scheduling import course_offers as offers

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(monkeypatch: pytest.MonkeyPatch) -> Course:
    monkeypatch.setattr("scheduling.public_holidays.name", lambda day, land: "")
    return offers.enter()


@pytest.fixture
def lesson(course: Course) -> Slot:
    """The first lesson, moved to this very day."""
    first = courses.lessons(course)[0]
    start_at = timezone.now() - timedelta(minutes=1)
    Slot.objects.filter(pk=first.pk).update(start_at=start_at, end_at=start_at + timedelta(hours=3))
    first.refresh_from_db()
    return first


@pytest.fixture
def place(course: Course) -> Booking:
    client = factories.ClientFactory(family_name="Özdemir", given_name="Ada")
    return enrolments.enrol(course, client=client, by=client.owner)


def test_a_tap_is_kept_changed_and_taken_back(course: Course, lesson: Slot, place: Booking) -> None:
    by = course.created_by
    for status in ("present", "present", "excused", ""):
        attendance.mark(lesson, place, status, by=by)
    assert not Attendance.objects.exists()
    events = AuditEvent.objects.about(place).filter(verb="attendance_marked").order_by("pk")
    assert [event.details["status"] for event in events] == ["present", "excused", ""]
    was = lesson.version
    lesson.refresh_from_db()
    assert lesson.version == was + 3


def test_nobody_is_marked_before_the_day(course: Course, place: Booking) -> None:
    with pytest.raises(Refused) as refused:
        attendance.mark(courses.lessons(course)[1], place, "present", by=course.created_by)
    assert refused.value.codes == ["not_yet"]


def test_a_cancelled_date_has_no_list(course: Course, lesson: Slot, place: Booking) -> None:
    Slot.objects.filter(pk=lesson.pk).update(is_open=False)
    with pytest.raises(Refused) as refused:
        attendance.mark(lesson, place, "present", by=course.created_by)
    assert refused.value.codes == ["no_lesson"]


def test_only_who_is_on_the_course_is_marked(course: Course, lesson: Slot) -> None:
    other = offers.enter(title="Ein anderer", by=course.created_by)
    stranger = factories.ClientFactory()
    elsewhere = enrolments.enrol(other, client=stranger, by=stranger.owner)
    with pytest.raises(ValueError, match="another course"):
        attendance.mark(lesson, elsewhere, "present", by=course.created_by)


def test_the_list_is_in_the_order_of_names_without_those_who_left_before(
    course: Course, lesson: Slot, place: Booking
) -> None:
    others = [factories.ClientFactory(family_name=name, given_name="X") for name in ("Zahra", "Omar")]
    gone, stays = (enrolments.enrol(course, client=client, by=client.owner) for client in others)
    enrolments.end(
        gone, "left", left_reason="work", ended_on=timezone.localdate() - timedelta(days=1), by=gone.holder
    )
    attendance.mark(lesson, stays, "absent", by=course.created_by)

    rows = attendance.roll(lesson, enrolments.of_course(course))

    assert [(row.name, row.mark) for row in rows] == [("Omar, X", "absent"), ("Özdemir, Ada", "")]


def test_how_often_somebody_was_there_is_counted(course: Course, lesson: Slot, place: Booking) -> None:
    later = courses.lessons(course)[3]
    attendance.mark(lesson, place, "present", by=course.created_by)
    with time_machine.travel(later.start_at, tick=False):
        Attendance.objects.create(
            lesson=later, booking=place, status="absent", marked_at=timezone.now(), marked_by=place.holder
        )
    assert dict(attendance.counts([place])[place.pk]) == {"present": 1, "absent": 1}
