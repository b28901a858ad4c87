"""A browser that watches a day, told by the real hub; only the network between them is made of functions.

What rules announce after their commit reaches the hub as PostgreSQL would bring it, or is lost while the
line is cut. The browser does what static/js/live.js does.
"""

import asyncio
import json
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection, connections, transaction

from accounts.models import User
from scheduling import live
from scheduling.hub import Hub, Topic
from scheduling.live import Frame
from scheduling.models import Session

# What is shown of a slot: version, state, free seats.
Shown = tuple[int, str, int]


class _Hub(Hub):
    """Reads by the test's own connection, whose transaction nobody else sees into."""

    def __init__(self) -> None:
        super().__init__()
        # The very connection: inside an event loop Django would open another one.
        self._connection = connections["default"]

    async def _look(
        self, listening: psycopg.AsyncConnection[Any], query: Any, values: list[Any]
    ) -> list[Frame]:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            self._looked_at = cursor.fetchone()[0]
            cursor.execute(query, values)
            return [Frame(*columns) for columns in cursor.fetchall()]


class Browser:
    """Shows the day of a session, wherever it is moved to. `shown` by slot."""

    def __init__(self, session: Session) -> None:
        self.session_key, self.user = "", uuid4()
        self.shown: dict[str, Shown] = {}
        self.is_cut = False
        self._session = session
        self._loop = asyncio.new_event_loop()
        self._hub = _Hub()
        self._topic = ""
        self._heard: list[str] = []
        self._refresh()
        self.mend()

    def end(self) -> None:
        """Nobody looks any more."""
        self._loop.close()

    # --- The line ----------------------------------------------------------------------------------
    def announced(self, query: str, values: list[str | int]) -> None:
        """Stands in for `live.after_commit`: what is announced is heard, unless the line is cut."""
        if query != live._ANNOUNCE:
            return

        def announce() -> None:
            with connection.cursor() as cursor:
                cursor.execute(query.replace("pg_notify(%s, frame)", "frame"), values[1:])
                (payload,) = cursor.fetchone()
            if not self.is_cut:
                self._run(self._hub._hear(payload))

        transaction.on_commit(announce)

    def cut(self) -> None:
        """The hub hears nothing any more, and says that the display pauses."""
        self.is_cut = True
        self._run(self._hub._pause([self]))

    def mend(self) -> None:
        """The line is back: everything is read anew. Before, the hub has noticed that it was away."""
        if self.is_cut:
            self.cut()
        self.is_cut = False
        self._run(self._hub._resume(None))  # type: ignore[arg-type]

    def lose_and_look_again(self) -> None:
        """The line was cut without anybody noticing, until the hub looks at what changed."""
        self.is_cut = False
        self._run(self._hub._catch_up(None))  # type: ignore[arg-type]

    def _run(self, act: Any) -> None:
        self._loop.run_until_complete(self._and_hand_on(act))
        # Read after the loop has run, as a browser asks by another request.
        heard, self._heard = self._heard, []
        for text in heard:
            self._hear(json.loads(text))

    async def _and_hand_on(self, act: Any) -> None:
        await act
        handing_on = asyncio.create_task(self._hub._hand_on())
        for _ in range(20):
            await asyncio.sleep(0)
        handing_on.cancel()

    # --- What live.js does ---------------------------------------------------------------------------
    async def say(self, text: str) -> None:
        """A frame of the hub arrives."""
        self._heard.append(text)

    def may_hear(self, user: User) -> bool:
        """Whoever watches here may."""
        return True

    async def close(self, code: int) -> None:
        """Nobody ends this line."""
        raise AssertionError(code)

    def _hear(self, said: dict[str, Any]) -> None:
        if "slots" in said:
            if {slot["slot"] for slot in said["slots"]} == set(self.shown):
                for slot in said["slots"]:
                    self._change(slot)
            else:
                self._refresh()
        elif "slot" in said:
            self._change(said)

    def _change(self, frame: dict[str, Any]) -> None:
        if frame["slot"] not in self.shown:
            self._refresh()
        elif frame["version"] > self.shown[frame["slot"]][0]:
            self.shown[frame["slot"]] = _shown(frame)

    def _refresh(self) -> None:
        """The page is read anew, and follows the session to its day."""
        self._session.refresh_from_db(fields=["start_at"])
        name = live.topic(self._session)
        if name != self._topic:
            self._hub.leave([self._topic], self)
            self._topic = name
            topic = self._hub._topics.setdefault(name, Topic())
            topic.sockets.add(self)
            self._hub._keep(live.frames([name]))
            topic.is_known = True
        self.shown = self.stored()

    def stored(self) -> dict[str, Shown]:
        """What the database says of that day now."""
        return {
            frame.slot: _shown(json.loads(frame.text)) for frame in live.frames([live.topic(self._session)])
        }


def _shown(frame: dict[str, Any]) -> Shown:
    return frame["version"], frame["state"], frame["free"]
