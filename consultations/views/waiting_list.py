"""From a complete referral onto the waiting list."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from consultations import readiness, waiting_list
from consultations.views.referrals import anew_when_changed, mine
from scheduling.forms.waiting import WhenForm
from scheduling.problems import Refused


@requires(Permission.BOOK)
@require_http_methods(["GET", "POST"])
@anew_when_changed
def wait(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """When they can come; the rest the referral says itself."""
    referral = mine(request, uuid)
    form = WhenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            waiting_list.enter(referral, by=request.user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refused.in_words)
        else:
            messages.success(request, _("Eingetragen. Sobald ein Platz passt, steht er auf „Heute“."))
            return redirect("scheduling:waiting")
    context = {"referral": referral, "form": form, "problems": readiness.problems(referral)}
    return render(request, "consultations/wait.html", context, status=422 if form.errors else 200)
