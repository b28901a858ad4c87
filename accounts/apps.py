from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """The lowest room; the rights of the application's database role are renewed from here."""

    name = "accounts"

    def ready(self) -> None:
        from accounts import checks  # noqa: F401  (registers them)

        # After the last installed app, so that every room's tables are there to grant.
        post_migrate.connect(_grant, sender=self)


def _grant(**kwargs: Any) -> None:
    from accounts.db_roles import grant_app_role

    grant_app_role()
