"""One appointment's pages, for three people: whose client it is, a colleague, a stranger."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from accounts.roles import Role
from notifications.models import Message
from scheduling import booking as rules
from scheduling.models import Booking, Slot
from tests import factories
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> Booking:
    client = factories.ClientFactory(given_name="Amal", family_name="Haddad")
    return rules.book(factories.SlotFactory(), client=client, by=client.owner)


@pytest.fixture
def colleague(made: Booking) -> User:
    """Of the same organisation, not on the case."""
    return factories.UserFactory()


@pytest.fixture
def stranger() -> User:
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    return factories.UserFactory(organisation=factories.OrganisationFactory(district=elsewhere))


def begin(booking: Booking) -> None:
    """Let it have begun a moment ago, today."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    start = max(timezone.now() - timedelta(minutes=6), midnight)
    end = start + timedelta(minutes=70)
    Slot.objects.filter(pk=booking.slot_id).update(start_at=start, end_at=end)
    Booking.objects.filter(pk=booking.pk).update(start_at=start, end_at=end, during=(start, end))


def address(name: str, booking: Booking) -> str:
    return reverse(f"scheduling:{name}", args=[booking.uuid])


# --- Booking without a referral ----------------------------------------------------------------
def test_a_plain_kind_is_booked_for_one_of_ones_own_clients() -> None:
    slot, client, other = factories.SlotFactory(), factories.ClientFactory(), factories.ClientFactory()
    browser = as_user(client.owner)
    page = reverse("scheduling:book", args=[slot.uuid])
    shown = browser.get(page).content.decode()
    assert client.case_number in shown
    assert other.case_number not in shown

    answer = browser.post(page, {"client": str(client.uuid), "idempotency_key": str(uuid.uuid4())})

    made = Booking.objects.get()
    assert (made.client, made.status, made.holder) == (client, "booked", client.owner)
    assert answer.headers["Location"] == address("booking", made)


@pytest.mark.promise(3)
def test_the_replayed_form_answers_as_the_first_time() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()
    browser = as_user(client.owner)
    page = reverse("scheduling:book", args=[slot.uuid])
    form = {"client": str(client.uuid), "idempotency_key": str(uuid.uuid4())}

    first, again = browser.post(page, form), browser.post(page, form)

    assert first.status_code == again.status_code == 302
    assert first.headers["Location"] == again.headers["Location"]
    assert Booking.objects.count() == 1


@pytest.mark.promise(12)
def test_somebody_elses_client_cannot_be_booked() -> None:
    slot, client, other = factories.SlotFactory(), factories.ClientFactory(), factories.ClientFactory()

    answer = as_user(client.owner).post(
        reverse("scheduling:book", args=[slot.uuid]),
        {"client": str(other.uuid), "idempotency_key": str(uuid.uuid4())},
    )

    assert answer.status_code == 422
    assert not Booking.objects.exists()


def test_a_kind_that_needs_a_referral_is_not_booked_here() -> None:
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    slot, client = factories.SlotFactory(kind=kind), factories.ClientFactory()
    page = reverse("scheduling:book", args=[slot.uuid])

    assert as_user(client.owner).get(page).status_code == 404
    assert as_user(client.owner).post(page, {"client": str(client.uuid)}).status_code == 404
    assert not Booking.objects.exists()


def test_a_place_lost_while_choosing_is_a_calm_page() -> None:
    slot, client = factories.SlotFactory(), factories.ClientFactory()
    later = factories.SlotFactory(session=slot.session, block=1)
    factories.BookingFactory(slot=slot)

    answer = as_user(client.owner).post(
        reverse("scheduling:book", args=[slot.uuid]),
        {"client": str(client.uuid), "idempotency_key": str(uuid.uuid4())},
    )

    assert answer.status_code == 409
    assert "inzwischen belegt" in answer.content.decode()
    assert f"#slot-{later.uuid}" in answer.content.decode()


