"""A connection that notices a database which fell silent.

PostgreSQL drivers wait for an answer as long as the line stands, and a cut cable, a stopped machine or
a firewall that swallows packets leaves it standing for minutes. Here, whoever waits asks after a
second whether the server still answers anybody; if not, the statement fails as on a lost connection.
Waiting for somebody else's lock is no silence: the server answers then.
"""

from datetime import UTC
from time import monotonic
from typing import Any, ClassVar, Self, TypeVar

import psycopg
from psycopg.abc import AdaptContext, Buffer, PQGen
from psycopg.adapt import Loader
from psycopg.conninfo import make_conninfo
from psycopg.pq import Format

Result = TypeVar("Result")

SILENCE_SECONDS = 1.0
ANSWER_SECONDS = 2  # psycopg rounds a shorter limit up to this
_PATIENCE = "SET idle_in_transaction_session_timeout = '60s'"
_INSTANT = psycopg.adapters.types["timestamptz"].oid
_COMPILED = psycopg.adapters.get_loader(_INSTANT, Format.TEXT) or Loader
NOTHING_CAME = 0  # what psycopg tells a waiting generator at each of its ticks


class InstantLoader(Loader):
    """Reads instants by psycopg's compiled code; Django's own takes Python's, and ten times as long.

    Both give them in the zone the connection has, which Django sets.
    """

    timezone = UTC  # Django looks for it

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._load = _COMPILED(oid, context).load

    def load(self, data: Buffer) -> Any:
        return self._load(data)


class WatchedConnection(psycopg.Connection[Any]):
    """For the connection pool (`OPTIONS["pool"]["connection_class"]`)."""

    # When the server was last found away; until it speaks again nobody else needs to find that out.
    _found_away_at: ClassVar[float] = float("-inf")

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        """As psycopg's, and reads instants fast. Whoever falls silent in the middle of a transaction, a
        paused machine for instance, loses it: its locks would keep everybody else waiting."""
        made = super().connect(*args, **kwargs)
        is_autocommit, made.autocommit = made.autocommit, True
        made.execute(_PATIENCE)
        made.autocommit = is_autocommit
        made.adapters.register_loader(_INSTANT, InstantLoader)
        return made

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """As psycopg's, but raises `OperationalError` when the server fell silent."""
        return super().wait(self._watched(gen), interval, timeout)

    def _watched(self, gen: PQGen[Result]) -> PQGen[Result]:
        patient_until = monotonic() + SILENCE_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready != NOTHING_CAME:
                    WatchedConnection._found_away_at = float("-inf")
                elif monotonic() - self._found_away_at < ANSWER_SECONDS:
                    self._give_up()
                elif monotonic() > patient_until:
                    if not self._server_answers():
                        WatchedConnection._found_away_at = monotonic()
                        self._give_up()
                    patient_until = monotonic() + SILENCE_SECONDS
                wanted = gen.send(ready)
        except StopIteration as done:
            result: Result = done.value
            return result

    def _server_answers(self) -> bool:
        """Whether the server takes a new connection from us."""
        limit = str(ANSWER_SECONDS)
        where = {**self.info.get_parameters(), "password": self.info.password, "connect_timeout": limit}
        try:
            psycopg.connect(make_conninfo("", **where)).close()
        except psycopg.OperationalError:
            return False
        return True

    def _give_up(self) -> None:
        self.pgconn.finish()  # no rollback can be sent either
        raise psycopg.OperationalError("the database fell silent")
