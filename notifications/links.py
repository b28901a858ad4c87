"""Addresses that let somebody without an account do one thing: derived, never stored.

A token is 32 bytes in 43 letters and digits: the UUID of the thing it is about, then 128 bits of
an HMAC over route, UUID and version. Raising the version (`Client.link_version`) kills every
token made before. Letters and digits only, because telephones cut links at punctuation.
"""

import uuid
from hmac import compare_digest
from string import ascii_letters, digits

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

ALPHABET = digits + ascii_letters
LENGTH = 43  # 62**43 > 2**256
MAC_BYTES = 16


def token(route: str, about: uuid.UUID, version: int) -> str:
    """The token that opens `route` (a URL name) for the thing with this UUID."""
    return _write(about.bytes + _mac(settings.SECRET_KEY, route, about, version))


def url(route: str, about: uuid.UUID, version: int) -> str:
    """The full public address with such a token."""
    return f"{settings.PUBLIC_URL}{reverse(route, args=[token(route, about, version)])}"


def about(token: str) -> uuid.UUID | None:
    """What the token claims to be about; None for anything that is no token. Ask `fits` next."""
    raw = _read(token)
    return uuid.UUID(bytes=raw[:16]) if raw else None


def fits(token: str, route: str, version: int) -> bool:
    """Whether we made this token for this route and version (under any key still accepted)."""
    raw = _read(token)
    if raw is None:
        return False
    claimed, mac = uuid.UUID(bytes=raw[:16]), raw[16:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(compare_digest(mac, _mac(key, route, claimed, version)) for key in keys)


def _mac(key: str | bytes, route: str, about: uuid.UUID, version: int) -> bytes:
    message = f"{route} {about} {version}"
    return salted_hmac("notifications.links", message, secret=key, algorithm="sha256").digest()[:MAC_BYTES]


def _write(raw: bytes) -> str:
    number = int.from_bytes(raw)
    letters = ""
    for _ in range(LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters = ALPHABET[digit] + letters
    return letters


def _read(token: str) -> bytes | None:
    if len(token) != LENGTH or not set(token) <= set(ALPHABET):
        return None
    number = 0
    for letter in token:
        number = number * len(ALPHABET) + ALPHABET.index(letter)
    return number.to_bytes(32) if number < 2**256 else None
