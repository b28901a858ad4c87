"""When clients are reminded of appointments of a kind, chosen by the coordination."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import reminder_plans
from scheduling.forms.reminders import ReminderPlanForm
from scheduling.models import AppointmentKind


@requires(Permission.PLAN_SESSIONS)
@require_http_methods(["GET", "POST"])
def reminder_plan(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The plan that counts now, to change or to give up for the usual one."""
    kind = get_object_or_404(AppointmentKind.objects.for_user(request.user), uuid=uuid)
    gives_up = request.POST.get("act") == "usual"
    form = ReminderPlanForm(request.POST if request.POST and not gives_up else None, kind=kind)
    if request.method == "POST" and (gives_up or form.is_valid()):
        reminder_plans.save(kind, [] if gives_up else form.plan(), by=request.user)
        messages.success(request, _("Gespeichert. Es gilt für alles, was ab jetzt gebucht wird."))
        return redirect("scheduling:kind", kind.uuid)
    context = {"kind": kind, "form": form, "is_own": kind.reminder_rules.exists()}
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "scheduling/reminder_plan.html", context, status=status)
