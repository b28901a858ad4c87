"""Times an office offers: seen, opened, and the list of one day with whoever walks in."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from accounts.rows import clock, today
from scheduling import calendars, day_lists, openings, running
from scheduling.forms.openings import OpeningForm
from scheduling.models import Series, Session, Slot
from scheduling.models.series import SessionQuerySet
from scheduling.problems import Refused
from scheduling.series import CannotPlan

offers = requires(Permission.BOOK, Permission.PLAN_SESSIONS)
holds_sessions = requires(Permission.BOOK, Permission.PLAN_SESSIONS, Permission.SEE_AGENDA)


@offers
@require_GET
def opening_list(request: SignedInRequest) -> HttpResponse:
    """The next dates and the series in the calendars one manages."""
    managed = calendars.managed(request.user)
    context = {
        "days": openings.coming(request.user),
        "running": running.of(
            Series.objects.for_user(request.user).filter(calendar__in=managed).of_offices(),
            now=clock(),
        ),
        "has_calendar": managed.in_use().exists(),
    }
    return render(request, "scheduling/openings.html", context)


@offers
@require_http_methods(["GET", "POST"])
def open_times(request: SignedInRequest) -> HttpResponse:
    """Offer times, once or every week; what is in the way is named, and can be left out."""
    form = OpeningForm(request.POST or None, user=request.user, initial={"first_on": today})
    conflicts: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            _open(request, form)
        except CannotPlan as problem:
            for text in problem.problems:
                form.add_error(None, text)
            conflicts = [each.text for date in problem.conflicts for each in date.conflicts]
        else:
            return redirect("scheduling:openings")
    context = {
        "form": form,
        "conflicts": conflicts,
        "has_calendar": calendars.managed(request.user).in_use().exists(),
    }
    return render(request, "scheduling/opening.html", context, status=422 if form.errors else 200)


@holds_sessions
@require_GET
def day_list(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Who comes to one date, to be printed; names only for whom they are."""
    found = get_object_or_404(_readable(request), uuid=uuid)
    rows = day_lists.rows(found, by=request.user)
    audit.look_at_all([seat.booking for row in rows for seat in row.seats if seat.name], by=request.user)
    context = {
        "session": found,
        "rows": rows,
        "may_add": day_lists.may_add(found, rows, by=request.user),
        "may_open": calendars.managed(request.user).filter(pk=found.calendar_id).exists(),
    }
    return render(request, "scheduling/day_list.html", context)


@offers
@require_POST
def walk_in(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Somebody came without an appointment; the name may stay empty."""
    managed = Slot.objects.for_user(request.user).filter(calendar__in=calendars.managed(request.user))
    slot = get_object_or_404(managed.select_related("session"), uuid=uuid)
    try:
        day_lists.walk_in(slot, guest=request.POST.get("guest", "").strip()[:120], by=request.user)
    except Refused as refused:
        for problem in refused.problems:
            messages.warning(request, str(problem))
    else:
        messages.success(request, _("Eingetragen."))
    return redirect("scheduling:day_list", slot.session.uuid)


def _open(request: SignedInRequest, form: OpeningForm) -> None:
    said = form.cleaned_data
    if said["how"] == "once":
        openings.once(form.offer, on=said["first_on"], start_time=said["start_time"], by=request.user)
        messages.success(request, _("Die Zeit ist angeboten."))
        return
    made = openings.weekly(
        form.offer,
        every=said["every"],
        weekdays=tuple(said["weekdays"]),
        first_on=said["first_on"],
        start_time=said["start_time"],
        until=said["until"],
        by=request.user,
        skip_conflicts=said["skip_conflicts"],
    )
    number = made.sessions.count()
    text = ngettext("%(number)s Tag ist angeboten.", "%(number)s Tage sind angeboten.", number)
    messages.success(request, text % {"number": number})


def _readable(request: SignedInRequest) -> SessionQuerySet:
    """Those in calendars one manages, and those one holds."""
    user = request.user
    found = Session.objects.filter(district=user.district_id).select_related("calendar", "specialist", "room")
    return found.filter(calendar__in=calendars.managed(user)) | found.held_by(user)
