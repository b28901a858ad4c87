"""Ways up from here: what this room asks of the rooms above, which it does not know by name.

An upper room registers them at start-up (its `apps.py`).
"""

from collections.abc import Callable, Mapping, Sequence

from scheduling.models import Booking, Slot
from scheduling.problems import NEEDS_REFERRAL, Problem

BookHold = Callable[[Booking], str]
About = Callable[[Sequence[Booking]], Mapping[int, str]]
Lock = Callable[[Booking], None]
AgainstMove = Callable[[Booking, Sequence[Slot]], Mapping[int, list[Problem]]]

_book_hold: BookHold | None = None
_about: About | None = None
_lock: Lock | None = None
_against_move: AgainstMove | None = None


def register(*, book_hold: BookHold, about: About, lock: Lock, against_move: AgainstMove) -> None:
    """`book_hold` gives the address where a hold of a kind that needs a referral is booked; `about`
    the addresses of what bookings are about, by booking number (those it knows); `lock` locks what a
    booking is about, after its client and before any slot; `against_move` says what of it stands
    against each slot (with session and specialist at hand), by slot number."""
    global _book_hold, _about, _lock, _against_move
    _book_hold, _about, _lock, _against_move = book_hold, about, lock, against_move


def book_hold(hold: Booking) -> str:
    """Where to book a hold that needs a referral; empty while no upper room offers it."""
    return _book_hold(hold) if _book_hold else ""


def about(bookings: Sequence[Booking]) -> Mapping[int, str]:
    """Where one reads what the bookings are about."""
    return _about(bookings) if _about and bookings else {}


def lock(booking: Booking) -> None:
    """Lock what the booking is about; inside a transaction."""
    if _lock:
        _lock(booking)


def against_move(booking: Booking, slots: Sequence[Slot]) -> Mapping[int, list[Problem]]:
    """What stands against moving a booking of a kind that needs a referral to these slots."""
    if _against_move is None:
        return {slot.pk: [NEEDS_REFERRAL] for slot in slots}
    return _against_move(booking, slots) if slots else {}
