"""What a booking owes its client by message. Planned and withdrawn inside the booking's transaction."""

from scheduling.models import Booking


def plan(booking: Booking) -> None:
    """Queue the messages of a booking just made, under keys that begin with `booking:<uuid>:`."""


def withdraw(booking: Booking) -> None:
    """Take back every message of the booking that has not been sent."""
