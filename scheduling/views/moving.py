"""Moving: one appointment to another place, a session with everything on it, a series from a day on."""

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from scheduling import moving, session_moves
from scheduling.forms.moving import ExpectedForm, MoveForm, MoveSessionForm
from scheduling.models import Booking, Session
from scheduling.problems import Refused
from scheduling.session_moves import Moved, Preview

PER_PAGE = 20


@requires(Permission.BOOK, Permission.PLAN_SESSIONS)
@require_http_methods(["GET", "POST"])
def move_booking(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Choose among the next free places that fit, a page at a time, and move."""
    found = get_object_or_404(_movable(request), uuid=uuid)
    most = found.slot.kind.most_moves
    is_used_up = found.moves >= most
    free = moving.choices(found, by=request.user)
    page = Paginator(free, PER_PAGE).get_page(request.GET.get("seite"))
    # What was chosen may stand on another page by now.
    chosen = [slot for slot in free if str(slot.uuid) == request.POST.get("slot") and slot not in page]
    form = MoveForm(request.POST or None, slots=[*page, *chosen], asks_why=is_used_up)
    refused = None
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            moving.move(found, form.chosen, by=request.user, reason=said.get("reason", ""))
        except Refused as against:
            refused = against
        else:
            messages.success(request, _("Der Termin ist verlegt. Der alte Platz ist wieder frei."))
            return _back(request, found)
    else:
        audit.look(found, by=request.user)
    context = {
        "booking": found,
        "slot": found.slot,
        "form": form,
        "page": page,
        "refused": refused,
        "most": most,
        "is_used_up": is_used_up,
        "may_go_beyond": request.user.may(Permission.PLAN_SESSIONS),
        "is_own": _is_own(request, found),
    }
    status = 409 if refused else 422 if form.errors else 200
    return render(request, "scheduling/move_booking.html", context, status=status)


@requires(Permission.BOOK, Permission.PLAN_SESSIONS)
@require_POST
def undo_move(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Back to the place it came from, if that is still free."""
    found = get_object_or_404(_movable(request), uuid=uuid)
    try:
        moving.undo(found, by=request.user)
    except Refused as refused:
        for problem in refused.problems:
            messages.warning(request, str(problem))
    else:
        messages.success(request, _("Die Verlegung ist zurückgenommen. Es gilt wieder die alte Zeit."))
    return _back(request, found)


@requires(Permission.PLAN_SESSIONS)
@require_http_methods(["GET", "POST"])
def move_session(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Day, time, who and where; a preview names who goes along and who does not; then it is moved."""
    own = Session.objects.for_user(request.user).select_related("district", "specialist", "room")
    found = get_object_or_404(own, uuid=uuid)
    form = MoveSessionForm(request.POST or None, session=found, user=request.user)
    shown: Preview | None = None
    refused = None
    if request.method == "POST" and form.is_valid():
        expected = ExpectedForm(request.POST, session=found)
        if request.POST.get("act") == "move" and expected.is_valid():
            try:
                done = session_moves.move(
                    found, form.place, by=request.user, expected=expected.cleaned_data["expected"]
                )
            except Refused as against:
                refused = against
            else:
                _say_moved(request, done)
                return redirect("scheduling:session", uuid)
        shown = session_moves.preview(found, form.place)
    context = {"session": found, "form": form, "shown": shown, "refused": refused}
    status = 409 if refused else 422 if form.errors else 200
    return render(request, "scheduling/move_session.html", context, status=status)


def _movable(request: SignedInRequest) -> QuerySet[Booking]:
    booked = Booking.objects.movable_by(request.user).exclude(status=Booking.Status.TENTATIVE)
    return booked.select_related(
        "client", "slot__kind", "slot__district", "slot__session__room", "slot__session__specialist"
    )


def _is_own(request: SignedInRequest, found: Booking) -> bool:
    return Booking.objects.for_user(request.user).filter(pk=found.pk).exists()


def _back(request: SignedInRequest, found: Booking) -> HttpResponse:
    """To the appointment; a coordinator to the session, where it stands by its number."""
    if _is_own(request, found):
        return redirect("scheduling:booking", found.uuid)
    now_at = Session.objects.only("uuid").get(slots__bookings=found)
    return redirect("scheduling:session", now_at.uuid)


def _say_moved(request: SignedInRequest, done: Moved) -> None:
    along = ngettext(
        "Die Sprechstunde ist verlegt, %(number)d Termin mit ihr.",
        "Die Sprechstunde ist verlegt, %(number)d Termine mit ihr.",
        len(done.along),
    ) % {"number": len(done.along)}
    messages.success(request, along if done.along else _("Die Sprechstunde ist verlegt."))
    if done.given_up:
        text = ngettext(
            "%(number)d Termin steht zur Neuvergabe.",
            "%(number)d Termine stehen zur Neuvergabe.",
            len(done.given_up),
        )
        messages.warning(request, text % {"number": len(done.given_up)})
