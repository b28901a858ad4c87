"""The page behind a one-time link: choose a password, then go on to the second factor."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import sessions, users
from accounts.access import public
from accounts.forms.sign_in import NewPasswordForm


@public("the link's secret is the key; it works once, for seven days, and opens the second factor only")
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Choose a password with an invitation or a reset link."""
    link = users.link(secret)
    if link is None:
        return _page(request, "accounts/invitation_over.html", {}, status=410)
    form = NewPasswordForm(request.POST or None, user=link.user)
    if request.method == "POST" and form.is_valid():
        user = users.set_password_by_link(secret, form.cleaned_data["password"])
        if user is None:
            return _page(request, "accounts/invitation_over.html", {}, status=410)
        sessions.begin(request, user)
        return redirect("accounts:second_factor")
    context = {"form": form, "link": link}
    return _page(request, "accounts/invitation.html", context, status=422 if form.errors else 200)


def _page(request: HttpRequest, template: str, context: dict[str, object], *, status: int) -> HttpResponse:
    """Rendered so that the address with its secret is told to nobody.

    With "no-referrer" browsers would not say either where the form comes from (`Origin: null`), and the
    password would be refused as if another site had sent it.
    """
    response = render(request, template, context, status=status)
    response["Referrer-Policy"] = "strict-origin"
    return response
