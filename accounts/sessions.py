"""The life of a session: password, second factor, awake, idle, locked, over."""

import time
from typing import Any

import django_otp
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import announcements, audit
from accounts.models import TotpDevice, User

LANGUAGE_KEY = "language"
_SEEN_KEY = "seen_at"
_BEGUN_KEY = "begun_at"
_VERIFIED_KEY = "verified_at"
# How long a code stays good enough for changing one's own second factor.
_FRESH_SECONDS = 5 * 60


def begin(request: HttpRequest, user: User) -> None:
    """The password was right: a new session (new id), which opens nothing but the second factor."""
    language = request.session.get(LANGUAGE_KEY)
    request.session.flush()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session[_BEGUN_KEY] = time.time()
    if language:
        request.session[LANGUAGE_KEY] = language


def verified(request: HttpRequest, device: TotpDevice) -> None:
    """The second factor was right: the session gets a new id and opens everything."""
    request.session.cycle_key()
    django_otp.login(request, device)
    request.session[_VERIFIED_KEY] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    """Whether a code was given just now, as changes to one's own second factor ask for."""
    verified_at: float = request.session.get(_VERIFIED_KEY, 0.0)
    return time.time() - verified_at < _FRESH_SECONDS


def lock(request: HttpRequest) -> None:
    """Leave the desk: everything asks for a code again, the password is not needed."""
    request.session.pop(django_otp.DEVICE_ID_SESSION_KEY, None)
    request.session.pop(_VERIFIED_KEY, None)
    request.session.cycle_key()
    if isinstance(request.user, User):
        announcements.rights_changed(request.user)


def seen_resolution() -> float:
    """By how many seconds a session's note of its last request may lag behind."""
    limit: int = settings.IDLE_TIMEOUT_SECONDS
    return min(30.0, limit / 60)


def end(request: HttpRequest, *, idle: bool = False) -> None:
    """Sign out; nothing of the session is left, and its open sockets close.

    `idle`: nobody asked for it, so the next page says why.
    """
    user = request.user
    if isinstance(user, User):
        audit.record("signed_out", user, by=user)
    logout(request)
    if isinstance(user, User):
        announcements.rights_changed(user)
    if idle:
        messages.info(
            request, _("Sie waren eine Weile nicht aktiv. Zum Schutz der Daten sind Sie abgemeldet.")
        )


def end_if_over(request: HttpRequest) -> bool:
    """End a session that slept too long or lasted a working day, and say so on the next page."""
    if not is_over(request.session):
        return False
    end(request, idle=True)
    return True


def is_over(session: SessionBase | dict[str, Any]) -> bool:
    """Whether it slept longer than `IDLE_TIMEOUT_SECONDS`, or began longer ago than a working day."""
    now = time.time()
    seen_at: float = session.get(_SEEN_KEY, now)
    begun_at: float = session.get(_BEGUN_KEY, now)
    return now - seen_at > settings.IDLE_TIMEOUT_SECONDS or now - begun_at > settings.SESSION_COOKIE_AGE


def awake(request: HttpRequest, *, at_once: bool = False) -> None:
    """Somebody is there.

    Written every half minute at most (`seen_resolution`), unless `at_once`: reading pages writes no rows.
    """
    now = time.time()
    if at_once or now - request.session.get(_SEEN_KEY, 0) > seen_resolution():
        request.session[_SEEN_KEY] = now
