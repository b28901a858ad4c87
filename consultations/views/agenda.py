"""The specialist's day, and what became of each appointment."""

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import register_converter, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from consultations import agenda as days
from consultations import attendance
from consultations.forms import noshow
from consultations.models import Referral
from scheduling import live
from scheduling.models import Booking, NoShowReason
from scheduling.problems import Refused


class IsoDay:
    """A day in an address: 2026-12-08."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(IsoDay, "iso")


@requires(Permission.SEE_AGENDA)
@require_GET
def agenda(request: SignedInRequest, day: date | None = None) -> HttpResponse:
    """The day's cards; without a day the next one with a session. Every referral shown is on record."""
    return _show(request, day, "consultations/agenda.html")


@requires(Permission.SEE_AGENDA)
@require_GET
def cards(request: SignedInRequest, day: date) -> HttpResponse:
    """The same day as it is now (fragment, asked for when something changed)."""
    return _show(request, day, "consultations/agenda.html#cards")


@requires(Permission.SEE_AGENDA, Permission.WORK_ON_CASES)
@require_POST
def mark(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Arrived, fulfilled, not there (with its reason), or a wrong tap taken back."""
    seen = Referral.objects.for_user(request.user)
    booking = get_object_or_404(Booking.objects.filter(referral__in=seen).select_related("slot"), uuid=uuid)
    refused = None
    try:
        _mark(request, booking)
    except Refused as caught:
        refused = caught
    if not request.user.may(Permission.SEE_AGENDA):
        for problem in refused.problems if refused else []:
            messages.warning(request, str(problem))
        return redirect("consultations:referral", booking.referral.uuid)
    on = timezone.localdate(booking.start_at)
    if refused:
        return _show(request, on, "consultations/agenda.html", refused=refused)
    return redirect(f"{reverse('consultations:agenda', args=[on])}#termin-{booking.slot.uuid}")


def _mark(request: SignedInRequest, booking: Booking) -> None:
    act, reason = request.POST.get("act"), request.POST.get("reason", "")
    if act == "arrived":
        attendance.mark_arrived(booking, by=request.user)
    elif act == "fulfilled":
        attendance.mark_fulfilled(booking, by=request.user)
    elif act == "noshow":
        known = reason if reason in NoShowReason.values else NoShowReason.UNKNOWN
        attendance.mark_noshow(booking, reason=known, by=request.user)
    elif act == "undo":
        attendance.undo_mark(booking, by=request.user)
    else:
        raise Http404


def _show(
    request: SignedInRequest, on: date | None, template: str, *, refused: Refused | None = None
) -> HttpResponse:
    around = days.around(request.user)
    if on is not None and not days.may_look_at(on, around.now):
        raise Http404
    day = days.on_day(on or around.nearest, around)
    audit.look_at_all([card.referral for card in day.cards if card.referral], by=request.user)
    context = {
        "day": day,
        "socket": live.address(live.topic(day.sessions[0])) if day.sessions else "",
        "noshow_options": noshow.options(),
        "refused": refused,
        "now": around.now,
    }
    return render(request, template, context, status=409 if refused else 200)
