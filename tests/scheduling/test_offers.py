"""A freed seat goes by itself to the first whom it suits; at the same instant there is one winner."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent
from notifications.models import Message
from scheduling import acceptance, offers, problems, seats, sessions, working_hours
from scheduling import booking as rules
from scheduling.models import (
    Booking,
    Calendar,
    Contingent,
    Offer,
    Reservation,
    Session,
    Slot,
    WaitingEntry,
)
from scheduling.problems import Refused, Visit
from tests import factories
from tests.consultations.rivals import at_once
from tests.scheduling import offered as elsewhere

Rounds = Callable[[int], int]


@pytest.fixture
def slot(db: None) -> Slot:
    return factories.SlotFactory()


@pytest.fixture
def booked(slot: Slot) -> Booking:
    """Somebody has the slot's only seat."""
    client = factories.ClientFactory()
    return rules.book(slot, client=client, by=client.owner)


def cancel(booked: Booking, commits: Any) -> None:
    with commits(execute=True):
        rules.cancel(booked, reason="client", by=booked.holder)


def standing() -> Offer:
    return Offer.objects.get(ended_at=None)


@pytest.fixture(name="commits")
def _commits(django_capture_on_commit_callbacks: Any) -> Any:
    return django_capture_on_commit_callbacks


# --- Making --------------------------------------------------------------------------------------
def test_a_cancelled_seat_is_held_for_the_first_who_fits(booked: Booking, commits: Any) -> None:
    factories.WaitingFactory(gender="m", urgency="urgent")
    entry, _later = factories.WaitingFactory(), factories.WaitingFactory()

    cancel(booked, commits)

    offer = standing()
    assert (offer.entry, offer.slot) == (entry, booked.slot)
    assert offer.rank == {"urgency": "regular", "days": 0, "share": 0}
    seat = offer.booking
    assert seat is not None
    assert (seat.status, seat.held_until, seat.client) == ("tentative", offer.deadline_at, None)
    assert seat.holder == entry.entered_by
    assert AuditEvent.objects.about(offer).get().verb == "offered"
    with pytest.raises(Refused) as refused:
        rules.hold(booked.slot, by=factories.UserFactory())
    assert refused.value.codes == ["held"]
    assert "Warteliste" in str(refused.value.problems[0].text)


def test_nobody_fits_and_the_seat_stays_free_for_all(booked: Booking, commits: Any) -> None:
    factories.WaitingFactory(gender="m")

    cancel(booked, commits)

    assert not Offer.objects.exists()
    assert rules.hold(booked.slot, by=factories.UserFactory()).status == "tentative"


def test_the_deadline_is_in_working_hours_and_never_after_the_start(slot: Slot) -> None:
    now = timezone.now()
    assert offers.deadline(slot, now) == working_hours.after(
        now, 8, zone=slot.district.tz, land=slot.district.land
    )
    slot.start_at = now + timedelta(minutes=20)
    assert offers.deadline(slot, now) == slot.start_at
    slot.start_at = now + timedelta(minutes=10)
    assert offers.deadline(slot, now) is None


def test_a_late_cancellation_asks_only_those_who_can_come_at_short_notice(
    booked: Booking, commits: Any
) -> None:
    soon = timezone.now() + timedelta(hours=30)
    for model in (Slot, Booking):
        model.objects.update(start_at=soon, end_at=soon + timedelta(minutes=70))
    factories.WaitingFactory(at_short_notice=False, urgency="urgent")
    flexible = factories.WaitingFactory()

    cancel(booked, commits)

    assert standing().entry == flexible


def test_an_offer_counts_for_the_organisation_and_not_to_the_two_holds(booked: Booking, commits: Any) -> None:
    entry = factories.WaitingFactory()
    holder = offers.responsible(entry)
    # Room for the one that is offered, and nothing more.
    factories.ContingentFactory(session=booked.slot.session, organisation=holder.organisation)

    cancel(booked, commits)

    assert Contingent.objects.get().used == 1
    assert standing().booking.contingent == Contingent.objects.get()  # type: ignore[union-attr]
    for _ in range(2):
        rules.hold(factories.SlotFactory(), by=holder)


