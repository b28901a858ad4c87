"""The team lead assigns cases, seeing case numbers and people of the team, no clients."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from clients import registry
from clients.forms import AssignForm
from clients.models import Client


@requires(Permission.ASSIGN_CASES)
@require_GET
def assignments(request: SignedInRequest) -> HttpResponse:
    """The organisation's open cases by number, with owner and deputy."""
    cases = Client.objects.to_assign_by(request.user).open().select_related("owner", "deputy")
    nobody = Exists(Client.objects.led_by_nobody().filter(pk=OuterRef("pk")))
    rows = cases.annotate(is_led_by_nobody=nobody).order_by("owner__name", "case_number")
    return render(request, "clients/assignments.html", {"cases": rows})


@requires(Permission.ASSIGN_CASES)
@require_http_methods(["GET", "POST"])
def assign(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Hand one case over."""
    client = get_object_or_404(Client.objects.to_assign_by(request.user), uuid=uuid)
    form = AssignForm(request.POST or None, client=client)
    if request.method == "POST" and form.is_valid():
        registry.assign(client, **form.cleaned_data, by=request.user)
        messages.success(request, _("Fall %(number)s ist zugewiesen.") % {"number": client.case_number})
        return redirect("clients:assignments")
    status = 422 if form.errors else 200
    return render(request, "clients/assign.html", {"form": form, "client": client}, status=status)
