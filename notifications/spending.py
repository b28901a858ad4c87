"""What messages cost: counted where they are claimed, so that nobody has to add up, with a stop.

A claim pays before the call, in the claim's own transaction; what was certainly not accepted is paid
back where that is recorded. What nobody knows about stays paid: the gateway may charge for it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from accounts.models import District, User
from accounts.roles import Role
from accounts.rows import Statement
from notifications import notices
from notifications.models import MessageRules, Spending

# Who is told that the month's money runs out, and where that is shown.
TOLD = (Role.COORDINATOR, Role.ADMINISTRATOR)
SHOWN_ON = "notifications:numbers"


def month_of(district: District, at: datetime) -> date:
    """The first of the month this moment lies in, on the district's calendar."""
    return at.astimezone(district.tz).date().replace(day=1)


def this_month(district: District, now: datetime) -> Spending:
    """What the district has spent in the month of `now`; an unsaved row where nothing was."""
    month = month_of(district, now)
    return Spending.objects.filter(district=district, month_on=month).first() or Spending(
        district=district, month_on=month
    )


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
        """Write down what was paid; the first time that it comes to the warning, or to the end, say so."""
        for event, at in (("warned", self.spending.warned_at), ("stopped", self.spending.stopped_at)):
            if at == self.now:
                self._tell(event)
        self.spending.save()

    def _tell(self, event: str) -> None:
        told = User.objects.active().with_role(*TOLD).filter(district=self.rules.district)
        notices.tell(
            told.values_list("pk", flat=True),
            notices.What.BUDGET,
            key=f"budget:{self.spending.month_on:%Y-%m}:{event}",
            route=SHOWN_ON,
        )
