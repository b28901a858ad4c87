"""The races of `test_doors`, with locks and constraints away: each is there, or the reason why not is here.

Nobody waits for anybody then: all have looked before any of them writes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, models
from pytest_django.plugin import DjangoDbBlocker

from scheduling import assignments, company, contingents, interpreters, seats, series, session_moves
from scheduling.models import Booking, Contingent, Reservation, Slot
from tests.scheduling import doors
from tests.scheduling.contradictions import contradictions
from tests.scheduling.doors import CLIENT, COMPANY, DYING, HALF_AN_HOUR, SEAT, Act, Scene
from tests.scheduling.test_doors import pairs
from tests.scheduling.test_races import rush

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise(1)]

ATTEMPTS = 12
PATIENCE = 0.5
GUARDS: dict[type[models.Model], set[str]] = {
    Booking: {"booking_seat_taken_once", "booking_client_in_one_place", "booking_once_on_a_course"},
    Contingent: {"contingent_once", "contingent_not_oversold"},
    Reservation: {"reservation_one_place_at_a_time"},
    Slot: {"slot_once_per_block"},
}


@pytest.fixture(scope="module", autouse=True)
def no_constraints(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The tables without what keeps things apart; back after the last of these tests."""
    found = [
        (model, one)
        for model, names in GUARDS.items()
        for one in model._meta.constraints
        if one.name in names
    ]
    assert len(found) == sum(map(len, GUARDS.values()))
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model, one in found:
                editor.remove_constraint(model, one)
        yield
        with connection.schema_editor() as editor:
            for model, one in found:
                editor.add_constraint(model, one)


class Meeting:
    """Where both stop, once, between looking and writing, until both are there; then one goes first."""

    def __init__(self) -> None:
        self.somebody_looked = threading.Event()
        self._both = threading.Barrier(2)
        self._have_met: set[int] = set()
        self._waits: int | None = None
        self._one_is_done = threading.Event()
        self._patience = PATIENCE

    def of(self, acts: list[Act], *, attempt: int) -> list[Callable[[], Any]]:
        """The two acts for two threads. One attempt lets the second go first, another one the first."""
        self.__init__()  # type: ignore[misc]
        # On a busy machine the two need longer to find each other; most pairs meet at once.
        self._patience = PATIENCE * (1 + attempt // 3)
        waits = {0: None, 1: 0, 2: 1}[attempt % 3]

        def meeting(number: int, act: Act) -> Any:
            if number == waits:
                self._waits = threading.get_ident()
            try:
                return act.rule()
            finally:
                self._one_is_done.set()

        return [partial(meeting, number, act) for number, act in enumerate(acts)]

    def after(self, look: Callable[..., Any]) -> Callable[..., Any]:
        """The function, and then the meeting."""

        def looked(*args: Any, **named: Any) -> Any:
            seen = look(*args, **named)
            self._meet()
            return seen

        return looked

    def before(self, write: Callable[..., Any]) -> Callable[..., Any]:
        """The meeting, and then the function."""

        def met(*args: Any, **named: Any) -> Any:
            self._meet()
            return write(*args, **named)

        return met

    def _meet(self) -> None:
        me = threading.get_ident()
        if threading.current_thread() is threading.main_thread() or me in self._have_met:
            return
        self._have_met.add(me)
        self.somebody_looked.set()
        # Whoever has seen enough to give up does not come.
        with suppress(threading.BrokenBarrierError):
            self._both.wait(timeout=self._patience)
        if me == self._waits:
            self._one_is_done.wait(timeout=self._patience)


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Meeting:
    """No locks, and a meeting in the rules that change sessions, before they write."""
    made = Meeting()
    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda self, **how: self.all())
    monkeypatch.setattr(seats, "_SLOT", seats._SLOT_UNLOCKED)
    monkeypatch.setattr(seats, "_SLOT_AFTER_CLIENT", seats._SLOT_UNLOCKED)
    monkeypatch.setattr(seats, "_lock", lambda statement, key: None)
    monkeypatch.setattr(session_moves, "_move_session", made.before(session_moves._move_session))
    monkeypatch.setattr(contingents, "_counted", made.after(contingents._counted))
    monkeypatch.setattr(series, "strike", made.after(series.strike))
    return made


