"""A second clarification: the caseworker asks, the coordinator decides and sees a case number only."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from consultations import exceptions
from consultations.forms.referral import DecisionForm, ReasonForm
from consultations.models import ClarificationException
from consultations.views.referrals import mine, own
from scheduling.problems import Refused

# Decided ones stay in sight for a while.
_DECIDED_ROWS = 20


@own
@require_http_methods(["GET", "POST"])
def ask(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask for a further clarification of the referral's client."""
    referral = mine(request, uuid)
    if referral.client is None:
        raise Http404
    form = ReasonForm(request.POST or None)
    refused = None
    if request.method == "POST" and form.is_valid():
        try:
            exceptions.request(referral.client, reason=form.cleaned_data["reason"], by=request.user)
        except Refused as caught:
            refused = caught
        else:
            messages.success(request, _("Ihre Bitte liegt der Koordination vor."))
            return redirect("consultations:referral", uuid, "uebersicht")
    answer = exceptions.answer(referral.client)
    context = {"referral": referral, "form": form, "refused": refused, "answer": answer}
    status = 409 if refused else 422 if form.errors else 200
    return render(request, "consultations/exception_ask.html", context, status=status)


@requires(Permission.ALLOW_EXCEPTIONS)
@require_GET
def exception_list(request: SignedInRequest) -> HttpResponse:
    """What waits for a decision, and what was decided lately."""
    return _list(request)


@requires(Permission.ALLOW_EXCEPTIONS)
@require_POST
def decide(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Allow or decline one request."""
    form = DecisionForm(request.POST, prefix=str(uuid))
    try:
        exception = ClarificationException.objects.for_user(request.user).get(uuid=uuid)
        if not form.is_valid():
            return _list(request, typed={exception.uuid: form}, status=422)
        allowed = form.cleaned_data["allowed"] == "yes"
        exceptions.decide(exception, allowed=allowed, reason=form.cleaned_data["reason"], by=request.user)
    except ClarificationException.DoesNotExist:
        return _list(request, refused=Refused([exceptions.TAKEN_BACK]), status=404)
    except Refused as refused:
        return _list(request, refused=refused, status=409)
    messages.success(request, _("Ihre Entscheidung ist festgehalten."))
    return redirect("consultations:exceptions")


def _list(
    request: SignedInRequest,
    *,
    typed: dict[UUID, DecisionForm] | None = None,
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = ClarificationException.objects.for_user(request.user).select_related(
        "client", "requested_by__organisation", "decided_by"
    )
    waiting = list(rows.open())
    audit.look_at_all(waiting, by=request.user)
    forms = typed or {}
    context = {
        "waiting": [(one, forms.get(one.uuid) or DecisionForm(prefix=str(one.uuid))) for one in waiting],
        "decided": rows.exclude(decided_at=None).order_by("-decided_at")[:_DECIDED_ROWS],
        "refused": refused,
    }
    return render(request, "consultations/exception_list.html", context, status=status)
