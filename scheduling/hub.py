"""One hub a web process: hears what was announced, and hands it to every socket that watches.

It lives on the web server's event loop from the first socket to the last, and keeps one LISTEN
connection. Frames are written once (by the database, `scheduling.live`) and handed on as they are. The
socket is a hint, never the truth: who connects gets the present state, every 15 seconds what changed
is read again, and after a lost connection everything is; so a lost frame arrives all the same.
"""

import asyncio
import json
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, LiteralString, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from channels.db import database_sync_to_async
from django.db import DatabaseError, connection

from accounts import open_sessions
from accounts.announcements import CHANNEL
from accounts.models import User
from scheduling import live
from scheduling.live import Frame

logger = logging.getLogger(__name__)

REREAD_SECONDS = 15.0
# A transaction may commit some time after it wrote `changed_at`; reading twice is harmless.
OVERLAP = timedelta(seconds=60)
RECHECK_SECONDS = 30.0
# Who came while a right was taken away had been let in before, and was not there yet to be told.
NEWCOMERS_SECONDS = 1.0
# How long the database may take for one look, and a browser for one batch of sends.
PATIENCE_SECONDS = 5.0
# After a frame, newer ones of the same slot gather this long: a burst is sent once.
GATHER_SECONDS = 0.05
BATCH = 200
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0

# Closing codes (static/js/live.js): ask the server again who you are; too slow, come back.
ASK_AGAIN, TOO_SLOW = 4401, 4408

ALIVE, PAUSED, NEWS = '{"live":true}', '{"live":false}', '{"live":true,"news":true}'


class Socket(Protocol):
    """An open browser, as the hub sees it."""

    session_key: str
    user: UUID

    def may_hear(self, user: User) -> bool:
        """Whether the person behind it may (still) hear what it is about."""

    async def say(self, text: str) -> None:
        """Hand over one frame."""

    async def close(self, code: int) -> None:
        """End the connection."""