def test_an_organisation_without_a_seat_left_is_passed_over(booked: Booking, commits: Any) -> None:
    factories.WaitingFactory()
    other = factories.UserFactory(organisation=factories.OrganisationFactory(name="Caritas"))
    theirs = factories.WaitingFactory(client__owner=other)
    factories.ContingentFactory(session=booked.slot.session, organisation=other.organisation)

    cancel(booked, commits)

    assert standing().entry == theirs


def test_a_client_who_is_elsewhere_then_is_passed_over(booked: Booking, commits: Any) -> None:
    busy, free = factories.WaitingFactory(), factories.WaitingFactory()
    another_kind = factories.KindFactory(code="debts")
    meanwhile = factories.SlotFactory(kind=another_kind, start_at=booked.start_at)
    rules.book(meanwhile, client=busy.client, by=busy.entered_by)

    cancel(booked, commits)

    assert standing().entry == free


def test_another_offices_slot_is_offered_only_to_those_who_may_book_there(slot: Slot) -> None:
    office = factories.OrganisationFactory(name="Jobcenter")
    Calendar.objects.update(organisation=office)
    Slot.objects.update(organisation=office)
    entry = factories.WaitingFactory()
    slot = Slot.objects.select_related("kind", "district", "session__district").get()

    assert offers.make(slot.pk) == []
    (candidate,) = offers.candidates(slot, timezone.now())
    assert [problem.code for problem in candidate.problems] == [problems.NOT_YOUR_CALENDAR.code]

    slot.calendar.shares.create(organisation=entry.organisation)
    assert [offer.entry for offer in offers.make(slot.pk)] == [entry]


@pytest.mark.django_db
def test_as_many_are_offered_as_there_are_seats() -> None:
    slot = factories.SlotFactory(capacity=3)
    entries = {factories.WaitingFactory() for _ in range(4)}

    made = offers.make(slot.pk)

    assert len(made) == 3
    assert {offer.entry for offer in made} < entries
    assert offers.make(slot.pk) == []


def test_why_whom_and_why_nobody_costs_the_same_for_one_and_for_three(
    slot: Slot, django_assert_num_queries: Any
) -> None:
    slot = Slot.objects.select_related("kind", "district", "session__district").get(pk=slot.pk)
    for number in (1, 2):
        for _ in range(number):
            factories.WaitingFactory(gender="m")
        with django_assert_num_queries(6):
            found = offers.candidates(slot, timezone.now())
        assert [one.problems[0].code for one in found] == ["gender_wanted"] * len(found)


# --- Answering -----------------------------------------------------------------------------------
def test_accepted_it_is_booked_for_the_client_and_the_waiting_is_over(booked: Booking, commits: Any) -> None:
    entry = factories.WaitingFactory()
    cancel(booked, commits)
    offer = standing()

    made = acceptance.accept(offer, by=entry.entered_by)
    again = acceptance.accept(offer, by=entry.entered_by)

    assert (made, made.status, made.client) == (again, "booked", entry.client)
    assert made == offer.booking
    offer.refresh_from_db()
    entry.refresh_from_db()
    assert (offer.outcome, offer.ended_by) == ("accepted", entry.entered_by)
    assert entry.outcome == "booked"


def test_the_deputy_may_answer_a_stranger_may_not(booked: Booking, commits: Any) -> None:
    entry = factories.WaitingFactory(client__deputy=factories.UserFactory())
    cancel(booked, commits)

    with pytest.raises(Offer.DoesNotExist):
        acceptance.accept(standing(), by=factories.UserFactory())
    made = acceptance.accept(standing(), by=entry.client.deputy)

    assert (made.status, made.holder) == ("booked", entry.client.deputy)


def test_the_client_is_told_of_an_offer_until_it_ends(booked: Booking, commits: Any) -> None:
    factories.WaitingFactory(client=factories.ConsentFactory().client)
    cancel(booked, commits)
    offer = standing()

    told = Message.objects.get(kind="offer")

    assert offer.booking is not None
    assert (told.key, told.status) == (f"booking:{offer.booking.uuid}:offer", "queued")
    assert told.expires_at == offer.deadline_at
    with commits(execute=True):
        offers.decline(offer, by=offer.entry.entered_by)
    told.refresh_from_db()
    assert told.status == "withdrawn"


