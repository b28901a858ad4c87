"""One's own account: name, telephone, language, password."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import second_factor, sessions, users
from accounts.access import SignedInRequest, public, signed_in
from accounts.forms.sign_in import ChangePasswordForm, ProfileForm
from accounts.models import User
from accounts.views.sign_in import back


@signed_in
@require_http_methods(["GET", "POST"])
def profile(request: SignedInRequest) -> HttpResponse:
    """Who one is here, and what of it one may change oneself."""
    form = ProfileForm(request.POST or None, initial=ProfileForm.initial_of(request.user))
    if request.method == "POST" and form.is_valid():
        users.change_own(request.user, **form.cleaned_data)
        request.session.pop(sessions.LANGUAGE_KEY, None)
        with translation.override(request.user.language):
            messages.success(request, _("Gespeichert."))
        return redirect("accounts:profile")
    context = {
        "form": form,
        "codes_left": second_factor.recovery_codes_left(request.user),
    }
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def password(request: SignedInRequest) -> HttpResponse:
    """A new password; sessions elsewhere end."""
    form = ChangePasswordForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        users.change_password(request.user, form.cleaned_data["password"])
        update_session_auth_hash(request, request.user)
        messages.success(request, _("Ihr Passwort ist geändert. Andere Geräte sind abgemeldet."))
        return redirect("accounts:profile")
    return render(request, "accounts/password.html", {"form": form}, status=422 if form.errors else 200)


@public("changes the language of the reader's own pages, nothing else")
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """The pages in another language, from now on."""
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES):
        request.session[sessions.LANGUAGE_KEY] = chosen
        user = request.user
        if isinstance(user, User) and user.is_verified():
            users.change_own(user, language=chosen)
    return redirect(back(request))
