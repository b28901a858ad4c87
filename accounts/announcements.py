"""Telling the hubs of all web processes something, after the commit (`scheduling/hub.py` listens).

After, because a NOTIFY inside a transaction makes commits queue behind each other. A failure to tell
harms nothing that was committed: hubs read again what changed, and check open sessions again.
"""

import json

from django.db import transaction

from accounts.models import User
from accounts.rows import execute

CHANNEL = "live"
_NEWS = "SELECT pg_notify(%s, json_build_object('news', uuid)::text) FROM accounts_user WHERE id = %s"


def rights_changed(user: User) -> None:
    """A role, a password or a session changed: the person's open sockets close, and whoever may still
    look comes back by itself. Call it inside the transaction of the change."""
    after_commit("SELECT pg_notify(%s, %s)", [CHANNEL, json.dumps({"rights": str(user.uuid)})])


def news(person: int) -> None:
    """After the commit, tell the person's own browsers that something waits for them."""
    after_commit(_NEWS, [CHANNEL, person])


def after_commit(query: str, values: list[str | int]) -> None:
    """Run one statement after the commit, on the same connection; a failure is only logged."""

    # A function of its own, not a partial: Django logs a robust callback's failure by its name.
    def announce() -> None:
        execute(query, values)

    transaction.on_commit(announce, robust=True)
