"""What became of e-mails to staff and pools, for those who care that they arrive; never what they say."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.db.models.functions import Now

from accounts.models import User
from accounts.roles import Permission
from notifications.models import Message
from notifications.models.message import MessageQuerySet

Status = Message.Status
SHOWN = timedelta(days=30)
# What one may, and so what one may look at: the pools' e-mails, or all of the district's.
READERS = (Permission.PLAN_SESSIONS, Permission.MANAGE_DISTRICT, Permission.COORDINATE_INTERPRETERS)
_NOT_WELL = Q(status__in=[Status.FAILED, Status.UNCLEAR, Status.EXPIRED]) | (
    # Tried, and the server would not: it is tried again.
    Q(status=Status.QUEUED) & ~Q(error_code="")
)


@dataclass(frozen=True)
class Line:
    """How many e-mails of one kind came to what."""

    kind: str
    waiting: int
    sent: int
    failed: int
    unclear: int
    expired: int


def readable(user: User) -> MessageQuerySet:
    """The e-mails of the last thirty days whose delivery this person may look at."""
    mails = Message.objects.filter(
        district=user.district_id, channel=Message.Channel.EMAIL, created_at__gt=Now() - SHOWN
    )
    if user.may(Permission.PLAN_SESSIONS) or user.may(Permission.MANAGE_DISTRICT):
        return mails
    if user.may(Permission.COORDINATE_INTERPRETERS):
        return mails.filter(kind=Message.Kind.INTERPRETER)
    return mails.none()


def counts(user: User) -> list[Line]:
    """Each kind's numbers. One query."""
    number = {
        "waiting": Count("pk", filter=Q(status__in=[Status.QUEUED, Status.SENDING])),
        "sent": Count("pk", filter=Q(status__in=[Status.SENT, Status.DELIVERED])),
        **{name: Count("pk", filter=Q(status=name)) for name in ("failed", "unclear", "expired")},
    }
    rows = readable(user).order_by("kind").values("kind").annotate(**number)
    return [Line(str(Message.Kind(row.pop("kind")).label), **row) for row in rows]


def not_well(user: User) -> MessageQuerySet:
    """Those that did not arrive, or perhaps not, or are tried again, the latest first; without words."""
    found = readable(user).filter(_NOT_WELL).select_related("user").defer("context")
    return found.order_by("-send_at", "-id")
