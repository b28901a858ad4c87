"""When people and rooms are there: weekly hours and absences."""

from uuid import UUID

from django.contrib import messages
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import presence
from scheduling.forms.presence import AbsenceForm, HoursForm, PersonForm
from scheduling.models import Absence, Resource

enters = requires(
    Permission.PLAN_SESSIONS, Permission.COORDINATE_INTERPRETERS, Permission.SEE_AGENDA, Permission.BOOK
)


@enters
@require_GET
def resource_list(request: SignedInRequest) -> HttpResponse:
    """Those whose times one may enter; who has only their own is led there."""
    found = list(presence.manageable(request.user).filter(is_active=True).prefetch_related("weekly_hours"))
    if len(found) == 1 and found[0].user_id == request.user.pk:
        return redirect("scheduling:presence", found[0].uuid)
    return render(
        request,
        "scheduling/presence_list.html",
        {"resources": [(one, presence.week_in_words(one)) for one in found]},
    )


@enters
@require_GET
def resource(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One person's or room's week and absences, with the appointments that stand in them."""
    return _page(request, _mine(request, uuid))


@enters
@require_POST
def set_hours(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The week as typed is the week from now on."""
    found = _mine(request, uuid)
    form = HoursForm(request.POST, resource=found)
    if not form.is_valid():
        return _page(request, found, hours=form)
    try:
        presence.set_hours(
            found, form.hours, keeps_holidays=form.cleaned_data["keeps_holidays"], by=request.user
        )
    except presence.HoursOverlap:
        form.add_error(None, _("Zwei Zeiten überschneiden sich, oder ein Ende liegt vor dem Beginn."))
        return _page(request, found, hours=form)
    messages.success(request, _("Die Wochenzeiten sind gespeichert. Geplante Termine bleiben stehen."))
    return redirect("scheduling:presence", uuid)


@enters
@require_POST
def describe(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """By which languages and gender the person is found from now on."""
    found = _mine(request, uuid)
    if not presence.is_described(found):
        raise Http404
    form = PersonForm(request.POST, resource=found)
    if not form.is_valid():
        return _page(request, found, person=form)
    presence.describe(found, **form.cleaned_data, by=request.user)
    messages.success(request, _("Gespeichert. Freie Termine werden ab jetzt damit gefunden."))
    return redirect("scheduling:presence", uuid)


@enters
@require_POST
def add_absence(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """From now on nothing is offered in that time."""
    found = _mine(request, uuid)
    form = AbsenceForm(request.POST, district=request.user.district)
    if not form.is_valid():
        return _page(request, found, absence=form)
    made = presence.add_absence(found, **form.cleaned_data, by=request.user)
    standing = len(presence.concerned(found, made.during.lower, made.during.upper))
    messages.success(request, _("Die Abwesenheit ist eingetragen. Freie Termine darin sind gesperrt."))
    if standing:
        text = ngettext(
            "Ein Termin ist in dieser Zeit schon gebucht und bleibt stehen, bis ihn jemand verlegt.",
            "%(number)d Termine sind in dieser Zeit schon gebucht und bleiben, bis sie jemand verlegt.",
            standing,
        )
        messages.warning(request, text % {"number": standing})
    return redirect("scheduling:presence", uuid)


@enters
@require_POST
def remove_absence(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Back after all."""
    own = Absence.objects.filter(resource__in=presence.manageable(request.user), source=None)
    found = get_object_or_404(own.select_related("resource"), uuid=uuid)
    presence.remove_absence(found, by=request.user)
    messages.success(request, _("Die Abwesenheit ist entfernt. Freie Termine sind wieder buchbar."))
    return redirect("scheduling:presence", found.resource.uuid)


def _mine(request: SignedInRequest, uuid: UUID) -> Resource:
    return get_object_or_404(presence.manageable(request.user), uuid=uuid)


def _page(
    request: SignedInRequest,
    found: Resource,
    *,
    hours: HoursForm | None = None,
    absence: AbsenceForm | None = None,
    person: PersonForm | None = None,
) -> HttpResponse:
    coming = list(found.absences.filter(during__endswith__gt=Now()).order_by("during"))
    spans = [(entry.during.lower, entry.during.upper) for entry in coming]
    context = {
        "resource": found,
        "hours": hours or HoursForm(resource=found),
        "absence": absence or AbsenceForm(district=request.user.district),
        "absences": list(zip(coming, presence.concerned_in(found, spans), strict=True)),
        "person": person or (PersonForm(resource=found) if presence.is_described(found) else None),
        "is_own": found.user_id == request.user.pk,
    }
    status = 422 if hours or absence or person else 200
    return render(request, "scheduling/presence.html", context, status=status)
