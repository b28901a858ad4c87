"""Sockets: from the server to the browser only. Everything a browser wants to do is an ordinary request."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async

from accounts import open_sessions
from accounts.models import User
from accounts.roles import Permission
from scheduling import hub, live
from scheduling.models import Calendar

# A browser of ours says nothing; whoever keeps talking is shown the door.
WORDS_ALLOWED = 3
TOO_TALKATIVE = 1008
# More days than the longest list of ours shows.
DAYS_ALLOWED = 40
# Whose pages show slots.
MAY_WATCH = (Permission.SEE_BOARD, Permission.SEE_AGENDA, Permission.SEE_COURSES)


class SlotsConsumer(AsyncConsumer):  # type: ignore[misc]  # channels has no types
    """One browser that watches days of calendars. Its frames come from the hub."""

    session_key: str
    user: UUID

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Let in who may look, then wait until the browser leaves.

        In place of the base class's dispatch, which runs a task and a queue per socket.
        """
        self.base_send = send
        await receive()
        topics = await database_sync_to_async(self.admit)(scope)
        if not topics:
            await send({"type": "websocket.close"})
            return
        await send({"type": "websocket.accept"})
        here = hub.here()
        try:
            await here.watch(topics, self)
            for _word in range(WORDS_ALLOWED):
                if (await receive())["type"] == "websocket.disconnect":
                    return
            await self.close(TOO_TALKATIVE)
        finally:
            here.leave(topics, self)

    def admit(self, scope: dict[str, Any]) -> Sequence[str]:
        """The names of those topics whose calendar this person may look into; none: stay out."""
        user, wanted = self._person(scope), _wanted(scope)
        if user is None or not wanted or len(wanted) > DAYS_ALLOWED:
            return []
        asked = {calendar for calendar, _day in wanted}
        seen = set(Calendar.objects.for_user(user).filter(uuid__in=asked).values_list("uuid", flat=True))
        return [f"{calendar}/{day.isoformat()}" for calendar, day in wanted if calendar in seen]

    def _person(self, scope: dict[str, Any]) -> User | None:
        """The fully signed-in person behind the socket, if they may hear what it is about."""
        key = scope["session"].session_key
        user: User | None = open_sessions.holders([key]).get(key) if key else None
        if user is None or not self.may_hear(user):
            return None
        self.session_key, self.user = key, user.uuid
        return user

    def may_hear(self, user: User) -> bool:
        """Whether this person's pages show slots at all."""
        return any(user.may(permission) for permission in MAY_WATCH)

    async def say(self, text: str) -> None:
        """Hand over one frame."""
        await self.base_send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        """End the connection."""
        await self.base_send({"type": "websocket.close", "code": code})


class NewsConsumer(SlotsConsumer):
    """One browser of a person who hears when something waits for them."""

    def may_hear(self, user: User) -> bool:
        """The bell is on everybody's pages."""
        return True

    def admit(self, scope: dict[str, Any]) -> Sequence[str]:
        """The person's own topic; nobody hears another's news."""
        user = self._person(scope)
        return [live.news_of(user.uuid)] if user is not None else []


def _wanted(scope: dict[str, Any]) -> dict[tuple[UUID, date], None]:
    """The calendars and days of the address (`live.address`), in order; nothing if it cannot be read."""
    if one := scope["url_route"]["kwargs"]:
        days = [f"{one['calendar']}/{one['day']}"]
    else:
        days = parse_qs(scope["query_string"].decode("latin-1")).get("day", [])
    try:
        return {
            (UUID(calendar), date.fromisoformat(on)): None
            for calendar, _, on in (day.partition("/") for day in days)
        }
    except ValueError:
        return {}
