"""The referral form: list, start, steps, overview, kept while typing."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from accounts.rows import clock
from clients import contact
from clients.models import Client
from consultations import exceptions, prepared, readiness, referrals, steps, ways
from consultations.forms import noshow
from consultations.forms.referral import ConsentForm, StartForm, StepForm
from consultations.models import Observation, Referral, ReferralState, SheetVersion
from scheduling.models import BlockFormat, Resource
from scheduling.problems import Refused

View = Callable[[SignedInRequest, UUID], HttpResponse]

own = requires(Permission.WORK_ON_CASES)
# An appointment can still be had.
MAY_BOOK = [
    ReferralState.DRAFT,
    ReferralState.SUBMITTED,
    ReferralState.APPOINTMENT_CANCELLED,
    ReferralState.NOSHOW,
]


def mine(request: SignedInRequest, uuid: UUID) -> Referral:
    """A referral one may write, with its state and all around it; else 404."""
    found = Referral.objects.of_case_team(request.user).with_state()
    around = found.select_related(
        "waiting_entry", "client", "consent__recorded_by", "consent__revoked_by", "author", "district"
    )
    around = around.select_related("booking__slot__session__room", "booking__slot__session__specialist")
    return get_object_or_404(around, uuid=uuid)


def anew_when_changed(view: View) -> View:
    """Who acts on a referral that meanwhile is about somebody else has done nothing, and sees it anew."""

    @wraps(view)
    def asking(request: SignedInRequest, uuid: UUID) -> HttpResponse:
        try:
            return view(request, uuid)
        except referrals.Conflict:
            said = _("Diese Anmeldung wurde inzwischen an anderer Stelle geändert")
            what_to_do = _("Es ist nichts geschehen. Sehen Sie nach, um wen es jetzt geht.")
            messages.warning(request, f"{said}. {what_to_do}")
            return redirect("consultations:referral", uuid, steps.OVERVIEW)

    return asking


@own
@require_GET
def referral_list(request: SignedInRequest) -> HttpResponse:
    """Drafts and submitted referrals of one's own cases, the coming appointments first."""
    rows = Referral.objects.of_case_team(request.user).with_state().select_related("client", "booking")
    rows = rows.filter(withdrawn_at__isnull=True).order_by(F("booking__start_at").desc(nulls_first=True))
    return render(request, "consultations/referral_list.html", {"referrals": rows})


@own
@require_http_methods(["GET", "POST"])
def start(request: SignedInRequest) -> HttpResponse:
    """The first question: case consultation or presentation? Answered, the draft begins."""
    form = StartForm(request.POST or None)
    form.is_valid()
    wanted = form.cleaned_data.get("client") if form.is_bound else None
    client = get_object_or_404(Client.objects.for_user(request.user), uuid=wanted) if wanted else None
    if form.is_valid():
        draft = referrals.start(by=request.user, format=form.cleaned_data["format"], client=client)
        return redirect("consultations:referral", draft.uuid, "format")
    context = {"client": client, "holds": prepared.own_holds(request.user)}
    return render(request, "consultations/referral_start.html", context)


@own
@require_http_methods(["GET", "POST"])
def step(request: SignedInRequest, uuid: UUID, step: str) -> HttpResponse:
    """One step of the form. "Weiter" keeps what stands there, complete or not, and goes on."""
    referral = mine(request, uuid)
    if step == steps.OVERVIEW:
        return _overview(request, referral)
    form = _form(request, referral, step)
    # The safety question, and taking back its answer, are all that is left of the form.
    if request.method == "GET" and referral.is_unsafe and step != steps.FIRST:
        return redirect("consultations:crisis", uuid)
    if request.method == "GET":
        audit.look(referral, by=request.user)
        return _show(request, referral, step, form)
    try:
        saved = referrals.autosave(referral, by=request.user, data=form.typed(), revision=_revision(request))
    except referrals.Conflict as conflict:
        return _show(request, conflict.stored, step, form, conflict=conflict, status=409)
    except Refused as refused:
        return _show(request, referral, step, form, refused=refused, status=409)
    if form.cannot_stay():
        return _show(request, saved, step, form, status=422)
    if saved.is_unsafe:
        return redirect("consultations:crisis", uuid)
    return redirect("consultations:referral", uuid, steps.after(saved, step))


@own
@require_POST
def autosave(request: SignedInRequest, uuid: UUID, step: str) -> HttpResponse:
    """What is being typed, kept; a conflict comes back with both texts."""
    referral = mine(request, uuid)
    form = _form(request, referral, step)
    try:
        saved = referrals.autosave(referral, by=request.user, data=form.typed(), revision=_revision(request))
    except referrals.Conflict as conflict:
        context = {"rows": _both_texts(form, conflict), "revision": conflict.stored.revision}
        return render(request, "consultations/referral_conflict.html", context, status=409)
    except Refused as refused:
        return render(request, "consultations/refused.html", {"refused": refused}, status=422)
    return JsonResponse({"revision": saved.revision, "saved_at": saved.saved_at.isoformat()})


