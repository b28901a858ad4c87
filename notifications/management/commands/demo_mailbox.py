"""`manage.py demo_mailbox`: the demo's mail server, at the address in `EMAIL_URL`."""

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications import mailbox


class Command(BaseCommand):
    help = "Receives the demo's e-mails until it is stopped; the demo shows them beside the phones."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("There is a mailbox in the demo only.")
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stopped.set())
        server = mailbox.server(settings.EMAIL_HOST, settings.EMAIL_PORT)
        server.start()
        try:
            stopped.wait()
        finally:
            server.stop()
