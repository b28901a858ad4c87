"""What open browsers hear, over real sockets and a real LISTEN connection."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as DjangoSession
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone

from accounts import announcements, users
from accounts.models import User
from accounts.roles import Role
from config.asgi import application
from scheduling import booking as rules
from scheduling import calendars, hub, live, session_moves
from scheduling.consumers import SlotsConsumer
from scheduling.models import Booking, Slot
from scheduling.session_moves import Place
from tests import factories
from tests.scheduling import offered
from tests.sign_in import as_user

pytestmark = pytest.mark.django_db(transaction=True)

# Long enough for a busy machine; what should come arrives in a fraction of it.
SOON = 5.0


class Browser:
    """A browser that watches the slots of one day."""

    def __init__(self, path: str, cookie: str = "", origin: str = "http://testserver") -> None:
        headers = [(b"origin", origin.encode()), (b"host", b"testserver")]
        if cookie:
            headers.append((b"cookie", f"sessionid={cookie}".encode()))
        self.socket = WebsocketCommunicator(application, path, headers=headers)

    async def connects(self) -> bool:
        is_in, _ = await self.socket.connect(timeout=SOON)
        return bool(is_in)

    async def hears(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(await self.socket.receive_from(timeout=SOON))
        return heard

    async def hears_until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(SOON):
            while True:
                heard = await self.hears()
                if wanted(heard):
                    return heard

    async def hears_of(self, slot: Slot, state: str) -> dict[str, Any]:
        """The first frame, alone or inside a whole state, that shows the slot in that state."""
        heard = await self.hears_until(
            lambda one: any(
                frame["slot"] == str(slot.uuid) and frame["state"] == state
                for frame in one.get("slots", [one])
                if "slot" in frame
            )
        )
        return next(frame for frame in heard.get("slots", [heard]) if frame["slot"] == str(slot.uuid))

    async def is_closed_with(self) -> int:
        async with asyncio.timeout(SOON):
            while True:
                message = await self.socket.receive_output(timeout=SOON)
                if message["type"] == "websocket.close":
                    return int(message["code"])


def frames_of(slot: Slot, heard: dict[str, Any]) -> list[dict[str, Any]]:
    return [frame for frame in heard.get("slots", [heard]) if frame.get("slot") == str(slot.uuid)]


def topic_of(slot: Slot) -> str:
    return live.topic(slot.session)


def path_of(slot: Slot) -> str:
    return f"/live/slots/{topic_of(slot)}/"


def cookie_of(user: User) -> str:
    return str(as_user(user).cookies["sessionid"].value)


@asynccontextmanager
async def watching(slot: Slot, user: User) -> AsyncIterator[Browser]:
    """A connected browser after its first frame, the present state."""
    browser = Browser(await in_thread(path_of)(slot), await in_thread(cookie_of)(user))
    assert await browser.connects()
    first = await browser.hears()
    assert first["live"] is True
    yield browser
    await browser.socket.disconnect()


in_thread = database_sync_to_async


@database_sync_to_async
def a_slot() -> tuple[Slot, User]:
    return factories.SlotFactory(), factories.UserFactory()


def run(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def end_listening() -> int:
    """Kill the hub's connection, as a restart of the database or a broken line does."""
    return len(
        run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'sprechstunde live' AND datname = current_database()"
        )
    )


@pytest.fixture(autouse=True)
def no_connection_is_left(transactional_db: None) -> Iterator[None]:
    """channels' test communicator keeps connections open while it waits; close that thread's again."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Re-reading and re-checking happen in a fraction of a second."""
    monkeypatch.setattr(hub, "REREAD_SECONDS", 0.3)
    monkeypatch.setattr(hub, "RECHECK_SECONDS", 0.3)


# --- Hearing -----------------------------------------------------------------------------------
async def test_who_connects_hears_the_present_state_first() -> None:
    slot, anna = await a_slot()
    await in_thread(rules.hold)(slot, by=anna)

    browser = Browser(await in_thread(path_of)(slot), await in_thread(cookie_of)(anna))
    assert await browser.connects()
    state = await browser.hears()

    assert state["live"] is True
    assert [(one["slot"], one["state"], one["version"]) for one in state["slots"]] == [
        (str(slot.uuid), "held", 2)
    ]
    await browser.socket.disconnect()


