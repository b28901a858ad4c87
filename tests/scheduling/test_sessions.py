"""A session is cancelled: everything that hangs on it, and the list to rebook."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEvent
from notifications.models import Notice
from scheduling import booking as bookings
from scheduling import rebooking, sessions
from scheduling.models import Booking, Rebooking, Reservation, Session, Slot
from scheduling.problems import Refused
from tests import factories
from tests.scheduling import planned
from tests.scheduling.planned import NOW, plan, starts

pytestmark = pytest.mark.django_db


def verbs(thing: Any) -> list[str]:
    return list(AuditEvent.objects.about(thing).order_by("pk").values_list("verb", flat=True))


@pytest.fixture
def session() -> Session:
    """A session to come of a planned year."""
    year = plan()
    found: Session = year.sessions.get(start_at__month=4)
    return found


def booked(slot: Slot, **fields: Any) -> Booking:
    client = fields.pop("client", None) or factories.ClientFactory()
    booking: Booking = factories.BookingFactory(slot=slot, client=client, holder=client.owner, **fields)
    return booking


# --- Cancelling --------------------------------------------------------------------------------
def test_the_specialist_hears_of_a_day_others_cancel(session: Session) -> None:
    assert session.specialist is not None
    booking = booked(session.slots.all()[0])
    sessions.cancel(session, reason="Fortbildung", by=planned.coordinator())
    assert {(one.user, one.kind) for one in Notice.objects.all()} == {
        (booking.holder, "session_cancelled"),
        (session.specialist.user, "own_day_cancelled"),
    }


def test_cancelling_closes_the_session_and_lists_its_bookings(session: Session) -> None:
    first, second, _third = session.slots.all()
    booking = booked(first)
    hold = bookings.hold(second, by=factories.UserFactory())
    by = planned.coordinator()

    (cancelled,) = sessions.cancel(session, reason="Fortbildung", by=by)

    assert cancelled == booking
    booking.refresh_from_db()
    assert (booking.status, booking.cancel_reason, booking.cancelled_by) == ("cancelled", "session", by)
    assert booking.ical_sequence == 1
    assert not Booking.objects.filter(pk=hold.pk).exists()
    assert verbs(hold) == ["held", "hold_ended"]
    assert verbs(booking) == ["cancelled"]
    session.refresh_from_db()
    assert (session.status, session.cancel_reason, session.cancelled_by) == ("cancelled", "Fortbildung", by)
    event = AuditEvent.objects.about(session).get()
    assert (event.verb, event.actor, event.details) == ("cancelled", by.uuid, {"bookings": 1})
    assert {slot.is_open for slot in session.slots.all()} == {False}
    assert not Reservation.objects.filter(slot__session=session).exists()
    assert Rebooking.objects.get().booking == booking


def test_every_slots_version_rises(session: Session) -> None:
    before = dict(session.slots.values_list("pk", "version"))
    sessions.cancel(session, reason="krank", by=planned.coordinator())
    assert all(slot.version > before[slot.pk] for slot in session.slots.all())


def test_watchers_hear_of_every_slot_after_the_commit(
    session: Session, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        sessions.cancel(session, reason="krank", by=planned.coordinator())
    # Three slots, and the specialist's bell.
    assert len(callbacks) == 3 + 1


def test_the_other_sessions_stay(session: Session) -> None:
    others = Session.objects.filter(series=session.series).exclude(pk=session.pk)
    before = list(Slot.objects.filter(session__in=others).values())
    sessions.cancel(session, reason="krank", by=planned.coordinator())
    assert list(Slot.objects.filter(session__in=others).values()) == before


def test_specialist_and_room_are_free_again_and_the_series_does_not_come_back(session: Session) -> None:
    from scheduling import series

    sessions.cancel(session, reason="krank", by=planned.coordinator())
    series.extend_all(NOW)
    assert Session.objects.filter(series=session.series).taking_place().filter(start_at__month=4).count() == 0
    instead = plan(
        specialist=session.specialist,
        first_on=session.start_at.date(),
        until=session.start_at.date() + timedelta(days=1),
    )
    assert len(starts(instead)) == 1


def test_cancelling_twice_keeps_the_first_reason(session: Session) -> None:
    booked(session.slots.all()[0])
    sessions.cancel(session, reason="krank", by=planned.coordinator())
    assert sessions.cancel(session, reason="anders", by=planned.coordinator()) == []
    session.refresh_from_db()
    assert session.cancel_reason == "krank"
    assert verbs(session) == ["cancelled"]


def test_a_session_that_is_over_stays() -> None:
    past = factories.SessionFactory(start_at=timezone.now() - timedelta(hours=4))
    factories.SlotFactory(session=past)
    with pytest.raises(Refused) as caught:
        sessions.cancel(past, reason="krank", by=planned.coordinator())
    assert caught.value.codes == ["over"]
    past.refresh_from_db()
    assert past.status == "planned"


def test_who_has_been_there_today_stays_in_the_books() -> None:
    today = factories.SessionFactory(start_at=timezone.now() - timedelta(minutes=80))
    early, late = (factories.SlotFactory(session=today, block=block) for block in (0, 1))
    seen = booked(early, status="fulfilled")
    waiting = booked(late)

    assert sessions.cancel(today, reason="krank", by=planned.coordinator()) == [waiting]
    seen.refresh_from_db()
    early.refresh_from_db()
    assert (seen.status, early.is_open) == ("fulfilled", True)


# --- The list to rebook --------------------------------------------------------------------------
@pytest.fixture
def lost(session: Session) -> Booking:
    """A client's booking whose session was cancelled."""
    booking = booked(session.slots.all()[0])
    sessions.cancel(session, reason="krank", by=planned.coordinator())
    booking.refresh_from_db()
    return booking


