"""An interpreter at an appointment: reserved with the booking or not at all, asked, confirmed, freed."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEvent, User
from scheduling import assignments, interpreters
from scheduling import booking as rules
from scheduling.interpreters import Need
from scheduling.models import Booking, InterpreterAssignment, Reservation, Slot
from scheduling.problems import Refused
from tests import factories
from tests.consultations.rivals import at_once

pytestmark = pytest.mark.django_db
ARABIC = Need("ar", dialect="Syrien", gender="f")


def slot(days: int = 30, **fields: Any) -> Slot:
    """At ten on the first working day that many days ahead."""
    start = (timezone.now() + timedelta(days=days)).replace(hour=10, minute=0, second=0, microsecond=0)
    start += timedelta(days=(7 - start.weekday()) % 7 if start.weekday() > 4 else 0)
    made: Slot = factories.SlotFactory(
        start_at=start, end_at=start + timedelta(minutes=70), with_interpreter=True, **fields
    )
    return made


def free_always(**fields: Any) -> Any:
    """An interpreter whom no holiday keeps away, whatever day the tests run on."""
    one = factories.InterpreterFactory(**fields)
    one.resource.keeps_holidays = False
    one.resource.save()
    return one


def book(place: Slot, need: Need | None = ARABIC, **fields: Any) -> Booking:
    client = factories.ClientFactory()
    return rules.book(place, client=client, by=client.owner, interpreter=need, **fields)


def of(booking: Booking) -> InterpreterAssignment:
    return InterpreterAssignment.objects.filter(booking=booking).order_by("-pk")[0]


@pytest.fixture
def boss() -> User:
    made: User = factories.UserFactory(roles=["interpreter_coordinator"])
    return made


# --- With the booking --------------------------------------------------------------------------
def test_the_booking_reserves_the_interpreter() -> None:
    one = free_always()
    made = book(slot())
    assignment = of(made)
    assert (assignment.interpreter, assignment.status, assignment.mode) == (one, "requested", "on_site")
    assert (assignment.language, assignment.dialect, assignment.gender) == ("ar", "Syrien", "f")
    assert assignment.confirm_until == interpreters.confirm_until(one, made.start_at, made.slot.district)
    reserved = Reservation.objects.get(resource=one.resource)
    assert (reserved.booking, reserved.slot, reserved.during.lower) == (made, None, made.start_at)
    assert AuditEvent.objects.about(assignment).get().verb == "interpreter_requested"


def test_without_a_need_nobody_is_reserved() -> None:
    free_always()
    book(slot(), None)
    assert not Reservation.objects.exists()
    assert not InterpreterAssignment.objects.exists()


def test_without_an_interpreter_there_is_no_booking_and_the_way_out_is_a_slot_with_one() -> None:
    one = free_always()
    first, later = slot(), slot(60)
    Reservation.objects.create(
        resource=one.resource, booking=factories.BookingFactory(), during=(first.start_at, first.end_at)
    )
    with pytest.raises(Refused) as caught:
        book(first)
    assert caught.value.codes == ["no_interpreter_free"]
    assert caught.value.next_free == later
    assert not first.bookings.exists()
    assert not InterpreterAssignment.objects.exists()


def test_the_same_form_sent_twice_reserves_one() -> None:
    free_always()
    free_always()
    client, place = factories.ClientFactory(), slot()
    key = uuid4()
    made = [
        rules.book(place, client=client, by=client.owner, interpreter=ARABIC, idempotency_key=key)
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert Reservation.objects.count() == InterpreterAssignment.objects.count() == 1


def test_a_failure_after_the_reservation_leaves_neither() -> None:
    free_always()

    def fails(_booking: Booking) -> None:
        raise RuntimeError

    place = slot()
    with pytest.raises(RuntimeError):
        book(place, attach=fails)
    assert not Reservation.objects.exists()
    assert not Booking.objects.exists()


# --- Cancelling --------------------------------------------------------------------------------
def test_cancelling_early_frees_and_costs_nothing(boss: User) -> None:
    free_always(hourly_cents=3000)
    made = book(slot())
    assignments.confirm(of(made), by=boss)
    rules.cancel(made, reason="client", by=made.holder)
    assert (of(made).status, of(made).cost_cents) == ("cancelled", None)
    assert not Reservation.objects.exists()
    assert book(made.slot).status == "booked"


@pytest.mark.parametrize(
    ("confirmed", "status", "cost"), [(True, "cancelled_late", 3500), (False, "cancelled", None)]
)
def test_cancelling_late_pays_who_had_promised(
    boss: User, confirmed: bool, status: str, cost: int | None
) -> None:
    free_always(hourly_cents=3000)
    kind = factories.KindFactory(late_days=40)
    place = slot(days=30)
    Slot.objects.filter(pk=place.pk).update(kind=kind)
    made = book(place)
    if confirmed:
        assignments.confirm(of(made), by=boss)
    rules.cancel(made, reason="client", by=made.holder)
    assert (of(made).status, of(made).cost_cents) == (status, cost)


# --- The state machine ---------------------------------------------------------------------------
def test_requested_offered_confirmed_done(boss: User) -> None:
    free_always(hourly_cents=2250)
    made = book(slot())
    assignment = assignments.offer(of(made), by=boss)
    assert (assignment.status, assignment.link_version) == ("offered", 2)
    assignment = assignments.confirm(assignment, by=boss)
    assert assignment.confirmed_at is not None
    with pytest.raises(Refused) as caught:
        assignments.done(assignment, by=boss)
    assert caught.value.codes == ["not_yet_over"]
    _let_it_begin(made)
    assignment = assignments.done(assignment, by=boss)
    assert (assignment.status, assignment.cost_cents) == ("done", 2625)
    verbs = AuditEvent.objects.about(assignment).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == [f"interpreter_{what}" for what in ("requested", "offered", "confirmed", "done")]


def test_who_had_promised_and_did_not_come(boss: User) -> None:
    free_always(hourly_cents=2250)
    made = book(slot())
    _let_it_begin(made)
    with pytest.raises(Refused) as caught:
        assignments.noshow(of(made), by=boss)
    assert caught.value.codes == ["not_confirmed"]
    assignments.confirm(of(made), by=boss)
    assert assignments.noshow(of(made), by=boss).cost_cents is None


def test_confirming_twice_is_once_and_what_is_over_stays(boss: User) -> None:
    free_always()
    made = book(slot())
    first = assignments.confirm(of(made), by=boss)
    assert assignments.confirm(first, by=None).confirmed_at == first.confirmed_at
    rules.cancel(made, reason="client", by=made.holder)
    for act in (assignments.confirm, assignments.decline, assignments.offer):
        with pytest.raises(Refused) as caught:
            act(first, by=boss)
        assert caught.value.codes == ["assignment_over"]
    assert of(made).status == "cancelled"


def test_after_who_declined_the_next_is_asked_and_nobody_twice(boss: User) -> None:
    one, other = free_always(), free_always()
    made = book(slot())
    following = assignments.decline(of(made), by=boss)
    assert (following.interpreter, following.status) == (other, "requested")
    assert [row.resource_id for row in Reservation.objects.all()] == [other.pk]
    last = assignments.decline(following, by=boss)
    assert (last.interpreter, last.status) == (None, "requested")
    assert last.confirm_until <= timezone.now()  # to be chased at once
    assert not Reservation.objects.exists()
    assert made.status == "booked"
    assert {row.interpreter_id for row in InterpreterAssignment.objects.filter(status="declined")} == {
        one.pk,
        other.pk,
    }
    with pytest.raises(Refused) as caught:
        assignments.confirm(last, by=boss)
    assert caught.value.codes == ["nobody_named"]


def test_another_one_is_offered_instead(boss: User) -> None:
    one, other, man = free_always(), free_always(), free_always(gender="m")
    made = book(slot())
    assert assignments.candidates(of(made)) == [one, other]
    changed = assignments.offer(of(made), other, by=boss)
    assert (changed.interpreter, changed.status) == (other, "offered")
    assert [row.resource_id for row in Reservation.objects.all()] == [other.pk]
    with pytest.raises(Refused) as caught:
        assignments.offer(changed, man, by=boss)
    assert caught.value.codes == ["not_suitable"]
    assert of(made).interpreter == other


def test_a_missing_confirmation_is_chased_once_when_it_is_due(boss: User) -> None:
    free_always()
    made = book(slot())
    due = InterpreterAssignment.objects.to_chase(of(made).confirm_until)
    assert list(due) == [of(made)]
    assert not InterpreterAssignment.objects.to_chase(of(made).confirm_until - timedelta(seconds=1)).exists()
    assert assignments.chase(of(made).pk) is True
    assert assignments.chase(of(made).pk) is False
    assert of(made).chased_at is not None
    confirmed = assignments.confirm(of(made), by=boss)
    assert confirmed.status == "confirmed"
    assert not InterpreterAssignment.objects.to_chase(timezone.now() + timedelta(days=99)).exists()


def _let_it_begin(booking: Booking) -> None:
    now = timezone.now()
    Booking.objects.filter(pk=booking.pk).update(start_at=now - timedelta(minutes=70), end_at=now)


# --- Races ---------------------------------------------------------------------------------------
@pytest.fixture
def without_exclusion(transactional_db: None) -> Iterator[None]:
    """The table without the constraint that keeps resources in one place; back afterwards."""
    constraint = next(
        one for one in Reservation._meta.constraints if one.name == "reservation_one_place_at_a_time"
    )
    with connection.schema_editor() as editor:
        editor.remove_constraint(Reservation, constraint)
    yield
    Reservation.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Reservation, constraint)


def _rivals(number: int) -> list[Callable[[], Any]]:
    """That many clients at slots of the same time, and one interpreter for all."""
    free_always()
    places = [slot() for _ in range(number)]
    clients = [factories.ClientFactory() for _ in range(number)]
    return [
        partial(rules.book, place, client=client, by=client.owner, interpreter=ARABIC)
        for place, client in zip(places, clients, strict=True)
    ]


def _ends(found: list[Any]) -> Counter[str]:
    return Counter(
        ",".join(one.codes) if isinstance(one, Refused) else getattr(one, "status", repr(one))
        for one in found
    )


def _without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    find = interpreters.find

    def unlocked(*args: Any, lock: bool, **named: Any) -> Any:
        assert lock
        return find(*args, **named)

    monkeypatch.setattr(interpreters, "find", unlocked)


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise(1)
def test_with_both_guards_away_two_bookings_share_an_interpreter(
    without_exclusion: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_lock(monkeypatch)
    for _attempt in range(10):
        found = at_once(*_rivals(4))
        if _ends(found)["booked"] > 1:
            return
        _clean()
    pytest.fail("The fault did not show.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.promise(1)
@pytest.mark.parametrize("guard", ["both", "lock", "constraint"])
def test_two_bookings_never_share_an_interpreter(
    guard: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if guard == "lock":
        request.getfixturevalue("without_exclusion")
    if guard == "constraint":
        _without_lock(monkeypatch)
    found = at_once(*_rivals(8))
    ends = _ends(found)
    assert ends.pop("booked") == 1
    assert set(ends) <= {"no_interpreter_free", "interpreter_taken"}
    assert Reservation.objects.count() == InterpreterAssignment.objects.count() == 1


def _clean() -> None:
    Reservation.objects.all().delete()
    InterpreterAssignment.objects.all().delete()
    Booking.objects.all().delete()
