"""The interpreters' coordination: what is to confirm, who could be asked, and the register."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from accounts.rows import clock
from scheduling import assignments, interpreter_link, interpreter_register
from scheduling.forms.interpreters import InterpreterForm, OfferForm, PoolForm
from scheduling.models import Interpreter, InterpreterAssignment, InterpreterPool
from scheduling.problems import Refused

coordinates = requires(Permission.COORDINATE_INTERPRETERS)
_ACTS: dict[str, Callable[..., InterpreterAssignment]] = {
    "confirm": assignments.confirm,
    "decline": assignments.decline,
    "done": assignments.done,
    "noshow": assignments.noshow,
}


@coordinates
@require_GET
def assignment_list(request: SignedInRequest) -> HttpResponse:
    """What is to do, by the day it is due; what is confirmed; what is to be closed afterwards."""
    now = clock()
    living = list(_assignments(request).living().order_by("confirm_until", "pk"))
    coming = [one for one in living if one.booking.start_at > now]
    context = {
        "open": [one for one in coming if one.status != InterpreterAssignment.Status.CONFIRMED],
        "confirmed": [one for one in coming if one.status == InterpreterAssignment.Status.CONFIRMED],
        "to_close": [one for one in living if one.booking.start_at <= now],
        "now": now,
    }
    return render(request, "scheduling/interpreters.html", context)


@coordinates
@require_GET
def assignment(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One assignment: time, language, who; the link for the pool. Nothing about the client."""
    found = get_object_or_404(_assignments(request), uuid=uuid)
    audit.look(found, by=request.user)
    return _page(request, found)


@coordinates
@require_POST
def offer(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask the one named, or somebody else."""
    found = get_object_or_404(_assignments(request), uuid=uuid)
    form = _offer_form(found, request.POST)
    if not form.is_valid():
        return _page(request, found, form=form, status=422)
    try:
        assignments.offer(found, form.chosen, by=request.user)
    except Refused as refused:
        return _page(request, found, refused=refused, status=409)
    messages.success(request, _("Die Anfrage ist vorbereitet. Der Link steht auf dieser Seite."))
    return redirect("scheduling:assignment", uuid)


@coordinates
@require_POST
def act(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """`act`: confirm, decline, done, noshow."""
    found = get_object_or_404(_assignments(request), uuid=uuid)
    rule = _ACTS.get(request.POST.get("act", ""))
    if rule is None:
        raise BadRequest
    try:
        following = rule(found, by=request.user)
    except Refused as refused:
        return _page(request, found, refused=refused, status=409)
    messages.success(request, _("Gespeichert."))
    if request.POST["act"] == "decline":
        return redirect("scheduling:assignment", following.uuid)
    return redirect("scheduling:assignments")


@coordinates
@require_GET
def register(request: SignedInRequest) -> HttpResponse:
    """Pools and interpreters of the district."""
    people = Interpreter.objects.for_user(request.user).select_related("resource", "pool")
    context = {
        "pools": InterpreterPool.objects.filter(district=request.user.district_id).order_by(
            "-is_active", "name"
        ),
        "people": people.prefetch_related("languages").order_by("-resource__is_active", "resource__name"),
    }
    return render(request, "scheduling/interpreter_register.html", context)


@coordinates
@require_http_methods(["GET", "POST"])
def pool(request: SignedInRequest, uuid: UUID | None = None) -> HttpResponse:
    """Enter a pool, or change one."""
    pools = InterpreterPool.objects.filter(district=request.user.district_id)
    found = get_object_or_404(pools, uuid=uuid) if uuid else None
    form = PoolForm(request.POST or None, pool=found)
    if request.method == "POST" and form.is_valid():
        try:
            interpreter_register.save_pool(found, **form.cleaned_data, by=request.user)
        except interpreter_register.NameTaken:
            form.add_error("name", _("Einen Pool dieses Namens gibt es schon."))
        else:
            messages.success(request, _("Der Pool ist gespeichert."))
            return redirect("scheduling:interpreter_register")
    status = 422 if form.errors else 200
    return render(request, "scheduling/interpreter_pool.html", {"form": form, "pool": found}, status=status)


@coordinates
@require_http_methods(["GET", "POST"])
def interpreter(request: SignedInRequest, uuid: UUID | None = None) -> HttpResponse:
    """Enter an interpreter, or change one."""
    people = Interpreter.objects.for_user(request.user).select_related("resource", "pool")
    found = get_object_or_404(people, resource__uuid=uuid) if uuid else None
    form = InterpreterForm(request.POST or None, user=request.user, interpreter=found)
    if request.method == "POST" and form.is_valid():
        try:
            interpreter_register.save_interpreter(found, form.person, by=request.user)
        except interpreter_register.NameTaken:
            form.add_error("name", _("Eine Person dieses Namens gibt es schon."))
        else:
            messages.success(request, _("Die Person ist gespeichert."))
            return redirect("scheduling:interpreter_register")
    status = 422 if request.method == "POST" else 200
    context = {"form": form, "interpreter": found}
    return render(request, "scheduling/interpreter.html", context, status=status)


def _assignments(request: SignedInRequest) -> Any:
    return InterpreterAssignment.objects.for_user(request.user).select_related(
        "interpreter__resource",
        "interpreter__pool",
        "booking__district",
        "booking__slot__kind",
        "booking__slot__district",
        "booking__slot__session__room",
    )


def _offer_form(found: InterpreterAssignment, data: Any = None) -> OfferForm:
    return OfferForm(data, candidates=assignments.candidates(found), named=found.interpreter)


def _page(
    request: SignedInRequest,
    found: InterpreterAssignment,
    *,
    form: OfferForm | None = None,
    refused: Refused | None = None,
    status: int = 200,
) -> HttpResponse:
    is_living = found.status in InterpreterAssignment.LIVING
    is_coming = found.booking.start_at > clock()
    is_asked = is_living and is_coming and found.interpreter is not None
    context = {
        "assignment": found,
        "form": form or (_offer_form(found) if is_living and is_coming else None),
        "refused": refused,
        "is_living": is_living,
        "is_coming": is_coming,
        "link": interpreter_link.url(found) if is_asked and found.status != "confirmed" else "",
    }
    return render(request, "scheduling/assignment.html", context, status=status)
