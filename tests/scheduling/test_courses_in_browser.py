"""Courses in real browsers: two people at the last seat, attendance by keyboard, accessible pages."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from clients.models import Client
from scheduling import courses, enrolments
from scheduling.models import Attendance, Booking, Course, Slot
from tests import browsing, factories
from tests.browsing import Windows
from tests.scheduling import course_offers as offers

pytestmark = pytest.mark.django_db(transaction=True)


def at(name: str, thing: Any) -> str:
    return reverse(f"scheduling:{name}", args=[thing.uuid])


@pytest.fixture
def course() -> Course:
    return offers.enter(capacity=1, by=offers.staff(), lessons=offers.weekly())


def test_the_last_seat_is_seen_to_go_and_taken_once(windows: Windows, course: Course) -> None:
    clients: list[Client] = [
        factories.ClientFactory(owner=factories.UserFactory(username=name)) for name in ("eins", "zwei")
    ]
    pages = []
    for client in clients:
        page = windows.open_for(client.owner)
        page.goto(at("enrol", course))
        page.select_option("select[name=client]", str(client.uuid))
        pages.append(page)
    watcher = windows.open_for(factories.UserFactory(username="drei"))
    watcher.goto(at("course", course))
    expect(watcher.get_by_text("0 von 1 Plätzen vergeben")).to_be_visible()
    expect(watcher.locator("[data-live-text]")).to_contain_text("aktualisiert")

    for page in pages:
        page.get_by_role("button", name="Verbindlich anmelden").click()

    expect(pages[0].get_by_text("Der Platz ist gebucht.")).to_be_visible()
    expect(pages[1].get_by_text("inzwischen belegt")).to_be_visible()
    expect(watcher.get_by_text("1 von 1 Plätzen vergeben")).to_be_visible()
    expect(watcher.get_by_role("link", name="Auf die Warteliste")).to_be_visible()
    assert Booking.objects.get().client == clients[0]


def test_attendance_is_tapped_by_keyboard_and_seen_in_another_window(
    windows: Windows, course: Course
) -> None:
    client = factories.ClientFactory(given_name="Ada", family_name="Özdemir")
    enrolments.enrol(course, client=client, by=client.owner)
    lesson = courses.lessons(course)[0]
    start_at = timezone.now() - timedelta(minutes=1)
    Slot.objects.filter(pk=lesson.pk).update(start_at=start_at, end_at=start_at + timedelta(hours=2))
    teacher = factories.UserFactory(roles=["course_staff"], organisation=course.organisation)
    mine, other = windows.open_for(teacher), windows.open_for(teacher, viewport=browsing.PHONE)
    for page in (mine, other):
        page.goto(at("roll", lesson))
        expect(page.locator("[data-live-text]")).to_contain_text("aktualisiert")
    assert browsing.faults(other) == []

    mine.get_by_role("button", name="da", exact=True).focus()
    mine.keyboard.press("Enter")

    expect(mine.get_by_role("button", name="da", exact=True, pressed=True)).to_be_visible()
    expect(other.get_by_text("1 da, 0 entschuldigt, 0 gefehlt")).to_be_visible()
    assert Attendance.objects.get().status == "present"


def test_the_list_hears_of_all_its_days_on_one_line(windows: Windows, course: Course) -> None:
    next_week = offers.weekly(first_on=offers.monday() + timedelta(days=7))
    later = offers.enter(title="Später", capacity=1, by=course.created_by, lessons=next_week)
    page = windows.open_for(factories.UserFactory())
    lines: list[str] = []
    page.on("websocket", lambda line: lines.append(line.url) if "/live/slots/" in line.url else None)
    page.goto(reverse("scheduling:courses"))
    expect(page.locator("[data-live-text]")).to_contain_text("aktualisiert")

    for each in (course, later):
        client = factories.ClientFactory()
        enrolments.enrol(each, client=client, by=client.owner)
        expect(page.locator(f"#kurs-{each.uuid}")).to_contain_text("voll")

    assert len(lines) == 1


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_pages_are_accessible_wide_and_narrow(windows: Windows, course: Course, language: str) -> None:
    client = factories.ClientFactory(
        owner=factories.UserFactory(roles=["caseworker", "course_staff", "coordinator"], language=language)
    )
    enrolments.enrol(course, client=client, by=client.owner)
    page = windows.open_for(client.owner)
    names = ("course", "change_course", "change_teaching", "add_lessons", "call_off_course", "enrol")
    addresses = [
        reverse("scheduling:courses"),
        reverse("scheduling:add_course"),
        *(at(name, course) for name in names),
        reverse("clients:detail", args=[client.uuid]),
    ]
    found: list[str] = []
    for address in addresses:
        page.goto(address)
        found += browsing.faults(page, 1280, 360)
    assert found == []
