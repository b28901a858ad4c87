"""Kinds of appointment, maintained by the coordination."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import kinds as rules
from scheduling.forms.kinds import KindForm
from scheduling.models import AppointmentKind

maintains = requires(Permission.PLAN_SESSIONS)


@maintains
@require_GET
def kind_list(request: SignedInRequest) -> HttpResponse:
    """All kinds of the district."""
    found = AppointmentKind.objects.for_user(request.user).order_by("-is_active", "name")
    codes = {kind.code for kind in found}
    context = {"kinds": found, "lacks_usual": any(usual.code not in codes for usual in rules.USUAL)}
    return render(request, "scheduling/kinds.html", context)


@maintains
@require_http_methods(["GET", "POST"])
def kind(request: SignedInRequest, uuid: UUID | None = None) -> HttpResponse:
    """Enter a kind, or change one."""
    own = AppointmentKind.objects.for_user(request.user)
    found = get_object_or_404(own, uuid=uuid) if uuid else None
    form = KindForm(request.POST or None, user=request.user, kind=found)
    if request.method == "POST" and form.is_valid():
        try:
            rules.save(found, **form.cleaned_data, by=request.user)
        except rules.NameTaken:
            form.add_error("name", _("Eine Art dieses Namens gibt es schon."))
        else:
            messages.success(request, _("Die Art von Termin ist gespeichert."))
            return redirect("scheduling:kinds")
    status = 422 if form.errors else 200
    return render(request, "scheduling/kind.html", {"form": form, "kind": found}, status=status)


@maintains
@require_POST
def begin(request: SignedInRequest) -> HttpResponse:
    """Enter the usual kinds that are missing."""
    number = rules.begin(request.user.district, by=request.user)
    text = ngettext("%(number)s Art ist ergänzt.", "%(number)s Arten sind ergänzt.", number)
    messages.success(request, text % {"number": number})
    return redirect("scheduling:kinds")
