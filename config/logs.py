"""Keeps secret addresses out of the logs: whoever reads a log must not be able to open them.

Django writes the path of every request it answers with an error, and a revoked calendar address is
asked for, and answered with 404, for weeks.
"""

import logging
import re

# Behind these stands a secret: a client's page, a calendar feed, a pool's link, a new colleague's.
_SECRET = re.compile(r"(?<![\w/])/(t|k|e|einladung)/[^\s\"'<>?]+")


class HideSecretPaths(logging.Filter):
    """Shows such an address as "/k/…"."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, its message without the secret."""
        message = record.getMessage()
        hidden = _SECRET.sub(r"/\1/…", message)
        if hidden != message:
            record.msg, record.args = hidden, ()
        return True
