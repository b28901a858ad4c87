"""Enforces each view's declaration, the idle time-out, and speaks the reader's language and zone."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.http import urlencode

from accounts.access import Door, declaration
from accounts.models import User

Next = Callable[[HttpRequest], HttpResponse]
LANGUAGE_KEY = "language"
_SEEN_KEY = "seen_at"
_SEEN_RESOLUTION_SECONDS = 30


class LocaleMiddleware:
    """The signed-in person's language and their district's zone; else what the browser asks for."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        language = request.session.get(LANGUAGE_KEY) or (
            user.language if isinstance(user, User) else translation.get_language_from_request(request)
        )
        zone = user.district.tz if isinstance(user, User) else None
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


class AccessMiddleware:
    """Access is denied until declared (accounts/access.py)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        access = declaration(view)
        if access is None:
            raise ImproperlyConfigured(
                f"{view.__module__}.{view.__qualname__} does not declare who may enter."
            )
        if access.door is Door.PUBLIC:
            return None
        user = request.user
        if not isinstance(user, User) or not user.is_active:
            return _to_sign_in(request)
        if _is_idle(request):
            logout(request)
            return _to_sign_in(request)
        if access.door is Door.AFTER_PASSWORD:
            return None
        if not user.is_verified():  # type: ignore[attr-defined]  # django_otp's middleware adds it
            return _to_sign_in(request)
        if not access.allows(user):
            raise PermissionDenied
        return None


def _is_idle(request: HttpRequest) -> bool:
    """Whether the session slept too long; otherwise remembers that it is awake."""
    now = time.time()
    seen = request.session.get(_SEEN_KEY)
    if seen is not None and now - seen > settings.IDLE_TIMEOUT_SECONDS:
        return True
    if seen is None or now - seen > _SEEN_RESOLUTION_SECONDS:
        request.session[_SEEN_KEY] = now
    return False


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back here afterwards; scripts get a 401 that names the address."""
    back = request.get_full_path() if request.method == "GET" else request.headers.get("Referer", "/")
    address = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request") or request.headers.get("X-Requested-With"):
        return HttpResponse(status=401, headers={"HX-Redirect": address, "X-Sign-In": address})
    return HttpResponse(status=302, headers={"Location": address})
