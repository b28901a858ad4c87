"""The specialist's sheet: write, see what the caseworker will read, release."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from consultations import brief, recommendations
from consultations.forms import sheet as forms
from consultations.models import RecommendationSheet, Referral, SheetVersion
from consultations.recommendations import Conflict
from scheduling.problems import Refused

writes = requires(Permission.WRITE_RECOMMENDATIONS)


@writes
@require_http_methods(["GET", "POST"])
def sheet(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The sheet of a referral (its uuid). Saving works without scripts; then "Freigeben" goes on."""
    own = _own(request, uuid)
    if request.method == "GET":
        audit.look(own, by=request.user)
        return _show(request, own)
    try:
        _save(request, own)
    except Conflict as conflict:
        return _show(request, conflict.sheet, conflict=conflict, status=409)
    if request.POST.get("act") == "release":
        return redirect("consultations:sheet_release", uuid)
    messages.success(request, _("Ihr Entwurf ist gesichert."))
    return redirect("consultations:sheet", uuid)


@writes
@require_POST
def autosave(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What is being typed, kept; a conflict comes back with both texts."""
    try:
        saved = _save(request, _own(request, uuid))
    except Conflict as conflict:
        context = _conflict(conflict) | {"by_script": True}
        return render(request, "consultations/sheet_conflict.html", context, status=409)
    return JsonResponse(
        {"revision": saved.revision, "saved_at": (saved.saved_at or saved.created_at).isoformat()}
    )


@writes
@require_GET
def preview(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What the caseworker would read now (fragment, asked for after each autosave)."""
    own = _own(request, uuid)
    return render(request, "consultations/sheet_preview.html", _preview(own))


@writes
@require_POST
def set_aside(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Work on with a text that lost against another tab, or discard it."""
    own, key = _own(request, uuid), request.POST.get("key", "")
    if request.POST.get("act") == "take":
        recommendations.take_set_aside(own, key, by=request.user)
        messages.success(
            request, _("Sie schreiben jetzt an der anderen Fassung weiter. Die vorige ist aufgehoben.")
        )
    elif request.POST.get("act") == "drop":
        recommendations.drop_set_aside(own, key, by=request.user)
        messages.success(request, _("Die beiseitegelegte Fassung ist verworfen."))
    return redirect("consultations:sheet", uuid)


@writes
@require_http_methods(["GET", "POST"])
def release(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The last look and the code; then it is a version that never changes."""
    own = _own(request, uuid)
    if request.method == "GET":
        return _show_release(request, own)
    try:
        version = recommendations.release(
            own, code=request.POST.get("code", ""), revision=forms.revision(request.POST), by=request.user
        )
    except Conflict as conflict:
        return _show_release(request, conflict.sheet, has_moved_on=True, status=409)
    except Refused as refused:
        return _show_release(request, own, refused=refused, status=422)
    messages.success(request, _("Die Empfehlung ist freigegeben. Die Fallführung sieht sie ab jetzt."))
    return redirect("consultations:version", version.uuid)


def _own(request: SignedInRequest, uuid: UUID) -> RecommendationSheet:
    """The sheet one writes for this referral, opened; else 404."""
    around = recommendations.referrals_for(request.user).select_related(
        "client__owner", "author", "organisation", "consent", "booking", "district"
    )
    referral = get_object_or_404(around, uuid=uuid)
    own = recommendations.open_sheet(referral, by=request.user)
    own.referral = referral
    return own


def _save(request: SignedInRequest, own: RecommendationSheet) -> RecommendationSheet:
    return recommendations.save_draft(
        own,
        items=forms.typed(request.POST),
        revision=forms.revision(request.POST),
        tab=forms.tab(request.POST),
        by=request.user,
    )


def _show(
    request: SignedInRequest, own: RecommendationSheet, *, conflict: Conflict | None = None, status: int = 200
) -> HttpResponse:
    # After a conflict the page keeps this tab's text: saving it again, over the revision shown, is a choice.
    draft = conflict.yours if conflict else own.draft
    context: dict[str, Any] = {
        "sheet": own,
        "referral": own.referral,
        "brief": _brief(request, own.referral),
        "rows": forms.rows(draft),
        "tab": forms.tab(request.POST) or str(uuid4()),
        **_preview(own),
        "versions": list(own.versions.all()),
        "set_aside": [] if conflict else _set_aside(own),
        **forms.choices(),
        **(_conflict(conflict) if conflict else {}),
    }
    return render(request, "consultations/sheet.html", context, status=status)


def _preview(own: RecommendationSheet) -> dict[str, Any]:
    items = recommendations.preview(own)
    return {"items": items, "contradictions": recommendations.contradictions(items)}


def _brief(request: SignedInRequest, referral: Referral) -> brief.Brief | None:
    """The referral in short, for as long as one may read it; the sheet itself stays."""
    may_read = Referral.objects.for_user(request.user).filter(pk=referral.pk).exists()
    return brief.of(referral) if may_read else None


def _conflict(conflict: Conflict) -> dict[str, Any]:
    theirs, mine = conflict.sheet, RecommendationSheet(draft=conflict.yours)
    return {
        "conflict": conflict,
        "theirs": recommendations.preview(theirs),
        "mine": recommendations.preview(mine),
        "revision": theirs.revision,
        "saved_at": theirs.saved_at,
    }


def _set_aside(own: RecommendationSheet) -> list[dict[str, Any]]:
    return [
        {
            "key": key,
            "items": recommendations.preview(RecommendationSheet(draft=other["items"])),
            "saved_at": recommendations.saved_at(other),
        }
        for key, other in own.set_aside.items()
    ]


def _show_release(
    request: SignedInRequest,
    own: RecommendationSheet,
    *,
    refused: Refused | None = None,
    has_moved_on: bool = False,
    status: int = 200,
) -> HttpResponse:
    is_wrong_code = refused is not None and refused.codes == ["wrong_code"]
    context = {
        "sheet": own,
        "referral": own.referral,
        "items": recommendations.preview(own),
        "problems": [] if is_wrong_code else refused.problems if refused else recommendations.problems(own),
        "wrong_code": refused.problems[0] if refused and is_wrong_code else None,
        "has_moved_on": has_moved_on,
        "marks_as_held": recommendations.marks_as_held(own.referral.booking),
        "number": SheetVersion.objects.filter(sheet=own).count() + 1,
    }
    return render(request, "consultations/sheet_release.html", context, status=status)
