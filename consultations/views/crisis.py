"""The crisis card inside the referral form: the form goes on when the steps were taken."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import SignedInRequest
from accounts.models import User
from accounts.roles import Role
from consultations import crisis as rules
from consultations.models import CrisisStep, Referral
from consultations.views.referrals import mine, own
from scheduling.problems import Refused


@own
@require_GET
def crisis(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Whom to call, and the check list with its times."""
    return _show(request, mine(request, uuid))


@own
@require_POST
def tick(request: SignedInRequest, uuid: UUID, step: str) -> HttpResponse:
    """This step was taken, now."""
    referral = mine(request, uuid)
    if step in CrisisStep.Step.values:
        rules.tick(referral, step=step, by=request.user)
    return redirect("consultations:crisis", uuid)


@own
@require_POST
def finish(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """ "Krisenschritte sind erfolgt": on with the form."""
    referral = mine(request, uuid)
    try:
        rules.finish(referral, by=request.user)
    except Refused as refused:
        return _show(request, referral, refused=refused, status=409)
    messages.success(request, _("Die Krisenschritte sind mit Uhrzeit festgehalten."))
    return redirect("consultations:referral", uuid, "frage")


def _show(
    request: SignedInRequest, referral: Referral, *, refused: Refused | None = None, status: int = 200
) -> HttpResponse:
    ticked = {step.step: step for step in referral.crisis_steps.select_related("taken_by")}
    leads = User.objects.active().with_role(Role.TEAM_LEAD).filter(organisation=referral.organisation_id)
    context = {
        "referral": referral,
        "steps": [(value, label, ticked.get(value)) for value, label in CrisisStep.Step.choices],
        "numbers": referral.district.crisis_numbers.all(),
        "deputy": referral.client.deputy if referral.client else None,
        "team_leads": leads,
        "refused": refused,
    }
    return render(request, "consultations/crisis.html", context, status=status)
