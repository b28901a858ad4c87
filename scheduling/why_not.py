"""Why a slot is not offered to somebody: every reason, in order, with what removes it.

The very values that holding and booking check. What hangs on more than the slot (whom it is for, what a
referral still lacks) is added by the upper room, which registers here at start-up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from clients.models import Client
from scheduling import outlook, seats
from scheduling.interpreters import Found, Need
from scheduling.models import Slot
from scheduling.outlook import Warning
from scheduling.problems import Problem


@dataclass(frozen=True)
class Reason:
    """A problem, and the address where it is removed, if there is one."""

    problem: Problem
    address: str = ""


@dataclass(frozen=True)
class Case:
    """What the slot would be for, as the upper room knows it, with its own reasons against."""

    uuid: UUID
    name: str
    client: Client | None = None
    need: Need | None = None
    reasons: Sequence[Reason] = ()


@dataclass(frozen=True)
class Answer:
    """The page. Without reasons the place can be had."""

    slot: Slot
    reasons: Sequence[Reason]
    warnings: Sequence[Warning]
    interpreter: Found | None
    cases: Sequence[Case]  # those one could choose
    chosen: Case | None
    next_free: Slot | None


# Every case of this person that waits for such a slot, with its own reasons.
Cases = Callable[[User, Slot], Sequence[Case]]
_cases: list[Cases] = []


def register(cases: Cases) -> None:
    """`cases` gives what a person could book a slot of a kind with referral for."""
    if cases not in _cases:
        _cases.append(cases)


def ask(slot: Slot, *, by: User, about: str = "") -> Answer:
    """Every reason against this slot for this person, and with `about` (a case's UUID) for that case.

    The slot comes with kind, district, session and specialist.
    """
    cases = [case for known in _cases for case in known(by, slot)] if slot.kind.needs_referral else []
    chosen = next((case for case in cases if str(case.uuid) == about), None)
    seen = outlook.look(
        slot,
        by=by,
        client=chosen.client if chosen else None,
        need=chosen.need if chosen else None,
        with_referral=chosen is not None,
        to_book=chosen is not None,
    )
    reasons = [*(Reason(problem) for problem in seen.problems), *(chosen.reasons if chosen else ())]
    next_free = seats.next_free(slot, by=by, need=chosen.need if chosen else None) if seen.problems else None
    return Answer(slot, reasons, seen.warnings, seen.interpreter, cases, chosen, next_free)
