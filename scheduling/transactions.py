"""What PostgreSQL says about a lost race, and when a transaction is simply tried again."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, connection

P = ParamSpec("P")
R = TypeVar("R")

# deadlock_detected, serialization_failure: nobody's fault, the same again succeeds.
_TRY_AGAIN = frozenset({"40P01", "40001"})
# And lock_not_available, where a limit was set to the wait: later the same may succeed.
NOT_NOW = _TRY_AGAIN | {"55P03"}
_PAUSES = (0.01, 0.03, 0.1)


def tried_again(rule: Callable[P, R]) -> Callable[P, R]:
    """Run the rule again after a deadlock or a serialisation failure, at most three times.

    Only where the rule's transaction is the outermost one: inside a caller's transaction everything
    before it is lost as well, so the error goes up to whoever can repeat it all.
    """

    @wraps(rule)
    def trying(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return rule(*args, **kwargs)
        for pause in _PAUSES:
            try:
                return rule(*args, **kwargs)
            except OperationalError as error:
                if sqlstate(error) not in _TRY_AGAIN:
                    raise
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 (spreads rivals, hides nothing)
        return rule(*args, **kwargs)

    return trying


def sqlstate(error: DatabaseError) -> str:
    """PostgreSQL's five-letter code of the error, or an empty string."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")


def constraint(error: IntegrityError) -> str:
    """The name of the constraint that spoke, or an empty string."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or "")
