"""The coordinator's year: its sessions, one session, cancelling, ending a series."""

from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Prefetch, Q
from django.db.models.functions import Now
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts import when
from accounts.access import SignedInRequest, requires
from accounts.models import User
from accounts.roles import Permission
from accounts.rows import clock, today
from scheduling import (
    calendars,
    contingents,
    rebooking,
    running,
    series,
    series_changes,
    session_moves,
    sessions,
    timetables,
)
from scheduling.forms.sessions import CancelSessionForm, EndSeriesForm
from scheduling.models import Booking, Series, Session, Slot
from scheduling.models.series import SessionQuerySet
from scheduling.problems import Refused

_BOOKED = Q(
    slots__bookings__status__in=[
        Booking.Status.BOOKED,
        Booking.Status.ARRIVED,
        Booking.Status.FULFILLED,
        Booking.Status.NOSHOW,
    ]
)
_HELD = Q(slots__bookings__status=Booking.Status.TENTATIVE, slots__bookings__held_until__gt=Now())


# One's own office's dates as well, in the calendars one manages.
offers = requires(Permission.PLAN_SESSIONS, Permission.BOOK)


@requires(Permission.PLAN_SESSIONS)
@require_GET
def session_list(request: SignedInRequest, year: int | None = None) -> HttpResponse:
    """The sessions of a year with their counts, the running series, and what needs a decision."""
    now = clock()
    this_year = timezone.localdate(now).year
    shown = this_year if year is None else year
    if shown not in when.YEARS:
        raise Http404
    context = {
        **timetables.year_and_neighbours(shown),
        "this_year": this_year,
        "now": now,
        "sessions": _counted(
            Session.objects.for_user(request.user).of_consultation().filter(start_at__year=shown)
        ),
        "running": running.of_district(request.user.district, now=now),
        "gaps": running.gaps(request.user.district, now=now),
        "waiting": rebooking.waiting(request.user),
        "exceptions": series_changes.exceptions(request.user.district, now=now),
    }
    return render(request, "scheduling/sessions.html", context)


@offers
@require_GET
def session(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One session: its slots with their state and at most the case number."""
    found = _own(request, uuid)
    contingents.show(request.user, [found])
    now = clock()
    living = Booking.objects.living().select_related("client").only(
        "uuid", "slot_id", "status", "held_until", "client__case_number"
    )  # fmt: skip
    context = {
        "session": found,
        "rhythm": running.words(found.series) if found.series else "",
        "slots": Slot.objects.filter(session=found)
        .select_related("kind")
        .prefetch_related(Prefetch("bookings", living, "living")),
        "waiting": rebooking.waiting(request.user, found),
        "is_over": found.end_at <= now,
        "has_begun": found.start_at <= now,
        "moved": session_moves.told_of(found),
        "may_plan": request.user.may(Permission.PLAN_SESSIONS),
        "movable": set(
            Booking.objects.movable_by(request.user).filter(slot__session=found).values_list("pk", flat=True)
        ),
    }
    return render(request, "scheduling/session.html", context)


@offers
@require_http_methods(["GET", "POST"])
def cancel_session(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once for the reason, naming what follows; then the session does not take place."""
    found = _own(request, uuid)
    form = CancelSessionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cancelled = sessions.cancel(found, reason=form.cleaned_data["reason"], by=request.user)
        except Refused as refused:
            form.add_error(None, refused.in_words)
        else:
            _say_cancelled(request, len(cancelled))
            return redirect("scheduling:session", found.uuid)
    booked = Booking.objects.filter(slot__session=found, status=Booking.Status.BOOKED).count()
    context = {"session": found, "form": form, "booked": booked}
    return render(request, "scheduling/cancel_session.html", context, status=422 if form.errors else 200)


@offers
@require_http_methods(["GET", "POST"])
def end_series(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Asks once from which day on; what is booked stays."""
    own = Series.objects.filter(calendar__in=calendars.managed(request.user)).select_related(
        "district", "event__rule", "specialist", "room"
    )
    found = get_object_or_404(own.prefetch_related("template__blocks"), uuid=uuid)
    back = reverse(_list_of(request.user))
    form = EndSeriesForm(request.POST or None, initial={"from_on": today})
    if request.method == "POST" and form.is_valid():
        kept = series.end(found, from_on=form.cleaned_data["from_on"], by=request.user)
        messages.success(request, _("Die Serie ist beendet."))
        if kept:
            days = ", ".join(when.day_year(each.start_at) for each in kept)
            messages.warning(request, _("Weil dort gebucht ist, bleiben: %(days)s.") % {"days": days})
        return redirect(back)
    held_by = ", ".join(str(one) for one in (found.specialist, found.room) if one)
    context = {"rhythm": running.words(found), "held_by": held_by, "back": back, "form": form}
    return render(request, "scheduling/end_series.html", context, status=422 if form.errors else 200)


def _list_of(user: User) -> str:
    """Where this person finds the series they may end."""
    return "scheduling:sessions" if user.may(Permission.PLAN_SESSIONS) else "scheduling:openings"


def _own(request: SignedInRequest, uuid: UUID) -> Session:
    own = Session.objects.filter(calendar__in=calendars.managed(request.user)).select_related(
        "specialist", "room", "series__event__rule", "series__district"
    )
    return get_object_or_404(own, uuid=uuid)


def _counted(found: SessionQuerySet) -> SessionQuerySet:
    """Sessions in the order of their days, with how many of their slots are there, booked and held."""
    counted = found.select_related("specialist", "room").annotate(
        places=Count("slots", filter=Q(slots__is_open=True), distinct=True),
        booked=Count("slots__bookings", filter=_BOOKED, distinct=True),
        held=Count("slots__bookings", filter=_HELD, distinct=True),
    )
    # Counting groups the rows, and Django then leaves the model's own order out.
    return counted.order_by("start_at")


def _say_cancelled(request: SignedInRequest, number: int) -> None:
    text = ngettext(
        "Die Sprechstunde ist abgesagt. %(number)s Termin steht zur Neuvergabe.",
        "Die Sprechstunde ist abgesagt. %(number)s Termine stehen zur Neuvergabe.",
        number,
    )
    messages.success(request, text % {"number": number} if number else _("Die Sprechstunde ist abgesagt."))
