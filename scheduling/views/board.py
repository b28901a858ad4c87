"""The board: the month's sessions and their slots, held and given back here."""

from collections.abc import Callable
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import SignedInRequest, requires
from accounts.models import User
from accounts.roles import Permission
from scheduling import board as boards
from scheduling import booking, contingents, waiting
from scheduling.board import Month
from scheduling.models import Booking, Session, Slot, SlotFormat
from scheduling.problems import Refused

sees_board = requires(Permission.SEE_BOARD)
books = requires(Permission.BOOK)


@sees_board
@require_GET
def board(request: SignedInRequest, month: str = "") -> HttpResponse:
    """One month; without one, that of the next session."""
    user = request.user
    coming = boards.next_dates(user)
    try:
        shown = Month.parse(month) if month else _month_of_next(user, coming)
    except ValueError:
        raise Http404 from None
    days = boards.days(user, shown)
    contingents.show(user, coming)
    context = {
        "month": shown,
        "days": days,
        "coming": coming,
        "waiting": waiting.lengths(user),
        "may_book": user.may(Permission.BOOK),
        "may_plan": user.may(Permission.PLAN_SESSIONS),
        "now": timezone.now(),
    }
    return render(request, "scheduling/board.html", context)


@sees_board
@require_GET
def session_day(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One session's blocks alone (fragment), for a browser that was away."""
    session = get_object_or_404(Session.objects.for_user(request.user), uuid=uuid)
    day = boards.day(request.user, session)
    if day is None:
        raise Http404
    return render(request, "scheduling/board.html#day", {"day": day})


@sees_board
@require_GET
def slot_card(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One block alone (fragment)."""
    return _card(request, _slot(request, uuid))


@books
@require_POST
def hold(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Keep the place for five minutes."""
    return _act(request, uuid, booking.hold)


@books
@require_POST
def extend(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Five minutes more."""
    return _act(request, uuid, booking.extend_hold)


@books
@require_POST
def let_go(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Give the place back."""
    return _act(request, uuid, booking.let_go)


def _act(request: SignedInRequest, uuid: UUID, rule: Callable[..., Booking | None]) -> HttpResponse:
    """Do it, and show the block as it is now; a refusal stands on the block, with a way out."""
    slot = _slot(request, uuid)
    try:
        rule(slot, by=request.user)
    except Refused as refused:
        if not request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware adds it
            context = {"slot": slot, "refused": refused, "board": _address(slot)}
            return render(request, "scheduling/refused.html", context, status=409)
        return _card(request, slot, refused=refused, status=409)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(_address(slot))
    return _card(request, slot, is_answer=True)


def _card(
    request: SignedInRequest,
    slot: Slot,
    *,
    refused: Refused | None = None,
    is_answer: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "card": boards.card(request.user, slot),
        "refused": refused,
        "is_answer": is_answer,
    }
    return render(request, "scheduling/board.html#card", context, status=status)


def _slot(request: SignedInRequest, uuid: UUID) -> Slot:
    """No seats of courses: they have a page of their own, and are not held."""
    seen = Slot.objects.for_user(request.user).exclude(format__in=[SlotFormat.COURSE, SlotFormat.LESSON])
    return get_object_or_404(seen.select_related("district", "session"), uuid=uuid)


def _month_of_next(user: User, coming: list[Session]) -> Month:
    return Month.of(coming[0].start_at if coming else timezone.now(), user.district.tz)


def _address(slot: Slot) -> str:
    """The slot's block on its month's board."""
    month = Month.of(slot.session.start_at, slot.district.tz)
    return f"{reverse('scheduling:board', args=[month])}#slot-{slot.uuid}"
