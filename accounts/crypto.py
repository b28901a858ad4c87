"""Encryption of personal data at rest, and blind indexes to find it again."""

from functools import lru_cache
from hashlib import sha256
from hmac import new as hmac_new

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


@lru_cache(maxsize=8)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """The text sealed under the newest of `FIELD_KEYS` (a Fernet token, ASCII)."""
    return _fernet(tuple(settings.FIELD_KEYS)).encrypt(text.encode()).decode("ascii")


def decrypt(token: str) -> str:
    """The sealed text; any of `FIELD_KEYS` may have sealed it.

    Raises `cryptography.fernet.InvalidToken` when none fits or the token was altered.
    """
    return _fernet(tuple(settings.FIELD_KEYS)).decrypt(token.encode("ascii")).decode()


def rotate(token: str) -> str:
    """The same text sealed anew under the newest key."""
    return _fernet(tuple(settings.FIELD_KEYS)).rotate(token.encode("ascii")).decode("ascii")


def blind_index(value: str, *, purpose: str) -> str:
    """A keyed digest (32 hex digits) by which an encrypted value can be found, never read.

    `purpose` keeps the digests of different fields apart.
    """
    message = f"{purpose}:{value}".encode()
    return hmac_new(settings.INDEX_KEY.encode(), message, sha256).hexdigest()[:32]