def test_the_list_is_seen_by_the_case_team_alone(lost: Booking) -> None:
    assert lost.client is not None
    owner, colleague = lost.client.owner, factories.UserFactory()
    deputy, stranger = factories.UserFactory(), factories.UserFactory(organisation__name="Caritas")
    lost.client.deputy = deputy
    lost.client.save()
    seen_by = {
        user: Rebooking.objects.for_user(user).count() for user in (owner, deputy, colleague, stranger)
    }
    assert seen_by == {owner: 1, deputy: 1, colleague: 0, stranger: 0}


def test_a_new_appointment_takes_the_client_off_the_list(lost: Booking) -> None:
    assert Rebooking.objects.open().count() == 1
    other = factories.SlotFactory(session=lost.slot.session, block=7, kind=lost.slot.kind)
    again = booked(other, client=lost.client)
    assert Rebooking.objects.open().count() == 0

    bookings.cancel(again, reason="client", by=again.holder)
    assert Rebooking.objects.open().count() == 1


def test_an_appointment_of_another_kind_does_not(lost: Booking) -> None:
    booked(factories.SlotFactory(session=lost.slot.session, block=7, kind=factories.KindFactory(code="x")))
    other = factories.SlotFactory(session=lost.slot.session, block=8, kind=factories.KindFactory(code="y"))
    booked(other, client=lost.client)
    assert Rebooking.objects.open().count() == 1


def test_settling_takes_the_booking_off_the_list_once(lost: Booking) -> None:
    by = lost.holder
    rebooking.settle(lost, by=by, outcome=Rebooking.Outcome.NOT_WANTED)
    rebooking.settle(lost, by=planned.coordinator())

    entry = Rebooking.objects.get()
    assert (entry.settled_by, entry.outcome) == (by, "not_wanted")
    assert verbs(entry) == ["settled"]
    assert not Rebooking.objects.open().exists()


def test_a_case_consultation_without_a_client_waits_until_it_is_settled(session: Session) -> None:
    booking = factories.BookingFactory(slot=session.slots.all()[2])
    sessions.cancel(session, reason="krank", by=planned.coordinator())
    factories.BookingFactory(
        slot=factories.SlotFactory(session=session, block=7, kind=booking.slot.kind), holder=booking.holder
    )
    assert Rebooking.objects.open().count() == 1
    rebooking.settle(booking, by=booking.holder)
    assert Rebooking.objects.open().count() == 0


def test_the_coordinator_counts_by_organisation(session: Session) -> None:
    first, second, third = session.slots.all()
    caritas = factories.UserFactory(organisation__name="Caritas")
    for slot, owner in ((first, caritas), (second, caritas), (third, factories.UserFactory())):
        booked(slot, client=factories.ClientFactory(owner=owner))
    by = planned.coordinator()
    sessions.cancel(session, reason="krank", by=by)

    counted = [(entry.organisation, entry.number) for entry in rebooking.waiting(by, session)]
    assert counted == [("AWO", 1), ("Caritas", 2)]
    other_district = factories.OrganisationFactory(district=factories.DistrictFactory(name="Nachbarkreis"))
    assert rebooking.waiting(planned.coordinator(organisation=other_district)) == []


def test_settled_means_by_somebody_with_an_outcome(lost: Booking) -> None:
    entry = Rebooking.objects.get(booking=lost)
    for change in (
        {"settled_at": timezone.now()},
        {"outcome": "rebooked"},
        {"settled_at": timezone.now(), "settled_by": lost.holder},
    ):
        with (
            pytest.raises(IntegrityError, match="rebooking_settled_by_somebody_with_an_outcome"),
            transaction.atomic(),
        ):
            Rebooking.objects.filter(pk=entry.pk).update(**change)
