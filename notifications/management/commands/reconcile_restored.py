"""Lets messages leave again after a backup was restored."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications import restored
from notifications.models import Message


class Command(BaseCommand):
    """`manage.py reconcile_restored [--give-up]`; exit code 1 while sending is still held."""

    help = (
        "After restoring a backup: find out at the gateway what was sent since, show as unclear what nobody "
        "knows, then let messages leave again. First make sure that the old system is switched off."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--give-up",
            action="store_true",
            help="do not wait for a list that cannot be read: what it would tell becomes unclear",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        became = restored.reconcile(gives_up=options["give_up"])
        for status, number in sorted(became.items()):
            self.stdout.write(f"{number} {status}")
        if left := became[Message.Status.SENDING]:
            raise CommandError(
                f"{left} messages could not be looked up, so nothing is sent. Try again when the gateway "
                "answers, or use --give-up: then they become unclear and a person asks."
            )
        self.stdout.write("Messages leave again.")