async def test_hold_release_booking_and_cancelling_are_heard_in_neutral_words() -> None:
    slot, anna = await a_slot()
    ben = await in_thread(factories.UserFactory)(name="Ben Beobachter")
    client = await in_thread(factories.ClientFactory)(owner=anna)

    async with watching(slot, ben) as browser:
        hold = await in_thread(rules.hold)(slot, by=anna)
        held = await browser.hears_of(slot, "held")
        assert hold.held_until is not None
        assert abs(held["held_until"] - hold.held_until.timestamp()) < 0.01
        await in_thread(rules.let_go)(hold, by=anna)
        free = await browser.hears_of(slot, "free")
        booking = await in_thread(rules.book)(slot, client=client, by=anna)
        taken = await browser.hears_of(slot, "taken")
        await in_thread(rules.cancel)(booking, reason="client", by=anna)
        again = await browser.hears_of(slot, "free")

    assert [frame["version"] for frame in (held, free, taken, again)] == [2, 3, 4, 5]
    assert [frame["free"] for frame in (held, free, taken, again)] == [0, 1, 0, 1]
    for frame in (held, free, taken, again):
        assert set(frame) == {"topic", "slot", "version", "state", "free", "held_until"}


async def test_what_is_rolled_back_is_never_heard() -> None:
    slot, anna = await a_slot()

    def undone() -> None:
        with transaction.atomic():
            rules.hold(slot, by=anna)
            transaction.set_rollback(True)

    async with watching(slot, anna) as browser:
        await in_thread(undone)()
        assert await browser.socket.receive_nothing(timeout=0.5)


async def test_an_expired_hold_is_announced_when_it_is_swept() -> None:
    slot, anna = await a_slot()
    hold = await in_thread(rules.hold)(slot, by=anna)

    async with watching(slot, anna) as browser:
        await in_thread(run)(
            "UPDATE scheduling_booking SET held_until = clock_timestamp() WHERE id = %s", hold.pk
        )
        await in_thread(rules.release_dead_holds)(slot.pk)
        assert (await browser.hears_of(slot, "free"))["version"] == 3


async def test_several_browsers_hear_the_same_and_other_days_hear_nothing() -> None:
    slot, anna = await a_slot()
    ben = await in_thread(factories.UserFactory)()
    next_day = await in_thread(factories.SessionFactory)(
        series=slot.session.series, start_at=slot.start_at + timedelta(days=1)
    )
    other = await in_thread(factories.SlotFactory)(session=next_day)

    async with watching(slot, anna) as one, watching(slot, ben) as two, watching(other, ben) as elsewhere:
        await in_thread(rules.hold)(slot, by=anna)
        assert await one.hears_of(slot, "held") == await two.hears_of(slot, "held")
        assert await elsewhere.socket.receive_nothing(timeout=0.3)


async def test_a_moved_session_leaves_the_old_day_and_comes_to_the_new_one() -> None:
    """Another session of the old day stays; nobody need ask for the new day to be told by the old one."""
    slot, anna = await a_slot()

    def more() -> tuple[Slot, Slot]:
        start = slot.session.start_at
        that_day = factories.SessionFactory(
            series=slot.session.series, start_at=start, original_start_at=start + timedelta(minutes=1)
        )
        next_day = factories.SessionFactory(series=that_day.series, start_at=start + timedelta(days=1))
        return factories.SlotFactory(session=that_day), factories.SlotFactory(session=next_day)

    def move() -> None:
        session = slot.session
        to = Place(session.start_at + timedelta(days=1), session.specialist, session.room)
        session_moves.move(session, to, by=factories.UserFactory(roles=[Role.COORDINATOR]))

    stays, there = await in_thread(more)()
    async with watching(slot, anna) as old:
        async with watching(there, anna) as new:
            await in_thread(move)()
            assert (await new.hears_of(slot, "free"))["version"] == 2
        left = await old.hears_until(lambda one: "slots" in one)
        assert [frame["slot"] for frame in left["slots"]] == [str(stays.uuid)]


async def test_a_burst_on_one_slot_is_gathered_and_ends_with_the_last_word() -> None:
    slot, anna = await a_slot()

    def burst() -> None:
        for _ in range(20):
            rules.let_go(rules.hold(slot, by=anna), by=anna)
        rules.hold(slot, by=anna)

    async with watching(slot, anna) as browser:
        await in_thread(burst)()
        frames = [await browser.hears()]
        while frames[-1]["version"] < 42:
            frames.append(await browser.hears())

    assert frames[-1]["state"] == "held"
    versions = [frame["version"] for frame in frames]
    assert versions == sorted(set(versions))


