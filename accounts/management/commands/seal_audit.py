"""Seals the audit trail now and prints the head of the chain, to be kept elsewhere."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import audit_chain


class Command(BaseCommand):
    """`manage.py seal_audit`."""

    help = "Seal the audit trail and print the head of its chain."

    def handle(self, *args: Any, **options: Any) -> None:
        sealed = audit_chain.seal()
        head = audit_chain.head()
        self.stdout.write(f"{sealed} events sealed.")
        if head:
            self.stdout.write(f"Head of link {head.position}: {head.chain_hash}")