def test_an_accepted_offer_is_told_as_an_appointment(booked: Booking, commits: Any) -> None:
    factories.WaitingFactory(client=factories.ConsentFactory().client)
    cancel(booked, commits)
    offer = standing()

    made = acceptance.accept(offer, by=offer.entry.entered_by)

    waiting = Message.objects.filter(key__startswith=f"booking:{made.uuid}:", status="queued")
    assert Message.objects.get(kind="offer").status == "withdrawn"
    assert "booked" in waiting.values_list("kind", flat=True)


def test_declined_it_passes_on_and_never_comes_back(booked: Booking, commits: Any) -> None:
    first, second = factories.WaitingFactory(), factories.WaitingFactory()
    cancel(booked, commits)

    for entry in (first, second):
        offer = standing()
        assert offer.entry == entry
        with commits(execute=True):
            offers.decline(offer, by=entry.entered_by)
            offers.decline(offer, by=entry.entered_by)

    assert list(Offer.objects.values_list("outcome", flat=True)) == ["declined"] * 2
    assert WaitingEntry.objects.waiting().count() == 2
    offers.tidy()
    assert Offer.objects.count() == 2
    with pytest.raises(Refused) as refused:
        acceptance.accept(offer, by=second.entered_by)
    assert refused.value.codes == ["offer_over"]


def test_expired_it_passes_on_by_the_sweeper(booked: Booking, commits: Any) -> None:
    first, second = factories.WaitingFactory(), factories.WaitingFactory()
    cancel(booked, commits)
    Booking.objects.filter(status="tentative").update(held_until=timezone.now() - timedelta(seconds=1))

    with pytest.raises(Refused) as refused:
        acceptance.accept(standing(), by=first.entered_by)
    with commits(execute=True):
        rules.release_dead_holds(booked.slot_id)

    assert refused.value.codes == ["offer_over"]
    assert standing().entry == second
    assert Offer.objects.get(entry=first).outcome == "expired"


def test_withdrawn_from_the_list_the_offer_passes_on(booked: Booking, commits: Any) -> None:
    first, second = factories.WaitingFactory(), factories.WaitingFactory()
    cancel(booked, commits)

    with commits(execute=True):
        offers.withdraw(first, by=first.entered_by)
        offers.withdraw(first, by=first.entered_by)

    first.refresh_from_db()
    assert first.outcome == "withdrawn"
    assert Offer.objects.get(entry=first).outcome == "withdrawn"
    assert standing().entry == second


def test_a_cancelled_session_takes_its_offers_back(booked: Booking, commits: Any) -> None:
    entry = factories.WaitingFactory()
    cancel(booked, commits)

    with commits(execute=True):
        sessions.cancel(booked.slot.session, reason="krank", by=factories.UserFactory())

    assert Offer.objects.get().outcome == "withdrawn"
    assert not Booking.objects.filter(status="tentative").exists()
    entry.refresh_from_db()
    assert entry.ended_at is None


# --- Somebody goes along to an authority ---------------------------------------------------------
@pytest.fixture
def escort(db: None) -> Offer:
    """An accompaniment, offered to whoever waits for one."""
    anna = elsewhere.caseworker()
    kind = elsewhere.kind(code="escort", needs_room=False, needs_second_person=True, is_elsewhere=True)
    factories.WaitingFactory(kind=kind, client=factories.ConsentFactory(client__owner=anna).client)
    (offer,) = offers.make(elsewhere.slot(anna, kind=kind, place="").pk)
    return offer


def test_an_accompaniment_is_offered_before_anybody_knows_who_goes_along(escort: Offer) -> None:
    slot = Slot.objects.select_related("kind", "district", "session__district").get(pk=escort.slot_id)
    other = factories.WaitingFactory(kind=slot.kind)

    found = {
        one.entry: [problem.code for problem in one.problems]
        for one in offers.candidates(slot, timezone.now())
    }

    assert found == {escort.entry: ["offered_before"], other: []}
    # Nobody has said where to, so there is nothing to tell the client yet.
    assert not Message.objects.exists()


