"""Calendars of offices: entered, shared with others, each with its own rights."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import SignedInRequest, requires
from accounts.models import Organisation
from accounts.roles import Permission
from scheduling import calendars
from scheduling.forms.calendars import CalendarForm, ShareForm
from scheduling.models import Calendar

offers = requires(Permission.BOOK, Permission.PLAN_SESSIONS)


@offers
@require_GET
def calendar_list(request: SignedInRequest) -> HttpResponse:
    """The calendars one may look into, with what one may do in each."""
    user = request.user
    owned = set(calendars.owned(user).values_list("pk", flat=True))
    managed = set(calendars.managed(user).values_list("pk", flat=True))
    bookable = set(Calendar.objects.bookable_by(user).values_list("pk", flat=True))
    found = calendars.visible(user).select_related("organisation").prefetch_related("shares__organisation")
    rows = [
        {
            "calendar": calendar,
            "is_own": calendar.pk in owned,
            "may_manage": calendar.pk in managed,
            "may_book": calendar.pk in bookable,
        }
        for calendar in found.order_by("-is_active", "name")
    ]
    return render(request, "scheduling/calendars.html", {"rows": rows})


@offers
@require_http_methods(["GET", "POST"])
def calendar(request: SignedInRequest, uuid: UUID | None = None) -> HttpResponse:
    """Enter a calendar of one's own organisation, or change one; below: whom it is shared with."""
    found = get_object_or_404(calendars.owned(request.user), uuid=uuid) if uuid else None
    form = CalendarForm(request.POST or None, calendar=found)
    if request.method == "POST" and form.is_valid():
        try:
            saved = calendars.save(found, **form.cleaned_data, by=request.user)
        except calendars.NameTaken:
            form.add_error("name", _("Einen Kalender dieses Namens gibt es schon."))
        else:
            messages.success(request, _("Der Kalender ist gespeichert."))
            return redirect("scheduling:calendar", saved.uuid)
    return _page(request, found, form)


@offers
@require_POST
def share(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Share it, or change what another organisation may do."""
    found = get_object_or_404(calendars.owned(request.user), uuid=uuid)
    sharing = ShareForm(request.POST, user=request.user, calendar=found)
    if not sharing.is_valid():
        return _page(request, found, CalendarForm(calendar=found), sharing)
    calendars.share(found, **sharing.cleaned_data, by=request.user)
    messages.success(request, _("Der Kalender ist geteilt."))
    return redirect("scheduling:calendar", uuid)


@offers
@require_POST
def unshare(request: SignedInRequest, uuid: UUID, organisation: UUID) -> HttpResponse:
    """End what another organisation may do; its bookings stay."""
    found = get_object_or_404(calendars.owned(request.user), uuid=uuid)
    other = get_object_or_404(Organisation, district=request.user.district_id, uuid=organisation)
    calendars.share(found, other, "", by=request.user)
    messages.success(request, _("Der Kalender ist nicht mehr geteilt. Gebuchte Termine bleiben."))
    return redirect("scheduling:calendar", uuid)


def _page(
    request: SignedInRequest, found: Calendar | None, form: CalendarForm, sharing: ShareForm | None = None
) -> HttpResponse:
    context = {
        "calendar": found,
        "form": form,
        "shares": found.shares.select_related("organisation").order_by("organisation__name") if found else [],
        "sharing": sharing or (ShareForm(user=request.user, calendar=found) if found else None),
    }
    has_errors = form.errors or (sharing is not None and sharing.errors)
    return render(request, "scheduling/calendar.html", context, status=422 if has_errors else 200)
