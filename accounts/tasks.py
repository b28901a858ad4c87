"""Work that runs by itself: sealing the trail, picking up after killed workers, tidying."""

import logging

from procrastinate import JobContext, builtin_tasks
from procrastinate.contrib.django import app
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status

from accounts import audit_chain, tidying

log = logging.getLogger(__name__)
_DAYS_OF_JOBS = 3


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="accounts.seal_audit")
def seal_audit(timestamp: int) -> None:
    """Seal the audit trail up to now."""
    audit_chain.seal()


@app.periodic(cron="* * * * * */15")
@app.task(queueing_lock="accounts.retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Give the jobs of killed workers to living ones.

    After `kill -9` a job stays `doing` for ever. A periodic one has a queueing lock: when the next
    of its kind waits already, there is nothing to repeat, and the dead one is closed.
    """
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.id is None or job.id == context.job.id:
            continue
        try:
            await manager.retry_job(job)
        except ConnectorException:
            await manager.finish_job_by_id_async(job_id=job.id, status=Status.FAILED, delete_job=False)
        log.warning("Job %s (%s) of a killed worker was taken up again.", job.id, job.task_name)


@app.periodic(cron="17 3 * * *")
@app.task(queueing_lock="accounts.remove_old_jobs", pass_context=True)
async def remove_old_jobs(context: JobContext, timestamp: int) -> None:
    """Forget what was done days ago, failed jobs too."""
    await builtin_tasks.remove_old_jobs(
        context,
        max_hours=24 * _DAYS_OF_JOBS,
        remove_failed=True,
        remove_cancelled=True,
        remove_aborted=True,
    )


@app.periodic(cron="37 3 * * *")
@app.task(queueing_lock="accounts.tidy")
def tidy(timestamp: int) -> None:
    """Forget sessions that are over, links nobody can use any more, and old failed sign-ins."""
    tidying.forget_what_is_over()
