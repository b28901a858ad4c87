"""Runs a Python program that ends with whoever started it, even if that one was killed.

    python -m config.bound PARENT ARGUMENTS…      PARENT: the starter's process id

After `kill -9` nobody is left to tidy up: the kernel does it, where it can (Linux). Elsewhere the
program outlives its starter.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # sys/prctl.h


def main(parent: int, arguments: list[str]) -> None:
    """Become the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before it could be watched
            sys.exit(1)
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 (a program of ours)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
