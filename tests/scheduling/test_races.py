"""One seat, one booking: real threads, real connections; first without the guards, to see it happen.

Two guards stand behind each other, the slot's lock and the constraints. Each alone keeps the promise;
only with both away is a seat booked twice.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from clients.models import Client
from notifications.models import Message
from scheduling import booking as rules
from scheduling import seats
from scheduling.models import Booking, Slot
from scheduling.problems import Refused
from tests import factories
from tests.consultations.rivals import at_once, killed_after, statements
from tests.servers import Daphne, database_url
from tests.sign_in import Caller

pytestmark = pytest.mark.django_db(transaction=True)

RIVALS = 50
Rounds = Callable[[int], int]


def rush(acts: list[Callable[[], Any]]) -> list[Any]:
    """All at the same instant, each with a connection that is already open."""
    start = threading.Barrier(len(acts))

    def ready(act: Callable[[], Any]) -> Any:
        connection.ensure_connection()
        start.wait(timeout=30)
        return act()

    return at_once(*(partial(ready, act) for act in acts))


def ends(found: list[Any]) -> Counter[str]:
    """How often each end came: "booked", "tentative", "taken", or the name of an error."""
    return Counter(_end(one) for one in found)


def _end(one: Any) -> str:
    if isinstance(one, Booking):
        return one.status
    return ",".join(one.codes) if isinstance(one, Refused) else type(one).__name__


@pytest.fixture
def cases() -> list[Client]:
    """As many clients as rivals, each with an owner of their own and reached by SMS."""
    return [factories.ConsentFactory().client for _ in range(RIVALS)]


@pytest.fixture
def new_slot() -> Callable[..., Slot]:
    """A slot on a day of its own, so that a client can be in many rounds."""
    session = factories.SessionFactory()
    days = iter(range(1, 1000))

    def make(**fields: Any) -> Slot:
        start = session.start_at + timedelta(days=next(days))
        own = factories.SessionFactory(series=session.series, start_at=start)
        return factories.SlotFactory(session=own, **fields)

    return make


# --- Taking guards away ------------------------------------------------------------------------
def _without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "lock", lambda slot_id, client=None: seats.peek(slot_id))
    monkeypatch.setattr(seats, "lock_client", lambda client: None)
    monkeypatch.setattr(seats, "lock_person", lambda person: None)


@pytest.fixture
def without_constraints() -> Iterator[None]:
    """The table without the constraints that keep seats and clients apart; back afterwards."""
    kept = {"booking_seat_taken_once", "booking_client_in_one_place"}
    constraints = [one for one in Booking._meta.constraints if one.name in kept]
    assert len(constraints) == 2
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.remove_constraint(Booking, constraint)
    yield
    Booking.objects.all().delete()
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.add_constraint(Booking, constraint)


@pytest.fixture(params=["lock and constraints", "lock alone", "constraints alone"])
def guards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The promise holds behind either guard."""
    if request.param == "lock alone":
        request.getfixturevalue("without_constraints")
    if request.param == "constraints alone":
        _without_lock(monkeypatch)
    return str(request.param)


