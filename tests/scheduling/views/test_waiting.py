"""The waiting list's pages: for whom it is, a colleague, a stranger, and the coordinator."""

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from clients.models import Client
from scheduling import booking as rules
from scheduling import contingents, offers, resources
from scheduling.models import Booking, Calendar, Contingent, Offer, Slot, WaitingEntry
from tests import factories
from tests.scheduling import offered as times
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
LIST, ENTER = reverse("scheduling:waiting"), reverse("scheduling:enter_waiting")


@pytest.fixture
def waits() -> WaitingEntry:
    return factories.WaitingFactory(client__given_name="Amal", client__family_name="Haddad")


@pytest.fixture
def offered(waits: WaitingEntry) -> Offer:
    (offer,) = offers.make(factories.SlotFactory().pk)
    return offer


@pytest.fixture
def colleague() -> User:
    return factories.UserFactory()


@pytest.fixture
def stranger() -> User:
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    return factories.UserFactory(organisation=factories.OrganisationFactory(district=elsewhere))


@pytest.fixture
def coordinator() -> Browser:
    return as_user(factories.UserFactory(roles=[Role.COORDINATOR.value]))


def text(browser: Browser, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def address(name: str, thing: Any) -> str:
    return reverse(f"scheduling:{name}", args=[thing.uuid])


# --- The way there -----------------------------------------------------------------------------
def test_from_a_clients_page_one_gets_there_and_back() -> None:
    """An accompaniment is waited for like any kind; so it stands where one looks for it."""
    client = factories.ClientFactory()
    browser = as_user(client.owner)
    page = reverse("clients:detail", args=[client.uuid])
    assert address("wait_for", client) in text(browser, page)

    kind = factories.KindFactory(code="accompaniment", name="Begleitung zu einer Behörde")
    form = text(browser, address("wait_for", client))
    assert f'value="{client.uuid}" selected' in form
    assert f'value="{client.uuid}" selected' not in text(browser, ENTER)
    browser.post(
        address("wait_for", client), {"kind": kind.code, "client": client.uuid, "urgency": "regular"}
    )

    entry = WaitingEntry.objects.get()
    shown = text(browser, page)
    assert f'<a href="{address("waiting_entry", entry)}">Begleitung zu einer Behörde</a>' in shown
    WaitingEntry.objects.update(ended_at=entry.entered_at, outcome="withdrawn")
    assert address("waiting_entry", entry) not in text(browser, page)


def test_nobody_else_gets_there_by_a_clients_address(colleague: User, stranger: User) -> None:
    client = factories.ClientFactory()
    assert [as_user(one).get(address("wait_for", client)).status_code for one in (colleague, stranger)] == [
        404,
        404,
    ]


def test_a_search_that_found_nothing_hands_its_kind_over() -> None:
    user = factories.UserFactory()
    kind = factories.KindFactory(code="accompaniment", name="Begleitung zu einer Behörde")
    address = f"{ENTER}?kind={kind.code}"
    assert address in text(as_user(user), f"{reverse('scheduling:search')}?kind={kind.uuid}")
    assert f'value="{kind.code}" selected' in text(as_user(user), address)


# --- The list ------------------------------------------------------------------------------------
def test_a_client_of_ones_own_is_entered_with_what_they_need() -> None:
    client, kind = factories.ClientFactory(), factories.KindFactory()
    typed = {
        "kind": kind.code,
        "client": str(client.uuid),
        "urgency": "urgent",
        "language": "ar",
        "weekdays": ["0", "5"],
        "at_short_notice": "on",
    }

    answer = as_user(client.owner).post(ENTER, typed)

    entry = WaitingEntry.objects.get()
    assert answer.headers["Location"] == f"{LIST}#eintrag-{entry.uuid}"
    assert (entry.client, entry.kind, entry.urgency, entry.language) == (client, kind, "urgent", "ar")
    assert (entry.weekdays, entry.at_short_notice) == ([0, 5], True)


def test_after_nobody_came_the_same_client_is_chosen_already(colleague: User) -> None:
    client = factories.ClientFactory()
    missed = factories.BookingFactory(
        client=client, holder=client.owner, status="noshow", noshow_reason="forgot"
    )
    again = address("wait_again", missed)
    shown = as_user(client.owner).get(again).context["form"]
    assert (shown["client"].value(), shown["kind"].value()) == (client.uuid, missed.slot.kind.code)
    assert f'href="{again}"' in text(as_user(client.owner), address("booking", missed))
    assert as_user(colleague).get(again).status_code == 404


def test_somebody_elses_client_is_not_entered(colleague: User, waits: WaitingEntry) -> None:
    typed = {"kind": waits.kind.code, "client": str(factories.ClientFactory().uuid), "urgency": "regular"}

    assert as_user(colleague).post(ENTER, typed).status_code == 422
    assert list(WaitingEntry.objects.all()) == [waits]


def test_twice_the_same_wish_is_said_calmly(waits: WaitingEntry) -> None:
    assert waits.client is not None
    typed = {"kind": waits.kind.code, "client": str(waits.client.uuid), "urgency": "regular"}

    answer = as_user(waits.entered_by).post(ENTER, typed)

    assert answer.status_code == 422
    assert "schon auf der Warteliste" in answer.content.decode()


def test_one_sees_whom_one_entered_and_nobody_else(
    waits: WaitingEntry, colleague: User, stranger: User
) -> None:
    assert "Amal Haddad" in text(as_user(waits.entered_by), LIST)
    for other in (colleague, stranger):
        assert "Amal" not in text(as_user(other), LIST)


def test_an_entry_is_changed_and_left_by_its_own_people_only(
    waits: WaitingEntry, colleague: User, stranger: User
) -> None:
    page, leave = address("waiting_entry", waits), address("withdraw_waiting", waits)
    typed = {"urgency": "urgent", "gender": "f"}
    for other in (colleague, stranger):
        assert as_user(other).get(page).status_code == 404
        assert as_user(other).post(page, typed).status_code == 404
        assert as_user(other).post(leave).status_code == 404
    owner = as_user(waits.entered_by)
    assert "Amal Haddad" in text(owner, page)

    owner.post(page, typed)
    waits.refresh_from_db()
    assert (waits.urgency, waits.gender) == ("urgent", "f")
    owner.post(leave)
    waits.refresh_from_db()
    assert waits.outcome == "withdrawn"
    assert owner.get(page).status_code == 404


def test_a_latest_day_before_the_earliest_is_no_day(waits: WaitingEntry) -> None:
    typed = {"urgency": "regular", "earliest_on": "2027-03-02", "latest_on": "2027-03-01"}
    assert as_user(waits.entered_by).post(address("waiting_entry", waits), typed).status_code == 422


def test_the_coordinator_reads_the_order_by_number_without_names(
    coordinator: Browser, waits: WaitingEntry
) -> None:
    shown = text(coordinator, LIST)
    assert waits.client is not None
    assert waits.client.case_number in shown
    assert "Haddad" not in shown
    assert coordinator.get(ENTER).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_with_one_and_with_three(number: int, django_assert_num_queries: Any) -> None:
    owner = factories.UserFactory()
    for _ in range(number):
        factories.WaitingFactory(client__owner=owner)
    browser = as_user(owner)
    browser.get(LIST)
    with django_assert_num_queries(5):
        browser.get(LIST)


def test_the_consultations_page_counts_those_who_wait_for_the_consultation(waits: WaitingEntry) -> None:
    board, reader = reverse("scheduling:board"), as_user(factories.UserFactory())
    assert "1 Person wartet" not in text(reader, board)
    consultation = factories.KindFactory(code="consultation", name="Traumasprechstunde", needs_referral=True)
    factories.WaitingFactory(kind=consultation)
    page = text(reader, board)
    assert "1 Person wartet" in page
    assert "Amal" not in page


# --- Offers --------------------------------------------------------------------------------------
def test_an_offer_stands_on_today_and_is_accepted_with_one_click(offered: Offer) -> None:
    owner = as_user(offered.entry.entered_by)
    assert address("accept_offer", offered) in text(owner, reverse("consultations:today"))
    assert address("accept_offer", offered) in text(owner, reverse("scheduling:offers"))
    # What else is to do stands back behind it.
    Client.objects.update(wrong_number_at=timezone.now())
    for page in (reverse("consultations:today"), LIST):
        main = text(owner, page).split("<main")[1].split("</main>")[0]
        assert main.count("kern-btn--primary") == 1

    answer = owner.post(address("accept_offer", offered))

    made = Booking.objects.get()
    assert (made.status, made.client) == ("booked", offered.entry.client)
    assert answer.headers["Location"] == address("booking", made)
    # A second click lands where the first did.
    assert owner.post(address("accept_offer", offered)).headers["Location"] == answer.headers["Location"]


def test_declined_it_is_gone_from_today(offered: Offer) -> None:
    owner = as_user(offered.entry.entered_by)

    owner.post(address("decline_offer", offered))

    offered.refresh_from_db()
    assert offered.outcome == "declined"
    assert not Booking.objects.exists()
    assert address("accept_offer", offered) not in text(owner, reverse("consultations:today"))
    answer = owner.post(address("accept_offer", offered))
    assert answer.status_code == 409
    assert "gilt nicht mehr" in answer.content.decode()


def test_nobody_else_answers_an_offer(offered: Offer, colleague: User, stranger: User) -> None:
    for other in (colleague, stranger):
        for act in ("accept_offer", "decline_offer"):
            assert as_user(other).post(address(act, offered)).status_code == 404
        assert str(offered.uuid) not in text(as_user(other), reverse("scheduling:offers"))
    offered.refresh_from_db()
    assert offered.ended_at is None


def test_the_board_shows_the_offer_to_whom_it_is_for(offered: Offer, colleague: User) -> None:
    card = address("slot_card", offered.slot)
    assert "Ihnen angeboten" in text(as_user(offered.entry.entered_by), card)
    assert "Ihnen angeboten" not in text(as_user(colleague), card)
    assert "Amal" not in text(as_user(colleague), reverse("scheduling:board"))


# --- An offer that asks who goes along -------------------------------------------------------------
@pytest.fixture
def escort() -> Offer:
    """An accompaniment, offered for Amal."""
    anna = times.caseworker()
    kind = times.kind(code="escort", needs_room=False, needs_second_person=True, is_elsewhere=True)
    factories.WaitingFactory(
        kind=kind, client__owner=anna, client__given_name="Amal", client__family_name="Haddad"
    )
    (offer,) = offers.make(times.slot(anna, kind=kind, place="").pk)
    return offer


def test_an_accompaniment_is_accepted_with_who_goes_along_and_where_to(escort: Offer) -> None:
    owner = as_user(escort.entry.entered_by)
    jan = factories.UserFactory(organisation=escort.entry.organisation, name="Jan Vogel")
    page = address("accept_offer", escort)
    assert "Weiter zum Annehmen" in text(owner, reverse("consultations:today"))
    shown = text(owner, page)
    assert "Amal Haddad" in shown
    assert "Jan Vogel" in shown

    answer = owner.post(page, {"second_person": str(jan.uuid), "place": "Rathausplatz 1, Zimmer 2"})

    made = Booking.objects.get()
    assert answer.headers["Location"] == address("booking", made)
    assert made.second_person is not None
    assert (made.status, made.second_person.user, made.place) == ("booked", jan, "Rathausplatz 1, Zimmer 2")
    # The page, opened again, leads to what was booked.
    assert owner.get(page).headers["Location"] == address("booking", made)


def test_what_is_missing_is_said_all_at_once_and_the_offer_stays(escort: Offer) -> None:
    owner = as_user(escort.entry.entered_by)
    page = address("accept_offer", escort)

    empty = owner.post(page)
    telling = owner.post(page, {"place": "Klinik für Psychiatrie"})

    assert empty.status_code == telling.status_code == 422
    assert set(empty.context["form"].errors) == {"second_person", "place"}
    assert "Klinik für Psychiatrie" in telling.content.decode()
    assert set(telling.context["form"].errors) == {"second_person", "place"}
    assert offers.own(escort.entry.entered_by) == [escort]


def test_who_is_elsewhere_cannot_go_along_and_somebody_else_can(escort: Offer) -> None:
    by = escort.entry.entered_by
    owner, page = as_user(by), address("accept_offer", escort)
    jan, mia = (factories.UserFactory(organisation=by.organisation, name=name) for name in ("Jan", "Mia"))
    busy = resources.ensure_staff(jan, by=by)
    busy.absences.create(during=(escort.slot.start_at, escort.slot.end_at), reason="illness")

    refused = owner.post(page, {"second_person": str(jan.uuid), "place": "Rathausplatz 1"})

    assert refused.status_code == 409
    shown = refused.content.decode()
    assert "nicht da oder schon woanders" in shown
    assert 'value="Rathausplatz 1"' in shown
    owner.post(page, {"second_person": str(mia.uuid), "place": "Rathausplatz 1"})
    assert Booking.objects.get().status == "booked"


def test_an_accompaniment_is_offered_to_its_own_people_only(
    escort: Offer, colleague: User, stranger: User
) -> None:
    page = address("accept_offer", escort)
    for other in (colleague, stranger):
        assert as_user(other).get(page).status_code == 404
        assert as_user(other).post(page, {"place": "Rathausplatz 1"}).status_code == 404
    assert as_user(escort.entry.entered_by).get(page).status_code == 200


def test_an_accompaniment_that_is_not_offered_any_more_is_said_calmly(escort: Offer) -> None:
    owner = as_user(escort.entry.entered_by)
    offers.decline(escort, by=escort.entry.entered_by)
    for answer in (owner.get(address("accept_offer", escort)), owner.post(address("accept_offer", escort))):
        assert answer.status_code == 409
        assert "gilt nicht mehr" in answer.content.decode()


def test_why_whom_says_that_an_accompaniment_suits(coordinator: Browser, escort: Offer) -> None:
    factories.WaitingFactory(kind=escort.slot.kind)
    shown = text(coordinator, address("why_whom", escort.slot))
    assert "passt" in shown
    assert "Person, die mitgeht" not in shown


# --- Why whom, why nobody --------------------------------------------------------------------------
def test_the_coordinator_reads_why_whom_and_why_not(
    coordinator: Browser, offered: Offer, colleague: User
) -> None:
    other = factories.WaitingFactory(gender="m", urgency="urgent")
    page = address("why_whom", offered.slot)

    shown = text(coordinator, page)

    for entry in (offered.entry, other):
        assert entry.client is not None
        assert entry.client.case_number in shown
    assert "Haddad" not in shown
    assert "Gewünscht ist eine Fachperson anderen Geschlechts." in shown
    assert "Hat diesen Termin schon angeboten bekommen." in shown
    assert as_user(colleague).get(page).status_code == 403


def test_each_of_the_last_offers_leads_to_why_whom_also_in_an_office_of_others(
    coordinator: Browser, escort: Offer
) -> None:
    Calendar.objects.update(organisation=factories.OrganisationFactory(name="Caritas"))
    page = address("why_whom", escort.slot)
    assert page in text(coordinator, reverse("scheduling:waiting"))

    shown = text(coordinator, page)

    assert escort.entry.client is not None
    assert escort.entry.client.case_number in shown
    # That office's day is its own.
    assert reverse("scheduling:session", args=[escort.slot.session.uuid]) not in shown


def test_a_slot_of_another_district_is_none(stranger: User, offered: Offer) -> None:
    stranger.roles = [Role.COORDINATOR.value]
    stranger.save()
    browser = as_user(stranger)
    assert browser.get(address("why_whom", offered.slot)).status_code == 404
    assert browser.post(address("divide", offered.slot)).status_code == 404
    assert browser.get(address("contingents", offered.slot.session)).status_code == 404


def test_a_presentation_nobody_can_come_to_becomes_two_case_consultations(coordinator: Browser) -> None:
    slot = factories.SlotFactory(with_interpreter=True)
    by = factories.UserFactory()
    contingents.set_aside(slot.session, {by.organisation: 1}, free_days_before=2, by=by)
    room = factories.ReservationFactory(slot=slot)
    half = slot.start_at + (slot.end_at - slot.start_at) / 2
    assert "In zwei Fallberatungen teilen" in text(coordinator, address("why_whom", slot))

    coordinator.post(address("divide", slot))

    first, second = Slot.objects.order_by("start_at")
    assert (first.start_at, first.end_at, second.start_at, second.end_at) == (
        slot.start_at, half, half, slot.end_at,
    )  # fmt: skip
    assert {(each.format, each.with_interpreter) for each in (first, second)} == {
        ("case_consultation", False)
    }
    held = {
        one.slot_id: (one.resource, one.during.lower, one.during.upper)
        for one in room.resource.reservations.all()
    }
    assert held == {
        first.pk: (room.resource, slot.start_at, half),
        second.pk: (room.resource, half, slot.end_at),
    }
    assert Contingent.objects.get(organisation=None).seats == 1


def test_what_somebody_has_is_not_divided(coordinator: Browser) -> None:
    slot = factories.SlotFactory()
    rules.hold(slot, by=factories.UserFactory())

    answer = coordinator.post(address("divide", slot), follow=True)

    assert "inzwischen belegt" in answer.content.decode()
    assert Slot.objects.count() == 1


# --- Contingents -----------------------------------------------------------------------------------
def test_the_coordinator_shares_out_a_day_and_everyone_sees_it(coordinator: Browser, colleague: User) -> None:
    session = factories.SlotFactory().session
    factories.SlotFactory(session=session, block=1)
    page = address("contingents", session)
    name = f"organisation_{colleague.organisation.uuid}"
    assert as_user(colleague).get(page).status_code == 403

    assert coordinator.post(page, {name: "3", "free_days_before": "3"}).status_code == 422
    answer = coordinator.post(page, {name: "1", "free_days_before": "3"})

    assert answer.headers["Location"] == address("session", session)
    assert set(Contingent.objects.values_list("organisation", "seats")) == {
        (colleague.organisation.pk, 1), (None, 1),
    }  # fmt: skip
    board = text(as_user(colleague), reverse("scheduling:board"))
    assert "AWO 0 von 1 · alle 0 von 1 · frei für alle ab" in board
    assert "Ihre Organisation: 0 von 1 genutzt" in board


def test_a_whole_series_is_shared_out(coordinator: Browser, colleague: User) -> None:
    session = factories.SlotFactory().session
    later = factories.SlotFactory(
        session=factories.SessionFactory(series=session.series, start_at=session.end_at)
    ).session
    typed = {
        f"organisation_{colleague.organisation.uuid}": "1",
        "free_days_before": "3",
        "whole_series": "on",
    }

    coordinator.post(address("contingents", session), typed)

    assert Contingent.objects.filter(session=later, organisation=colleague.organisation).exists()