# --- Looking and cancelling --------------------------------------------------------------------
def test_owner_and_deputy_see_the_appointment_and_the_look_is_on_record(made: Booking) -> None:
    assert made.client is not None
    deputy = factories.UserFactory()
    made.client.deputy = deputy
    made.client.save()

    for user in (made.holder, deputy):
        shown = as_user(user).get(address("booking", made)).content.decode()
        assert "Amal Haddad" in shown
        assert "Termin absagen" in shown
        assert AuditEvent.objects.about(made).filter(is_look=True, actor=user.uuid).count() == 1


@pytest.mark.promise(12)
def test_nobody_else_reaches_it(made: Booking, colleague: User, stranger: User) -> None:
    coordinator = factories.UserFactory(roles=[Role.COORDINATOR.value])
    for name in ("booking", "cancel_booking"):
        assert as_user(colleague).get(address(name, made)).status_code == 404
        assert as_user(stranger).get(address(name, made)).status_code == 404
        assert as_user(coordinator).get(address(name, made)).status_code == 403
    for user in (colleague, stranger):
        assert as_user(user).post(address("cancel_booking", made), {"reason": "client"}).status_code == 404
        assert as_user(user).post(address("mark", made), {"status": "arrived"}).status_code == 404
    made.refresh_from_db()
    assert made.status == "booked"


def test_cancelling_asks_once_names_the_consequence_and_frees_the_place(made: Booking) -> None:
    browser = as_user(made.holder)
    assert "sofort für andere frei" in browser.get(address("cancel_booking", made)).content.decode()

    answer = browser.post(address("cancel_booking", made), {"reason": "illness"}, follow=True)

    made.refresh_from_db()
    assert (made.status, made.cancel_reason, made.cancelled_by) == ("cancelled", "illness", made.holder)
    assert "Der Termin ist abgesagt." in answer.content.decode()
    assert "Termin absagen" not in answer.content.decode()


@pytest.mark.parametrize("agreed", [True, False])
def test_cancelling_says_before_whether_the_person_hears_of_it(made: Booking, agreed: bool) -> None:
    if agreed:
        factories.ConsentFactory(client=made.client)
    browser = as_user(made.holder)
    by_itself, by_hand = "Die Absage geht als SMS an die Person.", "sagen Sie der Person selbst Bescheid"
    for name in ("cancel_booking", "booking"):
        shown = browser.get(address(name, made)).content.decode()
        assert (by_itself in shown, by_hand in shown) == (agreed, not agreed)

    browser.post(address("cancel_booking", made), {"reason": "illness"})

    assert Message.objects.filter(client=made.client, kind="cancelled").exists() == agreed


@pytest.mark.parametrize("reason", ["", "consent_revoked", "nonsense"])
def test_cancelling_needs_a_reason_a_person_may_give(made: Booking, reason: str) -> None:
    answer = as_user(made.holder).post(address("cancel_booking", made), {"reason": reason})

    assert answer.status_code == 422
    made.refresh_from_db()
    assert made.status == "booked"


def test_cancelling_too_late_says_what_to_do_instead(made: Booking) -> None:
    begin(made)

    answer = as_user(made.holder).post(address("cancel_booking", made), {"reason": "client"})

    assert answer.status_code == 409
    assert "dass niemand erschienen ist" in answer.content.decode()
    made.refresh_from_db()
    assert made.status == "booked"


# --- What became of it -------------------------------------------------------------------------
def test_the_case_team_marks_and_takes_back(made: Booking) -> None:
    begin(made)
    browser = as_user(made.holder)

    def status_after(**form: str) -> tuple[str, str]:
        browser.post(address("mark", made), form)
        made.refresh_from_db()
        return made.status, made.noshow_reason

    assert status_after(status="arrived") == ("arrived", "")
    assert status_after(status="fulfilled") == ("fulfilled", "")
    assert status_after(status="booked") == ("booked", "")
    assert status_after(status="noshow") == ("booked", "")
    assert status_after(status="noshow", reason="transport") == ("noshow", "transport")