def test_accepting_asks_all_at_once_for_what_the_kind_needs_and_keeps_the_offer(escort: Offer) -> None:
    by, jan = escort.entry.entered_by, elsewhere.counsellor("Jan Vogel")

    with pytest.raises(Refused) as refused:
        acceptance.accept(escort, by=by)
    assert refused.value.codes == ["needs_companion", "needs_place"]
    jan.absences.create(during=(escort.slot.start_at, escort.slot.end_at), reason="illness")
    with pytest.raises(Refused) as refused:
        acceptance.accept(escort, by=by, visit=Visit(second_person=jan, place="Rathaus, Zimmer 2"))
    assert refused.value.codes == ["companion_elsewhere"]

    assert offers.own(by) == [escort]
    assert escort.booking is not None
    escort.booking.refresh_from_db()
    assert (escort.booking.status, escort.booking.second_person) == ("tentative", None)


def test_accepted_with_both_it_is_booked_reserved_and_told(escort: Offer) -> None:
    jan = elsewhere.counsellor("Jan Vogel")
    visit = Visit(second_person=jan, place="Rathaus, Zimmer 2")

    made = acceptance.accept(escort, by=escort.entry.entered_by, visit=visit)
    again = acceptance.accept(escort, by=escort.entry.entered_by)

    assert made == again == escort.booking
    assert (made.status, made.second_person, made.address) == ("booked", jan, "Rathaus, Zimmer 2")
    assert Reservation.objects.get(resource=jan).booking == made
    told = Message.objects.get(kind="booked")
    assert told.context["place"] == "Rathaus, Zimmer 2"


# --- The safety net ------------------------------------------------------------------------------
def test_a_new_slot_and_a_released_contingent_are_found_within_a_minute(slot: Slot) -> None:
    entry = factories.WaitingFactory()
    theirs = factories.OrganisationFactory(name="Caritas")
    factories.ContingentFactory(session=slot.session, organisation=theirs)

    offers.tidy()
    assert not Offer.objects.exists()
    Contingent.objects.update(free_from_at=timezone.now())
    offers.tidy()

    assert standing().entry == entry


def test_who_found_an_appointment_elsewhere_gives_the_offer_back(booked: Booking, commits: Any) -> None:
    entry = factories.WaitingFactory()
    cancel(booked, commits)
    other = factories.SlotFactory(start_at=booked.start_at + timedelta(days=1))
    rules.book(other, client=entry.client, by=entry.entered_by)

    offers.tidy()

    assert Offer.objects.get().outcome == "withdrawn"
    assert rules.hold(booked.slot, by=factories.UserFactory()).status == "tentative"


@pytest.mark.django_db
def test_whose_latest_day_is_over_waits_no_longer() -> None:
    entry = factories.WaitingFactory(latest_on=timezone.localdate() - timedelta(days=1))

    offers.tidy()

    entry.refresh_from_db()
    assert entry.outcome == "too_late"


# --- At the same instant -------------------------------------------------------------------------
def rush(*acts: Callable[[], Any]) -> list[Any]:
    """All at once, each with a connection that is already open."""
    start = threading.Barrier(len(acts))

    def ready(act: Callable[[], Any]) -> Any:
        connection.ensure_connection()
        start.wait(timeout=30)
        return act()

    return at_once(*(partial(ready, act) for act in acts))


@pytest.fixture
def offered(transactional_db: None) -> Callable[[], Offer]:
    """A fresh offer on a slot of its own."""

    def make() -> Offer:
        start = timezone.now() + timedelta(days=7 + Session.objects.count())
        slot = factories.SlotFactory(session__start_at=start)
        WaitingEntry.objects.waiting().update(ended_at=timezone.now(), outcome="withdrawn")
        factories.WaitingFactory()
        (offer,) = offers.make(slot.pk)
        return offer

    return make


def accepting(offer: Offer) -> Callable[[], Any]:
    return partial(acceptance.accept, offer, by=offer.entry.entered_by)


