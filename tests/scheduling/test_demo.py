"""The demo's planned year."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

import accounts.demo
import clients.demo
import scheduling.demo
import scheduling.demo_changes
import scheduling.demo_counselling
import scheduling.demo_courses
from accounts.models import User
from scheduling import course_search, courses, enrolments, feeds, offers, search
from scheduling.models import Absence, Booking, Course, Resource, Session, Slot
from scheduling.search import Wish

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "now",
    [datetime(2026, month, day, 9, tzinfo=UTC) for month, day in [(11, 22), (12, 1), (12, 25), (2, 28)]],
)
def test_whoever_opens_the_demo_has_a_session_within_a_fortnight_and_a_year_ahead(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduling.series.clock", timezone.now)  # the database is there on that day, too
    with time_machine.travel(now, tick=False):
        accounts.demo.load()
        scheduling.demo.load()
        ahead = Session.objects.filter(start_at__gt=now).order_by("start_at")
        assert ahead[0].start_at < timezone.now() + timedelta(days=15)
        assert ahead.count() in {12, 13}
    first = ahead[0]
    assert f"{timezone.localtime(first.start_at):%a %H:%M}" == "Tue 14:00"
    assert [slot.format for slot in first.slots.all()] == ["presentation"] * 2 + ["case_consultation"]
    assert {slot.kind.needs_referral for slot in Slot.objects.select_related("kind")} == {True}
    assert Resource.objects.rooms().count() == 2


def test_offices_offer_counselling_that_others_find() -> None:
    accounts.demo.load()
    scheduling.demo_counselling.load()
    found = {
        name: {slot.kind.code for slot in search.free(User.objects.get(username=name), Wish(), most=200)}
        for name in ("awo", "caritas", "drk")
    }
    assert {"mbe", "debt", "first_talk", "outreach"} <= found["awo"]
    assert "debt" not in found["caritas"]
    assert found["drk"] == set()
    assert Booking.objects.get().guest == "Frau Noor"
    arabic = search.free(User.objects.get(username="awo"), Wish(language="ar", is_step_free=True))
    assert {slot.session.held_by_name for slot in arabic} == {"Lena Hofmann"}


def test_the_demo_shows_what_changes() -> None:
    for load in (
        accounts.demo.load, clients.demo.load, scheduling.demo.load, scheduling.demo_counselling.load,
        scheduling.demo_changes.load,
    ):  # fmt: skip
        load()
    assert Booking.objects.exclude(batch=None).count() == 4
    assert Booking.objects.filter(status="booked", moves=1, move_history__isnull=False).count() == 1
    noshow = Booking.objects.get(status="noshow")
    assert noshow.end_at < timezone.now()
    assert noshow.holder.username == "awo"
    (offer,) = offers.own(noshow.holder)
    assert offer.slot.kind.code == "accompaniment"
    assert offer.deadline_at > timezone.now() + timedelta(days=4)
    assert Session.objects.exclude(moved_at=None).count() == 1
    caritas = User.objects.get(username="caritas")
    assert feeds.of_user(caritas) is not None
    assert Absence.objects.exclude(source=None).get().resource.user == caritas


def test_the_demo_has_courses_with_places_left_full_ones_and_people_on_them() -> None:
    for load in (accounts.demo.load, clients.demo.load, scheduling.demo.load, scheduling.demo_courses.load):
        load()
    offered = course_search.matching(User.objects.get(username="awo"), {}, on=timezone.localdate())
    rows = {course.title: course_search.places(course, on=timezone.localdate()) for course in offered}
    assert len(rows) == 9
    full = rows["Lesen und Schreiben (Kleingruppe)"]
    assert (full.free, full.waiting) == (0, 1)
    assert rows["Deutsch am Vormittag"].free == 14
    teacher = User.objects.get(username="kursleitung")
    assert Course.objects.held_by(teacher).count() == 2
    assert {place.client for place in enrolments.of_course(rows["Sprachcafé am Rathaus"].course)}
    assert courses.lessons(rows["Sprachcafé am Rathaus"].course).count() > 40
