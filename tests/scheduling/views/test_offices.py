"""Calendars on their pages, for three people: whose it is, whom it is shared with, a stranger."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from scheduling import calendars
from scheduling.models import Calendar
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, ADD = reverse("scheduling:calendars"), reverse("scheduling:add_calendar")


def of(name: str) -> User:
    made: User = factories.UserFactory(organisation=factories.OrganisationFactory(name=name))
    return made


@pytest.fixture
def owner() -> User:
    return of("Jobcenter")


@pytest.fixture
def partner() -> User:
    return of("Agentur")


@pytest.fixture
def stranger() -> User:
    return of("Caritas")


@pytest.fixture
def calendar(owner: User) -> Calendar:
    return calendars.save(None, name="Anlaufstelle", by=owner)


def address(name: str, *args: Any) -> str:
    return reverse(f"scheduling:{name}", args=[str(arg) for arg in args])


def test_only_its_owner_opens_names_and_shares_it(
    calendar: Calendar, owner: User, partner: User, stranger: User
) -> None:
    calendars.share(calendar, partner.organisation, "manage", by=owner)
    page = address("calendar", calendar.uuid)
    sharing = {"organisation": str(stranger.organisation.uuid), "right": "book"}
    for user, status in ((owner, 200), (partner, 404), (stranger, 404)):
        browser = as_user(user)
        assert browser.get(page).status_code == status
        if status == 404:
            assert browser.post(page, {"name": "Unserer"}).status_code == 404
            assert browser.post(address("share_calendar", calendar.uuid), sharing).status_code == 404
            ending = address("unshare_calendar", calendar.uuid, partner.organisation.uuid)
            assert browser.post(ending).status_code == 404
    calendar.refresh_from_db()
    assert (calendar.name, calendar.shares.count()) == ("Anlaufstelle", 1)


def test_the_list_shows_each_what_they_may(
    calendar: Calendar, owner: User, partner: User, stranger: User
) -> None:
    calendars.share(calendar, partner.organisation, "see", by=owner)
    shown = {user: as_user(user).get(LIST).content.decode() for user in (owner, partner, stranger)}
    assert "sehen, buchen und Zeiten anbieten" in shown[owner]
    assert "Anlaufstelle" in shown[partner]
    assert "Zeiten anbieten</td>" not in shown[partner]
    assert "Anlaufstelle" not in shown[stranger]
    assert "Noch kein Kalender" in shown[stranger]


def test_a_calendar_is_entered_shared_and_no_longer_shared(owner: User, partner: User) -> None:
    browser = as_user(owner)
    page = browser.post(ADD, {"name": "Neu", "is_active": "on"}, follow=True).content.decode()
    made = Calendar.objects.get()
    assert made.organisation == owner.organisation
    assert "Nur Ihre Stelle sieht und bucht hier" in page
    sharing = {"organisation": str(partner.organisation.uuid), "right": "manage"}
    page = browser.post(address("share_calendar", made.uuid), sharing, follow=True).content.decode()
    assert "Agentur: sehen, buchen und Zeiten anbieten" in page
    assert calendars.managed(partner).get() == made
    browser.post(address("unshare_calendar", made.uuid, partner.organisation.uuid))
    assert not calendars.visible(partner).exists()


def test_what_does_not_fit_is_said(calendar: Calendar, owner: User) -> None:
    browser = as_user(owner)
    assert browser.post(ADD, {"name": calendar.name}).status_code == 422
    own = {"organisation": str(owner.organisation.uuid), "right": "book"}
    assert browser.post(address("share_calendar", calendar.uuid), own).status_code == 422
    assert not calendar.shares.exists()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_for_many(
    owner: User, partner: User, number: int, django_assert_num_queries: Any
) -> None:
    for n in range(number):
        made = calendars.save(None, name=f"Kalender {n}", by=owner)
        calendars.share(made, partner.organisation, "book", by=owner)
    browser = as_user(owner)
    browser.get(LIST)
    # session, user, second factor; own, managed, bookable; the calendars, their shares, whose
    with django_assert_num_queries(9):
        assert len(browser.get(LIST).context["rows"]) == number
