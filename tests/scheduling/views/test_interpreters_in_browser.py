"""Availability, interpreters, "Warum nicht?" in a real Chromium: on a phone, both languages, no finding."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from scheduling import assignments, interpreter_link, presence
from scheduling.models import InterpreterAssignment
from tests import factories
from tests.browsing import PHONE, Windows, faults
from tests.scheduling.test_assignments import book, free_always, of, slot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def assignment() -> InterpreterAssignment:
    """Two who could interpret; one is asked, with hours and an absence of theirs."""
    one = free_always(name="Samira Khoury")
    free_always(name="Rima Darwish")
    boss = factories.UserFactory(roles=["interpreter_coordinator"])
    made = book(slot())
    at = timezone.now() + timedelta(days=3)
    presence.add_absence(one.resource, start_at=at, end_at=at + timedelta(days=1), reason="leave", by=boss)
    return assignments.offer(of(made), by=boss)


def pages(found: InterpreterAssignment) -> Iterator[str]:
    assert found.interpreter is not None
    resource = found.interpreter.resource
    yield reverse("scheduling:assignments")
    yield reverse("scheduling:assignment", args=[found.uuid])
    yield reverse("scheduling:interpreter_register")
    yield reverse("scheduling:interpreter", args=[resource.uuid])
    yield reverse("scheduling:interpreter_pool", args=[found.interpreter.pool.uuid])
    yield reverse("scheduling:presences")
    yield reverse("scheduling:presence", args=[resource.uuid])


def in_both_languages(page: Page, addresses: list[str]) -> list[str]:
    """What is wrong with the pages, in German and then in English."""
    found = [fault for address in addresses if page.goto(address) for fault in faults(page)]
    page.locator("form[action*='/sprache/'] button[value=en]").first.dispatch_event("click")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    return found + [fault for address in addresses if page.goto(address) for fault in faults(page)]


def test_the_coordination_works_on_a_phone_without_a_finding(
    windows: Windows, assignment: InterpreterAssignment
) -> None:
    boss = User.objects.get(roles=["interpreter_coordinator"])
    page = windows.open_for(boss, viewport=PHONE)
    assert in_both_languages(page, list(pages(assignment))) == []


def test_why_not_without_a_finding(windows: Windows, assignment: InterpreterAssignment) -> None:
    anna = factories.UserFactory()
    page = windows.open_for(anna, viewport=PHONE)
    place = assignment.booking.slot
    page.goto(reverse("scheduling:board", args=[f"{timezone.localtime(place.start_at):%Y-%m}"]))
    page.get_by_role("link", name="Warum nicht?").first.click()
    expect(page.locator("#gruende")).to_contain_text("belegt")
    assert in_both_languages(page, [page.url]) == []


def test_the_pool_answers_by_its_link_without_scripts(
    windows: Windows, assignment: InterpreterAssignment
) -> None:
    page = windows.open(viewport=PHONE, java_script_enabled=False)
    page.goto("/" + interpreter_link.url(assignment).split("/", 3)[3])
    page.get_by_role("button", name="Zusagen").click()
    expect(page.locator("main")).to_contain_text("Vielen Dank")
    assert of(assignment.booking).status == "confirmed"
    scripted = windows.open(viewport=PHONE)
    scripted.goto(page.url)
    assert faults(scripted) == []
    page.get_by_role("button", name="Doch absagen").click()
    expect(page.locator("main")).to_contain_text("Absage ist eingetragen")
    assert [row.status for row in InterpreterAssignment.objects.order_by("pk")] == ["declined", "requested"]
