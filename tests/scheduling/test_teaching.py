"""Another teacher, room or place while a course runs: for the lessons to come."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from scheduling import courses, enrolments, series, teaching
from scheduling.models import Booking, Course, Reservation
from scheduling.problems import Refused
from scheduling.teaching import Setting
from tests import factories
from tests.scheduling import course_offers as offers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduling.public_holidays.name", lambda day, land: "")


@pytest.fixture
def by() -> User:
    made: User = offers.staff()
    return made


@pytest.fixture
def course(by: User) -> Course:
    """Eight lessons in a room."""
    room = factories.RoomFactory(name="Zimmer 1")
    return offers.enter(by=by, teacher=offers.teacher(), room=room, place="")


def refused(course: Course, to: Setting, by: User) -> Refused:
    with pytest.raises(Refused) as caught:
        teaching.change(course, to, by=by)
    return caught.value


def who(course: Course) -> list[Any]:
    return [lesson.session.held_by_name for lesson in courses.lessons(course)]


def test_the_lessons_to_come_have_another_teacher_and_room(course: Course, by: User) -> None:
    berg, old = offers.teacher("Herr Berg"), teaching.of(course)
    room = factories.RoomFactory(name="Zimmer 2", address="Marktplatz 4", is_step_free=True)
    for lesson in courses.lessons(course)[:2]:  # these were held
        lesson.start_at -= timedelta(days=60)
        lesson.end_at -= timedelta(days=60)
        lesson.save()

    assert teaching.change(course, Setting(berg, room), by=by) == 6

    assert who(course) == ["Frau Lehmann"] * 2 + ["Herr Berg"] * 6
    held = Reservation.objects.values_list("resource__name", flat=True)
    assert sorted(held) == sorted(["Herr Berg", "Zimmer 2"] * 6 + ["Frau Lehmann", "Zimmer 1"] * 2)
    changed = Course.objects.get()
    assert teaching.of(changed) == Setting(berg, room)
    assert (changed.slot.is_step_free, changed.slot.session.address) == (True, "Marktplatz 4")
    assert changed.slot.version == course.slot.version + 1
    event = AuditEvent.objects.about(course).get(verb="taught_otherwise")
    assert event.details == {"old": str(old), "new": "Herr Berg, Zimmer 2", "number": 6}


def test_lessons_made_later_are_taught_so_too(by: User) -> None:
    course = offers.enter(by=by, teacher=offers.teacher(), lessons=offers.weekly(until=None))
    berg = offers.teacher("Herr Berg")
    teaching.change(course, Setting(berg, None, "Marktplatz 4"), by=by)
    before = len(who(course))
    last = courses.lessons(course).latest("start_at")
    series.extend_all(last.start_at - timedelta(days=300))
    assert len(who(course)) > before
    assert set(who(course)) == {"Herr Berg"}


def test_whoever_is_elsewhere_or_absent_is_named_with_the_day(course: Course, by: User) -> None:
    berg = offers.teacher("Herr Berg")
    offers.enter(
        by=by, title="Zur selben Zeit", teacher=berg, lessons=offers.weekly(first_on=course.start_on)
    )
    to = Setting(berg, teaching.of(course).room)
    found = refused(course, to, by)
    assert set(found.codes) == {"in_the_way"}
    assert "Herr Berg ist schon belegt" in str(found.problems[0].text)
    assert set(who(course)) == {"Frau Lehmann"}

    ill = offers.teacher("Frau Krank")
    lesson = courses.lessons(course)[4]
    ill.absences.create(during=(lesson.start_at, lesson.end_at), reason="illness")
    assert len(refused(course, Setting(ill, None, "Marktplatz 4"), by).problems) == 1


def test_without_a_change_or_a_course_nothing_is_done(course: Course, by: User) -> None:
    assert refused(course, teaching.of(course), by).codes == ["nothing_changes"]
    courses.call_off(course, reason="Förderung fehlt", by=by)
    assert refused(course, Setting(None, None, "Marktplatz 4"), by).codes == ["called_off"]
    with pytest.raises(ValueError, match="Trauma"):
        teaching.change(course, Setting(None, None, "Traumazentrum"), by=by)


def test_another_address_reaches_calendars(course: Course, by: User) -> None:
    client = factories.ClientFactory()
    place = enrolments.enrol(course, client=client, by=client.owner)
    teaching.change(course, Setting(None, None, "Marktplatz 4"), by=by)
    place = Booking.objects.select_related("slot__session").get()
    assert (place.address, place.ical_sequence) == ("Marktplatz 4", 1)
    teaching.change(course, Setting(offers.teacher("Herr Berg"), None, "Marktplatz 4"), by=by)
    place.refresh_from_db()
    assert place.ical_sequence == 1


def test_a_residential_group_has_a_place_and_no_lessons(by: User) -> None:
    group = offers.enter(by=by, type="residential_group", lessons=None, start_on=offers.monday())
    assert teaching.change(group, Setting(None, None, "Gartenweg 2"), by=by) == 0
    assert Course.objects.get().slot.session.address == "Gartenweg 2"