# --- Broken lines ------------------------------------------------------------------------------
@pytest.mark.promise(20)
async def test_a_killed_listen_connection_comes_back_and_catches_up() -> None:
    slot, anna = await a_slot()

    async with watching(slot, anna) as browser:
        assert await in_thread(end_listening)() == 1
        await in_thread(rules.hold)(slot, by=anna)

        await browser.hears_until(lambda heard: heard.get("live") is False)
        state = await browser.hears_until(lambda heard: heard.get("live") is True and "slots" in heard)

        assert [(one["state"], one["version"]) for one in state["slots"]] == [("held", 2)]
        await in_thread(rules.let_go)(await in_thread(Booking.objects.get)(), by=anna)
        await browser.hears_of(slot, "free")


@pytest.mark.promise(20)
async def test_a_frame_lost_between_commit_and_notify_arrives_all_the_same_even_the_last_one(
    impatient: None,
) -> None:
    slot, anna = await a_slot()

    def change_without_a_word() -> None:
        with transaction.atomic():
            factories.BookingFactory(slot=slot)
            Slot.objects.filter(pk=slot.pk).update(version=F("version") + 1, changed_at=timezone.now())

    async with watching(slot, anna) as browser:
        await in_thread(change_without_a_word)()
        assert (await browser.hears_of(slot, "taken"))["version"] == 2


@pytest.mark.promise(20)
async def test_a_transaction_that_commits_long_after_its_change_is_not_missed(impatient: None) -> None:
    slot, anna = await a_slot()

    def change_in_the_past() -> None:
        with transaction.atomic():
            factories.BookingFactory(slot=slot)
            earlier = timezone.now() - timedelta(seconds=50)
            Slot.objects.filter(pk=slot.pk).update(version=F("version") + 1, changed_at=earlier)

    async with watching(slot, anna) as browser:
        await browser.hears_until(lambda heard: heard == {"live": True})
        await in_thread(change_in_the_past)()
        await browser.hears_of(slot, "taken")


@pytest.mark.promise(20)
def test_a_failing_notify_harms_no_booking(caplog: pytest.LogCaptureFixture) -> None:
    slot, anna = factories.SlotFactory(), factories.UserFactory()
    # No such zone: the frame cannot be computed, so the announcement fails.
    run("UPDATE accounts_district SET zone = 'Nirgends/Nie' WHERE id = %s", slot.district_id)

    booking = rules.book(slot, client=None, by=anna)

    assert Booking.objects.get(status="booked") == booking
    assert "on_commit" in caplog.text


async def test_the_connection_goes_with_the_last_browser() -> None:
    slot, anna = await a_slot()
    count = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'sprechstunde live' AND datname = current_database()"
    )

    async with watching(slot, anna), watching(slot, anna):
        assert await in_thread(run)(count) == [(1,)]

    for _ in range(50):
        if await in_thread(run)(count) == [(0,)]:
            break
        await asyncio.sleep(0.1)
    assert await in_thread(run)(count) == [(0,)]


# --- Who may look --------------------------------------------------------------------------------
@pytest.mark.promise(24)
async def test_a_foreign_origin_is_refused() -> None:
    slot, anna = await a_slot()
    cookie = await in_thread(cookie_of)(anna)
    path = await in_thread(path_of)(slot)

    assert not await Browser(path, cookie, origin="https://elsewhere.example").connects()


def _stranger() -> User:
    elsewhere = factories.DistrictFactory(name="Nachbarkreis")
    return factories.UserFactory(organisation=factories.OrganisationFactory(district=elsewhere))


@pytest.mark.promise(12)
async def test_only_people_of_the_district_who_see_the_board_or_an_agenda_may_look() -> None:
    slot, anna = await a_slot()
    path = await in_thread(path_of)(slot)

    async def may_look(user: User) -> bool:
        browser = Browser(path, await in_thread(cookie_of)(user))
        is_in = await browser.connects()
        await browser.socket.disconnect()
        return is_in

    def user(*roles: Role) -> User:
        return factories.UserFactory(roles=[role.value for role in roles])

    assert await may_look(anna)
    assert await may_look(await in_thread(user)(Role.COORDINATOR))
    assert await may_look(await in_thread(user)(Role.TEAM_LEAD))
    assert await may_look(await in_thread(user)(Role.SPECIALIST))
    assert not await may_look(await in_thread(user)(Role.ADMINISTRATOR, Role.DATA_PROTECTION_OFFICER))
    assert not await may_look(await in_thread(_stranger)())


async def test_without_the_second_factor_nobody_looks() -> None:
    slot, anna = await a_slot()
    path = await in_thread(path_of)(slot)

    def only_password() -> str:
        client = as_user(anna)
        session = client.session
        del session["otp_device_id"]
        session.save()
        return str(client.cookies["sessionid"].value)

    assert not await Browser(path, await in_thread(only_password)()).connects()
    assert not await Browser(path).connects()
    assert not await Browser(path, "no-such-session").connects()


