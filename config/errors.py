"""When the database is away: a calm 503 page within five seconds, never a hang and never a bare 500."""

import sys

import psycopg
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string

# SQLSTATE classes of a server that is away, stopping, starting or full; no state: nobody answered.
AWAY = ("08", "53", "57P")


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
        error = error.__cause__ or error.__context__
    return False
