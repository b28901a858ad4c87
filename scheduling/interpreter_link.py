"""The link in the hands of a pool: which assignment it answers. Nothing about the client hangs on it."""

from uuid import UUID

from django.db.models.functions import Now

from notifications import links
from scheduling.models import InterpreterAssignment

ROUTE = "scheduling:interpreter_link"


def url(assignment: InterpreterAssignment) -> str:
    """The public address at which this assignment is confirmed or declined, until it is offered anew."""
    return links.url(ROUTE, assignment.uuid, assignment.link_version)


def open_assignment(token: str) -> InterpreterAssignment | None:
    """The assignment this link may show; None once it was offered anew, is over, or its time has come."""
    about = links.about(token)
    found = _assignment(about) if about else None
    return found if found is not None and links.fits(token, ROUTE, found.link_version) else None


def _assignment(uuid: UUID) -> InterpreterAssignment | None:
    return (
        InterpreterAssignment.objects.living()
        .select_related(
            "interpreter__resource",
            "booking__district",
            "booking__slot__kind",
            "booking__slot__session__room",
        )
        .filter(uuid=uuid, interpreter__isnull=False, booking__start_at__gt=Now())
        .first()
    )
