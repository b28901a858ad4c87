"""Every door to a seat as an act.

`SEAT` are the doors to one and the same slot; `CLIENT` those that bring one client somewhere at equal or
overlapping times; `COMPANY` those that take one interpreter along. Each gives two acts: two rivals, or
the same act from two windows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from itertools import count
from typing import Any
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from clients.models import Client
from scheduling import (
    acceptance,
    assignments,
    contingents,
    courses,
    dividing,
    enrolments,
    moving,
    offers,
    session_moves,
    sessions,
)
from scheduling import booking as bookings
from scheduling.interpreters import Need
from scheduling.models import (
    Booking,
    Course,
    Interpreter,
    InterpreterAssignment,
    Offer,
    Session,
    Slot,
    WaitingEntry,
)
from scheduling.session_moves import Place
from tests import factories
from tests.scheduling.contradictions import FREE_DAYS_BEFORE

A_DAY = timedelta(days=1)
HALF_AN_HOUR = timedelta(minutes=30)
ARABIC = Need("ar", is_psychological=False)


def only_interpreter() -> None:
    """Somebody whom no holiday keeps away, and nobody else."""
    one = factories.InterpreterFactory()
    one.resource.keeps_holidays = False
    one.resource.save()


@dataclass(frozen=True)
class Act:
    """One person goes through a door: the rule called, or the same by the page's form."""

    rule: Callable[[], Any]
    user: User
    path: str = ""
    said: Mapping[str, object] = field(default_factory=dict)


class Scene:
    """One slot everybody wants, on a day of its own, with a free seat; of a course or of a session."""

    # Far apart: what a scene brings from its neighbouring days is its own.
    _days = count(7, 5)

    def __init__(self, *, of_course: bool = False, seats: int = 1) -> None:
        # Who waits from another scene would be offered what becomes free in this one.
        WaitingEntry.objects.waiting().update(ended_at=timezone.now(), outcome="withdrawn")
        self.boss: User = factories.UserFactory(roles=["coordinator", "course_staff"])
        self.course: Course | None = None
        self.dying: list[Booking] = []
        self._gaps = count(1)
        self.day = next(self._days) % 300 + 7
        if of_course:
            self.slot, self.session = self.course_on(seats=seats)
        else:
            self.slot = self.place(seats=seats)
            self.session = self.slot.session

    def course_on(self, *, seats: int = 1) -> tuple[Slot, Session]:
        """Its seats, and the session that carries them; one is taken already, so it can be made smaller."""
        start_on = timezone.localdate() + self.day * A_DAY
        course = courses.enter(
            by=self.boss,
            organisation=self.boss.organisation,
            type="integration",
            title="Deutsch",
            capacity=seats + 1,
            start_on=start_on,
            end_on=start_on + 30 * A_DAY,
            place="Marktplatz 4",
        )
        first = factories.ClientFactory()
        enrolments.enrol(course, client=first, by=first.owner)
        self.course = course
        session = Session.objects.select_related("district", "specialist", "room").get(slots=course.slot)
        return course.slot, session

    def place(self, *, later: timedelta = timedelta(), seats: int = 1, code: str = "counselling") -> Slot:
        """Another slot, in a session of its own with somebody and a room of its own."""
        start_at = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
        name = f"Zimmer {uuid4()}"
        session = factories.SessionFactory(
            start_at=start_at + self.day * A_DAY + later,
            series__room=factories.RoomFactory(name=name),
            series__kind=factories.KindFactory(code=code),
        )
        slot: Slot = factories.SlotFactory(session=session, capacity=seats)
        for resource in (session.specialist, session.room):
            factories.ReservationFactory(slot=slot, resource=resource)
        return slot

    def another_day(self) -> timedelta:
        """So much later than the scene; each time another one."""
        return next(self._gaps) * A_DAY

    def book(self, slot: Slot, client: Client, *, need: Need | None = None) -> Booking:
        """What stands before the race."""
        return bookings.book(slot, client=client, by=client.owner, interpreter=need)

    @cached_property
    def client(self) -> Client:
        """The one whom several doors bring somewhere."""
        made: Client = factories.ConsentFactory().client
        return made

    def let_time_pass(self, left: timedelta) -> None:
        """Of what is held and offered, so much is left."""
        at = timezone.now() + left
        Booking.objects.filter(pk__in=[one.pk for one in self.dying], status="tentative").update(
            held_until=at
        )


def somebody() -> Client:
    """A client whom SMS reach."""
    made: Client = factories.ConsentFactory().client
    return made


# --- To one slot -----------------------------------------------------------------------------------
def book(scene: Scene) -> list[Act]:
    """Whoever books directly; a course's seats too, though its page has another form."""
    return [_booking(scene.slot, somebody(), scene.course) for _ in range(2)]


