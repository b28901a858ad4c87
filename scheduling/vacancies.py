"""A seat became free: who wants to know hears of it after the commit, in the same process.

A rule that frees a seat says so here and knows nobody; the waiting list listens (`apps.py`). A failure
to listen harms no act that was committed, and the safety net finds the seat again within a minute.
"""

from collections.abc import Callable

from django.db import transaction

from scheduling.models import Slot

Listener = Callable[[int], object]
_listeners: list[Listener] = []


def register(listener: Listener) -> None:
    """Call `listener` with the number of each slot that got a free seat."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(slot: Slot) -> None:
    """The slot has a free seat once this transaction is committed."""
    key = slot.pk

    # A function of its own, not a partial: Django logs a robust callback's failure by its name.
    def tell() -> None:
        for listener in _listeners:
            listener(key)

    transaction.on_commit(tell, robust=True)
