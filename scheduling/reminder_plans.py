"""The plan of reminders of a kind: what a coordinator has chosen instead of the usual one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from django.db import transaction

from accounts import audit
from accounts.models import User
from scheduling import reminders
from scheduling.models import AppointmentKind, ReminderRule


@dataclass(frozen=True)
class Step:
    """One reminder: days before, the time (None: the hour of the appointment), and for which appointments
    (None: all, else with or without an interpreter)."""

    days_before: int
    at: time | None
    with_interpreter: bool | None


def steps(kind: AppointmentKind) -> list[Step]:
    """The plan that counts for the kind, the earliest first: its own, or the usual one."""
    rules = list(kind.reminder_rules.all()) or reminders.usual_plan()
    return [Step(rule.days_before, rule.at, rule.with_interpreter) for rule in rules]


@transaction.atomic
def save(kind: AppointmentKind, plan: Sequence[Step], *, by: User) -> None:
    """This plan counts for what is booked or moved from now on; none at all: the usual one again."""
    AppointmentKind.objects.select_for_update(no_key=True).get(pk=kind.pk)
    kind.reminder_rules.all().delete()
    ReminderRule.objects.bulk_create(ReminderRule(kind=kind, **vars(step)) for step in plan)
    audit.record("changed_reminders", kind, by=by, reminders=len(plan))
