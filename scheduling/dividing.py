"""A presentation nobody can come to becomes two case consultations: the time is not lost."""

from datetime import timedelta

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from scheduling import contingents, seats, vacancies
from scheduling.models import BlockFormat, Reservation, Slot
from scheduling.problems import BEGUN, CLOSED, TAKEN, Problem, Refused
from scheduling.transactions import tried_again

SHORTEST = timedelta(minutes=20)

NOT_DIVIDED = Problem(
    "not_divided",
    _("Nur eine freie Vorstellung lässt sich in zwei Fallberatungen teilen."),
    _("Wählen Sie einen anderen Termin."),
)


@tried_again
def divide(slot: Slot, *, by: User) -> Slot:
    """Make two case consultations of half the length out of a free presentation; returns the second.

    What the slot reserves stays reserved, half by each. Raises `Refused` when somebody has it.
    """
    with transaction.atomic():
        locked = seats.lock(slot.pk)
        first = locked.slot
        facts = seats.look(locked, by=by)
        against = [
            problem
            for problem, is_so in (
                (CLOSED, not first.is_open),
                (BEGUN, first.start_at <= locked.now),
                (NOT_DIVIDED, not may_be_divided(first)),
                (TAKEN, bool(facts.on_slot)),
            )
            if is_so
        ]
        if against:
            raise Refused(against)
        seats.clear(facts)
        second = _split(first)
        contingents.grow(first.session, second.capacity)
        audit.record("divided", first, by=by)
        for each in (first, second):
            seats.touch(each)
            vacancies.announce(each)
        return second


def may_be_divided(slot: Slot) -> bool:
    """Whether it is a presentation long enough for two."""
    return slot.format == BlockFormat.PRESENTATION and slot.end_at - slot.start_at >= SHORTEST


def _split(first: Slot) -> Slot:
    reserved = list(Reservation.objects.filter(slot=first))
    last = Slot.objects.filter(session=first.session).aggregate(last=Max("block"))["last"]
    middle = first.start_at + (first.end_at - first.start_at) / 2
    second = Slot.objects.get(pk=first.pk)
    second.pk, second.uuid, second._state.adding = None, Slot._meta.get_field("uuid").get_default(), True
    second.block, second.start_at, second.version = last + 1, middle, 1
    first.end_at = middle
    for each in (first, second):
        each.format = BlockFormat.CASE_CONSULTATION
        each.with_interpreter = False
    first.save(update_fields=["end_at", "format", "with_interpreter"])
    second.save(force_insert=True)
    # The first half is given back before the second one reserves it; the pause stays at the end.
    until = {one.pk: one.during.upper for one in reserved}
    for one in reserved:
        one.during = DateTimeTZRange(first.start_at, middle, "[)")
        one.save(update_fields=["during"])
    Reservation.objects.bulk_create(
        Reservation(
            resource_id=one.resource_id, slot=second, during=DateTimeTZRange(middle, until[one.pk], "[)")
        )
        for one in reserved
    )
    return second
