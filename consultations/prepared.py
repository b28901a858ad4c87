"""Which of one's referrals could take a place one holds, and which places one holds."""

from dataclasses import dataclass

from accounts.models import User
from consultations import readiness
from consultations.models import Referral
from scheduling.models import Booking, Slot
from scheduling.problems import Problem
from scheduling.seats import ClockTimestamp


@dataclass(frozen=True)
class Prepared:
    """A referral without an appointment, and what stands between it and the place."""

    referral: Referral
    problems: list[Problem]

    @property
    def is_ready(self) -> bool:
        """It can be booked as it is."""
        return not self.problems


def for_slot(user: User, slot: Slot) -> list[Prepared]:
    """One's referrals of the slot's format that wait for an appointment: those that are ready first.

    The slot comes with its session and specialist.
    """
    rows = Referral.objects.of_case_team(user).waiting().filter(format=slot.format)
    around = rows.with_state().with_clarification().select_related("client", "consent", "booking")
    found = [Prepared(referral, readiness.problems(referral, slot=slot)) for referral in around]
    return sorted(found, key=lambda one: len(one.problems))


def own_holds(user: User) -> list[Booking]:
    """The consultation places one holds, the first to end first, each with the database's `now`."""
    holds = Booking.objects.living().filter(
        holder=user, status=Booking.Status.TENTATIVE, slot__kind__needs_referral=True, offer=None
    )
    around = holds.select_related("slot__session__specialist", "slot__session__room")
    return list(around.annotate(now=ClockTimestamp()).order_by("held_until"))
