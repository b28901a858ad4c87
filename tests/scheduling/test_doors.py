"""Every pair of doors at the same instant, with real threads, and over HTTP with two web processes.

`test_doors_without_guards` shows that each of these races is there when nothing guards against it.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import combinations_with_replacement
from typing import Any
from urllib.parse import urlencode

import pytest

from accounts.models import AuditEvent
from scheduling.models import Booking
from tests.scheduling import doors
from tests.scheduling.contradictions import contradictions
from tests.scheduling.doors import CLIENT, COMPANY, DYING, HALF_AN_HOUR, SEAT, TAKERS, Act, Scene
from tests.scheduling.test_races import rush
from tests.servers import Daphne
from tests.sign_in import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.promise(1)]

Rounds = Callable[[int], int]


def pairs(of: dict[str, Any]) -> list[Any]:
    """Every door with every other one and with itself."""
    found = combinations_with_replacement(of, 2)
    return [pytest.param(one, other, id=f"{one} and {other}") for one, other in found]


def acts_of(scene: Scene, one: str, other: str) -> list[Act]:
    """Who has a seat already comes first, because those doors need a free one to begin with."""
    names = sorted({one, other}, key=lambda name: name not in DYING)
    return [act for name in names for act in SEAT[name](scene)]


def over_http(act: Act, server: Daphne) -> Callable[[], Any]:
    """The act by its page's form; gives status and text."""
    return partial(Caller(act.user, server).post, act.path, urlencode(act.said))


@pytest.mark.parametrize("door", SEAT)
@pytest.mark.parametrize("of_course", [False, True], ids=["session", "course"])
def test_each_door_alone_leads_through(door: str, of_course: bool, two_servers: list[Daphne]) -> None:
    """Else the pairs would show nothing."""
    for server in (None, two_servers[1]):
        scene = Scene(of_course=of_course or door == "enrol")
        act = SEAT[door](scene)[0]
        before = set(AuditEvent.objects.values_list("pk", flat=True))
        if server is None:
            act.rule()
        elif not (scene.course and door in {"hold", "extend"}):
            assert over_http(act, server)()[0] in (200, 302)
        else:
            continue
        heard = AuditEvent.objects.exclude(pk__in=before).values_list("verb", flat=True)
        assert VERBS[door] & set(heard)


VERBS = {
    "book": {"booked"},
    "hold": {"held"},
    "extend": {"hold_extended"},
    "offer": {"booked"},
    "move": {"moved"},
    "session": {"moved"},
    "enrol": {"booked"},
    "share": {"contingents_set"},
    "cut": {"divided", "changed"},
    "call off": {"cancelled"},
}


@pytest.mark.parametrize(("one", "other"), pairs(SEAT))
def test_through_every_pair_of_doors_to_one_slot(one: str, other: str, rounds: Rounds) -> None:
    for _ in range(rounds(10)):
        scene = doors.scene_for(one, other)
        acts = acts_of(scene, one, other)
        random.shuffle(acts)
        scene.let_time_pass(timedelta(milliseconds=random.choice([0, 5, 20])))

        found = rush([act.rule for act in acts])

        assert contradictions(found) == []
        if {one, other} <= TAKERS:
            taken = Booking.objects.living().filter(slot=scene.slot).count()
            assert taken == scene.slot.capacity


@pytest.mark.parametrize(("one", "other"), pairs(SEAT))
def test_through_every_pair_of_doors_over_http_and_two_web_processes(
    one: str, other: str, two_servers: list[Daphne], rounds: Rounds
) -> None:
    for _ in range(rounds(5)):
        scene = doors.scene_for(one, other)
        acts = acts_of(scene, one, other)
        posts = [over_http(act, server) for act, server in zip(acts[::2], two_servers, strict=False)]
        if one == other:
            posts = [over_http(act, server) for act, server in zip(acts, two_servers, strict=True)]
        scene.let_time_pass(timedelta(milliseconds=random.choice([0, 20, 100])))

        answers = rush(posts)

        # A course's seats are held by nobody: the board knows no courses.
        missing = {404} if scene.course and {one, other} & {"hold", "extend"} else set()
        assert {status for status, _ in answers} <= {200, 302, 409, 422} | missing
        assert contradictions() == []
        if {one, other} <= TAKERS and not missing:
            taken = Booking.objects.living().filter(slot=scene.slot).count()
            assert taken == scene.slot.capacity


@pytest.mark.parametrize(("one", "other"), pairs(CLIENT))
def test_one_client_through_every_pair_of_doors(one: str, other: str, rounds: Rounds) -> None:
    for number in range(2 * rounds(5)):
        scene, client = Scene(), doors.somebody()
        later = HALF_AN_HOUR * (number % 2)
        acts = [CLIENT[one](scene, client, timedelta()), CLIENT[other](scene, client, later)]

        found = rush([act.rule for act in acts])

        assert contradictions(found) == []


@pytest.mark.parametrize(("one", "other"), pairs(COMPANY))
def test_one_interpreter_through_every_pair_of_doors(one: str, other: str, rounds: Rounds) -> None:
    doors.only_interpreter()
    for number in range(2 * rounds(5)):
        scene = Scene()
        later = HALF_AN_HOUR * (number % 2)
        acts = [COMPANY[one](scene, timedelta()), COMPANY[other](scene, later)]

        found = rush([act.rule for act in acts])

        assert contradictions(found) == []
