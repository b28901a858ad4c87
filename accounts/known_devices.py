"""Browsers a person has signed in from before, so that wrong tries elsewhere do not lock them out.

Lock-out counts per person and **place**: a known device counts alone, all unknown ones together.
Whoever guesses from elsewhere, changing browsers and addresses as they like, meets one lock; the
person at their own desk does not feel it, nor does the office behind the same address.

The cookie is signed, holds a random number and a keyed digest of each name known here, and opens
nothing: it only chooses which counter a wrong try goes to.
"""

import secrets
from typing import Any, NamedTuple

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from accounts import crypto
from accounts.models import User

COOKIE = "device"
DAYS_KNOWN = 90
UNKNOWN = "unknown"
_SALT = "accounts.known_devices"
# People on one shared PC; the one who has been away longest is forgotten first.
_MOST_PEOPLE = 12


class _Device(NamedTuple):
    number: str
    people: list[str]


def place(request: HttpRequest, username: str) -> str:
    """Which counter a wrong try of this name from this browser goes to."""
    device = _read(request)
    return device.number if device and _mark(username) in device.people else UNKNOWN


def remember(response: HttpResponse, request: HttpRequest, user: User) -> None:
    """From now on this browser is one of the person's known devices. Call it after both factors."""
    device = _read(request) or _Device(secrets.token_hex(16), [])
    mark = _mark(user.username)
    people = [other for other in device.people if other != mark] + [mark]
    response.set_cookie(
        COOKIE,
        signing.dumps([device.number, people[-_MOST_PEOPLE:]], salt=_SALT),
        max_age=DAYS_KNOWN * 24 * 60 * 60,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def axes_name(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """For django-axes (AXES_USERNAME_CALLABLE): the name together with the place is what it locks."""
    username = str((credentials or {}).get("username") or "").strip().lower()
    return f"{username}@{place(request, username)}"


def no_address(request: HttpRequest) -> None:
    """For django-axes (AXES_CLIENT_IP_CALLABLE): network addresses are personal data nobody needs here."""


def _read(request: HttpRequest) -> _Device | None:
    cookie = request.COOKIES.get(COOKIE)
    if not cookie:
        return None
    try:
        number, people = signing.loads(cookie, salt=_SALT, max_age=DAYS_KNOWN * 24 * 60 * 60)
    except signing.BadSignature:
        return None
    return _Device(number, people)


def _mark(username: str) -> str:
    return crypto.blind_index(username, purpose="known_device")
