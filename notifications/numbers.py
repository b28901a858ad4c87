"""Messages in numbers: how many, how long, what they cost, whether they arrived. Counts only, no people."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from accounts import languages
from accounts.models import District
from notifications.models import IncomingText, Message

Status = Message.Status
MONTHS = 12
_LEFT = Coalesce("sent_at", "claimed_at", "settled_at")


@dataclass(frozen=True)
class Line:
    """One month, language or organisation. `cents` as counted while sending; `delivered` as reported."""

    label: str
    messages: int
    segments: int
    cents: Decimal
    delivered: int
    failed: int
    unclear: int

    @property
    def euros(self) -> Decimal:
        """What it cost."""
        return self.cents / 100


@dataclass(frozen=True)
class Month:
    """One month of a district: its SMS, what went by other ways, and what came back."""

    on: date
    sms: Line
    emails: int
    by_person: int
    received: int


def months(district: District, *, now: datetime | None = None) -> list[Month]:
    """The last twelve months with anything in them, the latest first. Two queries."""
    local = (now or timezone.now()).astimezone(district.tz)
    since = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=31 * (MONTHS - 1)
    )
    month = TruncMonth("left_at", tzinfo=district.tz)
    rows = (
        _left(district)
        .annotate(left_at=_LEFT)
        .filter(left_at__gte=since)
        .annotate(month=month)
        .values("month")
    )
    counted = rows.annotate(
        **_counts(Q(channel=Message.Channel.SMS)),
        emails=Count("pk", filter=Q(channel=Message.Channel.EMAIL)),
        by_person=Count("pk", filter=Q(channel=Message.Channel.PERSON)),
    )
    received = dict(
        IncomingText.objects.filter(district=district, received_at__gte=since)
        .annotate(month=TruncMonth("received_at", tzinfo=district.tz))
        .values("month")
        .annotate(number=Count("pk"))
        .values_list("month", "number")
    )
    found = {row["month"]: row for row in counted}
    nothing: dict[str, Any] = {}
    return [
        _month(at, found.get(at, nothing), received.get(at, 0))
        for at in sorted({*found, *received}, reverse=True)
    ]


def by_language(district: District, month_on: date) -> list[Line]:
    """One month's SMS by the language they were written in."""
    rows = _sms_of(district, month_on).values("language").annotate(**_counts(Q())).order_by("-messages")
    return [_line(languages.name(row["language"]) or row["language"], row) for row in rows]


def by_organisation(district: District, month_on: date) -> list[Line]:
    """One month's SMS by the organisation that leads the case."""
    rows = (
        _sms_of(district, month_on)
        .values(label=F("client__organisation__short_name"))
        .annotate(**_counts(Q()))
        .order_by("-messages")
    )
    return [_line(row["label"] or "–", row) for row in rows]


def as_rows(months: list[Month]) -> Iterator[list[object]]:
    """For a spreadsheet: one row a month."""
    for month in months:
        sms = month.sms
        counts = [sms.messages, sms.segments, f"{sms.euros:.2f}", sms.delivered, sms.failed, sms.unclear]
        yield [f"{month.on:%Y-%m}", *counts, month.emails, month.by_person, month.received]


def _left(district: District) -> QuerySet[Message, Any]:
    """What has left the house, or was tried to."""
    ended = (Status.SENT, Status.DELIVERED, Status.FAILED, Status.UNCLEAR)
    return Message.objects.filter(district=district, status__in=ended).order_by()


def _sms_of(district: District, month_on: date) -> QuerySet[Message, Any]:
    begin = datetime(month_on.year, month_on.month, 1, tzinfo=district.tz)
    next_month = (begin + timedelta(days=32)).replace(day=1)
    sms = _left(district).filter(channel=Message.Channel.SMS).annotate(left_at=_LEFT)
    return sms.filter(left_at__gte=begin, left_at__lt=next_month)


def _counts(which: Q) -> dict[str, Any]:
    return {
        "messages": Count("pk", filter=which),
        "parts": Sum("segments", filter=which, default=0),
        "cost": Sum("cents", filter=which, default=Decimal()),
        "delivered": Count("pk", filter=which & Q(status=Status.DELIVERED)),
        "failed": Count("pk", filter=which & Q(status=Status.FAILED)),
        "unclear": Count("pk", filter=which & Q(status=Status.UNCLEAR)),
    }


def _month(at: datetime, row: dict[str, Any], received: int) -> Month:
    return Month(at.date(), _line("", row), row.get("emails", 0), row.get("by_person", 0), received)


def _line(label: str, row: dict[str, Any]) -> Line:
    return Line(
        label=label,
        messages=row.get("messages", 0),
        segments=row.get("parts", 0),
        cents=row.get("cost", Decimal()),
        delivered=row.get("delivered", 0),
        failed=row.get("failed", 0),
        unclear=row.get("unclear", 0),
    )
