"""A case handed over: who led it until then reads and changes nothing of it, whatever they booked."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from clients import registry
from clients.models import Client
from consultations import agenda, referrals, waiting_list
from consultations.models import ItemCode
from notifications.models import Notice
from scheduling import booking as bookings
from scheduling import feeds, offers, sessions
from scheduling.models import Booking, Rebooking, WaitingEntry
from tests import factories
from tests.consultations.people import case_consultation_slot, consultation_slot
from tests.consultations.sheets import line, release
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db
MOBILE = "+4915112345678"
CASE: dict[str, Any] = {"format": "case_consultation", "consent": None, "pseudonym": "Fall Linde"}


@pytest.fixture
def booking() -> Booking:
    """Booked by the former owner, who asked to be called back; the case is somebody else's now."""
    client = factories.ClientFactory(mobile=MOBILE)
    made = bookings.book(factories.SlotFactory(), client=client, by=client.owner)
    Booking.objects.filter(pk=made.pk).update(call_asked_at=timezone.now())
    hand_over(client)
    made.refresh_from_db()
    return made


def hand_over(client: Client) -> None:
    new = factories.UserFactory()
    registry.assign(client, owner=new, deputy=None, by=factories.UserFactory(roles=["team_lead"]))


def former(booking: Booking) -> User:
    return booking.holder


def present(booking: Booking) -> User:
    assert booking.client is not None
    return booking.client.owner


@pytest.mark.parametrize(
    "address", ["booking", "cancel_booking", "move_booking", "booking_ics", "slip", "wait_again"]
)
def test_the_appointments_pages_are_the_new_owners_alone(booking: Booking, address: str) -> None:
    url = reverse(f"scheduling:{address}", args=[booking.uuid])
    assert as_user(former(booking)).get(url).status_code == 404
    assert as_user(present(booking)).get(url).status_code == 200


@pytest.mark.parametrize("address", ["cancel_booking", "told", "called", "ask_to_call", "mark"])
def test_who_led_the_case_before_changes_nothing(booking: Booking, address: str) -> None:
    before = Booking.objects.values().get(pk=booking.pk)
    url = reverse(f"scheduling:{address}", args=[booking.uuid])
    answer = as_user(former(booking)).post(url, {"reason": "caseworker", "status": "arrived"})
    assert answer.status_code == 404
    assert Booking.objects.values().get(pk=booking.pk) == before


def test_heute_names_the_person_to_the_new_owner_alone(booking: Booking) -> None:
    today = reverse("consultations:today")
    theirs = as_user(present(booking)).get(today).content.decode()
    assert "Amal Haddad" in theirs
    assert MOBILE in theirs
    before = as_user(former(booking)).get(today).content.decode()
    assert "Haddad" not in before
    assert MOBILE not in before


def test_the_board_and_the_days_list_show_a_taken_place(booking: Booking) -> None:
    day = reverse("scheduling:session_day", args=[booking.slot.session.uuid])
    own = reverse("scheduling:booking", args=[booking.uuid])
    assert own in as_user(present(booking)).get(day).content.decode()
    assert own not in as_user(former(booking)).get(day).content.decode()


def test_a_lost_appointment_is_found_again_by_the_new_owner(booking: Booking) -> None:
    bookings.cancel(booking, reason="session", by=present(booking))
    entry = Rebooking.objects.create(booking=booking)
    page = reverse("scheduling:rebook")
    assert "Haddad" in as_user(present(booking)).get(page).content.decode()
    browser = as_user(former(booking))
    assert "Haddad" not in browser.get(page).content.decode()
    settle = reverse("scheduling:settle_rebooking", args=[entry.uuid])
    assert browser.post(settle, {"outcome": "not_wanted"}).status_code == 404


def test_a_calendar_feed_loses_the_appointment(booking: Booking) -> None:
    def feed(user: User) -> str:
        token = feeds.create(by=user).rsplit("/", 1)[1].removesuffix(".ics")
        found = feeds.subscriber(token)
        assert found is not None
        return str(feeds.text(found))

    assert str(booking.uuid) in feed(present(booking))
    assert str(booking.uuid) not in feed(former(booking))


