"""Calendars kept elsewhere: connected, with what went wrong, and removed, by their owner."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedInRequest, signed_in
from scheduling import external
from scheduling.busy_times import Unreadable
from scheduling.forms.external import ExternalCalendarForm
from scheduling.models import ExternalCalendar, Resource


@signed_in
@require_http_methods(["GET", "POST"])
def calendars(request: SignedInRequest) -> HttpResponse:
    """One's own, and one more. Who holds no appointments has nothing to block."""
    resource = Resource.objects.for_user(request.user).filter(user=request.user).first()
    form = ExternalCalendarForm(request.POST or None, request.FILES or None)
    is_fine = request.method == "POST" and form.is_valid()
    if is_fine and resource is not None and _add(request, resource, form):
        return redirect("scheduling:external")
    found = ExternalCalendar.objects.for_user(request.user)
    rows = [(calendar, external.FAULTS.get(calendar.fault, "")) for calendar in found]
    context = {"form": form, "rows": rows, "resource": resource}
    return render(request, "scheduling/external.html", context, status=422 if form.errors else 200)


@signed_in
@require_http_methods(["GET", "POST"])
def remove(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once; then its times are bookable again."""
    own = ExternalCalendar.objects.for_user(request.user).select_related("resource")
    found = get_object_or_404(own, uuid=uuid)
    if request.method == "POST":
        external.remove(found, by=request.user)
        messages.success(request, _("Der Kalender ist entfernt. Seine Zeiten sperren nichts mehr."))
        return redirect("scheduling:external")
    return render(request, "scheduling/external_remove.html", {"calendar": found})


def _add(request: SignedInRequest, resource: Resource, form: ExternalCalendarForm) -> bool:
    name, address, data = (form.cleaned_data[field] for field in ("name", "address", "file"))
    try:
        if address:
            external.subscribe(resource, name=name, address=address, by=request.user)
            messages.success(request, _("Der Kalender ist verbunden. Wir lesen ihn in der nächsten Minute."))
        else:
            external.upload(resource, name=name, data=data, by=request.user)
            messages.success(request, _("Die Datei ist gelesen. Ihre Zeiten sperren jetzt freie Termine."))
    except Unreadable as refused:
        form.add_error("file", str(external.FAULTS[refused.code]))
    except external.TooMany:
        form.add_error(None, _("Mehr als fünf Kalender gehen nicht. Entfernen Sie zuerst einen."))
    return form.is_valid()
