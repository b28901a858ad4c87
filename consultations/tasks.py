"""What runs in the background for this room."""

from procrastinate.contrib.django import app

from consultations import digests
from notifications import mails


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="send_digests", pass_context=False)
def send_digests(timestamp: int) -> None:
    """Every five minutes: the overview of the day, for those whose morning it is."""
    if mails.are_possible():
        digests.send_due()
