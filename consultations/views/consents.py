"""The client's consent to one presentation: given, printed, revoked."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest
from consultations import consent_sheets, referrals
from consultations.views.referrals import anew_when_changed, consent_form, mine, own, sms_obstacles
from scheduling.models import Resource
from scheduling.problems import Refused


@own
@require_POST
@anew_when_changed
def give(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Record the consent."""
    referral = mine(request, uuid)
    form = consent_form(request, referral, request.POST)
    if not form.is_valid():
        context = {"referral": referral, "consent_form": form}
        return render(request, "consultations/consent_give.html", context, status=422)
    if form.is_of_somebody_else:
        raise referrals.Conflict(referral, form.given)
    try:
        referrals.give_consent(referral, by=request.user, **form.given)
    except Refused as refused:
        context = {"referral": referral, "consent_form": form, "refused": refused}
        return render(request, "consultations/consent_give.html", context, status=409)
    messages.success(request, _("Die Einwilligung ist festgehalten."))
    return redirect("consultations:referral", uuid, "einwilligung")


@own
@require_http_methods(["GET", "POST"])
@anew_when_changed
def revoke(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask once, naming what follows; then revoke."""
    referral = mine(request, uuid)
    if request.method == "GET":
        context = {"referral": referral, "obstacles": sms_obstacles(referral)}
        return render(request, "consultations/consent_revoke.html", context)
    referrals.revoke_consent(referral, by=request.user)
    messages.success(request, _("Die Einwilligung ist widerrufen."))
    return redirect("consultations:referral", uuid, "uebersicht")


@own
@require_GET
def sheet(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The consent on paper, to be read out, interpreted and signed; `sprache` chooses another language."""
    referral = mine(request, uuid)
    if not referral.is_presentation or referral.client is None:
        raise Http404
    audit.look(referral, by=request.user, verb="consent_printed")
    specialists = Resource.objects.for_user(request.user).specialists()
    context = {
        "referral": referral,
        "specialists": specialists,
        "sheet": consent_sheets.choose(request.GET.get("sprache", ""), spoken=referral.client.language),
        "sheets": consent_sheets.sheets().values(),
    }
    return render(request, "consultations/consent_sheet.html", context)
