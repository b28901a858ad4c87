"""What became of a consultation: scheduling's marks, and with them the client's one clarification."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from consultations import readiness
from consultations.models import Clarification, ClarificationException, Referral
from scheduling import booking as bookings
from scheduling import seats
from scheduling.models import Booking, NoShowReason
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

SHEET_RELEASED = Problem(
    "sheet_released",
    _("Zu diesem Termin ist schon eine Empfehlung freigegeben."),
    _("Er bleibt als wahrgenommen eingetragen."),
)


def mark_arrived(booking: Booking, *, by: User) -> Booking:
    """The client is there. Raises `Refused`, and `Referral.DoesNotExist` for whom it does not concern."""
    _referral(booking, by)
    return bookings.mark_arrived(booking, by=by)


@tried_again
def mark_fulfilled(booking: Booking, *, by: User) -> Booking:
    """The consultation took place. A presentation uses up the client's one clarification (or an exception).

    Raises `Refused`, and `Referral.DoesNotExist` for whom it does not concern. Repeating it changes nothing.
    """
    with transaction.atomic():
        return took_place(booking, _referral(booking, by), by=by)


def took_place(booking: Booking, referral: Referral, *, by: User) -> Booking:
    """The same for whom it is known to concern, however long ago the talk was: a recommendation is being
    released on it. Inside a transaction, before the sheet is locked. Raises `Refused`.
    """
    if not referral.is_presentation or referral.client is None:
        return bookings.mark_fulfilled(booking, by=by)
    seats.lock_client(referral.client.pk)
    used = Clarification.objects.filter(client=referral.client)
    exception = None
    if used.exclude(referral=referral).exists():
        exceptions = ClarificationException.objects.filter(client=referral.client)
        exception = exceptions.unused().first()
        if exception is None and not used.filter(referral=referral).exists():
            raise Refused([readiness.CLARIFICATION_USED])
    done = bookings.mark_fulfilled(booking, by=by)
    written = {"client": referral.client, "exception": exception}
    _clarification, is_new = Clarification.objects.get_or_create(referral=referral, defaults=written)
    if is_new:
        audit.record("clarification_used", referral, by=by, by_exception=exception is not None)
    return done


def mark_noshow(booking: Booking, *, reason: NoShowReason | str, by: User) -> Booking:
    """Nobody came; the clarification stays unused. Raises `Refused`, and `Referral.DoesNotExist`."""
    _referral(booking, by)
    return bookings.mark_noshow(booking, reason=reason, by=by)


@tried_again
def undo_mark(booking: Booking, *, by: User) -> Booking:
    """Take back a wrong tap, on the day itself; a clarification it used up is free again.

    Raises `Refused` (also when a recommendation was released), and `Referral.DoesNotExist`.
    """
    with transaction.atomic():
        referral = _referral(booking, by)
        if referral.client is not None:
            seats.lock_client(referral.client.pk)
        if Referral.objects.filter(pk=referral.pk, sheet__versions__isnull=False).exists():
            raise Refused([SHEET_RELEASED])
        if referral.is_presentation and not referral.has_valid_consent:
            raise Refused([readiness.CONSENT_REVOKED])
        undone = bookings.undo_mark(booking, by=by)
        Clarification.objects.filter(referral=referral).delete()
        return undone


def _referral(booking: Booking, by: User) -> Referral:
    seen = Referral.objects.for_user(by).select_related("client", "consent")
    return seen.get(booking=booking)
