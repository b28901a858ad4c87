"""Checks the audit trail against its seals."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit_chain


class Command(BaseCommand):
    """`manage.py verify_audit [--head HASH]`; exit code 1 names the first thing that is wrong."""

    help = "Check the audit trail: changed, missing or added events, and a cut tail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            default="",
            help="a hash noted earlier outside the system; it must still be in the chain",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        result = audit_chain.verify(head=options["head"])
        self.stdout.write(f"{result.checked} links are right; {result.unsealed} events wait for their seal.")
        if result.finding:
            raise CommandError(result.finding.text)
        if result.head:
            self.stdout.write(f"Head: {result.head}")