class Topic:
    """A calendar's day that somebody watches: its sockets, and the newest frame of each slot."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.frames: dict[str, Frame] = {}
        self.is_known = False
        self.reading = asyncio.Lock()

    def takes(self, frame: Frame) -> bool:
        """Keep the frame; False if it, or a newer one, was here before."""
        known = self.frames.get(frame.slot)
        if known is not None and known.version >= frame.version:
            return False
        self.frames[frame.slot] = frame
        return True

    def state(self) -> str:
        """All slots at once, for a browser that has just come (back)."""
        return f'{{"live":true,"slots":[{",".join(frame.text for frame in self.frames.values())}]}}'


class News(Topic):
    """What one person hears of: no slots, only that something waits for them and where to look."""

    def __init__(self) -> None:
        super().__init__()
        self.is_known = True

    def state(self) -> str:
        """Whoever has just come (back) may have missed something."""
        return NEWS


class Hub:
    """All open sockets of one event loop."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._listens = asyncio.Event()
        self._has_paused = False
        self._fresh: dict[str, Frame] = {}
        # In which topic each known slot is, and the topics that lost one to another day.
        self._where: dict[str, str] = {}
        self._left: set[str] = set()
        self._has_fresh = asyncio.Event()
        self._looked_at: datetime | None = None  # by the database's clock
        self._newcomers: set[Socket] = set()

    # --- Coming and going ----------------------------------------------------------------------
    async def watch(self, names: Sequence[str], socket: Socket) -> None:
        """Tell the socket the topics' present state, and from now on what changes.

        Without a database the socket hears that the display pauses; the state follows by itself.
        """
        if not self._tasks:
            loops = (self._listen, self._hand_on, self._recheck, self._recheck_newcomers)
            self._tasks = [asyncio.create_task(_supervised(loop)) for loop in loops]
        topics = {name: self._topic(name) for name in names}
        for topic in topics.values():
            topic.sockets.add(socket)
        self._newcomers.add(socket)
        with suppress(TimeoutError, DatabaseError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                # Listening first, then reading: nothing lies in between.
                await self._listens.wait()
                await self._know(topics)
        is_known = self._listens.is_set()
        for topic in topics.values():
            if topic.is_known and self._listens.is_set():
                await self._send(topic.state(), [socket])
            else:
                is_known = False
        if not is_known:
            await self._pause([socket])

    async def _know(self, topics: Mapping[str, Topic]) -> None:
        """Read those of the topics that nobody has read yet; two who come at once read them once."""
        async with AsyncExitStack() as reading:
            # In one order, so that two who wait for each other's topics cannot be.
            for name in sorted(topics):
                await reading.enter_async_context(topics[name].reading)
            unknown = [name for name, topic in topics.items() if not topic.is_known]
            if unknown:
                self._keep(await database_sync_to_async(live.frames)(unknown))
            for name in unknown:
                topics[name].is_known = True

    def _topic(self, name: str) -> Topic:
        return self._topics.setdefault(name, News() if live.is_news(name) else Topic())

    def leave(self, names: Sequence[str], socket: Socket) -> None:
        """The socket is gone; the last one takes the connection with it."""
        self._newcomers.discard(socket)
        for name in names:
            topic = self._topics.get(name)
            if topic is None:
                continue
            topic.sockets.discard(socket)
            if not topic.sockets:
                del self._topics[name]
                for slot in topic.frames:
                    self._where.pop(slot, None)
        if not self._topics:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._listens.clear()

    def _days(self) -> list[str]:
        """The names of the topics that have slots."""
        return [name for name in self._topics if not live.is_news(name)]

    def _sockets(self) -> set[Socket]:
        """Each once, however many topics it watches."""
        return {socket for topic in self._topics.values() for socket in topic.sockets}

    # --- Hearing -------------------------------------------------------------------------------
    async def _listen(self) -> None:
        """Listen until the connection is lost, and say so to everyone."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                listening = await _connect()
            async with listening:
                await listening.execute(f"LISTEN {CHANNEL}")
                await self._resume(listening)
                while True:
                    async for notice in listening.notifies(timeout=REREAD_SECONDS):
                        await self._hear(notice.payload)
                    await self._catch_up(listening)
        finally:
            if self._listens.is_set():
                self._listens.clear()
                await self._pause(self._sockets())

    async def _pause(self, sockets: Iterable[Socket]) -> None:
        """Say that what is shown may be old; `_resume` makes it good."""
        self._has_paused = True
        await self._send(PAUSED, sockets)

    async def _resume(self, listening: psycopg.AsyncConnection[Any]) -> None:
        """Everything may have changed meanwhile: read all topics, tell those who waited."""
        has_paused, self._has_paused = self._has_paused, False
        await self._read(listening, self._days(), tell=has_paused)
        for topic in self._topics.values():
            if isinstance(topic, News) and has_paused:
                await self._send(NEWS, topic.sockets)
        self._newcomers |= self._sockets()
        self._listens.set()

    async def _catch_up(self, listening: psycopg.AsyncConnection[Any]) -> None:
        """Read what changed since the last look; whoever hears no heartbeat knows that we are gone."""
        unknown = [name for name, topic in self._topics.items() if not topic.is_known]
        await self._read(listening, unknown, tell=True)
        since = self._looked_at and self._looked_at - OVERLAP
        calendars = list({name.partition("/")[0] for name in self._days()})
        self._tell(self._keep(await self._look(listening, live.FRAMES_SINCE, [since, calendars])))
        await self._send(ALIVE, self._sockets())

    async def _read(self, listening: psycopg.AsyncConnection[Any], names: list[str], *, tell: bool) -> None:
        """Read whole topics anew."""
        if names:
            found = await self._look(listening, live.FRAMES_OF_TOPICS, [names])
            for name in names:
                # What is not there any more is on another day.
                if (topic := self._topics.get(name)) is not None:
                    topic.frames.clear()
            self._keep(found)
        for name in names:
            if (topic := self._topics.get(name)) is not None:
                topic.is_known = True
                await self._send(topic.state(), topic.sockets if tell else ())

    async def _look(
        self, listening: psycopg.AsyncConnection[Any], query: LiteralString, values: list[Any]
    ) -> list[Frame]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            row = await (await listening.execute("SELECT clock_timestamp()")).fetchone()
            found = await (await listening.execute(query, values)).fetchall()
        self._looked_at = row[0] if row else None
        return [Frame(*columns) for columns in found]

    async def _hear(self, payload: str) -> None:
        """One announcement: a slot's frame, the person or calendar whose rights changed, or the person for
        whom there is news."""
        said = json.loads(payload)
        if "rights" in said:
            person = UUID(said["rights"])
            await _close([socket for socket in self._sockets() if socket.user == person])
        elif "calendar" in said:
            days = [name for name in self._days() if name.startswith(f"{said['calendar']}/")]
            await _close({socket for name in days for socket in self._topics[name].sockets})
        elif "news" in said:
            if (topic := self._topics.get(live.news_of(UUID(said["news"])))) is not None:
                await self._send(NEWS, topic.sockets)
        else:
            self._tell(self._keep([Frame(said["topic"], said["slot"], said["version"], payload)]))

    def _keep(self, frames: Iterable[Frame]) -> list[Frame]:
        """Remember what is new, and give it back."""
        fresh = []
        for frame in frames:
            topic = self._topics.get(frame.topic)
            if self._leaves_its_day(frame) and topic is not None and topic.takes(frame):
                self._where[frame.slot] = frame.topic
                fresh.append(frame)
        return fresh

    def _leaves_its_day(self, frame: Frame) -> bool:
        """A session was moved: whoever watches the day where the slot was reads that day anew. False if
        the frame is older than the move."""
        before = self._where.get(frame.slot, frame.topic)
        topic = self._topics.get(before)
        if before == frame.topic or topic is None or frame.slot not in topic.frames:
            return True
        if topic.frames[frame.slot].version >= frame.version:
            return False
        del topic.frames[frame.slot]
        del self._where[frame.slot]
        self._left.add(before)
        self._has_fresh.set()
        return True

    # --- Telling -------------------------------------------------------------------------------
    def _tell(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            self._fresh[frame.slot] = frame
            self._has_fresh.set()

    async def _hand_on(self) -> None:
        """Send the newest frame of each slot to those who watch its topic."""
        while True:
            await self._has_fresh.wait()
            self._has_fresh.clear()
            fresh, self._fresh = self._fresh, {}
            left, self._left = self._left, set()
            for name in left:
                if (topic := self._topics.get(name)) is not None and topic.is_known:
                    await self._send(topic.state(), topic.sockets)
            for frame in fresh.values():
                if (topic := self._topics.get(frame.topic)) is not None and topic.is_known:
                    await self._send(frame.text, topic.sockets)
            await asyncio.sleep(GATHER_SECONDS)

    async def _send(self, text: str, sockets: Iterable[Socket]) -> None:
        """One frame to many sockets, one after the other: servers take a frame without waiting.

        A socket that makes us wait too long, or breaks, is dropped; its browser comes back.
        """
        waiting = iter(list(sockets))
        while batch := list(islice(waiting, BATCH)):
            rest = iter(batch)
            while (broken := await _say(text, rest)) is not None:
                for topic in self._topics.values():
                    topic.sockets.discard(broken)
                await _close([broken], TOO_SLOW)
            await asyncio.sleep(0)

    # --- Who may still look ----------------------------------------------------------------------
    async def _recheck(self) -> None:
        """Close the sockets of sessions that ended and of people who may no longer look."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            await self._look_who_may_stay(self._sockets())

    async def _recheck_newcomers(self) -> None:
        """The same soon after somebody came or we heard nothing; those who came together at once."""
        while True:
            await asyncio.sleep(NEWCOMERS_SECONDS)
            newcomers, self._newcomers = self._newcomers, set()
            await self._look_who_may_stay(newcomers & self._sockets())

    async def _look_who_may_stay(self, sockets: Iterable[Socket]) -> None:
        if keys := {socket.session_key for socket in sockets}:
            holders = await database_sync_to_async(open_sessions.holders)(keys)
            await _close([socket for socket in sockets if not _may_stay(socket, holders)])


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def here() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


def _may_stay(socket: Socket, holders: Mapping[str, User]) -> bool:
    user = holders.get(socket.session_key)
    return user is not None and socket.may_hear(user)


async def _say(text: str, sockets: Iterator[Socket]) -> Socket | None:
    """Send until all have it (None), or one of them breaks or blocks."""
    socket: Socket | None = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for socket in sockets:
                await socket.say(text)
    except Exception:  # noqa: BLE001  (whatever is wrong with one browser is not the others' affair)
        return socket
    return None


async def _close(sockets: Iterable[Socket], code: int = ASK_AGAIN) -> None:
    for socket in sockets:
        # It may be half gone; its consumer notices and leaves.
        with suppress(Exception):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await socket.close(code)


async def _supervised(loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop for ever: after a failure again, soon at first, then less often."""
    pause = FIRST_PAUSE_SECONDS
    running = asyncio.get_running_loop()
    while True:
        begun = running.time()
        try:
            await loop()
        except (psycopg.Error, DatabaseError, OSError, TimeoutError) as error:
            logger.warning("live: %s, trying again", type(error).__name__)
        except Exception:
            logger.exception("live: unexpected, trying again")
        if running.time() - begun > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 (spreads many processes)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


async def _connect() -> psycopg.AsyncConnection[Any]:
    """A connection of our own with the database settings of the service."""
    parameters = connection.get_connection_params()
    for of_django in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(of_django, None)
    parameters |= {
        "application_name": "sprechstunde live",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 2,
    }
    return await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
