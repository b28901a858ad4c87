"""The board, for three people: who holds, a colleague of another organisation, a stranger."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.roles import Role
from scheduling import booking as rules
from scheduling import contingents
from scheduling.board import Month
from scheduling.models import Booking, Contingent, Slot
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def slot() -> Slot:
    return factories.SlotFactory()


@pytest.fixture
def anna() -> User:
    return factories.UserFactory(name="Anna Amsel")


@pytest.fixture
def ben() -> User:
    """A colleague of another organisation."""
    return factories.UserFactory(
        name="Ben Bussard", organisation=factories.OrganisationFactory(name="Caritas")
    )


@pytest.fixture
def stranger() -> User:
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    return factories.UserFactory(organisation=factories.OrganisationFactory(district=elsewhere))


def board_of(slot: Slot) -> str:
    return reverse("scheduling:board", args=[Month.of(slot.session.start_at, slot.district.tz)])


def page(user: User, address: str) -> str:
    answer = as_user(user).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def press(user: User, name: str, slot: Slot, *, htmx: bool = True, browser: Browser | None = None) -> Any:
    headers = {"HX-Request": "true"} if htmx else {}
    return (browser or as_user(user)).post(reverse(f"scheduling:{name}", args=[slot.uuid]), headers=headers)


# --- What is seen ------------------------------------------------------------------------------
def test_everyone_in_the_district_sees_the_free_block_and_a_stranger_sees_nothing(
    slot: Slot, anna: User, ben: User, stranger: User
) -> None:
    for user in (anna, ben):
        shown = page(user, board_of(slot))
        assert f'id="slot-{slot.uuid}"' in shown
        assert "Vormerken" in shown
    assert str(slot.uuid) not in page(stranger, board_of(slot))
    for name in ("slot_card", "session_day"):
        uuid = slot.uuid if name == "slot_card" else slot.session.uuid
        assert as_user(stranger).get(reverse(f"scheduling:{name}", args=[uuid])).status_code == 404


def test_the_board_opens_on_the_month_of_the_next_session(slot: Slot, anna: User) -> None:
    later = factories.SessionFactory(series=slot.session.series, start_at=slot.start_at + timedelta(days=62))

    shown = page(anna, reverse("scheduling:board"))

    assert f'id="slot-{slot.uuid}"' in shown
    assert f"#tag-{later.uuid}" in shown


def test_without_any_session_the_page_says_what_comes_next(anna: User) -> None:
    assert "Noch keine Sprechstunde geplant" in page(anna, reverse("scheduling:board"))
    assert "Jahr planen" not in page(anna, reverse("scheduling:board")).split("<main", 1)[1]
    coordinator = factories.UserFactory(roles=[Role.COORDINATOR.value])
    assert "Noch keine Sprechstunde geplant" in page(coordinator, reverse("scheduling:board"))


@pytest.mark.parametrize(
    ("month", "links"),
    [("2000-01", {"2000-02"}), ("2026-12", {"2026-11", "2027-01"}), ("2099-12", {"2099-11"})],
)
def test_one_turns_only_to_months_there_are(anna: User, month: str, links: set[str]) -> None:
    page = as_user(anna).get(f"/sprechstunde/{month}/").content.decode()
    assert set(re.findall(r'href="/sprechstunde/(\d{4}-\d\d)/"', page)) == links
    assert {as_user(anna).get(f"/sprechstunde/{other}/").status_code for other in links} == {200}


@pytest.mark.parametrize("month", ["2026-13", "0001-01", "9999-12"])
def test_a_month_that_is_none_is_not_found(anna: User, month: str) -> None:
    assert as_user(anna).get(f"/sprechstunde/{month}/").status_code == 404


def test_a_hold_counts_down_for_oneself_and_is_nameless_for_others(slot: Slot, anna: User, ben: User) -> None:
    rules.hold(slot, by=anna)

    own, others = page(anna, board_of(slot)), page(ben, board_of(slot))

    assert "von Ihnen vorgemerkt" in own
    assert "Verlängern (noch 3-mal)" in own
    assert "Freigeben" in own
    assert "vorgemerkt" in others
    assert "Freigeben" not in others
    assert "Amsel" not in others
    assert anna.username not in others


def test_a_booking_is_taken_for_others_a_link_for_oneself_and_a_number_for_the_coordination(
    slot: Slot, anna: User, ben: User
) -> None:
    client = factories.ClientFactory(owner=anna, given_name="Amal", family_name="Haddad", case_number="F-77")
    made = rules.book(slot, client=client, by=anna)
    coordinator = factories.UserFactory(roles=[Role.COORDINATOR.value])
    lead = factories.UserFactory(roles=[Role.TEAM_LEAD.value])
    link = reverse("scheduling:booking", args=[made.uuid])

    own = page(anna, board_of(slot))
    assert "von Ihnen gebucht" in own
    assert "F-77" in own
    assert link in own
    for user in (ben, lead):
        shown = page(user, board_of(slot))
        assert "belegt" in shown
        assert "F-77" not in shown
        assert link not in shown
    counted = page(coordinator, board_of(slot))
    assert "F-77" in counted
    assert link not in counted
    for user in (anna, ben, lead, coordinator):
        shown = page(user, board_of(slot))
        assert "Haddad" not in shown
        assert str(made.uuid) not in shown or user == anna


def test_only_who_books_is_invited(slot: Slot) -> None:
    for role in (Role.COORDINATOR, Role.TEAM_LEAD):
        shown = page(factories.UserFactory(roles=[role.value]), board_of(slot))
        assert "frei" in shown
        assert "Vormerken" not in shown
    specialist = factories.UserFactory(roles=[Role.SPECIALIST.value])
    assert as_user(specialist).get(board_of(slot)).status_code == 403


def test_a_cancelled_session_says_so(slot: Slot, anna: User) -> None:
    session = slot.session
    session.status, session.cancelled_at = "cancelled", session.start_at
    session.cancel_reason = "Fortbildung"
    session.save()
    Slot.objects.update(is_open=False)

    shown = page(anna, board_of(slot))

    assert "Diese Sprechstunde fällt aus." in shown
    assert "Fortbildung" in shown
    assert "Vormerken" not in shown
    assert "0 von 0" not in shown


def test_a_hold_that_ended_is_free_before_anybody_sweeps(slot: Slot, anna: User, ben: User) -> None:
    hold = rules.hold(slot, by=anna)
    Booking.objects.filter(pk=hold.pk).update(held_until=hold.created_at)

    assert "Vormerken" in page(ben, board_of(slot))


@pytest.mark.parametrize("blocks", [1, 3])
def test_the_number_of_queries_does_not_grow(
    slot: Slot, anna: User, blocks: int, django_assert_num_queries: Any
) -> None:
    for block in range(1, blocks):
        factories.SlotFactory(session=slot.session, block=block)
    for one in Slot.objects.all():
        factories.BookingFactory(slot=one, holder=anna, client=factories.ClientFactory(owner=anna))
    browser = as_user(anna)
    browser.get(board_of(slot))

    # session, user, second factor; next dates and their contingents; slots, bookings, what they are
    # about, contingents; list
    with django_assert_num_queries(10):
        browser.get(board_of(slot))


def test_one_block_alone_costs_four_queries_beyond_those_of_every_page(
    slot: Slot, anna: User, django_assert_num_queries: Any
) -> None:
    browser = as_user(anna)
    browser.get(board_of(slot))

    # session, user, second factor; the slot twice (may I, and as it is now), its bookings, contingents
    with django_assert_num_queries(7):
        answer = browser.get(reverse("scheduling:slot_card", args=[slot.uuid]))

    assert answer.content.decode().strip().startswith("<li")


def test_who_has_taken_the_places_of_their_organisation_reads_why_not(
    slot: Slot, anna: User, ben: User
) -> None:
    """And may again, once others' places are everyone's or one of theirs is given back."""
    other = factories.SlotFactory(session=slot.session, block=1)
    contingents.set_aside(
        slot.session, {anna.organisation: 1, ben.organisation: 1}, free_days_before=1, by=anna
    )
    assert page(anna, board_of(slot)).count(">Vormerken<") == 2
    held = rules.hold(slot, by=anna)
    shown = page(anna, board_of(slot))
    assert ">Vormerken<" not in shown
    assert reverse("scheduling:why_not", args=[other.uuid]) in shown
    assert page(ben, board_of(slot)).count(">Vormerken<") == 1
    assert "data-live-whole" in page(ben, reverse("scheduling:session_day", args=[slot.session.uuid]))
    Contingent.objects.filter(organisation=ben.organisation).update(free_from_at=held.created_at)
    assert ">Vormerken<" in page(anna, board_of(slot))
    rules.let_go(slot, by=anna)
    assert page(anna, board_of(slot)).count(">Vormerken<") == 2


# --- What is done ------------------------------------------------------------------------------
def test_holding_extending_and_giving_back_answer_with_the_block_as_it_is(slot: Slot, anna: User) -> None:
    held = press(anna, "hold", slot)
    assert held.status_code == 200
    assert "von Ihnen vorgemerkt" in held.content.decode()
    assert Booking.objects.get().holder == anna

    extended = press(anna, "extend", slot)
    assert "Verlängern (noch 2-mal)" in extended.content.decode()

    free = press(anna, "let_go", slot)
    assert "Vormerken" in free.content.decode()
    assert not Booking.objects.exists()
    acts = AuditEvent.objects.filter(target_type="scheduling.booking").order_by("pk")
    assert list(acts.values_list("verb", flat=True)) == ["held", "hold_extended", "let_go"]


def test_without_javascript_one_comes_back_to_the_block(slot: Slot, anna: User) -> None:
    answer = press(anna, "hold", slot, htmx=False)

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{board_of(slot)}#slot-{slot.uuid}"


@pytest.mark.parametrize("htmx", [True, False])
def test_a_lost_race_is_a_calm_message_with_the_next_free_slot(
    slot: Slot, anna: User, ben: User, htmx: bool
) -> None:
    later = factories.SlotFactory(session=slot.session, block=1)
    rules.hold(slot, by=anna)

    answer = press(ben, "hold", slot, htmx=htmx)

    said = answer.content.decode()
    assert answer.status_code == 409
    assert "Das ging leider nicht" in said
    assert "gerade vorgemerkt" in said
    assert f"#slot-{later.uuid}" in said
    assert "Amsel" not in said
    assert Booking.objects.count() == 1
    assert ("<html" in said) is not htmx


def test_extending_after_the_end_is_a_calm_message_too(slot: Slot, anna: User) -> None:
    hold = rules.hold(slot, by=anna)
    hold.delete()

    answer = press(anna, "extend", slot)

    assert answer.status_code == 409
    assert "Die Vormerkung ist abgelaufen." in answer.content.decode()
    assert "Vormerken" in answer.content.decode()


@pytest.mark.promise(12)
def test_strangers_and_people_who_do_not_book_can_do_nothing(
    slot: Slot, anna: User, ben: User, stranger: User
) -> None:
    hold = rules.hold(slot, by=anna)
    coordinator = factories.UserFactory(roles=[Role.COORDINATOR.value])

    for name in ("hold", "extend", "let_go"):
        assert press(stranger, name, slot).status_code == 404
        assert press(coordinator, name, slot).status_code == 403
    assert press(ben, "extend", slot).status_code == 409
    assert press(ben, "let_go", slot).status_code == 200

    hold.refresh_from_db()
    assert (hold.holder, hold.extensions) == (anna, 0)


def test_the_page_says_when_it_was_read_and_where_changes_are_heard(slot: Slot, anna: User) -> None:
    shown = page(anna, board_of(slot))

    day = slot.start_at.astimezone(slot.district.tz).date().isoformat()
    assert f'data-live="/live/slots/{slot.calendar.uuid}/{day}/"' in shown
    assert re.search(r"data-live-text>Stand \d\d:\d\d Uhr<", shown)
    assert 'aria-live="polite"' in shown


@pytest.mark.promise(18)
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_web_process_with_a_wrong_clock_shows_the_countdown_of_the_databases(
    slot: Slot, anna: User, minutes: int
) -> None:
    rules.hold(slot, by=anna)
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        shown = page(anna, board_of(slot))

    assert "von Ihnen vorgemerkt" in shown
    until, now = (datetime.fromisoformat(at) for at in re.findall(r'data-(?:until|now)="(.*?)"', shown))
    assert timedelta(minutes=4, seconds=50) < until - now <= timedelta(minutes=5)