async def test_a_day_that_is_none_is_refused() -> None:
    slot, anna = await a_slot()
    cookie = await in_thread(cookie_of)(anna)

    assert not await Browser(f"/live/slots/{slot.district.uuid}/2027-02-30/", cookie).connects()


async def test_one_socket_hears_of_several_days_and_of_none_one_may_not_see() -> None:
    slot, anna = await a_slot()
    later = await in_thread(factories.SlotFactory)(session__start_at=slot.start_at + timedelta(days=3))
    office = await in_thread(factories.OrganisationFactory)(name="Jobcenter")
    closed = await in_thread(factories.CalendarFactory)(organisation=office, name="Nicht geteilt")
    names = [await in_thread(topic_of)(each) for each in (slot, later)]
    browser = Browser(live.address(*names, f"{closed.uuid}/2027-03-01"), await in_thread(cookie_of)(anna))

    assert await browser.connects()
    for _ in names:
        assert (await browser.hears())["live"] is True
    assert set(hub.here()._topics) == set(names)
    for each in (slot, later):
        await in_thread(rules.hold)(each, by=anna)
        await browser.hears_of(each, "held")
    # It is told once that the line stands, however many days it watches.
    assert len(hub.here()._sockets()) == 1
    await browser.socket.disconnect()


async def test_days_that_are_none_too_many_or_others_are_refused() -> None:
    slot, anna = await a_slot()
    cookie = await in_thread(cookie_of)(anna)
    one = f"{slot.calendar.uuid}/2027-03-01"
    many = [f"{slot.calendar.uuid}/2027-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(41)]

    assert await Browser(live.address(*many[:40]), cookie).connects()
    for path in (
        live.address(*many),
        "/live/slots/",
        "/live/slots/?day=",
        f"/live/slots/?day={one}&day=x/2027-03-02",
        f"/live/slots/?day={slot.district.uuid}/2027-03-01&day={slot.district.uuid}/2027-03-02",
    ):
        assert not await Browser(path, cookie).connects()


@pytest.mark.promise(13)
async def test_a_right_taken_away_closes_the_persons_sockets_and_only_theirs() -> None:
    slot, anna = await a_slot()
    ben = await in_thread(factories.UserFactory)()

    def take_away() -> None:
        User.objects.filter(pk=anna.pk).update(roles=[])
        announcements.rights_changed(anna)

    async with watching(slot, anna) as closed, watching(slot, ben) as open_:
        await in_thread(take_away)()
        assert await closed.is_closed_with() == hub.ASK_AGAIN
        await in_thread(rules.hold)(slot, by=ben)
        await open_.hears_of(slot, "held")
    path, cookie = await in_thread(path_of)(slot), await in_thread(cookie_of)(anna)
    assert not await Browser(path, cookie).connects()


@pytest.mark.promise(13)
async def test_a_right_taken_away_while_the_door_was_open_closes_the_socket_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Let in, and not yet there to be told."""
    slot, anna = await a_slot()
    ben = await in_thread(factories.UserFactory)()
    admit = SlotsConsumer.admit

    def lose_it_in_the_door(self: SlotsConsumer, scope: dict[str, Any]) -> Any:
        topics = admit(self, scope)
        User.objects.filter(pk=anna.pk).update(is_active=False)
        announcements.rights_changed(anna)
        return topics

    async with watching(slot, ben):
        monkeypatch.setattr(SlotsConsumer, "admit", lose_it_in_the_door)
        async with watching(slot, anna) as late:
            assert await late.is_closed_with() == hub.ASK_AGAIN


@pytest.mark.promise(13)
async def test_a_right_taken_away_while_nobody_listened_closes_the_socket_soon() -> None:
    slot, anna = await a_slot()

    def take_away_unheard() -> None:
        User.objects.filter(pk=anna.pk).update(roles=[])
        assert end_listening() == 1

    async with watching(slot, anna) as browser:
        await asyncio.sleep(2 * hub.NEWCOMERS_SECONDS)
        await in_thread(take_away_unheard)()
        assert await browser.is_closed_with() == hub.ASK_AGAIN


@pytest.mark.promise(13)
async def test_a_calendar_no_longer_shared_closes_the_sockets_of_those_who_lost_it() -> None:
    """Whoever may still look is asked again, and comes back."""

    def share() -> tuple[Slot, User, User]:
        owner, partner = offered.caseworker(), offered.caseworker("Agentur")
        slot = offered.slot(owner, number=1)
        slot.district = owner.district
        calendars.share(slot.calendar, partner.organisation, "see", by=owner)
        return slot, owner, partner

    slot, owner, partner = await in_thread(share)()
    async with watching(slot, partner) as lost, watching(slot, owner) as kept:
        await in_thread(calendars.share)(slot.calendar, partner.organisation, "", by=owner)
        assert await lost.is_closed_with() == hub.ASK_AGAIN
        assert await kept.is_closed_with() == hub.ASK_AGAIN
    path = await in_thread(path_of)(slot)
    assert not await Browser(path, await in_thread(cookie_of)(partner)).connects()
    assert await Browser(path, await in_thread(cookie_of)(owner)).connects()


@pytest.mark.promise(13)
@pytest.mark.parametrize(
    "act", ["roles", "deactivated", "password reset", "second factor reset", "new password"]
)
async def test_what_an_administrator_takes_away_closes_open_sockets_at_once(act: str) -> None:
    slot, anna = await a_slot()

    def take_away() -> None:
        administrator = factories.UserFactory(roles=[Role.ADMINISTRATOR.value])
        acts: dict[str, Callable[[], object]] = {
            "roles": lambda: users.change(anna, by=administrator, roles=[]),
            "deactivated": lambda: users.deactivate(anna, by=administrator),
            "password reset": lambda: users.reset_password(anna, by=administrator),
            "second factor reset": lambda: users.reset_second_factor(
                anna, reason=users.FactorResetReason.LOST, by=administrator
            ),
            "new password": lambda: users.change_password(anna, "ein ganz neues Passwort"),
        }
        acts[act]()

    async with watching(slot, anna) as browser:
        await in_thread(take_away)()
        # Long before the next check of all sessions.
        assert await browser.is_closed_with() == hub.ASK_AGAIN


@pytest.mark.promise(13)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param("signed out", marks=pytest.mark.promise(25)),
        *("asleep", "deactivated", "right gone", "password changed"),
    ],
)
async def test_sessions_are_checked_again_while_the_socket_is_open(fault: str, impatient: None) -> None:
    slot, anna = await a_slot()
    ben = await in_thread(factories.UserFactory)()

    def fail() -> None:
        if fault == "signed out":
            keys = [
                row.session_key
                for row in DjangoSession.objects.all()
                if row.get_decoded()["_auth_user_id"] == str(anna.pk)
            ]
            DjangoSession.objects.filter(session_key__in=keys).delete()
        elif fault == "asleep":
            for row in DjangoSession.objects.all():
                data = row.get_decoded()
                if data["_auth_user_id"] == str(anna.pk):
                    store = SessionStore(row.session_key)
                    store["seen_at"] = 0
                    store.save()
        elif fault == "deactivated":
            User.objects.filter(pk=anna.pk).update(is_active=False)
        elif fault == "right gone":
            User.objects.filter(pk=anna.pk).update(roles=[])
        else:
            anna.set_password("ein ganz anderes Passwort")
            anna.save()

    async with watching(slot, anna) as closed, watching(slot, ben) as open_:
        await in_thread(fail)()
        assert await closed.is_closed_with() == hub.ASK_AGAIN
        await open_.hears_until(lambda heard: heard == {"live": True})


@pytest.mark.promise(24)
async def test_a_browser_that_keeps_talking_is_shown_the_door() -> None:
    slot, anna = await a_slot()

    async with watching(slot, anna) as browser:
        for _ in range(3):
            await browser.socket.send_to(text_data="hold 1")
        assert await browser.is_closed_with() == 1008


class Quick:
    """Takes every frame at once."""

    session_key, user = "", uuid.uuid4()

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.closed_with = 0

    def may_hear(self, user: User) -> bool:
        return True

    async def say(self, text: str) -> None:
        self.heard.append(text)

    async def close(self, code: int) -> None:
        self.closed_with = code


class Stuck(Quick):
    """Its line is full."""

    async def say(self, text: str) -> None:
        await asyncio.Event().wait()


async def test_a_browser_that_does_not_read_is_dropped_and_the_others_hear_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub, "PATIENCE_SECONDS", 0.3)
    slot, _ = await a_slot()
    name = await in_thread(topic_of)(slot)
    slow, quick = Stuck(), Quick()
    here = hub.here()
    try:
        for browser in (slow, quick):
            await here.watch([name], browser)
        await in_thread(rules.hold)(slot, by=await in_thread(factories.UserFactory)())
        for _ in range(50):
            if len(quick.heard) > 1:
                break
            await asyncio.sleep(0.1)
    finally:
        for browser in (slow, quick):
            here.leave([name], browser)

    assert json.loads(quick.heard[-1])["state"] == "held"
    assert slow.closed_with == hub.TOO_SLOW
    assert quick.closed_with == 0
