"""The coordinator's year, one session, cancelling, ending."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from scheduling.models import Booking, Rebooking, Series, Session
from scheduling.recurrence import MonthDay
from tests import factories
from tests.scheduling import planned
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST = reverse("scheduling:sessions")


def plan_from_today(months: int = 3, **changes: Any) -> Series:
    """Sessions on the 15th of the next months, from now on."""
    first_on = timezone.localdate() + timedelta(days=1)
    fields = {
        "rule": MonthDay(15),
        "first_on": first_on,
        "until": first_on + timedelta(days=31 * months),
        "now": timezone.now(),
    }
    return planned.plan(**fields | changes)


@pytest.fixture
def browser() -> Client:
    return as_user(planned.coordinator())


def addresses(session: Session) -> list[str]:
    return [
        LIST,
        reverse("scheduling:sessions", args=[2027]),
        reverse("scheduling:session", args=[session.uuid]),
        reverse("scheduling:cancel_session", args=[session.uuid]),
        reverse("scheduling:end_series", args=[session.series and session.series.uuid]),
    ]


# --- Who ---------------------------------------------------------------------------------------
def test_a_caseworker_enters_only_the_dates_of_their_own_office() -> None:
    session = plan_from_today().sessions.earliest("start_at")
    browser = as_user(factories.UserFactory())
    assert [browser.get(url).status_code for url in addresses(session)] == [403, 403, 404, 404, 404]


@pytest.mark.parametrize("role", ["team_lead", "specialist", "administrator"])
def test_only_coordinators_enter(role: str) -> None:
    session = plan_from_today().sessions.earliest("start_at")
    stranger = as_user(factories.UserFactory(roles=[role]))
    assert {stranger.get(url).status_code for url in addresses(session)} == {403}


def test_other_districts_do_not_exist() -> None:
    session = plan_from_today().sessions.earliest("start_at")
    elsewhere = factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    neighbour = as_user(planned.coordinator(organisation=elsewhere))
    assert [neighbour.get(url).status_code for url in addresses(session)] == [200, 200, 404, 404, 404]
    assert neighbour.post(addresses(session)[3], {"reason": "x"}).status_code == 404
    assert neighbour.post(addresses(session)[4], {"from_on": "2027-01-01"}).status_code == 404
    session.refresh_from_db()
    assert session.status == "planned"
    assert "Dr." not in neighbour.get(LIST).content.decode()


@pytest.mark.parametrize("year", [0, 1999, 99999])
def test_a_year_nobody_plans_is_not_found(browser: Client, year: int) -> None:
    assert browser.get(reverse("scheduling:sessions", args=[year])).status_code == 404


@pytest.mark.parametrize(("year", "links"), [(2000, {"2001"}), (2027, {"2026", "2028"}), (2099, {"2098"})])
def test_one_turns_only_to_years_there_are(browser: Client, year: int, links: set[str]) -> None:
    page = browser.get(reverse("scheduling:sessions", args=[year])).content.decode()
    base = reverse("scheduling:sessions", args=[1]).removesuffix("1/")
    assert set(re.findall(rf'href="{base}(\d+)/"', page)) == links
    assert {browser.get(f"{base}{other}/").status_code for other in links} == {200}


# --- The year ----------------------------------------------------------------------------------
def test_an_empty_year_teaches_the_next_step(browser: Client) -> None:
    page = browser.get(LIST).content.decode()
    assert "Noch keine Sprechstunde geplant" in page
    assert reverse("scheduling:plan_year") in page


def test_the_year_shows_places_bookings_and_holds(browser: Client) -> None:
    session = plan_from_today().sessions.earliest("start_at")
    booked, held, dead = session.slots.all()
    factories.BookingFactory(slot=booked)
    for slot, minutes in ((held, 5), (dead, -5)):
        until = timezone.now() + timedelta(minutes=minutes)
        factories.BookingFactory(slot=slot, status="tentative", booked_at=None, held_until=until)

    page = browser.get(reverse("scheduling:sessions", args=[session.start_at.year]))
    (row,) = [row for row in page.context["sessions"] if row.pk == session.pk]
    assert (row.places, row.booked, row.held) == (3, 1, 1)


@pytest.mark.parametrize("number", [1, 3])
def test_the_year_costs_the_same_for_one_session_and_for_many(
    browser: Client, number: int, django_assert_num_queries: Any
) -> None:
    series = plan_from_today(months=12)
    keep = series.sessions.filter(start_at__year=2027)[:number]
    series.sessions.exclude(pk__in=list(keep.values_list("pk", flat=True))).update(
        start_at=timezone.now() - timedelta(days=2000), end_at=timezone.now() - timedelta(days=1999)
    )
    url = reverse("scheduling:sessions", args=[2027])
    browser.get(url)
    with django_assert_num_queries(QUERIES_OF_THE_YEAR):
        assert len(browser.get(url).context["sessions"]) == number


@pytest.mark.parametrize("number", [1, 3])
def test_the_year_costs_the_same_for_one_series_and_for_many(
    browser: Client, number: int, django_assert_num_queries: Any
) -> None:
    for n in range(number):
        plan_from_today(room=planned.room(f"Zimmer {n}"))
    browser.get(LIST)
    with django_assert_num_queries(QUERIES_OF_THE_YEAR):
        assert len(browser.get(LIST).context["running"]) == number


QUERIES_OF_THE_YEAR = 16


def test_dates_that_could_not_be_made_are_named(browser: Client) -> None:
    series = plan_from_today()
    lost = series.sessions.earliest("start_at")
    day = lost.start_at
    lost.slots.all().delete()
    lost.delete()
    other = factories.SessionFactory(series__room=planned.room("Zimmer 8"), start_at=day)
    factories.ReservationFactory(slot=factories.SlotFactory(session=other), resource=series.specialist)

    page = browser.get(LIST).content.decode()
    assert "Diese Termine konnten nicht angelegt werden" in page
    assert f"{series.specialist} ist schon belegt" in page


# --- One session ---------------------------------------------------------------------------------
def test_a_session_shows_states_and_case_numbers_and_no_names(browser: Client) -> None:
    session = plan_from_today().sessions.earliest("start_at")
    first, second, _third = session.slots.all()
    client = factories.ClientFactory(given_name="Kanarienvogel", family_name="Geheim", case_number="26-XYZ")
    factories.BookingFactory(slot=first, client=client, holder=client.owner)
    factories.BookingFactory(
        slot=second,
        status="tentative",
        booked_at=None,
        held_until=timezone.now() + timedelta(minutes=5),
    )
    page = browser.get(reverse("scheduling:session", args=[session.uuid])).content.decode()
    assert "26-XYZ" in page
    assert [page.count(word) for word in ("gebucht", "vorgemerkt", "frei</")] == [1, 1, 1]
    assert "Kanarienvogel" not in page
    assert "Geheim" not in page
    assert client.owner.name not in page


@pytest.mark.parametrize("number", [1, 3])
def test_a_session_costs_the_same_with_one_booking_and_with_three(
    browser: Client, number: int, django_assert_num_queries: Any
) -> None:
    session = plan_from_today().sessions.earliest("start_at")
    for slot in session.slots.all()[:number]:
        client = factories.ClientFactory()
        factories.BookingFactory(slot=slot, client=client, holder=client.owner)
    url = reverse("scheduling:session", args=[session.uuid])
    browser.get(url)
    with django_assert_num_queries(10):
        assert browser.get(url).content.decode().count("F-") == number


def test_cancelling_asks_once_naming_the_consequence(browser: Client) -> None:
    session = plan_from_today().sessions.earliest("start_at")
    client = factories.ClientFactory()
    factories.BookingFactory(slot=session.slots.all()[0], client=client, holder=client.owner)
    url = reverse("scheduling:cancel_session", args=[session.uuid])

    assert "Ein gebuchter Termin wird abgesagt" in browser.get(url).content.decode()
    assert browser.post(url, {"reason": ""}).status_code == 422
    session.refresh_from_db()
    assert session.status == "planned"

    response = browser.post(url, {"reason": "Fortbildung"}, follow=True)
    session.refresh_from_db()
    assert (session.status, session.cancel_reason) == ("cancelled", "Fortbildung")
    assert Booking.objects.get().status == "cancelled"
    assert Rebooking.objects.count() == 1
    page = response.content.decode()
    assert "1 Termin steht zur Neuvergabe" in page
    assert "AWO: 1" in page
    assert "Sprechstunde absagen" not in page


def test_a_session_that_is_over_cannot_be_cancelled(browser: Client) -> None:
    past = factories.SessionFactory(start_at=timezone.now() - timedelta(hours=5))
    factories.SlotFactory(session=past)
    response = browser.post(reverse("scheduling:cancel_session", args=[past.uuid]), {"reason": "krank"})
    assert response.status_code == 422
    assert "schon vorbei. Tragen Sie in der Tagesagenda ein, wer da war." in response.content.decode()
    past.refresh_from_db()
    assert past.status == "planned"


# --- Ending --------------------------------------------------------------------------------------
def test_ending_a_series_names_what_stays(browser: Client) -> None:
    series = plan_from_today()
    booked = series.sessions.latest("start_at")
    factories.BookingFactory(slot=booked.slots.all()[0])
    url = reverse("scheduling:end_series", args=[series.uuid])
    assert browser.get(url).status_code == 200
    assert browser.post(url, {"from_on": "gestern"}).status_code == 422

    page = browser.post(url, {"from_on": f"{timezone.localdate()}"}, follow=True).content.decode()
    assert "Weil dort gebucht ist, bleiben:" in page
    assert set(series.sessions.taking_place()) == {booked}


def test_a_coordinator_who_is_also_a_caseworker_may_do_both() -> None:
    both: User = factories.UserFactory(roles=["coordinator", "caseworker"])
    assert as_user(both).get(LIST).status_code == 200
