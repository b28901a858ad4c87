"""How often what is left to chance is repeated: little in `make test`, all of it in `make promises`."""

import os

FULL = os.environ.get("ROUNDS") == "full"


def of(full: int, *, quick: int) -> int:
    """`full` with `ROUNDS=full` (`make promises`), else `quick`; for examples that each cost a second."""
    return full if FULL else quick
