"""The help plan of one's own case: goals, steps, review, and the client's copy."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from clients.models import Client
from consultations import help_plans, plan_reading
from consultations.forms.help_plan import GoalForm, ReviewForm, StatusForm, StepForm
from consultations.models import Goal, HelpPlan, Step
from scheduling.problems import Refused

case_team = requires(Permission.WORK_ON_CASES)


@case_team
@require_GET
def plan(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The client's plan (the client's uuid)."""
    return _show(request, _client(request, uuid))


@case_team
@require_GET
def plan_copy(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The client's own copy, for paper: goals and steps in plain words, no origin, no history."""
    client = _client(request, uuid)
    audit.look(client, by=request.user, verb="viewed_plan_copy")
    return render(request, "consultations/plan_copy.html", {"reading": plan_reading.read(client)})


@case_team
@require_http_methods(["GET", "POST"])
def add_step(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """A further step, by the case team's own idea."""
    client = _client(request, uuid)
    form = StepForm(request.POST or None, plan=HelpPlan.objects.filter(client=client).first())
    if request.method == "POST" and form.is_valid():
        own = help_plans.of_client(client, by=request.user)
        help_plans.add_step(own, **form.cleaned_data, by=request.user)
        messages.success(request, _("Der Schritt steht im Hilfeplan."))
        return redirect("consultations:plan", uuid)
    return _form_page(request, client, form, title=_("Schritt hinzufügen"))


@case_team
@require_http_methods(["GET", "POST"])
def add_goal(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """A goal in the client's words."""
    client = _client(request, uuid)
    form = GoalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        own = help_plans.of_client(client, by=request.user)
        help_plans.add_goal(own, **form.cleaned_data, by=request.user)
        messages.success(request, _("Das Ziel steht im Hilfeplan."))
        return redirect("consultations:plan", uuid)
    return _form_page(request, client, form, title=_("Ziel hinzufügen"))


@case_team
@require_POST
def review(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """When the plan is looked at together next."""
    client = _client(request, uuid)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _show(request, client, review_form=form, status=422)
    try:
        help_plans.set_review(
            help_plans.of_client(client, by=request.user), on=form.cleaned_data["on"], by=request.user
        )
    except Refused as refused:
        form.add_error("on", refused.in_words)
        return _show(request, client, review_form=form, status=422)
    messages.success(request, _("Die nächste Überprüfung ist eingetragen."))
    return redirect("consultations:plan", uuid)


@case_team
@require_http_methods(["GET", "POST"])
def step(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One step: what, who, by when."""
    own = _step(request, uuid)
    form = StepForm(request.POST or None, plan=own.plan, step=own)
    if request.method == "POST" and form.is_valid():
        try:
            help_plans.change_step(own, **form.cleaned_data, by=request.user)
        except Refused as refused:
            return _step_page(request, own, form, refused=refused, status=409)
        messages.success(request, _("Der Schritt ist geändert."))
        return redirect("consultations:plan", own.plan.client.uuid)
    return _step_page(request, own, form, status=422 if form.errors else 200)


@case_team
@require_POST
def step_status(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """How far a step is."""
    own = _step(request, uuid)
    form = StatusForm(request.POST, step=own)
    edit = StepForm(plan=own.plan, step=own)
    if not form.is_valid():
        return _step_page(request, own, edit, status_form=form, status=422)
    try:
        help_plans.set_status(own, **form.cleaned_data, by=request.user)
    except Refused as refused:
        return _step_page(request, own, edit, status_form=form, refused=refused, status=409)
    messages.success(request, _("Der Stand ist gesichert."))
    return redirect("consultations:plan", own.plan.client.uuid)


@case_team
@require_POST
def goal_status(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The goal is open, reached, or given up."""
    goal = get_object_or_404(
        Goal.objects.for_user(request.user).select_related("plan__client", "plan__district"), uuid=uuid
    )
    status = request.POST.get("status", "")
    if status in Goal.Status.values:
        help_plans.set_goal_status(goal, status=status, by=request.user)
        messages.success(request, _("Der Stand des Ziels ist gesichert."))
    return redirect("consultations:plan", goal.plan.client.uuid)


def _client(request: SignedInRequest, uuid: UUID) -> Client:
    return get_object_or_404(Client.objects.for_user(request.user).select_related("district"), uuid=uuid)


def _step(request: SignedInRequest, uuid: UUID) -> Step:
    around = Step.objects.for_user(request.user).select_related(
        "plan__client", "plan__district", "goal", "origin_item__version", "replacement"
    )
    return get_object_or_404(around, uuid=uuid)


def _show(
    request: SignedInRequest, client: Client, *, review_form: ReviewForm | None = None, status: int = 200
) -> HttpResponse:
    audit.look(client, by=request.user, verb="viewed_plan")
    reading = plan_reading.read(client)
    suggested = reading.plan.next_review_on if reading.plan else None
    context = {"reading": reading, "review_form": review_form or ReviewForm(initial={"on": suggested})}
    return render(request, "consultations/plan.html", context, status=status)


def _form_page(request: SignedInRequest, client: Client, form: Any, *, title: str) -> HttpResponse:
    context = {"client": client, "form": form, "title": title}
    return render(request, "consultations/plan_form.html", context, status=422 if form.errors else 200)


def _step_page(
    request: SignedInRequest,
    own: Step,
    form: StepForm,
    *,
    status_form: StatusForm | None = None,
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    audit.look(own.plan.client, by=request.user, verb="viewed_plan")
    context = {
        "step": own,
        "client": own.plan.client,
        "form": form,
        "status_form": status_form or StatusForm(step=own),
        "refused": refused,
    }
    return render(request, "consultations/plan_step.html", context, status=status)
