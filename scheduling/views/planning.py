"""A coordinator plans a year: form, preview of every date, series."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts import when
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from accounts.rows import clock, today
from scheduling import recurrence, running, series, series_changes
from scheduling.forms import planning as forms
from scheduling.forms.planning import YearForm
from scheduling.models import Series
from scheduling.planning import Outcome, PreviewDate
from scheduling.series import CannotPlan

# What stands in the request beside the form itself.
_NOT_CARRIED = {"csrfmiddlewaretoken", "act", "shown", "dates", "use_template"}
# Dates that take place or not as the coordinator says.
_TO_DECIDE = {Outcome.TAKES_PLACE, Outcome.MOVED, Outcome.LEFT_OUT, Outcome.CONFLICT}


@requires(Permission.PLAN_SESSIONS)
@require_http_methods(["GET", "POST"])
def plan_year(request: SignedInRequest) -> HttpResponse:
    """The form. Its button `act` says what to do: change the blocks, preview, go back, save."""
    return _planning(request, None)


@requires(Permission.PLAN_SESSIONS)
@require_http_methods(["GET", "POST"])
def change_series(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The same form, filled in with a running series: from its first day on, that one goes on so."""
    coming = Series.objects.for_user(request.user).running(clock()).filter(followed_by=None)
    own = coming.select_related("district", "event__rule", "specialist", "room", "kind", "calendar")
    return _planning(request, get_object_or_404(own.prefetch_related("template__blocks"), uuid=uuid))


def _planning(request: SignedInRequest, old: Series | None) -> HttpResponse:
    act = request.POST.get("act", "")
    if act not in {"preview", "save"}:
        return _form(request, _changed(request, act, old), old)
    year = YearForm(request.POST, user=request.user)
    if not year.is_valid() or (old and _cannot_change(year, old)):
        context = {"year": year, "old": old}
        return render(request, "scheduling/plan_year.html", context, status=422)
    return _save(request, year, old) if act == "save" else _preview(request, year, old)


def _cannot_change(year: YearForm, old: Series) -> bool:
    """Whether it cannot be changed from that day on; then the day says why."""
    problems = series_changes.problems(old, year.outline.first_on)
    for problem in problems:
        year.form.add_error("first_on", problem)
    return bool(problems)


def _changed(request: SignedInRequest, act: str, old: Series | None) -> QueryDict | None:
    """What was typed, with the blocks as the button says; None: nothing was typed yet."""
    if request.method != "POST":
        if old is None:
            return None
        outline = running.outline_of(old)
        return forms.typed(outline, old.kind, first_on=running.next_on(outline, today()))
    if act == "add":
        return forms.with_block(request.POST)
    if act == "template":
        return forms.with_template(request.POST, request.user)
    if act.startswith("remove-") and act[7:].isdecimal():
        return forms.without_block(request.POST, int(act[7:]))
    return request.POST


def _form(request: SignedInRequest, data: QueryDict | None, old: Series | None) -> HttpResponse:
    year = YearForm(data, user=request.user, quiet=True)
    fragment = "#blocks" if request.headers.get("HX-Request") else ""
    context = {"year": year, "old": old, "changed": request.method == "POST"}
    return render(request, f"scheduling/plan_year.html{fragment}", context)


def _save(request: SignedInRequest, year: YearForm, old: Series | None) -> HttpResponse:
    left_out = _left_out(request.POST)
    try:
        planned = _change(request, year, old, left_out) if old else _plan(request, year, left_out)
    except CannotPlan as refused:
        return _preview(request, year, old, left_out, refused)
    made = list(planned.sessions.values_list("start_at", flat=True))
    text = ngettext("%(made)s Sprechstunde ist angelegt.", "%(made)s Sprechstunden sind angelegt.", len(made))
    messages.success(request, text % {"made": len(made)})
    first = min(made, default=planned.event.start).astimezone(planned.district.tz)
    return redirect("scheduling:sessions", first.year)


def _change(request: SignedInRequest, year: YearForm, old: Series, left_out: Iterable[date]) -> Series:
    changed = series_changes.change(
        old, year.outline, kind=year.kind, template=year.template, by=request.user, leave_out=left_out
    )
    if changed.kept:
        days = ", ".join(when.day_year(each.start_at) for each in changed.kept)
        messages.warning(request, _("Weil dort gebucht ist, bleiben: %(days)s.") % {"days": days})
    return changed.series


def _plan(request: SignedInRequest, year: YearForm, left_out: Iterable[date]) -> Series:
    outline = year.outline
    return series.plan(
        by=request.user,
        district=outline.district,
        kind=year.kind,
        template=year.template,
        specialist=outline.specialist,
        room=outline.room,
        rule=outline.rule,
        first_on=outline.first_on,
        start_time=outline.start_time,
        until=outline.until,
        holiday_rule=outline.holiday_rule,
        leave_out=left_out,
    )


def _preview(
    request: SignedInRequest,
    year: YearForm,
    old: Series | None,
    left_out: Iterable[date] = (),
    refused: CannotPlan | None = None,
) -> HttpResponse:
    outline = year.outline
    found = series_changes.preview(old, outline) if old else series.preview(outline)
    # What stood on the page before and was decided there counts.
    rows = [_offered(row, set(left_out)) if refused else row for row in found]
    context = {
        "old": old,
        "kept": series_changes.kept(old, outline.first_on) if old else [],
        "outline": outline,
        "rhythm": recurrence.words(outline.rule),
        "rows": rows,
        "shown": ",".join(f"{row.original_on}" for row in rows if row.outcome in _TO_DECIDE),
        "made": sum(row.is_made for row in rows),
        "taken_out": not refused and any(row.outcome == Outcome.LEFT_OUT for row in rows),
        "in_the_way": [row for row in rows if row.outcome == Outcome.CONFLICT],
        "refused": refused,
        "carried": [(key, value) for key in request.POST if key not in _NOT_CARRIED
                    for value in request.POST.getlist(key)],
    }  # fmt: skip
    return render(request, "scheduling/plan_preview.html", context, status=409 if refused else 200)


def _offered(row: PreviewDate, struck: set[date]) -> PreviewDate:
    """The row with the coordinator's own tick, set or taken back."""
    if row.original_on in struck and row.is_made:
        return replace(row, outcome=Outcome.LEFT_OUT)
    if row.original_on not in struck and row.outcome == Outcome.LEFT_OUT:
        return replace(row, outcome=Outcome.MOVED if row.holiday else Outcome.TAKES_PLACE)
    return row


def _left_out(data: QueryDict) -> frozenset[date]:
    """The dates that were shown with a tick box and are not ticked."""
    ticked = set(data.getlist("dates"))
    shown = data.get("shown", "").split(",")
    return frozenset(day for text in shown if text not in ticked and (day := _day(text)) is not None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
