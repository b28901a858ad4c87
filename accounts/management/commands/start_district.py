"""Begins a real district: its first organisation, its administrator, their invitation link."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from accounts import districts, users
from accounts.models import District


class Command(BaseCommand):
    """`manage.py start_district --name "Landkreis …" --admin vorname.nachname`."""

    help = "Start a district and print the link by which its first administrator chooses a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="of the district")
        parser.add_argument("--admin", required=True, help="user name of the first administrator")
        parser.add_argument("--admin-name", default="", help="their name; the user name if left out")
        parser.add_argument("--organisation", default="Landratsamt", help="the first one")

    def handle(self, *args: Any, **options: Any) -> None:
        if District.objects.filter(name=options["name"]).exists():
            raise CommandError(f"There is a district called {options['name']!r} already.")
        username = options["admin"].lower()
        try:
            invited = districts.start(
                name=options["name"],
                organisation=options["organisation"],
                admin_username=username,
                admin_name=options["admin_name"] or username,
            )
        except users.NameTaken:
            raise CommandError(f"The user name {username!r} is taken.") from None
        link = settings.PUBLIC_URL + reverse("accounts:invitation", args=[invited.secret])
        days = users.LINK_VALID.days
        self.stdout.write(f"Started. {username} opens this link within {days} days; it works once:\n{link}")
