"""What runs by itself: sending what is due, settling what was left."""

from procrastinate.contrib.django import app

from notifications import channels, delivery
from notifications.models import Message

# A queueing lock lets one job wait at a time; unlike a lock it is not held by a job whose worker was
# killed. That two never send at once, `delivery` sees to by itself. Each channel has jobs of its own:
# a slow mail server holds up no SMS.


@app.periodic(cron="* * * * * */2", periodic_id="deliver")
@app.task(name="notifications.deliver", queueing_lock="notifications.deliver")
def deliver(timestamp: int) -> None:
    """Every two seconds: send the SMS that are due."""
    _deliver(Message.Channel.SMS)


@app.periodic(cron="* * * * * */2", periodic_id="deliver_mail")
@app.task(name="notifications.deliver_mail", queueing_lock="notifications.deliver_mail")
def deliver_mail(timestamp: int) -> None:
    """Every two seconds: send the e-mails that are due."""
    _deliver(Message.Channel.EMAIL)


@app.periodic(cron="* * * * *", periodic_id="settle")
@app.task(name="notifications.settle", queueing_lock="notifications.settle")
def settle(timestamp: int) -> None:
    """Every minute: find out what became of SMS nobody recorded."""
    _settle(Message.Channel.SMS)


@app.periodic(cron="* * * * *", periodic_id="settle_mail")
@app.task(name="notifications.settle_mail", queueing_lock="notifications.settle_mail")
def settle_mail(timestamp: int) -> None:
    """Every minute: find out what became of e-mails nobody recorded."""
    _settle(Message.Channel.EMAIL)


def _deliver(channel: Message.Channel) -> None:
    if channels.is_configured(channel):
        delivery.deliver_due(channels.gateway(channel))


def _settle(channel: Message.Channel) -> None:
    if channels.is_configured(channel):
        delivery.settle(channels.gateway(channel))
