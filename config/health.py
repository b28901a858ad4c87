"""`/healthz`: whether database and worker do their work, for the machine that watches this one."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from accounts.access import public
from notifications import place

# The worker reports every ten seconds.
SILENT_AFTER_SECONDS = 45
# A restored backup sends nothing before somebody has looked what left since.
HELD = "held"


@public("says only whether the parts of the service are up")
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all is well, else 503; answers within five seconds either way.

    Messages held after a restore are said, but are no failure: starting anew would not help.
    """
    parts = _parts()
    well = all(state in ("ok", HELD) for state in parts.values())
    return JsonResponse(
        {"status": "ok" if well else "failing", **parts},
        status=200 if well else 503,
        headers={"Cache-Control": "no-store"},
    )


def _parts() -> dict[str, str]:
    """Each part of the service: `ok`, or the word for what is wrong."""
    try:
        with connection.cursor() as cursor:
            # procrastinate's table; read here as a table, since only tasks import procrastinate.
            cursor.execute(
                "SELECT coalesce(max(last_heartbeat) > now() - make_interval(secs => %s), false)"
                " FROM procrastinate_workers",
                [SILENT_AFTER_SECONDS],
            )
            (is_worker_alive,) = cursor.fetchone()
        is_held = place.held_since() is not None
    except DatabaseError:
        return {"database": "unreachable", "worker": "unknown", "sending": "unknown"}
    return {
        "database": "ok",
        "worker": "ok" if is_worker_alive else "silent",
        "sending": HELD if is_held else "ok",
    }
