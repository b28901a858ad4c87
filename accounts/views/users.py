"""Who works here: list, invitation, roles, links, closing accounts."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import users
from accounts.access import SignedInRequest, requires
from accounts.forms.users import FactorResetForm, InviteForm, UserForm
from accounts.models import User
from accounts.roles import Permission
from accounts.rows import clock


@requires(Permission.MANAGE_USERS)
@require_GET
def user_list(request: SignedInRequest) -> HttpResponse:
    """Everybody of the district with their standing."""
    return render(request, "accounts/users.html", {"people": users.standing(by=request.user)})


@requires(Permission.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def invite(request: SignedInRequest) -> HttpResponse:
    """Somebody new; the answer shows their link, this once."""
    form = InviteForm(request.POST or None, by=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            invited = users.invite(by=request.user, **form.cleaned_data)
        except users.NameTaken:
            form.add_error("username", _("Diesen Anmeldenamen hat schon jemand."))
        else:
            return _link_page(request, invited.user, invited.secret)
    return render(request, "accounts/invite.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def user(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One person: name, roles, organisation; and what can be done about their access."""
    person = get_object_or_404(users.standing(by=request.user), uuid=uuid)
    form = UserForm(request.POST or None, by=request.user, user=person)
    if request.method == "POST" and form.is_valid():
        try:
            users.change(person, by=request.user, **form.cleaned_data)
        except users.LastAdministrator:
            form.add_error("roles", _last_administrator())
        except users.StillInCharge:
            form.add_error(
                "organisation",
                _(
                    "Diese Person führt oder vertritt noch Fälle dieser Organisation."
                    " Die Teamleitung weist sie zuerst anderen zu."
                ),
            )
        else:
            messages.success(request, _("Gespeichert. Rollen gelten ab dem nächsten Aufruf einer Seite."))
            return redirect("accounts:users")
    context = {"form": form, "person": person}
    return render(request, "accounts/user.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_USERS)
@require_POST
def new_link(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Another link for somebody who did not use theirs; who has a password gets the question first."""
    person = _person(request, uuid)
    if person.has_usable_password():
        return redirect("accounts:reset_password", uuid)
    return _link_page(request, person, users.new_link(person, by=request.user))


@requires(Permission.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def reset_password(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once, then shows the link for a new password."""
    person = _person(request, uuid)
    if request.method == "POST":
        return _link_page(request, person, users.reset_password(person, by=request.user))
    return render(request, "accounts/reset_password.html", {"person": person})


@requires(Permission.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def reset_second_factor(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks for the reason, then forgets the person's authenticator."""
    person = _person(request, uuid)
    form = FactorResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        users.reset_second_factor(person, reason=form.cleaned_data["reason"], by=request.user)
        messages.success(request, _("Beim nächsten Anmelden richtet die Person den zweiten Faktor neu ein."))
        return redirect("accounts:user", uuid)
    context = {"form": form, "person": person}
    return render(request, "accounts/reset_second_factor.html", context, status=422 if form.errors else 200)


@requires(Permission.MANAGE_USERS)
@require_http_methods(["GET", "POST"])
def deactivate(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once, then closes the account."""
    person = _person(request, uuid)
    if request.method == "POST":
        try:
            users.deactivate(person, by=request.user)
        except users.LastAdministrator:
            messages.error(request, _last_administrator())
        else:
            messages.success(request, _("Der Zugang ist geschlossen."))
        return redirect("accounts:user", uuid)
    return render(request, "accounts/deactivate.html", {"person": person})


@requires(Permission.MANAGE_USERS)
@require_POST
def reactivate(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Open a closed account again."""
    users.reactivate(_person(request, uuid), by=request.user)
    messages.success(request, _("Der Zugang ist wieder offen."))
    return redirect("accounts:user", uuid)


def _person(request: SignedInRequest, uuid: UUID) -> User:
    return get_object_or_404(User.objects.for_user(request.user), uuid=uuid)


def _last_administrator() -> str:
    return _(
        "Das ist die letzte Person, die den Landkreis verwaltet. Geben Sie zuerst jemand anderem diese Rolle."
    )


def _link_page(request: SignedInRequest, person: User, secret: str) -> HttpResponse:
    """The one time the link can be seen."""
    address = settings.PUBLIC_URL + reverse("accounts:invitation", args=[secret])
    context = {"person": person, "address": address, "until": clock() + users.LINK_VALID}
    return render(request, "accounts/link_shown.html", context)