@pytest.fixture
def unguarded(without_constraints: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither lock nor constraints."""
    _without_lock(monkeypatch)


def booking_of(slot: Slot, client: Client) -> Callable[[], Any]:
    return partial(rules.book, slot, client=client, by=client.owner)


def give_back(won: Booking) -> None:
    """A winner's hold would count against them in the rounds to come: two a person."""
    rules.let_go(won, by=won.holder)


# --- The fault, shown --------------------------------------------------------------------------
@pytest.mark.promise(1)
def test_without_the_guards_a_seat_is_booked_several_times(
    unguarded: None, cases: list[Client], new_slot: Callable[..., Slot]
) -> None:
    most = 0
    for _ in range(20):
        slot = new_slot()
        rush([booking_of(slot, client) for client in cases])
        most = max(most, Booking.objects.filter(slot=slot, status="booked").count())
        if most > 1:
            break

    assert most > 1


@pytest.mark.promise(1)
def test_without_the_guards_a_client_is_in_two_places(
    unguarded: None, cases: list[Client], new_slot: Callable[..., Slot]
) -> None:
    client = cases[0]
    most = 0
    for _ in range(20):
        one = new_slot()
        other = factories.SlotFactory(session=one.session, block=1, start_at=one.start_at)
        rush([booking_of(slot, client) for slot in (one, other)])
        most = max(most, Booking.objects.filter(client=client, start_at=one.start_at).count())
        if most > 1:
            break

    assert most > 1


# --- The promise -------------------------------------------------------------------------------
@pytest.mark.promise(1)
def test_of_fifty_rivals_one_books_and_the_others_are_refused_politely(
    guards: str, cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot, later = new_slot(), new_slot()

        found = rush([booking_of(slot, client) for client in cases])

        assert ends(found) == {"booked": 1, "taken": RIVALS - 1}
        assert {one.next_free for one in found if isinstance(one, Refused)} == {later}
        winner = next(one for one in found if isinstance(one, Booking))
        assert list(Booking.objects.filter(slot=slot)) == [winner]
        # Booking, audit and messages stand or fall together.
        made = {str(one) for one in Booking.objects.values_list("uuid", flat=True)}
        audited = AuditEvent.objects.filter(verb="booked").values_list("target", flat=True)
        announced = Message.objects.values_list("key", flat=True)
        assert sorted(map(str, audited)) == sorted(made)
        assert {key.split(":")[1] for key in announced} == made
        Slot.objects.filter(pk=later.pk).update(is_open=False)


@pytest.mark.promise(1)
def test_of_fifty_rivals_one_holds(
    guards: str, cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot()

        found = rush([partial(rules.hold, slot, by=client.owner) for client in cases])

        assert sum(isinstance(one, Booking) for one in found) == 1
        # What the lock saw is "held"; what only the constraint saw is "taken".
        assert set(ends(found)) <= {"tentative", "held", "taken"}
        give_back(Booking.objects.get(slot=slot))


@pytest.mark.promise(1)
@pytest.mark.parametrize("capacity", [7])
def test_as_many_book_as_there_are_seats(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds, capacity: int
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot(capacity=capacity)

        found = rush([booking_of(slot, client) for client in cases])

        assert ends(found) == {"booked": capacity, "taken": RIVALS - capacity}
        taken = Booking.objects.filter(slot=slot).order_by("seat").values_list("seat", flat=True)
        assert list(taken) == list(range(1, capacity + 1))


@pytest.mark.promise(1)
def test_holders_and_those_who_book_directly_get_one_seat_between_them(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot()
        half = RIVALS // 2
        acts: list[Callable[[], Any]] = [booking_of(slot, client) for client in cases[:half]]
        acts += [partial(rules.hold, slot, by=client.owner) for client in cases[half:]]

        found = rush(acts)

        assert sum(isinstance(one, Booking) for one in found) == 1
        assert set(ends(found)) <= {"booked", "tentative", "held", "taken"}
        give_back(Booking.objects.get(slot=slot))


@pytest.mark.promise(1)
def test_a_dead_hold_is_inherited_once(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot()
        dead = rules.hold(slot, by=factories.UserFactory())
        Booking.objects.filter(pk=dead.pk).update(held_until=timezone.now() - timedelta(seconds=1))
        acts: list[Callable[[], Any]] = [booking_of(slot, client) for client in cases]
        acts.append(partial(rules.release_dead_holds, slot.pk))

        found = rush(acts)

        assert ends(found) == {"booked": 1, "taken": RIVALS - 1, "NoneType": 1}


def test_a_slot_that_somebody_keeps_locked_holds_up_the_end_of_no_other_hold(
    new_slot: Callable[..., Slot],
) -> None:
    """A web process stopped in the middle of a booking, for instance; the worker has other things to do."""
    stuck, *others = [rules.hold(new_slot(), by=factories.UserFactory()) for _ in range(3)]
    Booking.objects.update(held_until=timezone.now())

    with psycopg.connect(database_url("app")) as sleeper:
        sleeper.execute("SELECT FROM scheduling_slot WHERE id = %s FOR NO KEY UPDATE", [stuck.slot_id])
        # Who waits for it nevertheless gets it then, and removes the third hold too.
        sleeper.execute("SET idle_in_transaction_session_timeout = '20s'")
        rules.sweep()
        assert list(Booking.objects.all()) == [stuck]
    rules.sweep()

    assert not Booking.objects.exists()
    assert AuditEvent.objects.filter(verb="hold_ended").count() == 1 + len(others)


@pytest.mark.promise(1)
def test_one_client_is_booked_into_one_of_two_overlapping_times(
    guards: str, cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    client = cases[0]
    for _ in range(rounds(20)):
        one = new_slot()
        half_an_hour = one.start_at + timedelta(minutes=30)
        other = factories.SlotFactory(session=one.session, block=1, start_at=half_an_hour)

        found = rush([booking_of(slot, client) for slot in (one, other)])

        assert ends(found) == {"booked": 1, "client_elsewhere": 1}


@pytest.mark.promise(1)
def test_one_person_never_gets_more_than_two_holds(new_slot: Callable[..., Slot], rounds: Rounds) -> None:
    for _ in range(rounds(20)):
        greedy = factories.UserFactory()
        slots = [new_slot() for _ in range(10)]

        found = rush([partial(rules.hold, slot, by=greedy) for slot in slots])

        assert ends(found) == {"tentative": 2, "too_many_holds": 8}


@pytest.mark.promise(1)
def test_cancelling_while_others_book_frees_the_seat_once(
    cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot()
        first = booking_of(slot, cases[0])()
        acts: list[Callable[[], Any]] = [booking_of(slot, client) for client in cases[1:]]
        acts.append(partial(rules.cancel, first, reason="client", by=cases[0].owner))

        found = ends(rush(acts))

        assert found["cancelled"] == 1
        assert found["booked"] <= 1
        assert found["booked"] + found["taken"] == RIVALS - 1
        assert Booking.objects.living().filter(slot=slot).count() == found["booked"]


# --- The same form twice -----------------------------------------------------------------------
@pytest.mark.promise(3)
def test_concurrent_twins_of_one_form_are_one_booking_and_the_same_answer(
    guards: str, cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    client = cases[0]
    for _ in range(rounds(20)):
        slot, key = new_slot(), uuid.uuid4()
        submit = partial(rules.book, slot, client=client, by=client.owner, idempotency_key=key)

        found = rush([submit] * 10)

        made = Booking.objects.get(slot=slot)
        if guards == "constraints alone":
            # Whichever constraint spoke first; nobody else's seat was touched.
            assert set(ends(found)) <= {"booked", "taken", "client_elsewhere"}
        else:
            assert found == [made] * 10
        assert AuditEvent.objects.about(made).count() == 1


# --- Killed half-way ------------------------------------------------------------------------------
@pytest.mark.promise(2)
def test_killed_while_booking_leaves_the_whole_booking_or_nothing(
    new_slot: Callable[..., Slot],
) -> None:
    """kill -9 between any two statements: booking, audit and messages agree, and it can be repeated."""
    for statement in statements():
        slot, client = new_slot(), factories.ConsentFactory().client
        act = partial(rules.book, slot, client=client, by=client.owner, idempotency_key=uuid.uuid4())
        was_killed = killed_after(statement, act)

        made = [str(one) for one in Booking.objects.filter(slot=slot).values_list("uuid", flat=True)]
        audited = AuditEvent.objects.filter(verb="booked", target__in=made).count()
        announced = {key.split(":")[1] for key in Message.objects.values_list("key", flat=True)}
        assert len(made) == audited
        assert Message.objects.filter(client=client).exists() == bool(made)
        assert announced >= set(made)

        assert act() == Booking.objects.get(slot=slot, status="booked")
        if not was_killed:
            assert len(made) == 1
            break
    assert statement > 5


# --- Over HTTP, two web processes ----------------------------------------------------------------
@pytest.fixture
def callers(two_servers: list[Daphne], cases: list[Client]) -> list[Caller]:
    return [Caller(client.owner, two_servers[number % 2]) for number, client in enumerate(cases)]


@pytest.mark.promise(1)
def test_over_http_and_two_web_processes_one_holds_and_49_are_told_calmly(
    callers: list[Caller], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot()
        path = reverse("scheduling:hold", args=[slot.uuid])

        answers = at_once(*(partial(caller.post, path) for caller in callers))

        assert Counter(status for status, _ in answers) == {200: 1, 409: RIVALS - 1}
        assert all("Das ging leider nicht" in said for status, said in answers if status == 409)
        give_back(Booking.objects.get(slot=slot))


@pytest.mark.promise(1)
def test_over_http_and_two_web_processes_one_books(
    callers: list[Caller], cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    for _ in range(rounds(20)):
        slot = new_slot()
        path = reverse("scheduling:book", args=[slot.uuid])
        acts = [
            partial(caller.post, path, f"client={client.uuid}&idempotency_key={uuid.uuid4()}")
            for caller, client in zip(callers, cases, strict=True)
        ]

        answers = at_once(*acts)

        assert Counter(status for status, _ in answers) == {302: 1, 409: RIVALS - 1}
        assert Booking.objects.filter(slot=slot, status="booked").count() == 1


@pytest.mark.promise(3)
def test_a_double_click_over_http_is_one_booking_and_the_same_answer(
    two_servers: list[Daphne], cases: list[Client], new_slot: Callable[..., Slot], rounds: Rounds
) -> None:
    client = cases[0]
    twins = [Caller(client.owner, server) for server in two_servers]
    for _ in range(rounds(20)):
        slot = new_slot()
        path = reverse("scheduling:book", args=[slot.uuid])
        body = f"client={client.uuid}&idempotency_key={uuid.uuid4()}"

        answers = at_once(*(partial(twin.post, path, body) for twin in twins * 3))

        assert {status for status, _ in answers} == {302}
        # A replay much later gets the same answer still.
        assert twins[0].post(path, body)[0] == 302
        assert Booking.objects.filter(slot=slot).count() == 1
