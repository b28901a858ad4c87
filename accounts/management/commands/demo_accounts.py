"""Who can sign in to the demo, and with which one-time code right now."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import demo, second_factor


class Command(BaseCommand):
    """`manage.py demo_accounts [--json]`; refuses outside demo mode."""

    help = "List the demo's accounts: user name, password, roles, organisation, one-time code or secret."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="as JSON, with the TOTP secrets (base32)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demo.refuse_outside_demo()
        except demo.OutsideDemo as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(_json() if options["json"] else _table())


def _json() -> str:
    accounts = [
        {
            "username": person.username,
            "password": demo.PASSWORD,
            "name": person.name,
            "roles": [role.value for role in person.roles],
            "organisation": person.organisation,
            "totp_secret": person.totp_secret,
        }
        for person in demo.PEOPLE
    ]
    return json.dumps(accounts, ensure_ascii=False, indent=1)


def _table() -> str:
    lines = [f"Password of all: {demo.PASSWORD}"]
    for person in demo.PEOPLE:
        roles = ", ".join(str(role.label) for role in person.roles)
        code = second_factor.current_code(person.totp_secret)
        lines.append(f"  {person.username:15} {code}  {roles} ({person.name}, {person.organisation})")
    left = 30 - int(time.time()) % 30
    lines.append(f"The codes hold for {left} seconds; new ones: make accounts")
    return "\n".join(lines)