@own
@require_POST
def change_format(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The other format after all; what was typed stays."""
    referral = mine(request, uuid)
    other = BlockFormat.CASE_CONSULTATION if referral.is_presentation else BlockFormat.PRESENTATION
    try:
        referrals.autosave(referral, by=request.user, data={"format": other}, revision=referral.revision)
    except Refused as refused:
        messages.error(request, refused.in_words)
    return redirect("consultations:referral", uuid, "format")


@own
@require_http_methods(["GET", "POST"])
@anew_when_changed
def withdraw(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask once, naming what follows; then withdraw."""
    referral = mine(request, uuid)
    context = {"referral": referral, "obstacles": sms_obstacles(referral)}
    if request.method == "GET":
        return render(request, "consultations/referral_withdraw.html", context)
    try:
        referrals.withdraw(referral, by=request.user)
    except Refused as refused:
        context["refused"] = refused
        return render(request, "consultations/referral_withdraw.html", context, status=409)
    messages.success(request, _("Die Anmeldung ist zurückgezogen."))
    return redirect("consultations:referrals")


def sms_obstacles(referral: Referral) -> list[contact.Obstacle]:
    """Why no SMS goes to who has the referral's appointment; empty: one does, or nobody has it."""
    booking = referral.booking
    return contact.sms_obstacles(booking.client) if booking and booking.client else []


def _form(request: SignedInRequest, referral: Referral, slug: str) -> StepForm:
    form = next((one.form for one in steps.of(referral) if one.slug == slug), None)
    if form is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    return form(data, referral=referral, user=request.user)


def _revision(request: SignedInRequest) -> int:
    typed = request.POST.get("revision", "")
    return int(typed) if typed.isdecimal() else -1


def _both_texts(form: StepForm, conflict: referrals.Conflict) -> list[dict[str, Any]]:
    stored = type(form)(None, referral=conflict.stored, user=form.user)
    return [
        {
            "label": form[name].label,
            "mine": _words(form, name, mine),
            "theirs": _words(stored, name, stored[name].value()),
        }
        for name, mine in conflict.mine.items()
        if name in form.fields
    ]


def _words(form: StepForm, name: str, value: Any) -> str:
    """A value as the form's reader knows it."""
    if isinstance(value, bool):
        return _("ja") if value else _("nein")
    choices = {str(key): str(text) for key, text in getattr(form.fields[name], "choices", [])}
    if isinstance(value, Client):
        return f"{value.case_number} · {value.full_name}"
    values = value if isinstance(value, list) else [value]
    return ", ".join(choices.get(str(one), str(one)) for one in values if one not in (None, ""))


def _show(
    request: SignedInRequest,
    referral: Referral,
    slug: str,
    form: StepForm,
    *,
    conflict: referrals.Conflict | None = None,
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    all_steps = steps.of(referral)
    number = next(index for index, one in enumerate(all_steps, start=1) if one.slug == slug)
    context = {
        "referral": referral,
        "form": form,
        "step": all_steps[number - 1],
        "number": number,
        "total": len(all_steps),
        "previous": all_steps[number - 2] if number > 1 else None,
        "conflict_rows": _both_texts(form, conflict) if conflict else [],
        "refused": refused,
        "holds": prepared.own_holds(request.user),
        "may_change": not referrals.is_closed(referral),
    }
    if slug == "einwilligung":
        context |= about_consent(request, referral)
    if slug == "format":
        context["crisis_numbers"] = referral.district.crisis_numbers.all()
    return render(request, f"consultations/referral_{slug}.html", context, status=status)


def about_consent(request: SignedInRequest, referral: Referral) -> dict[str, Any]:
    """What the consent step shows beside its form."""
    return {
        "consent_form": consent_form(request, referral),
        "obstacles": contact.sms_obstacles(referral.client) if referral.client else [],
    }


def consent_form(request: SignedInRequest, referral: Referral, data: Any = None) -> ConsentForm:
    """The consent's form, with the district's specialists to choose from."""
    specialists = Resource.objects.for_user(request.user).specialists().values_list("name", flat=True)
    return ConsentForm(data, referral=referral, specialists=list(specialists))


def _overview(request: SignedInRequest, referral: Referral) -> HttpResponse:
    audit.look(referral, by=request.user)
    may_book = referral.state in MAY_BOOK
    found = readiness.problems(referral) if may_book else []
    holds = prepared.own_holds(request.user) if may_book else []
    context = about(referral) | {
        "may_book": may_book,
        "may_withdraw": may_book or referral.state == ReferralState.BOOKED,
        "has_begun": referral.booking is not None and referral.booking.start_at <= clock(),
        "noshow_options": noshow.options(),
        "may_cancel": ways.may_open(referral, by=request.user),
        "problems": [(problem, steps.where(problem)) for problem in found],
        "answer": exceptions.answer(referral.client) if may_book and referral.client else None,
        "appointment_url": ways.to_appointment(referral, found, by=request.user),
        "holds": [hold for hold in holds if hold.slot.format == referral.format],
        "is_waiting": referral.waiting_entry is not None and referral.waiting_entry.ended_at is None,
        "version": SheetVersion.objects.filter(sheet__referral=referral).order_by("-number").first(),
    }
    return render(request, "consultations/referral_uebersicht.html", context)


def about(referral: Referral) -> dict[str, Any]:
    """What a summary of the referral shows."""
    labels = [Observation(code).label for code in referral.observations]
    may_change = not referrals.is_closed(referral)
    return {"referral": referral, "observations": labels, "may_change": may_change}
