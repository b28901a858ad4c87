"""A caseworker who books place after place, in a process of their own (`booking_rule.py` starts them).

Reads lines "first number" from standard input, gets that many slots and clients ready and says "ready";
books them all after the next line, and says "done".
"""

import gc
import sys
from collections.abc import Iterator
from uuid import uuid4

import django


def main(worker: int) -> None:
    """Book what is asked for until standard input ends."""
    django.setup()
    from accounts.models import User
    from benchmarks.district import CLIENTS, SLOTS, USERS
    from clients.models import Client
    from scheduling import booking
    from scheduling.models import Slot

    by = User.objects.get(pk=USERS + worker)
    clients = Client.objects.filter(pk__gte=CLIENTS).count()
    for first, number in _tasks():
        keys = range(SLOTS + first, SLOTS + first + number)
        slots = Slot.objects.in_bulk(keys)
        people = Client.objects.in_bulk({CLIENTS + (key - SLOTS) % clients for key in keys})
        gc.collect()
        gc.freeze()  # what was got ready is not the rule's to tidy up
        _say("ready")
        sys.stdin.readline()
        for key in keys:
            client = people[CLIENTS + (key - SLOTS) % clients]
            booking.book(slots[key], client=client, by=by, idempotency_key=uuid4())
        _say("done")


def _tasks() -> Iterator[tuple[int, int]]:
    for line in sys.stdin:
        first, number = line.split()
        yield int(first), int(number)


def _say(word: str) -> None:
    print(word, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
