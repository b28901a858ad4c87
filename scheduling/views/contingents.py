"""Sharing out a session's seats."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import when
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import contingents as rules
from scheduling.forms.contingents import ContingentsForm
from scheduling.models import Session
from scheduling.problems import Refused


@requires(Permission.PLAN_SESSIONS)
@require_http_methods(["GET", "POST"])
def contingents(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """So many seats for each organisation, of this session or of the whole series."""
    own = Session.objects.for_user(request.user).select_related("district", "series")
    session = get_object_or_404(own, uuid=uuid)
    form = ContingentsForm(request.POST or None, session=session, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            _set_aside(request, session, form)
        except Refused as refused:
            form.add_error(None, refused.in_words)
        else:
            return redirect("scheduling:session", session.uuid)
    context = {"session": session, "form": form}
    return render(request, "scheduling/contingents.html", context, status=422 if form.errors else 200)


def _set_aside(request: SignedInRequest, session: Session, form: ContingentsForm) -> None:
    days = form.cleaned_data["free_days_before"]
    rules.set_aside(session, form.shares(), free_days_before=days, by=request.user)
    messages.success(request, _("Die Kontingente sind festgelegt."))
    if session.series is not None and form.cleaned_data.get("whole_series"):
        kept = rules.set_aside_from_series(
            session.series, form.shares(), free_days_before=days, by=request.user
        )
        if kept:
            names = ", ".join(when.day_year(each.start_at) for each in kept)
            messages.warning(
                request,
                _("Weil dort schon zu viele Plätze belegt sind, bleibt es wie bisher: %(days)s.")
                % {"days": names},
            )
