"""Seals every encrypted column anew under the newest of FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import rotation


class Command(BaseCommand):
    """`manage.py rotate_field_keys`; run as the owner, after a new first key in FIELD_KEYS."""

    help = "Seal all encrypted fields under the newest key; afterwards the old key may be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        for column, values in rotation.rotate_all():
            self.stdout.write(f"{column}: {values}")
