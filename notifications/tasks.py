"""What runs by itself: sending what is due, settling what was left, waking what was killed."""

from procrastinate.contrib.django import app

from notifications import delivery

# A queueing lock lets one job wait at a time; unlike a lock it is not held by a job whose worker was
# killed. That two never send at once, `delivery` sees to by itself.


@app.periodic(cron="* * * * * */2", periodic_id="deliver")
@app.task(name="notifications.deliver", queueing_lock="notifications.deliver")
def deliver(timestamp: int) -> None:
    """Every two seconds: send what is due."""
    delivery.deliver_due()


@app.periodic(cron="* * * * *", periodic_id="settle")
@app.task(name="notifications.settle", queueing_lock="notifications.settle")
def settle(timestamp: int) -> None:
    """Every minute: find out what became of attempts nobody recorded."""
    delivery.settle()
