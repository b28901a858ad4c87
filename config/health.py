"""`/healthz`: whether database and worker do their work, for the machine that watches this one."""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from accounts.access import public
from notifications import place

# The worker reports every ten seconds.
SILENT_AFTER_SECONDS = 45
# What it has to do every second (scheduling/tasks.py) waits this long only if all its hands are tied.
STUCK_AFTER_SECONDS = 45
_EVERY_SECOND = "release_dead_holds"
# procrastinate's tables; read here as tables, since only tasks import procrastinate.
_WORKER = """
    SELECT CASE
        WHEN max(last_heartbeat) > now() - make_interval(secs => %s) IS NOT TRUE THEN 'silent'
        WHEN EXISTS (
            SELECT FROM procrastinate_jobs job
            JOIN procrastinate_events event ON event.job_id = job.id AND event.type = 'deferred'
            WHERE job.status = 'todo' AND job.queueing_lock = %s
                AND event.at < now() - make_interval(secs => %s)
        ) THEN 'stuck'
        ELSE 'ok'
    END
    FROM procrastinate_workers
"""
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
            cursor.execute(_WORKER, [SILENT_AFTER_SECONDS, _EVERY_SECOND, STUCK_AFTER_SECONDS])
            (worker,) = cursor.fetchone()
        is_held = place.held_since() is not None
    except DatabaseError:
        return {"database": "unreachable", "worker": "unknown", "sending": "unknown"}
    return {
        "database": "ok",
        "worker": worker,
        "sending": HELD if is_held else "ok",
    }