def test_an_offer_is_accepted_by_the_new_owner_alone() -> None:
    entry = factories.WaitingFactory()
    former, client = entry.entered_by, entry.client
    (offer,) = offers.make(factories.SlotFactory(start_at=timezone.now() + timedelta(days=9)).pk)
    hand_over(client)
    browser = as_user(former)
    for page in ("scheduling:waiting", "scheduling:offers"):
        assert "Haddad" not in browser.get(reverse(page)).content.decode()
    for act in ("accept_offer", "decline_offer"):
        assert browser.post(reverse(f"scheduling:{act}", args=[offer.uuid])).status_code == 404
    taken_off = browser.post(reverse("scheduling:withdraw_waiting", args=[entry.uuid]))
    assert taken_off.status_code == 404
    assert WaitingEntry.objects.waiting().get() == entry
    accept = reverse("scheduling:accept_offer", args=[offer.uuid])
    as_user(client.owner).post(accept)
    assert Booking.objects.get(status=Booking.Status.BOOKED).client == client


# --- What is said, and to whom -----------------------------------------------------------------
def heard(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user).values_list("kind", flat=True))


def test_a_cancelled_session_and_a_recommendation_are_told_to_the_new_owner(booking: Booking) -> None:
    sessions.cancel(booking.slot.session, reason="Krank", by=factories.UserFactory(roles=["coordinator"]))
    sheet = factories.SheetFactory()
    client, author = sheet.referral.client, sheet.referral.author
    hand_over(client)
    release(sheet, line(ItemCode.GP_CHECK, "Satz"))
    assert heard(present(booking)) == ["session_cancelled"]
    assert heard(client.owner) == ["released"]
    assert (heard(former(booking)), heard(author)) == ([], [])


def test_an_offer_is_told_to_the_new_owner() -> None:
    entry = factories.WaitingFactory()
    hand_over(entry.client)
    offers.make(factories.SlotFactory().pk)
    assert (heard(entry.client.owner), heard(entry.entered_by)) == (["offer"], [])


def test_the_specialist_reads_whom_to_call_now() -> None:
    referral = factories.ReferralFactory(author__name="Frau Früher")
    slot = consultation_slot()
    referrals.submit(referral, slot_or_hold=slot, by=referral.author)
    hand_over(referral.client)
    specialist = slot.session.specialist
    assert specialist is not None
    doctor = specialist.user
    assert doctor is not None
    card = agenda.on_day(timezone.localdate(slot.start_at), agenda.around(doctor)).cards[0]
    sheet = reverse("consultations:sheet", args=[referral.uuid])
    assert card.brief is not None
    assert card.brief.caseworker == str(referral.client.owner)
    page = as_user(doctor).get(sheet).content.decode()
    assert referral.client.owner.name in page
    assert "Frau Früher" not in page


# --- Case consultations, which carry no client -------------------------------------------------
def test_a_linked_case_consultation_goes_along() -> None:
    client = factories.ClientFactory()
    other = factories.ReferralFactory(author=client.owner, client=None, **CASE)
    linked = factories.ReferralFactory(client=client, author=client.owner, **CASE)
    former, slots = client.owner, [case_consultation_slot(), case_consultation_slot()]
    for referral, slot in zip((linked, other), slots, strict=True):
        referrals.submit(referral, slot_or_hold=slot, by=former)
        referral.refresh_from_db()
    hand_over(client)
    assert linked.booking is not None
    assert other.booking is not None
    pages = [reverse("scheduling:booking", args=[each.uuid]) for each in (linked.booking, other.booking)]
    assert [as_user(former).get(page).status_code for page in pages] == [404, 200]
    assert [as_user(client.owner).get(page).status_code for page in pages] == [200, 404]
    cancel = reverse("scheduling:cancel_booking", args=[linked.booking.uuid])
    assert as_user(former).post(cancel, {"reason": "caseworker"}).status_code == 404


def test_a_linked_case_consultation_waits_under_the_new_owners_name() -> None:
    client = factories.ClientFactory()
    linked = factories.ReferralFactory(client=client, author=client.owner, **CASE)
    former, slot = client.owner, case_consultation_slot()
    entry = waiting_list.enter(linked, by=former, at_short_notice=True)
    (offer,) = offers.make(slot.pk)
    hand_over(client)
    accept = reverse("scheduling:accept_offer", args=[offer.uuid])
    assert as_user(former).post(accept).status_code == 404
    as_user(client.owner).post(accept)
    booked = Booking.objects.get(status=Booking.Status.BOOKED)
    assert (booked.slot, booked.holder, booked.referral) == (slot, client.owner, linked)
    entry.refresh_from_db()
    assert entry.outcome == WaitingEntry.Outcome.BOOKED