def test_the_specialist_of_the_session_marks_and_comes_back_where_they_were(made: Booking) -> None:
    begin(made)
    holder, other = made.slot.session.specialist, factories.SpecialistFactory().user
    assert holder is not None
    specialist = holder.user
    assert specialist is not None
    assert other is not None

    answer = as_user(specialist).post(address("mark", made), {"status": "arrived", "next": "/agenda/"})

    assert answer.headers["Location"] == "/agenda/"
    made.refresh_from_db()
    assert made.status == "arrived"
    assert as_user(other).post(address("mark", made), {"status": "booked"}).status_code == 404


def test_nobody_is_sent_to_a_foreign_page(made: Booking) -> None:
    begin(made)
    answer = as_user(made.holder).post(
        address("mark", made), {"status": "arrived", "next": "https://elsewhere.example/"}
    )
    assert answer.headers["Location"] == address("booking", made)


def test_a_mark_that_does_not_fit_is_explained(made: Booking) -> None:
    answer = as_user(made.holder).post(address("mark", made), {"status": "fulfilled"}, follow=True)

    assert "erst am Tag des Termins" in answer.content.decode()
    made.refresh_from_db()
    assert made.status == "booked"
    assert as_user(made.holder).post(address("mark", made), {"status": "cancelled"}).status_code == 400


def test_consultations_are_marked_in_their_own_room() -> None:
    kind = factories.KindFactory(code="trauma_consultation", needs_referral=True)
    # Missed, because nothing booked can be without its referral.
    missed = factories.BookingFactory(slot__kind=kind, status="noshow", noshow_reason="forgot")
    begin(missed)

    assert as_user(missed.holder).post(address("mark", missed), {"status": "booked"}).status_code == 404


@pytest.mark.parametrize("others", [1, 3])
def test_the_page_costs_the_same_however_many_appointments_there_are(
    made: Booking, others: int, django_assert_num_queries: Any
) -> None:
    for _ in range(others):
        factories.BookingFactory(holder=made.holder)
    browser = as_user(made.holder)
    browser.get(address("booking", made))

    # session, user, second factor; the appointment; the look; consent to SMS, its messages; interpreter;
    # lessons at the same time; what came back by SMS
    with django_assert_num_queries(11):
        browser.get(address("booking", made))


# --- "Per SMS um Anruf bitten" -------------------------------------------------------------------
def test_the_case_owner_asks_for_a_call_once(made: Booking) -> None:
    factories.ConsentFactory(client=made.client)
    browser = as_user(made.holder)
    assert address("ask_to_call", made) in browser.get(address("booking", made)).content.decode()

    for _ in range(2):
        browser.post(address("ask_to_call", made))

    (message,) = Message.objects.filter(kind="please_call")
    assert (message.client, message.status) == (made.client, "queued")
    assert AuditEvent.objects.about(made).filter(verb="asked_to_call").count() == 1


@pytest.mark.promise(12)
def test_nobody_else_asks_for_a_call(made: Booking, colleague: User, stranger: User) -> None:
    factories.ConsentFactory(client=made.client)
    for person in (colleague, stranger):
        assert as_user(person).post(address("ask_to_call", made)).status_code == 404
    assert not Message.objects.filter(kind="please_call").exists()


def test_no_call_is_asked_for_by_sms_where_none_may_go_or_the_appointment_is_off(made: Booking) -> None:
    browser = as_user(made.holder)
    browser.post(address("ask_to_call", made))
    assert not Message.objects.filter(kind="please_call").exists()

    factories.ConsentFactory(client=made.client)
    rules.cancel(made, reason="illness", by=made.holder)
    browser.post(address("ask_to_call", made))
    assert not Message.objects.filter(kind="please_call").exists()
