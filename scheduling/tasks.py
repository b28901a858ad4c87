"""What runs in the background for this room."""

from procrastinate.contrib.django import app

from accounts.rows import clock
from notifications import mails
from scheduling import assignments, booking, catching_up, external, invitations, offers, pool_requests, series
from scheduling.models import InterpreterAssignment


@app.periodic(cron="* * * * * *")
@app.task(queueing_lock="release_dead_holds", pass_context=False)
def release_dead_holds(timestamp: int) -> None:
    """Every second: remove holds whose time has passed; everyone sees within two that the place is free."""
    booking.sweep()


@app.periodic(cron="20 3 * * *")
@app.task(queueing_lock="extend_series", pass_context=False)
def extend_series(timestamp: int) -> None:
    """Every night: slots reach twelve months ahead again."""
    series.extend_all(clock())


@app.periodic(cron="* * * * * */5")
@app.task(queueing_lock="invite_staff", pass_context=False)
def invite_staff(timestamp: int) -> None:
    """Every five seconds: staff's own calendars follow what has changed, and pools are asked."""
    if mails.are_possible():
        invitations.catch_up()
        pool_requests.catch_up()


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="invite_new_people", pass_context=False)
def invite_new_people(timestamp: int) -> None:
    """Every ten minutes: who came to an appointment without a change of its own."""
    if mails.are_possible():
        invitations.look_for_new_people()


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="catch_up_reminders", pass_context=False)
def catch_up_reminders(timestamp: int) -> None:
    """Every five minutes: reminders that became possible since the booking."""
    catching_up.catch_up()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="tidy_waiting_list", pass_context=False)
def tidy_waiting_list(timestamp: int) -> None:
    """Every minute: offer what became free unseen, end what is over on the waiting list."""
    offers.tidy()


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="read_external_calendars", lock="read_external_calendars", pass_context=False)
def read_external_calendars(timestamp: int) -> None:
    """Every minute: fetch the calendars kept elsewhere whose hour has come."""
    external.read_due()


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="chase_interpreters", pass_context=False)
def chase_interpreters(timestamp: int) -> None:
    """Every ten minutes: note where an interpreter's confirmation is due and missing."""
    for pk in InterpreterAssignment.objects.to_chase(clock()).values_list("pk", flat=True):
        assignments.chase(pk)
