"""Who is reserved with an appointment (interpreter, second person), when it goes to another time."""

from datetime import timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from scheduling.models import Absence, Booking, InterpreterAssignment, Reservation
from scheduling.problems import Problem

COMPANY_ELSEWHERE = Problem(
    "company_elsewhere",
    _("Die Sprachmittlung oder Begleitung ist zu dieser Zeit nicht frei."),
    _("Wählen Sie eine andere Zeit, oder buchen Sie neu mit jemand anderem."),
)


def against(booking: Booking, by: timedelta) -> list[Problem]:
    """Whether somebody who is reserved with the appointment is not free that much later. Their own other
    reservations of this very appointment are in nobody's way."""
    for held in booking.reservations.all():
        at = _shifted(held, by)
        elsewhere = Reservation.objects.filter(resource=held.resource_id, during__overlap=at)
        away = Absence.objects.filter(resource=held.resource_id, during__overlap=at)
        if elsewhere.exclude(booking=booking).exists() or away.exists():
            return [COMPANY_ELSEWHERE]
    return []


def move_along(booking: Booking, by: timedelta) -> None:
    """Reserve them for the new time. An interpreter has to say yes again: a word given for the old time
    does not hold for the new one, and links to it open nothing any more.

    Raises IntegrityError (`reservation_one_place_at_a_time`) should they be elsewhere.
    """
    held = list(booking.reservations.all())
    if held:
        Reservation.objects.filter(pk__in=[one.pk for one in held]).delete()
        Reservation.objects.bulk_create(
            Reservation(resource_id=one.resource_id, booking=booking, during=_shifted(one, by))
            for one in held
        )
    booking.interpreter_assignments.living().update(
        status=InterpreterAssignment.Status.REQUESTED,
        confirm_until=F("confirm_until") + by,
        offered_at=None,
        confirmed_at=None,
        chased_at=None,
        link_version=F("link_version") + 1,
    )


def _shifted(held: Reservation, by: timedelta) -> DateTimeTZRange:
    return DateTimeTZRange(held.during.lower + by, held.during.upper + by, "[)")
