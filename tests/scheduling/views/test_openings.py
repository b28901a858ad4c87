"""An office's own times: offered, listed, cancelled, and the list of one day."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from scheduling import booking as rules
from scheduling import calendars
from scheduling.models import Booking, Series, Session, Slot
from scheduling.problems import Visit
from tests import factories
from tests.scheduling import offered
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, OPEN = reverse("scheduling:openings"), reverse("scheduling:open_times")


@pytest.fixture
def anna() -> User:
    return offered.caseworker()


def typed(user: User, **changes: Any) -> dict[str, Any]:
    """The form as a browser sends it: once, two appointments, at an address."""
    return {
        "calendar": str(offered.calendar(user).uuid),
        "kind": str(offered.kind().uuid),
        "how": "once",
        "first_on": offered.workday().isoformat(),
        "start_time": "09:00",
        "number": "2",
        "pause_minutes": "0",
        "place": "Hauptstr. 1",
    } | changes


def day(session: Session) -> str:
    return reverse("scheduling:day_list", args=[session.uuid])


def test_times_are_offered_once(anna: User) -> None:
    answer = as_user(anna).post(OPEN, typed(anna, counsellor=str(anna.uuid)))
    assert answer.headers["Location"] == LIST
    session = Session.objects.get()
    assert (session.series, session.held_by_name) == (None, anna.name)
    assert [slot.capacity for slot in session.slots.all()] == [1, 1]


def test_times_are_offered_every_week_and_listed(anna: User) -> None:
    until = offered.workday() + timedelta(days=21)
    form = typed(anna, how="weekly", every="1", weekdays=["1"], until=until.isoformat())
    browser = as_user(anna)
    page = browser.post(OPEN, form, follow=True).content.decode()
    assert Session.objects.count() in {3, 4}
    assert "angeboten." in page
    assert "0 von 2" in page
    assert "Laufende Reihen" in page


def test_what_is_in_the_way_is_named_and_can_be_left_out(anna: User) -> None:
    on = offered.workday()
    room = factories.RoomFactory()
    offered.session(anna, room=room, on=on)
    form = typed(
        anna,
        how="weekly",
        every="1",
        weekdays=[str(on.weekday())],
        room=str(room.uuid),
        until=(on + timedelta(days=7)).isoformat(),
    )
    browser = as_user(anna)
    answer = browser.post(OPEN, form)
    assert answer.status_code == 422
    assert f"{room.name} ist schon belegt" in answer.content.decode()
    assert Session.objects.count() == 1
    assert browser.post(OPEN, form | {"skip_conflicts": "on"}).status_code == 302
    assert not Session.objects.filter(series__isnull=False, start_at__date=on).exists()


def test_without_a_calendar_the_page_says_what_comes_first(anna: User) -> None:
    browser = as_user(anna)
    assert "Legen Sie zuerst einen an" in browser.get(LIST).content.decode()
    assert "Legen Sie zuerst einen an" in browser.get(OPEN).content.decode()


def test_three_people_see_offer_and_cancel_what_is_theirs(anna: User) -> None:
    session = offered.session(anna)
    partner, stranger = offered.caseworker("Agentur"), offered.caseworker("Caritas")
    calendars.share(session.calendar, partner.organisation, "book", by=anna)
    pages = [day(session), reverse("scheduling:cancel_session", args=[session.uuid])]
    for user, status in ((anna, 200), (partner, 404), (stranger, 404)):
        browser = as_user(user)
        assert [browser.get(page).status_code for page in pages] == [status, status]
        assert (session.calendar.name in browser.get(LIST).content.decode()) == (status == 200)
        if status == 404:
            assert browser.post(pages[1], {"reason": "x"}).status_code == 404
            assert browser.post(OPEN, typed(anna)).status_code == 422
    session.refresh_from_db()
    assert session.status == "planned"
    assert as_user(anna).post(pages[1], {"reason": "krank"}).status_code == 302
    session.refresh_from_db()
    assert session.status == "cancelled"


def test_a_clients_name_is_for_the_case_team_and_whoever_holds_the_session(anna: User) -> None:
    counsellor = offered.caseworker(name="Mara Linde")
    session = offered.session(anna, counsellor=offered.counsellor(user=counsellor))
    colleague = offered.caseworker()
    client = factories.ClientFactory(owner=anna, given_name="Amal", family_name="Haddad")
    rules.book(session.slots.earliest("start_at"), client=client, by=anna)
    for user, reads in ((anna, True), (counsellor, True), (colleague, False)):
        page = as_user(user).get(day(session)).content.decode()
        assert ("Haddad" in page) == reads
        assert ("belegt" in page) != reads
    looked = AuditEvent.objects.about(Booking.objects.get()).filter(is_look=True)
    assert {event.actor for event in looked} == {anna.uuid, counsellor.uuid}


@pytest.mark.parametrize("is_sensitive", [True, False])
def test_of_a_sensitive_kind_colleagues_read_only_that_it_is_taken(anna: User, is_sensitive: bool) -> None:
    kind = offered.kind(code="open", needs_client=False, is_sensitive=is_sensitive)
    session = offered.session(anna, kind=kind)
    rules.book(session.slots.earliest("start_at"), client=None, visit=Visit(guest="Frau Noor"), by=anna)
    page = as_user(offered.caseworker()).get(day(session)).content.decode()
    assert ("Frau Noor" in page) != is_sensitive
    assert "Frau Noor" in as_user(anna).get(day(session)).content.decode()


def outreach(anna: User, capacity: int = 3) -> Slot:
    kind = offered.kind(code="outreach", category="outreach", needs_client=False)
    return offered.slot(anna, kind=kind, number=1, minutes=120, capacity=capacity, place="Lindenweg 4")


def begun(slot: Slot) -> None:
    start = timezone.now() - timedelta(minutes=5)
    times = {"start_at": start, "end_at": start + timedelta(hours=2)}
    Slot.objects.filter(pk=slot.pk).update(**times)
    Session.objects.filter(pk=slot.session_id).update(**times)


def test_who_walks_in_is_entered_while_it_runs_and_is_there(anna: User) -> None:
    slot = outreach(anna)
    begun(slot)
    browser = as_user(anna)
    for name in ("Frau Noor", ""):
        browser.post(reverse("scheduling:walk_in", args=[slot.uuid]), {"guest": name})
    found = Booking.objects.order_by("seat")
    assert [(each.guest, each.seat) for each in found] == [("Frau Noor", 1), ("", 2)]
    page = browser.get(day(slot.session)).content.decode()
    assert "Frau Noor" in page
    assert "ohne Namen" in page
    assert "noch 1 Platz" in page
    assert page.count("day-list__line") == 1


def test_the_list_of_walk_ins_ends_with_the_seats_and_is_the_offices_own(anna: User) -> None:
    slot = outreach(anna, capacity=1)
    url = reverse("scheduling:walk_in", args=[slot.uuid])
    assert as_user(offered.caseworker("Caritas")).post(url, {"guest": "x"}).status_code == 404
    browser = as_user(anna)
    browser.post(url, {"guest": "Frau Noor"})
    page = browser.post(url, {"guest": "Herr Aziz"}, follow=True).content.decode()
    assert "inzwischen belegt" in page
    assert Booking.objects.count() == 1


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_a_day_costs_the_same_for_one_and_for_many(
    anna: User, number: int, django_assert_num_queries: Any
) -> None:
    slot = outreach(anna, capacity=4)
    for n in range(number):
        rules.book(slot, client=None, visit=Visit(guest=f"Gast {n}"), by=anna)
    browser = as_user(anna)
    browser.get(day(slot.session))
    # session, user, second factor; the day, its calendar, slots, bookings; looks; may one add
    with django_assert_num_queries(11):
        browser.get(day(slot.session))


def test_ending_a_series_of_an_office_speaks_of_it_and_leads_back_to_it(anna: User) -> None:
    browser = as_user(anna)
    browser.post(OPEN, typed(anna, how="weekly", every="1", weekdays=["1"]))
    url = reverse("scheduling:end_series", args=[Series.objects.get().uuid])

    page = browser.get(url).content.decode()

    assert "keine Sprechstunde" not in page
    assert "<p>, </p>" not in page
    assert f'href="{LIST}"' in page
    assert f'href="{reverse("scheduling:sessions")}"' not in page
