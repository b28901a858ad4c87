"""Week, day, list and year: whose calendar one may read, and how much of it."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from scheduling import timetables
from scheduling.models import Absence, Booking, Resource, Slot
from scheduling.timetables import State
from tests import factories
from tests.scheduling import planned
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
TUESDAY = datetime(2027, 1, 5, 13, tzinfo=UTC)
MONDAY = date(2027, 1, 4)


@pytest.fixture
def slot() -> Slot:
    session = factories.SessionFactory(start_at=TUESDAY)
    made: Slot = factories.SlotFactory(session=session)
    made.kind.name = "Beratung Eins"
    made.kind.save()
    return made


@pytest.fixture
def doctor(slot: Slot) -> Resource:
    assert slot.session.specialist is not None
    return slot.session.specialist


def booked(slot: Slot) -> Booking:
    client = factories.ClientFactory(given_name="Kanarienvogel", case_number=f"K-4711-{slot.block}")
    made: Booking = factories.BookingFactory(slot=slot, client=client, holder=client.owner)
    return made


def own_page(user: User, form: str = "woche", on: date = MONDAY) -> str:
    answer = as_user(user).get(reverse("scheduling:timetable", args=[form, on.isoformat()]))
    assert answer.status_code == 200
    return answer.content.decode()


def page_of(user: User, resource: Resource, form: str = "woche", on: date = MONDAY) -> str:
    answer = as_user(user).get(reverse("scheduling:timetable_of", args=[resource.uuid, form, on.isoformat()]))
    assert answer.status_code == 200
    return answer.content.decode()


def states(user: User, resource: Resource) -> list[State]:
    days = timetables.of_resource(resource, user, MONDAY, 7)
    return [entry.state for day in days for entry in day.entries]


# --- Who reads what ------------------------------------------------------------------------------------
def test_a_free_time_is_named_to_everybody_of_the_district(slot: Slot, doctor: Resource) -> None:
    page = page_of(factories.UserFactory(), doctor)
    assert "14:00–15:10" in page
    assert "frei" in page
    assert "Beratung Eins" in page


def test_a_colleague_reads_taken_and_nothing_else(slot: Slot, doctor: Resource) -> None:
    booked(slot)
    for colleague in (factories.UserFactory(), factories.UserFactory(organisation__name="Caritas")):
        for resource in (doctor, slot.session.room):
            assert resource is not None
            page = page_of(colleague, resource)
            assert "belegt" in page
            for word in ("Beratung Eins", "Kanarienvogel", "4711"):
                assert word not in page


def test_who_booked_it_finds_it_in_their_own_and_in_the_room(slot: Slot, doctor: Resource) -> None:
    made = booked(slot)
    address = reverse("scheduling:booking", args=[made.uuid])
    assert address in own_page(made.holder)
    assert address in page_of(made.holder, doctor)


def test_a_confidential_kind_is_never_named_to_colleagues(slot: Slot, doctor: Resource) -> None:
    slot.kind.is_sensitive = True
    slot.kind.save()
    page = page_of(factories.UserFactory(), doctor)
    assert "frei" in page
    assert "Beratung Eins" not in page
    assert doctor.user is not None
    assert "Beratung Eins" in own_page(doctor.user)


def test_free_times_of_a_calendar_that_is_not_shared_are_taken(slot: Slot, doctor: Resource) -> None:
    slot.calendar.organisation = factories.OrganisationFactory(name="Caritas")
    slot.calendar.save()
    assert states(factories.UserFactory(), doctor) == [State.TAKEN]
    assert states(factories.UserFactory(organisation__name="Caritas"), doctor) == [State.FREE]


def test_whoever_holds_it_sees_what_is_free_and_what_is_not(slot: Slot, doctor: Resource) -> None:
    assert doctor.user is not None
    assert [entry.state for day in timetables.of_person(doctor.user, MONDAY, 7) for entry in day.entries] == [
        State.FREE
    ]
    booked(slot)
    days = timetables.of_person(doctor.user, MONDAY, 7)
    (entry,) = [entry for day in days for entry in day.entries]
    assert (entry.state, entry.title, entry.booking) == (State.OWN, "Beratung Eins", None)


def test_an_absence_tells_no_reason(slot: Slot, doctor: Resource) -> None:
    Absence.objects.create(
        resource=doctor, during=DateTimeTZRange(TUESDAY, TUESDAY + timedelta(days=1), "[)"), reason="illness"
    )
    page = page_of(factories.UserFactory(), doctor)
    assert "abwesend" in page
    assert "krank" not in page


def test_other_districts_and_interpreters_have_no_page_here() -> None:
    far = factories.DistrictFactory(name="Nachbarkreis")
    browser = as_user(factories.UserFactory())
    for foreign in (
        factories.RoomFactory(district=far),
        Resource.objects.create(district=factories.DistrictFactory(), kind="interpreter", name="N. N."),
    ):
        assert browser.get(reverse("scheduling:timetable_of", args=[foreign.uuid])).status_code == 404


@pytest.mark.parametrize(
    ("role", "status", "year"),
    [
        ("caseworker", 200, 403),
        ("specialist", 200, 403),
        ("coordinator", 200, 200),
        ("team_lead", 200, 403),
        ("data_protection_officer", 403, 403),
    ],
)
def test_who_may_look(role: str, status: int, year: int) -> None:
    browser = as_user(factories.UserFactory(roles=[role]))
    room = factories.RoomFactory()
    assert browser.get(reverse("scheduling:timetable")).status_code == status
    assert browser.get(reverse("scheduling:timetable_of", args=[room.uuid])).status_code == status
    assert browser.get(reverse("scheduling:timetable_year")).status_code == year


# --- How it is shown --------------------------------------------------------------------------------------
def test_the_week_is_a_table_and_on_a_phone_a_list(slot: Slot, doctor: Resource) -> None:
    page = page_of(factories.UserFactory(), doctor, on=date(2027, 1, 7))
    assert '<th scope="col">Di 5. Jan.</th>' in page
    assert '<th scope="row">14 Uhr</th>' in page
    assert "Sa 9. Jan." not in page
    assert 'class="stack stack--large timetable-narrow"' in page


@pytest.mark.parametrize(("form", "days"), [("woche", 7), ("tag", 1), ("liste", 28)])
def test_one_turns_the_pages_by_links(doctor: Resource, form: str, days: int) -> None:
    page = page_of(factories.UserFactory(), doctor, form)
    for rel, on in (("prev", MONDAY - timedelta(days=days)), ("next", MONDAY + timedelta(days=days))):
        url = reverse("scheduling:timetable_of", args=[doctor.uuid, form, on.isoformat()])
        assert f'rel="{rel}" href="{url}"' in page


def test_an_empty_week_says_so(doctor: Resource) -> None:
    assert "In dieser Zeit steht nichts" in page_of(factories.UserFactory(), doctor, on=date(2028, 5, 1))


@pytest.mark.parametrize(
    "path", ["jahrzehnt/2027-01-04/", "woche/2027-13-04/", "tag/1999-01-01/", "tag/heute/"]
)
def test_there_is_no_such_day_or_form(path: str) -> None:
    browser = as_user(factories.UserFactory())
    assert browser.get(f"/kalender/{path}").status_code == 404


def links_of(page: str) -> set[str]:
    return {link for link in re.findall(r'href="([^"]+)"', page) if "/kalender/" in link}


@pytest.mark.parametrize(
    "path",
    [
        *(f"{form}/{on}/" for form in ("woche", "tag", "liste") for on in ("2000-01-01", "2000-01-12")),
        *(f"{form}/{on}/" for form in ("woche", "tag", "liste") for on in ("2099-12-31", "2099-12-12")),
        "jahre/2000/", "jahre/2099/", "jahr/",
    ],
)  # fmt: skip
def test_no_link_at_the_ends_of_the_calendar_leads_nowhere(path: str) -> None:
    browser = as_user(planned.coordinator())
    links = links_of(browser.get(f"/kalender/{path}").content.decode())
    assert len(links) > 1
    assert [link for link in links if browser.get(link).status_code != 200] == []


def test_from_its_first_week_to_its_last_one_turns_to_every_day() -> None:
    """Nothing between the ends is left out by the links."""
    first, last = date(2000, 1, 3), date(2099, 12, 21)
    assert 'rel="prev" href="/kalender/woche/2000-01-01/"' in own_page(planned.coordinator(), on=first)
    assert 'rel="prev"' not in own_page(planned.coordinator(), on=date(2000, 1, 1))
    assert 'rel="next" href="/kalender/woche/2099-12-28/"' in own_page(planned.coordinator(), on=last)
    assert 'rel="next"' not in own_page(planned.coordinator(), on=date(2099, 12, 31))


def test_the_year_shows_every_calendar_month_by_month() -> None:
    session = planned.plan().sessions.earliest("start_at")
    answer = as_user(planned.coordinator()).get(reverse("scheduling:timetable_year", args=[2027]))
    page = answer.content.decode()
    assert page.count(">Traumasprechstunde</th>") == 1
    assert f'href="{reverse("scheduling:session", args=[session.uuid])}">5.<' in page
    assert "Traumasprechstunde" in page
    assert as_user(planned.coordinator()).get("/kalender/jahre/1999/").status_code == 404


_ZONE = ZoneInfo("Europe/Berlin")


@given(
    start=st.datetimes(datetime(2027, 3, 20), datetime(2027, 4, 5), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(1, 4000),
)
def test_an_entry_stands_on_every_day_it_touches_and_on_no_other(start: datetime, minutes: int) -> None:
    user = User(district=factories.DistrictFactory.build())
    end = start + timedelta(minutes=minutes)
    entry = timetables.Entry(start, end, State.TAKEN)
    days = timetables._by_day(user, [entry], date(2027, 3, 15), 30)
    touched = {day.on for day in days if day.entries}
    # Every minute of it, and its very last moment, which may lie a part of a minute beyond midnight.
    inside = [*(start + timedelta(minutes=n) for n in range(minutes)), end - timedelta(microseconds=1)]
    expected = {each.astimezone(_ZONE).date() for each in inside}
    assert touched == expected


# --- What it costs -------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", [1, 3])
def test_any_number_costs_the_same(
    slot: Slot, doctor: Resource, number: int, django_assert_num_queries: Any
) -> None:
    for block in range(1, number + 1):
        booked(factories.SlotFactory(session=slot.session, block=block))
    assert doctor.user is not None
    browser = as_user(doctor.user)
    own = reverse("scheduling:timetable", args=["woche", MONDAY.isoformat()])
    of = reverse("scheduling:timetable_of", args=[doctor.uuid, "woche", MONDAY.isoformat()])
    browser.get(own)
    # Session, person, device; then bookings, held slots, absences; the other calendars.
    with django_assert_num_queries(7):
        browser.get(own)
    # Session, person, device; then the resource, slots, absences; the other calendars.
    with django_assert_num_queries(7):
        browser.get(of)


@pytest.mark.parametrize("months", [1, 12])
def test_a_full_year_costs_as_much_as_an_empty_one(months: int, django_assert_num_queries: Any) -> None:
    planned.plan(until=date(2027, months, 28))
    browser = as_user(planned.coordinator())
    address = reverse("scheduling:timetable_year", args=[2027])
    browser.get(address)
    # Session, person, device; then the calendars, those one manages, days.
    with django_assert_num_queries(6):
        browser.get(address)