@pytest.fixture
def seats_looked_at(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants a seat has seen who sits there."""
    monkeypatch.setattr(seats, "look", meeting.after(seats.look))


@pytest.fixture
def company_looked_at(meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who wants an interpreter has seen where they are."""
    monkeypatch.setattr(interpreters, "find", meeting.after(interpreters.find))
    monkeypatch.setattr(company, "against", meeting.after(company.against))
    monkeypatch.setattr(assignments, "_roster", meeting.after(assignments._roster))


def is_fault(
    one: str, other: str, harmless: dict[frozenset[str], str], round: Callable[[int], list[str]]
) -> bool:
    """Whether the fault shows within some attempts; where nothing can go wrong, two are enough."""
    is_harmless = frozenset({one, other}) in harmless
    seen = any(round(attempt) for attempt in range(3 if is_harmless else ATTEMPTS))
    return seen != is_harmless


# What goes right without any guard.
HARMLESS_ON_A_SLOT = {
    frozenset({"extend", "offer"}): "each has a seat already",
    frozenset({"move", "enrol"}): "an appointment and a course exclude nothing",
    frozenset({"share", "call off"}): "whose seats they were means nothing once nobody comes",
}
HARMLESS_FOR_A_CLIENT = {
    frozenset({"enrol", other}): "an appointment and a course exclude nothing"
    for other in ("book", "offer", "move", "session")
}


@pytest.mark.parametrize(("one", "other"), pairs(SEAT))
def test_through_a_pair_of_doors_to_one_slot(
    one: str, other: str, meeting: Meeting, seats_looked_at: None
) -> None:
    def round(attempt: int) -> list[str]:
        scene = doors.scene_for(one, other)
        if {one, other} == {"session", "call off"}:
            # Neither wants a seat. Both tell whoever has one, each something else.
            scene.book(scene.slot, doors.somebody())
        names = sorted([one, other], key=lambda name: name not in DYING)
        acts = SEAT[one](scene)[:2] if one == other else [SEAT[name](scene)[0] for name in names]
        first, second = meeting.of(acts, attempt=attempt)

        def when_it_has_ended() -> Any:
            meeting.somebody_looked.wait(timeout=PATIENCE)
            scene.let_time_pass(-timedelta(seconds=1))
            return second()

        ends = one != other and DYING & {one, other}
        return contradictions(rush([first, when_it_has_ended if ends else second]))

    assert is_fault(one, other, HARMLESS_ON_A_SLOT, round)


@pytest.mark.parametrize(("one", "other"), pairs(CLIENT))
def test_one_client_through_a_pair_of_doors(
    one: str, other: str, meeting: Meeting, seats_looked_at: None
) -> None:
    def round(attempt: int) -> list[str]:
        scene, client = Scene(), doors.somebody()
        later = HALF_AN_HOUR * (attempt % 2)
        acts = [CLIENT[one](scene, client, timedelta()), CLIENT[other](scene, client, later)]
        return contradictions(rush(meeting.of(acts, attempt=attempt)))

    assert is_fault(one, other, HARMLESS_FOR_A_CLIENT, round)


@pytest.mark.parametrize(("one", "other"), pairs(COMPANY))
def test_one_interpreter_through_a_pair_of_doors(
    one: str, other: str, meeting: Meeting, company_looked_at: None
) -> None:
    doors.only_interpreter()

    def round(attempt: int) -> list[str]:
        scene = Scene()
        acts = [COMPANY[one](scene, timedelta()), COMPANY[other](scene, HALF_AN_HOUR * (attempt % 2))]
        return contradictions(rush(meeting.of(acts, attempt=attempt)))

    assert is_fault(one, other, {}, round)