def one_won(found: list[Any], offer: Offer) -> None:
    """The seat has one owner, the others were told calmly, and the rows agree with each other."""
    offer.refresh_from_db()
    living = list(Booking.objects.living().filter(slot=offer.slot))
    assert len(living) <= 1
    assert all(one is None or isinstance(one, Booking | Refused) for one in found), found
    entry = WaitingEntry.objects.get(pk=offer.entry_id)
    assert offer.ended_at is not None
    if offer.outcome == "accepted":
        assert entry.outcome == "booked"
        # A session cancelled a moment later takes the booking along.
        is_cancelled = Session.objects.get(slots=offer.slot_id).status == "cancelled"
        assert is_cancelled or [one.client for one in living] == [entry.client]
    else:
        assert offer.booking is None


@pytest.mark.promise(1)
@pytest.mark.parametrize("rival", ["expiry", "decline", "withdrawal", "session", "direct booking", "twin"])
def test_accepting_against_a_rival_has_one_winner_and_no_error(
    offered: Callable[[], Offer], rounds: Rounds, rival: str
) -> None:
    for _ in range(rounds(20)):
        offer = offered()
        by, slot = offer.entry.entered_by, offer.slot
        stranger = factories.ClientFactory()
        coordinator = factories.UserFactory()
        against: dict[str, list[Callable[[], Any]]] = {
            "expiry": [partial(rules.release_dead_holds, slot.pk)],
            "decline": [partial(offers.decline, offer, by=by)],
            "withdrawal": [partial(offers.withdraw, offer.entry, by=by)],
            "session": [partial(sessions.cancel, slot.session, reason="krank", by=coordinator)],
            "direct booking": [partial(rules.book, slot, client=stranger, by=stranger.owner)],
            "twin": [accepting(offer)],
        }
        if rival in {"expiry", "direct booking"}:
            # The deadline passes while they try.
            Booking.objects.filter(offer=offer).update(held_until=timezone.now() + timedelta(milliseconds=30))

        found = rush(accepting(offer), *against[rival])

        found = [one for one in found if not isinstance(one, list)]
        if rival in {"expiry", "direct booking"}:
            rules.release_dead_holds(slot.pk)
        one_won(found, offer)
        if rival == "twin":
            assert found[0] == found[1]


@pytest.mark.promise(1)
def test_two_who_free_a_seat_offer_it_once(offered: Callable[[], Offer], rounds: Rounds) -> None:
    for _ in range(rounds(20)):
        offer = offered()
        Offer.objects.all().delete()
        Booking.objects.filter(slot=offer.slot).delete()
        factories.WaitingFactory()

        found = rush(*[partial(offers.make, offer.slot_id)] * 6)

        assert sorted(len(made) for made in found) == [0, 0, 0, 0, 0, 1]
        assert Booking.objects.filter(slot=offer.slot).count() == 1


@pytest.mark.promise(1)
def test_one_entry_never_holds_two_offers(offered: Callable[[], Offer], rounds: Rounds) -> None:
    for _ in range(rounds(20)):
        offer = offered()
        Offer.objects.all().delete()
        Booking.objects.all().delete()
        other = factories.SlotFactory(session=offer.slot.session, block=1)

        found = rush(partial(offers.make, offer.slot_id), partial(offers.make, other.pk))

        assert sorted(len(made) for made in found) == [0, 1]


@pytest.mark.promise(1)
def test_without_the_lock_and_the_constraint_an_offered_seat_has_two_owners(
    offered: Callable[[], Offer], rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = next(one for one in Booking._meta.constraints if one.name == "booking_seat_taken_once")
    monkeypatch.setattr(seats, "lock", lambda slot_id, client=None: seats.peek(slot_id))
    with connection.schema_editor() as editor:
        editor.remove_constraint(Booking, seat)
    try:
        most = 0
        for _ in range(max(5, rounds(20))):
            offer = offered()
            stranger = factories.ClientFactory()
            Booking.objects.filter(offer=offer).update(held_until=timezone.now() + timedelta(milliseconds=30))
            rush(
                accepting(offer),
                *[partial(rules.book, offer.slot, client=stranger, by=stranger.owner)],
                *[partial(rules.hold, offer.slot, by=factories.UserFactory()) for _ in range(6)],
            )
            most = max(most, Booking.objects.living().filter(slot=offer.slot).count())
    finally:
        Offer.objects.all().delete()
        Booking.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Booking, seat)

    assert most > 1
