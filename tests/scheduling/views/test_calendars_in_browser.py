"""Timetables, one's own calendar address, calendars kept elsewhere, a series that changes: for everyone."""

import pytest
from django.urls import reverse

from scheduling import resources
from tests import browsing
from tests.browsing import Windows
from tests.scheduling import planned

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a//b//DE
BEGIN:VEVENT
UID:1
DTSTAMP:20270105T080000Z
DTSTART:20270105T090000Z
DTEND:20270105T100000Z
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


@pytest.mark.parametrize("language", ["de", "en"])
def test_calendars_are_accessible_and_fit_a_phone(windows: Windows, language: str) -> None:
    series = planned.plan()
    person = planned.coordinator()
    person.language, person.roles = language, ["coordinator", "caseworker"]
    person.save()
    resources.ensure_staff(person, by=person)
    page = windows.open_for(person)
    found: list[str] = []

    def look() -> None:
        found.extend(browsing.faults(page, 1280, 360))

    def visit(name: str, *args: object) -> None:
        answer = page.goto(reverse(f"scheduling:{name}", args=args))
        assert answer is not None
        assert answer.ok, name
        look()

    assert series.room is not None
    session = series.sessions.order_by("start_at")[0]
    for form in ("woche", "tag", "liste"):
        visit("timetable_of", series.room.uuid, form, session.start_at.date().isoformat())
    visit("timetable_year", session.start_at.year)
    visit("change_series", series.uuid)

    visit("subscription")
    page.locator("main form button").click()
    look()
    visit("revoke_feed")

    visit("external")
    page.fill("input[name=name]", "Praxis")
    page.set_input_files("input[type=file]", {"name": "a.ics", "mimeType": "text/calendar", "buffer": BUSY})
    page.locator("main form button").click()
    page.get_by_role("table").wait_for()
    look()
    page.locator("main td a").click()
    look()
    assert page.locator("html").get_attribute("lang") == language
    assert found == []
