"""What messages cost: counted where they are claimed, so that nobody has to add up, with a stop.

A claim pays before the call, in the claim's own transaction; what was certainly not accepted is paid
back where that is recorded. What nobody knows about stays paid: the gateway may charge for it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import District
from accounts.rows import Statement
from notifications.models import MessageRules, Spending


def month_of(district: District, at: datetime) -> date:
    """The first of the month this moment lies in, on the district's calendar."""
    return at.astimezone(district.tz).date().replace(day=1)


def this_month(district: District) -> Spending:
    """What the district has spent this month; an unsaved row where nothing was."""
    month = month_of(district, timezone.now())
    return Spending.objects.filter(district=district, month_on=month).first() or Spending(
        district=district, month_on=month
    )


def open_stops(district: District) -> Spending | None:
    """This month's spending where it has come to the budget's warning or its end."""
    spending = this_month(district)
    return spending if spending.warned_at or spending.stopped_at else None


# The row exists afterwards, and is ours until the transaction ends.
_LOCKED = Statement(
    """
    INSERT INTO notifications_spending AS spending (district_id, month_on, messages, segments, cents)
    VALUES (%(district)s, %(month)s, 0, 0, 0)
    ON CONFLICT (district_id, month_on) DO UPDATE SET month_on = excluded.month_on
    RETURNING {spending}
    """,
    spending=Spending,
)


@dataclass
class Purse:
    """A district's month, locked; `pay` as often as needed, then `close`."""

    rules: MessageRules
    spending: Spending
    now: datetime

    @classmethod
    def of(cls, rules: MessageRules, now: datetime) -> "Purse":
        """Locks the month until the transaction ends; after messages, never before."""
        month = month_of(rules.district, now)
        row = _LOCKED.row(district=rules.district.pk, month=month)
        if row is None:
            raise LookupError("The month's row is neither there nor could it be made.")
        return cls(rules, row[0], now)

    def pay(self, segments: int) -> Decimal | None:
        """The price of an SMS of so many parts, paid; None where the budget does not reach that far."""
        price = segments * self.rules.cents_per_segment
        budget = self.rules.monthly_budget_cents
        if budget is not None and self.spending.cents + price > budget:
            self.spending.stopped_at = self.spending.stopped_at or self.now
            return None
        self.spending.stopped_at = None
        self.spending.messages += 1
        self.spending.segments += segments
        self.spending.cents += price
        if budget is not None and self.spending.cents * 100 >= budget * self.rules.warns_at_percent:
            self.spending.warned_at = self.spending.warned_at or self.now
        return price

    def close(self) -> None:
        """Write down what was paid."""
        self.spending.save()
