"""A second clarification for one client: asked for with a reason, allowed or declined with a reason."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.roles import Permission
from clients.models import Client
from consultations import readiness
from consultations.models import ClarificationException
from notifications import notices
from notifications.notices import What
from scheduling import seats
from scheduling.problems import NEEDS_A_REASON, Problem, Refused

ALREADY_ALLOWED = Problem(
    "already_allowed",
    _("Für diese Person ist schon eine Ausnahme erlaubt und noch nicht genutzt."),
    _("Sie können den Termin buchen."),
)
TAKEN_BACK = Problem("taken_back", _("Diese Bitte gibt es nicht mehr. Vielleicht wurde sie zurückgenommen."))
DECIDED = Problem("decided", _("Über diese Ausnahme ist schon entschieden."))


@transaction.atomic
def request(client: Client, *, reason: str, by: User) -> ClarificationException:
    """Ask the coordinator. The reason is read by them: it tells why, and no name.

    Raises `Refused`: not one's own case, no reason, asked or allowed already.
    """
    seats.lock_client(client.pk)
    if not Client.objects.for_user(by).filter(pk=client.pk).exists():
        raise Refused([readiness.NOT_OWN_CASE])
    of_client = ClarificationException.objects.filter(client=client)
    found = [
        (not reason.strip(), NEEDS_A_REASON),
        (of_client.open().exists(), readiness.EXCEPTION_ASKED),
        (of_client.unused().exists(), ALREADY_ALLOWED),
    ]
    if any(applies for applies, _problem in found):
        raise Refused([problem for applies, problem in found if applies])
    asked = ClarificationException.objects.create(
        district=client.district, client=client, requested_reason=reason.strip(), requested_by=by
    )
    audit.record("exception_requested", asked, by=by)
    return asked


@transaction.atomic
def decide(
    exception: ClarificationException, *, allowed: bool, reason: str, by: User
) -> ClarificationException:
    """Allow or decline, with a reason; once. The case team hears of it. Raises `Refused`, `PermissionDenied`
    without the right to, and `ClarificationException.DoesNotExist` (taken back meanwhile, or elsewhere)."""
    if not by.may(Permission.ALLOW_EXCEPTIONS):
        raise PermissionDenied
    mine = ClarificationException.objects.for_user(by).select_for_update(no_key=True, of=("self",))
    stored = mine.get(pk=exception.pk)
    found = [(stored.decided_at is not None, DECIDED), (not reason.strip(), NEEDS_A_REASON)]
    if any(applies for applies, _problem in found):
        raise Refused([problem for applies, problem in found if applies])
    stored.allowed = allowed
    stored.decision_reason = reason.strip()
    stored.decided_by = by
    stored.decided_at = timezone.now()
    stored.save(update_fields=["allowed", "decision_reason", "decided_by", "decided_at"])
    audit.record("exception_allowed" if allowed else "exception_declined", stored, by=by)
    key = f"exception:{stored.uuid}"
    notices.tell_case_team([stored.client], What.EXCEPTION_DECIDED, key=key, route="consultations:referrals")
    return stored


def take_back(client: Client, *, by: User) -> None:
    """Nobody needs the exception that was asked for. Inside a transaction, with the client locked."""
    asked = ClarificationException.objects.open().filter(client=client).select_for_update(no_key=True).first()
    if asked is not None:
        audit.record("exception_taken_back", asked, by=by)
        asked.delete()


def answer(client: Client) -> ClarificationException | None:
    """What was decided about the client's last request, while it still says something: declined, or allowed
    and not used."""
    of_client = ClarificationException.objects.filter(client=client).select_related("clarification")
    last = of_client.order_by("requested_at").last()
    if last is None or last.decided_at is None or hasattr(last, "clarification"):
        return None
    return last