def _booking(slot: Slot, client: Client, course: Course | None = None, need: Need | None = None) -> Act:
    key = uuid4()
    rule = partial(bookings.book, slot, client=client, by=client.owner, idempotency_key=key, interpreter=need)
    if course is not None:
        return replace(_enrolling(course, client), rule=rule)
    said = {"client": client.uuid, "idempotency_key": key}
    return Act(rule, client.owner, reverse("scheduling:book", args=[slot.uuid]), said)


def hold(scene: Scene) -> list[Act]:
    """Whoever is about to book."""
    return [
        Act(
            partial(bookings.hold, scene.slot, by=user),
            user,
            reverse("scheduling:hold", args=[scene.slot.uuid]),
        )
        for user in (factories.UserFactory(), factories.UserFactory())
    ]


def extend(scene: Scene) -> list[Act]:
    """Whoever holds the free seat, and needs more time in the moment in which it ends."""
    user = factories.UserFactory()
    scene.dying.append(bookings.hold(scene.slot, by=user))
    rule = partial(bookings.extend_hold, scene.slot, by=user)
    return [Act(rule, user, reverse("scheduling:extend", args=[scene.slot.uuid]))] * 2


def offer(scene: Scene) -> list[Act]:
    """Whoever was offered the free seat, and accepts in the moment in which the offer ends."""
    client = somebody()
    factories.WaitingFactory(
        client=client,
        kind=scene.slot.kind,
        slot=scene.slot if scene.course else None,
        format=scene.slot.format,
    )
    (made,) = offers.make(scene.slot.pk)
    assert made.booking is not None
    scene.dying.append(made.booking)
    return [_accepting(made, client)] * 2


def _accepting(made: Offer, client: Client) -> Act:
    rule = partial(acceptance.accept, made, by=client.owner)
    return Act(rule, client.owner, reverse("scheduling:accept_offer", args=[made.uuid]))


def move(scene: Scene) -> list[Act]:
    """Whoever has another time; where the seats are a course's, the client who is enrolled moves over it."""
    if scene.course is None:
        return [_moving(scene, scene.slot, somebody()) for _ in range(2)]
    return [_moving(scene, scene.place(), scene.client)]


def _moving(scene: Scene, to: Slot, client: Client, *, need: Need | None = None) -> Act:
    booking = scene.book(scene.place(later=A_DAY, code=to.kind.code), client, need=need)
    return Act(
        partial(moving.move, booking, to, by=client.owner),
        client.owner,
        reverse("scheduling:move_booking", args=[booking.uuid]),
        {"slot": to.uuid},
    )


def session(scene: Scene) -> list[Act]:
    """The whole session goes to the next day."""
    return [_session(scene, scene.session, A_DAY)] * 2


def _session(scene: Scene, moved: Session, by: timedelta) -> Act:
    to = Place(moved.start_at + by, moved.specialist, moved.room)
    at = timezone.localtime(to.start_at)
    return Act(
        partial(session_moves.move, moved, to, by=scene.boss),
        scene.boss,
        reverse("scheduling:move_session", args=[moved.uuid]),
        {
            "on": f"{at:%Y-%m-%d}",
            "at": f"{at:%H:%M}",
            "specialist": moved.specialist.uuid if moved.specialist else "",
            "room": moved.room.uuid if moved.room else "",
            "act": "move",
        },
    )


def enrol(scene: Scene) -> list[Act]:
    """Whoever wants a place on the course."""
    assert scene.course is not None
    return [_enrolling(scene.course, client) for client in (scene.client, somebody())]


def _enrolling(course: Course, client: Client) -> Act:
    key = uuid4()
    return Act(
        partial(enrolments.enrol, course, client=client, by=client.owner, form=key),
        client.owner,
        reverse("scheduling:enrol", args=[course.uuid]),
        {"client": client.uuid, "requested_on": timezone.localdate(), "idempotency_key": key},
    )


def share(scene: Scene) -> list[Act]:
    """The coordination sets the seats aside for somebody else."""
    other: Organisation = factories.OrganisationFactory(name="Caritas")
    rule = partial(
        contingents.set_aside, scene.session, {other: 1}, free_days_before=FREE_DAYS_BEFORE, by=scene.boss
    )
    path = reverse("scheduling:contingents", args=[scene.session.uuid])
    said = {f"organisation_{other.uuid}": 1, "free_days_before": FREE_DAYS_BEFORE}
    return [Act(rule, scene.boss, path, said)] * 2


def cut(scene: Scene) -> list[Act]:
    """The coordination makes two consultations of one presentation, or a course smaller by a seat."""
    if scene.course is None:
        rule = partial(dividing.divide, scene.slot, by=scene.boss)
        return [Act(rule, scene.boss, reverse("scheduling:divide", args=[scene.slot.uuid]))] * 2
    course, fewer = scene.course, scene.slot.capacity - 1
    resize = partial(courses.change, course, by=scene.boss, capacity=fewer, end_on=course.end_on)
    said = {"title": course.title, "type": course.type, "audience": course.audience, "capacity": fewer}
    path = reverse("scheduling:change_course", args=[course.uuid])
    return [Act(resize, scene.boss, path, {**said, "end_on": course.end_on})] * 2


