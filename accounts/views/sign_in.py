"""Signing in by password, signing out, staying signed in, locking."""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import known_devices, sessions, users
from accounts.access import SignedInRequest, after_password, is_own_page, public, signed_in
from accounts.forms.sign_in import SignInForm
from accounts.models import User


@public("where everybody starts; shows nothing but the form")
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; the second factor comes next."""
    if isinstance(request.user, User) and request.user.is_active and not sessions.end_if_over(request):
        return _to_second_factor(request)
    form = SignInForm(request.POST or None)
    if form.is_valid():
        user = users.check_password(request, **form.cleaned_data)
        if user is not None:
            sessions.begin(request, user)
            return _to_second_factor(request)
        form.add_error(None, _("Anmeldename oder Passwort stimmt nicht. Bitte versuchen Sie es noch einmal."))
    context = {"form": form, "back": back(request)}
    return render(request, "accounts/sign_in.html", context, status=422 if form.errors else 200)


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict[str, Any]) -> HttpResponse:
    """Too many wrong passwords (called by django-axes): how long to wait, and what to do instead."""
    name = known_devices.axes_name(request, credentials)
    last = AccessAttempt.objects.filter(username=name).aggregate(at=Max("attempt_time"))["at"]
    until = (last or timezone.now()) + settings.AXES_COOLOFF_TIME
    minutes = max(1, -(-(until - timezone.now()) // timedelta(minutes=1)))
    return render(request, "accounts/locked_out.html", {"minutes": minutes}, status=429)


@after_password
@require_POST
def sign_out(request: SignedInRequest) -> HttpResponse:
    """End the session; `idle` when the browser does it because nobody was there."""
    sessions.end(request, idle="idle" in request.POST)
    return redirect("accounts:sign_in")


@signed_in
@require_POST
def lock(request: SignedInRequest) -> HttpResponse:
    """Leave the desk for a moment: a code opens the same page again."""
    sessions.lock(request)
    return _to_second_factor(request)


@signed_in
@require_POST
def keep_alive(request: SignedInRequest) -> HttpResponse:
    """Somebody is still there; answers the seconds until the idle time-out."""
    sessions.awake(request, at_once=True)
    return JsonResponse({"seconds": settings.IDLE_TIMEOUT_SECONDS})


def back(request: HttpRequest) -> str:
    """Where the person was going: the validated `next`, an address of ours, or the first page."""
    address = request.POST.get("next") or request.GET.get("next") or ""
    return address if is_own_page(request, address) else settings.LOGIN_REDIRECT_URL


def _to_second_factor(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('accounts:second_factor')}?{urlencode({'next': back(request)})}")
