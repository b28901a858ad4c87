"""When the database is away: a calm 503 page within five seconds, never a hang and never a bare 500."""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any

import psycopg
from asgiref.sync import iscoroutinefunction
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string
from django.utils.decorators import sync_and_async_middleware
from psycopg.conninfo import make_conninfo

# A request that takes longer than PATIENCE makes us ask the database whether it is there at all.
PATIENCE_SECONDS = 2.0
ANSWER_SECONDS = 2.0
# SQLSTATE classes of a server that is away, stopping, starting or full; no state: nobody answered.
AWAY = ("08", "53", "57P")

Handler = Callable[[HttpRequest], Any]  # the next middleware: sync, or async under Daphne


def unavailable() -> HttpResponse:
    """The 503 page; it asks nothing of the database."""
    return HttpResponse(
        render_to_string("503.html"), status=503, headers={"Retry-After": "10", "Cache-Control": "no-store"}
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: an unreachable database is a 503, anything else an error of ours."""
    if is_database_away(sys.exc_info()[1]):
        return unavailable()
    return HttpResponseServerError(render_to_string("500.html"))


def is_database_away(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, is a lost or impossible connection."""
    while error is not None:
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return error.sqlstate is None or error.sqlstate.startswith(AWAY)
        error = error.__cause__ if isinstance(error, OperationalError | InterfaceError) else error.__context__
    return False


@sync_and_async_middleware
def database_watch(get_response: Handler) -> Handler:
    """Outermost: a request stuck on a silent database is answered by the 503 page.

    Its thread stays behind until the operating system gives the connection up; what it may still do
    stands or falls with its transaction.
    """
    if not iscoroutinefunction(get_response):
        return get_response

    async def watched(request: HttpRequest) -> HttpResponse:
        answer: asyncio.Future[HttpResponse] = asyncio.ensure_future(get_response(request))
        try:
            while not (await asyncio.wait({answer}, timeout=PATIENCE_SECONDS))[0]:
                if not await database_answers():
                    answer.add_done_callback(_forget)
                    return unavailable()
        except asyncio.CancelledError:  # the browser went away
            answer.cancel()
            raise
        return answer.result()

    return watched


def _forget(answer: "asyncio.Future[HttpResponse]") -> None:
    """Nobody waits for this any more; fetching the error keeps asyncio from complaining."""
    with contextlib.suppress(BaseException):
        answer.exception()


async def database_answers() -> bool:
    """Whether a new connection can be made and answers."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            # Only what libpq understands: where and who, not how Django wants its cursors.
            address: dict[str, Any] = {
                k: v for k, v in connection.get_connection_params().items() if isinstance(v, str | int)
            }
            async with await psycopg.AsyncConnection.connect(make_conninfo(**address)) as asked:
                await asked.execute("SELECT 1")
                return True
    except (psycopg.Error, TimeoutError, OSError):
        return False
