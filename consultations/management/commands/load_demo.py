"""The demo's data, room by room; a new part of the demo adds its `load` below."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

import accounts.demo
import clients.demo
import consultations.demo
import consultations.demo_plans
import scheduling.demo
import scheduling.demo_changes
import scheduling.demo_counselling
import scheduling.demo_courses
import scheduling.demo_interpreters
from accounts.models import District

# Each builds on what those before it made.
ROOMS = (
    accounts.demo.load,
    clients.demo.load,
    scheduling.demo.load,
    scheduling.demo_interpreters.load,
    consultations.demo.load,
    consultations.demo_plans.load,
    scheduling.demo_counselling.load,
    scheduling.demo_courses.load,
    scheduling.demo_changes.load,
)


class Command(BaseCommand):
    """`manage.py load_demo`: all or nothing, and only into an empty database."""

    help = "Load the demo district into an empty database; does nothing if there is a district."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            accounts.demo.refuse_outside_demo(or_test=True)
        except accounts.demo.OutsideDemo as problem:
            raise CommandError(str(problem)) from None
        if District.objects.exists():
            return
        for load in ROOMS:
            load()
        self.stdout.write("The demo district is loaded.")
