"""Enforces each view's declaration, the idle time-out, and speaks the reader's language and zone."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.http import urlencode

from accounts import sessions
from accounts.access import Door, declaration
from accounts.models import User

Next = Callable[[HttpRequest], HttpResponse]
# A request a page makes on its own; it does not mean that somebody sits before it.
BACKGROUND_HEADER = "X-Background"


class LocaleMiddleware:
    """The signed-in person's language and their district's zone; else what the browser asks for."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        language = request.session.get(sessions.LANGUAGE_KEY) or (
            user.language if isinstance(user, User) else translation.get_language_from_request(request)
        )
        zone = user.district.tz if isinstance(user, User) else None
        with translation.override(language), timezone.override(zone):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ["Accept-Language"])
        return response


class AccessMiddleware:
    """Access is denied until declared (accounts/access.py)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not _is_script(request):
            # Django's own is an empty page; who lands there (a bookmark, the back button) reads where to go.
            response.content = render_to_string("405.html", request=request)
        if not _is_public(request) and not response.has_header("Cache-Control"):
            # Whoever sits here after signing out must not get it with the back button.
            add_never_cache_headers(response)
        return response

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
        user = _somebody(request)
        if user is None:
            return _to_sign_in(request)
        if not request.headers.get(BACKGROUND_HEADER):
            sessions.awake(request)
        if access.door is Door.AFTER_PASSWORD:
            return None
        if not user.is_verified():
            return _to_sign_in(request)
        if not access.allows(user):
            raise PermissionDenied
        return None


def _is_public(request: HttpRequest) -> bool:
    access = declaration(request.resolver_match.func) if request.resolver_match else None
    return access is None or access.door is Door.PUBLIC


def _somebody(request: HttpRequest) -> User | None:
    """The person who gave their password, may still sign in, and was here a moment ago."""
    user = request.user
    if not isinstance(user, User) or not user.is_active:
        return None
    if sessions.end_if_over(request):
        return None
    return user


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and back here afterwards; scripts get a 401 that names the address."""
    address = f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': _page(request)})}"
    if _is_script(request):
        return HttpResponse(status=401, headers={"HX-Redirect": address, "X-Sign-In": address})
    return HttpResponseRedirect(address)


def _is_script(request: HttpRequest) -> bool:
    return any(request.headers.get(name) for name in ("HX-Request", "X-Requested-With", BACKGROUND_HEADER))


def _page(request: HttpRequest) -> str:
    """The page somebody was on: this one, or the one whose form or script sent the request."""
    if request.method == "GET" and not _is_script(request):
        return request.get_full_path()
    sender = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer") or "/")
    return sender.path or "/"
