"""A released recommendation: read it, decide on it, take a decision back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from consultations import decisions
from consultations.decisions import Choice
from consultations.forms.decisions import DecisionForm
from consultations.models import RecommendationItem, SheetVersion
from scheduling.problems import Refused
from scheduling.seats import ClockTimestamp

decides = requires(Permission.DECIDE_RECOMMENDATIONS)


@requires(Permission.WRITE_RECOMMENDATIONS, Permission.DECIDE_RECOMMENDATIONS)
@require_GET
def version(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One released version, as it was released; superseded ones say so."""
    around = SheetVersion.objects.for_user(request.user).select_related("sheet__referral", "released_by")
    shown = get_object_or_404(around, uuid=uuid)
    audit.look(shown.sheet, by=request.user, version=shown.number)
    context = {
        "version": shown,
        "items": shown.items.all(),
        "versions": list(shown.sheet.versions.all()),
        "is_mine": shown.sheet.author_id == request.user.pk,
        "is_case_team": SheetVersion.objects.to_case_team(request.user).filter(pk=shown.pk).exists(),
    }
    return render(request, "consultations/version.html", context)


@decides
@require_http_methods(["GET", "POST"])
def decide(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Row by row, or "Alle übernehmen"; afterwards straight to the plan."""
    shown = _decidable(request, uuid)
    current = shown.sheet.versions.last()
    if current is not None and current != shown:
        messages.info(request, _("Inzwischen gilt eine neue Fassung. Hier ist sie."))
        return redirect("consultations:decide", current.uuid)
    open_forms = _forms(shown, request.POST if request.method == "POST" else None)
    if request.method == "GET":
        audit.look(shown.sheet, by=request.user, version=shown.number)
        return _show(request, shown, open_forms)
    # Each of them, so that all errors show at once.
    valid = [form.is_valid() for form in open_forms]
    if not all(valid):
        return _show(request, shown, open_forms, status=422)
    try:
        made = decisions.decide_all(shown, _choices(request, open_forms), by=request.user)
    except Refused as refused:
        return _show(request, shown, open_forms, refused=refused, status=409)
    return _after(request, shown, len(made))


@decides
@require_POST
def acknowledge(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The answer to a case consultation has been read."""
    shown = _decidable(request, uuid)
    try:
        decisions.acknowledge(shown, by=request.user)
    except Refused as refused:
        return _show(request, shown, _forms(shown, None), refused=refused, status=409)
    messages.success(request, _("Als gelesen vermerkt."))
    return redirect("consultations:version", uuid)


@decides
@require_POST
def undo(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take the decision on one item back, while its step is untouched."""
    item = get_object_or_404(
        RecommendationItem.objects.to_case_team(request.user).select_related("version"), uuid=uuid
    )
    try:
        decisions.undo(item, by=request.user)
    except Refused as refused:
        messages.error(request, refused.in_words)
    else:
        messages.success(request, _("Die Entscheidung ist zurückgenommen."))
    return redirect("consultations:decide", item.version.uuid)


def _decidable(request: SignedInRequest, uuid: UUID) -> SheetVersion:
    around = (
        SheetVersion.objects.to_case_team(request.user)
        .select_related("sheet__referral__client", "sheet__district", "released_by", "acknowledgement")
        .annotate(now=ClockTimestamp())
    )
    return get_object_or_404(around, uuid=uuid)


def _forms(shown: SheetVersion, data: Any) -> list[DecisionForm]:
    """A form for every item that can still be decided."""
    now: datetime = getattr(shown, "now")
    today = timezone.localdate(now, timezone=shown.sheet.district.tz)
    return [
        DecisionForm(data, item=item, suggestion=decisions.suggestion(item, today=today))
        for item in _items(shown)
        if decisions.is_open(item)
    ]


def _items(shown: SheetVersion) -> list[RecommendationItem]:
    return list(shown.items.select_related("decision__decided_by", "step"))


def _choices(request: SignedInRequest, open_forms: list[DecisionForm]) -> dict[UUID, Choice]:
    takes_all = request.POST.get("act") == "all"
    chosen = {form.item.uuid: form.choice_or_accept() if takes_all else form.choice() for form in open_forms}
    return {uuid: choice for uuid, choice in chosen.items() if choice is not None}


def _after(request: SignedInRequest, shown: SheetVersion, made: int) -> HttpResponse:
    if not made:
        messages.info(request, _("Sie haben noch nichts gewählt."))
        return redirect("consultations:decide", shown.uuid)
    text = ngettext("%(made)d Entscheidung ist gesichert.", "%(made)d Entscheidungen sind gesichert.", made)
    messages.success(request, text % {"made": made})
    client = shown.sheet.referral.client
    if client is None or shown.items.undecided().exists():
        return redirect("consultations:decide", shown.uuid)
    return redirect("consultations:plan", client.uuid)


def _show(
    request: SignedInRequest,
    shown: SheetVersion,
    open_forms: list[DecisionForm],
    *,
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    earlier = decisions.earlier_steps(shown)
    by_item = {form.item.pk: form for form in open_forms}
    items = _items(shown)
    context = {
        "version": shown,
        "referral": shown.sheet.referral,
        "rows": [(item, by_item.get(item.pk), earlier.get(item.code)) for item in items],
        "open_forms": open_forms,
        "left_over": [step for code, step in earlier.items() if code not in {item.code for item in items}],
        "is_note": decisions.is_a_note(shown),
        "has_plan": decisions.can_enter_a_plan(shown),
        "refused": refused,
    }
    return render(request, "consultations/decide.html", context, status=status)