def call_off(scene: Scene) -> list[Act]:
    """The coordination lets it not take place."""
    if scene.course is None:
        rule: Callable[[], Any] = partial(sessions.cancel, scene.session, reason="krank", by=scene.boss)
        path = reverse("scheduling:cancel_session", args=[scene.session.uuid])
    else:
        rule = partial(courses.call_off, scene.course, reason="krank", by=scene.boss)
        path = reverse("scheduling:call_off_course", args=[scene.course.uuid])
    return [Act(rule, scene.boss, path, {"reason": "krank"})] * 2


Door = Callable[[Scene], list[Act]]
SEAT: dict[str, Door] = {
    "book": book,
    "hold": hold,
    "extend": extend,
    "offer": offer,
    "move": move,
    "session": session,
    "enrol": enrol,
    "share": share,
    "cut": cut,
    "call off": call_off,
}
# Those who come with a seat already, which is about to end.
DYING = frozenset({"extend", "offer"})
# Those of whom each wants one seat, and gets it while there is one.
TAKERS = frozenset({"book", "hold", "move", "enrol"})


def scene_for(*names: str) -> Scene:
    """A scene for these doors: enough seats for those who have one, and one to fight for."""
    return Scene(of_course="enrol" in names, seats=max(1, len(DYING & set(names))))


# --- One client, equal or overlapping times ----------------------------------------------------------
# Each begins a little later than the one before; at equal times `apart` is nothing.
ClientDoor = Callable[[Scene, Client, timedelta], Act]


def client_books(scene: Scene, client: Client, later: timedelta) -> Act:
    """A slot of their own."""
    return _booking(scene.place(later=later), client)


def client_accepts(scene: Scene, client: Client, later: timedelta) -> Act:
    """What they were offered; of another kind each time, because nobody has two offers of one."""
    slot = scene.place(later=later, code=f"k{uuid4().hex[:8]}")
    factories.WaitingFactory(client=client, kind=slot.kind)
    (made,) = offers.make(slot.pk)
    return _accepting(made, client)


def client_moves(scene: Scene, client: Client, later: timedelta) -> Act:
    """An appointment they have on another day."""
    booking = scene.book(scene.place(later=scene.another_day()), client)
    rule = partial(moving.move, booking, scene.place(later=later), by=client.owner)
    return Act(rule, client.owner)


def client_is_moved(scene: Scene, client: Client, later: timedelta) -> Act:
    """The session of an appointment they have on another day."""
    gap = scene.another_day()
    slot = scene.place(later=gap)
    scene.book(slot, client)
    return _session(scene, slot.session, later - gap)


def client_enrols(scene: Scene, client: Client, later: timedelta) -> Act:
    """A course excludes nothing, but one has one place on it."""
    if scene.course is None:
        scene.course_on()
    assert scene.course is not None
    return _enrolling(scene.course, client)


CLIENT: dict[str, ClientDoor] = {
    "book": client_books,
    "offer": client_accepts,
    "move": client_moves,
    "session": client_is_moved,
    "enrol": client_enrols,
}


# --- One interpreter ---------------------------------------------------------------------------------
CompanyDoor = Callable[[Scene, timedelta], Act]


def company_booked(scene: Scene, later: timedelta) -> Act:
    """Booked with an appointment."""
    return _booking(scene.place(later=later), somebody(), need=ARABIC)


def company_moves(scene: Scene, later: timedelta) -> Act:
    """Goes along with an appointment of another day."""
    booking = scene.book(scene.place(later=scene.another_day()), somebody(), need=ARABIC)
    rule = partial(moving.move, booking, scene.place(later=later), by=booking.holder)
    return Act(rule, booking.holder)


def company_is_moved(scene: Scene, later: timedelta) -> Act:
    """Goes along with a session of another day."""
    gap = scene.another_day()
    slot = scene.place(later=gap)
    scene.book(slot, somebody(), need=ARABIC)
    return _session(scene, slot.session, later - gap)


def company_named(scene: Scene, later: timedelta) -> Act:
    """Named for an appointment nobody was found for."""
    booking = scene.book(scene.place(later=later), somebody())
    empty = InterpreterAssignment.objects.create(
        booking=booking, language="ar", confirm_until=booking.start_at, requested_by=scene.boss
    )
    rule = partial(assignments.offer, empty, Interpreter.objects.get(), by=scene.boss)
    return Act(rule, scene.boss)


COMPANY: dict[str, CompanyDoor] = {
    "book": company_booked,
    "move": company_moves,
    "session": company_is_moved,
    "name": company_named,
}
