"""Ways up from here: addresses of the rooms above, which this room does not know by name.

An upper room registers them at start-up (its `apps.py`).
"""

from collections.abc import Callable, Mapping, Sequence

from scheduling.models import Booking

BookHold = Callable[[Booking], str]
About = Callable[[Sequence[Booking]], Mapping[int, str]]

_book_hold: BookHold | None = None
_about: About | None = None


def register(*, book_hold: BookHold, about: About) -> None:
    """`book_hold` gives the address where a hold of a kind that needs a referral is booked; `about`
    the addresses of what bookings are about, by booking number (those it knows)."""
    global _book_hold, _about
    _book_hold, _about = book_hold, about


def book_hold(hold: Booking) -> str:
    """Where to book a hold that needs a referral; empty while no upper room offers it."""
    return _book_hold(hold) if _book_hold else ""


def about(bookings: Sequence[Booking]) -> Mapping[int, str]:
    """Where one reads what the bookings are about."""
    return _about(bookings) if _about and bookings else {}
