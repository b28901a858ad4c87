"""The list to rebook: whom to call because their session was cancelled."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import doors, rebooking
from scheduling.forms.sessions import SettleForm
from scheduling.models import Rebooking

_SHOWN = ("booking__client", "booking__slot__session", "booking__slot__course")


@requires(Permission.WORK_ON_CASES, Permission.PLAN_SESSIONS)
@require_GET
def rebook(request: SignedInRequest) -> HttpResponse:
    """One's own lost appointments with whom to call; for the coordinator, how many wait where."""
    user = request.user
    own = list(
        Rebooking.objects.for_user(user).open().select_related(*_SHOWN)
        if user.may(Permission.WORK_ON_CASES)
        else []
    )
    addresses = doors.about([entry.booking for entry in own])
    for entry in own:
        entry.address = addresses.get(entry.booking_id, "")
    audit.look_at_all([entry.booking.client for entry in own if entry.booking.client], by=user)
    may_plan = user.may(Permission.PLAN_SESSIONS)
    context = {
        "entries": own,
        "is_caseworker": user.may(Permission.WORK_ON_CASES),
        "waiting": rebooking.waiting(user) if may_plan else [],
        "may_plan": may_plan,
    }
    return render(request, "scheduling/rebook.html", context)


@requires(Permission.WORK_ON_CASES)
@require_POST
def settle(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take one entry off the list, with what became of it."""
    entry = get_object_or_404(Rebooking.objects.for_user(request.user).select_related("booking"), uuid=uuid)
    form = SettleForm(request.POST)
    if form.is_valid():
        outcome = Rebooking.Outcome(form.cleaned_data["outcome"])
        rebooking.settle(entry.booking, by=request.user, outcome=outcome)
        messages.success(request, _("Erledigt."))
    return redirect("scheduling:rebook")
