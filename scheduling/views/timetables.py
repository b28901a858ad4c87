"""Week, day and list of a person or room; the year of all calendars. By links alone, without a script."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts import when
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import timetables
from scheduling.models import Resource

_DAYS = {"woche": 7, "tag": 1, "liste": 28}
# No page opens before; the first week shows days of the year before as well.
_FIRST = date(when.YEARS[0], 1, 1)
looks = requires(
    Permission.BOOK,
    Permission.SEE_BOARD,
    Permission.SEE_AGENDA,
    Permission.PLAN_SESSIONS,
    Permission.COORDINATE_INTERPRETERS,
)


@looks
@require_GET
def own(request: SignedInRequest, form: str = "woche", on: str = "") -> HttpResponse:
    """One's own calendar."""
    first = _first(form, on)
    return _page(request, form, first, timetables.of_person(request.user, first, _DAYS[form]), None)


@looks
@require_GET
def resource(request: SignedInRequest, uuid: UUID, form: str = "woche", on: str = "") -> HttpResponse:
    """The calendar of a colleague or room, with "belegt" for what is not one's own."""
    kinds = [Resource.Kind.SPECIALIST, Resource.Kind.STAFF, Resource.Kind.ROOM]
    found = get_object_or_404(Resource.objects.for_user(request.user).filter(kind__in=kinds), uuid=uuid)
    first = _first(form, on)
    return _page(request, form, first, timetables.of_resource(found, request.user, first, _DAYS[form]), found)


@requires(Permission.PLAN_SESSIONS)
@require_GET
def year(request: SignedInRequest, year: int | None = None) -> HttpResponse:
    """Every calendar's days of a year, month by month."""
    shown = timezone.localdate().year if year is None else year
    if shown not in when.YEARS:
        raise Http404
    context = {
        **timetables.year_and_neighbours(shown),
        "months": [date(shown, month, 1) for month in range(1, 13)],
        "calendars": timetables.of_year(request.user, shown),
    }
    return render(request, "scheduling/timetable_year.html", context)


def _first(form: str, on: str) -> date:
    """The first day shown. 404 for a day or form there is none of."""
    try:
        shown = date.fromisoformat(on) if on else timezone.localdate()
    except ValueError:
        raise Http404 from None
    if form not in _DAYS or not _is_open(shown):
        raise Http404
    return timetables.monday(shown) if form == "woche" else shown


def _page(
    request: SignedInRequest, form: str, first: date, days: list[timetables.Day], found: Resource | None
) -> HttpResponse:
    step = timedelta(days=_DAYS[form])
    if form == "woche":
        # Saturday and Sunday only where something is.
        while len(days) > 5 and not days[-1].entries:
            days = days[:-1]
    context: dict[str, Any] = {
        "resource": found,
        "form": form,
        "first": first,
        "days": days,
        "hours": timetables.hours(days, request.user) if form == "woche" else [],
        "has_entries": any(day.entries for day in days),
        "forms": [(each, _url(found, each, max(first, _FIRST))) for each in _DAYS],
        "previous": _url(found, form, max(first - step, _FIRST)) if first > _FIRST else "",
        "following": _url(found, form, first + step) if _is_open(first + step) else "",
        "today": _url(found, form, timezone.localdate()),
        "others": Resource.objects.for_user(request.user)
        .filter(is_active=True)
        .exclude(kind=Resource.Kind.INTERPRETER)
        .order_by("kind", "name"),
        "may_plan": request.user.may(Permission.PLAN_SESSIONS),
    }
    return render(request, "scheduling/timetable.html", context)


def _is_open(on: date) -> bool:
    return on.year in when.YEARS


def _url(found: Resource | None, form: str, on: date) -> str:
    if found is None:
        return reverse("scheduling:timetable", args=[form, on.isoformat()])
    return reverse("scheduling:timetable_of", args=[found.uuid, form, on.isoformat()])
