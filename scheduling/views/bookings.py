"""One appointment: booked from a hold, looked at, cancelled, and what became of it."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, is_own_page, requires
from accounts.roles import Permission
from accounts.rows import clock
from clients.contact import Obstacle, sms_obstacles
from notifications.models import IncomingText, Message
from scheduling import (
    assignments,
    batches,
    course_seats,
    doors,
    moving,
    outlook,
    problems,
    reminders,
    replies,
    telling,
)
from scheduling import booking as rules
from scheduling.batches import NotAll, Planned, Rhythm
from scheduling.forms.bookings import BookForm, CancelForm, NoShowForm
from scheduling.models import Booking, Slot, SlotFormat
from scheduling.problems import Problem, Refused
from scheduling.seats import ClockTimestamp

books = requires(Permission.BOOK)
# Seats of courses are taken by enrolment.
_OF_COURSES = (SlotFormat.COURSE, SlotFormat.LESSON)
# What the rest of the form says.
_STILL_TO_SAY = problems.SAID_WHEN_TAKEN | {problems.NEEDS_CLIENT.code}


@books
@require_http_methods(["GET", "POST"])
def book(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Book a slot of a kind that needs no referral: for one of one's own clients, or a guest.

    Several dates in one go are shown first; `act` then says whether all or what is free is booked, or
    leads back to what was typed.
    """
    slot = _bookable(request, uuid)
    hold = _own_hold(request, slot)
    if request.method == "GET" and hold is None and not Slot.objects.joinable().filter(pk=slot.pk).exists():
        return _instead(request, slot)
    form = BookForm(request.POST or None, user=request.user, slot=slot)
    is_changing = request.POST.get("act") == "change"
    if request.method != "POST" or not form.is_valid() or is_changing:
        context = {
            "slot": slot,
            "form": form,
            "hold": hold,
            "shows_several": is_changing or "times" in form.errors or "every" in form.errors,
        }
        return render(request, "scheduling/book.html", context, status=422 if form.errors else 200)
    if form.rhythm is not None:
        return _book_several(request, slot, form, form.rhythm)
    said = form.cleaned_data
    try:
        made = rules.book(
            slot,
            client=said["client"],
            visit=form.visit,
            by=request.user,
            idempotency_key=said["idempotency_key"],
            interpreter=form.need,
        )
    except Refused as refused:
        return render(request, "scheduling/refused.html", {"slot": slot, "refused": refused}, status=409)
    return redirect("scheduling:booking", made.uuid)


@books
@require_POST
def book_outlook(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What is worth knowing before booking for whom is chosen (fragment), and what stands against it."""
    slot = _bookable(request, uuid)
    form = BookForm(request.POST, user=request.user, slot=slot)
    form.is_valid()
    seen = outlook.look(slot, by=request.user, client=form.cleaned_data.get("client"), need=form.need)
    against = [problem for problem in seen.problems if problem.code not in _STILL_TO_SAY]
    return render(request, "scheduling/book.html#outlook", {"outlook": seen, "against": against})


def _bookable(request: SignedInRequest, uuid: UUID) -> Slot:
    slots = Slot.objects.bookable_by(request.user).filter(kind__needs_referral=False)
    related = ("session__room", "session__specialist", "district", "kind", "calendar")
    return get_object_or_404(slots.exclude(format__in=_OF_COURSES).select_related(*related), uuid=uuid)


def _book_several(request: SignedInRequest, slot: Slot, form: BookForm, rhythm: Rhythm) -> HttpResponse:
    said, act = form.cleaned_data, request.POST.get("act", "")
    whose = {"client": said["client"], "by": request.user, "visit": form.visit}
    if act not in {"all", "free"}:
        return _several(request, slot, form, batches.look(slot, rhythm, **whose))
    try:
        made = batches.book(slot, rhythm, only_free=act == "free", form=said["idempotency_key"], **whose)
    except NotAll as refused:
        return _several(request, slot, form, refused.dates, status=409)
    text = ngettext("%(number)s Termin ist gebucht.", "%(number)s Termine sind gebucht.", len(made))
    messages.success(request, text % {"number": len(made)})
    return redirect("scheduling:booking", made[0].uuid)


def _several(
    request: SignedInRequest, slot: Slot, form: BookForm, dates: list[Planned], *, status: int = 200
) -> HttpResponse:
    carried = [(name, value) for name, value in request.POST.items() if name in form.fields]
    context = {
        "slot": slot,
        "client": form.cleaned_data["client"],
        "dates": dates,
        "free": sum(date.is_free for date in dates),
        "carried": carried,
        "is_refused": status != 200,
    }
    return render(request, "scheduling/book_several.html", context, status=status)


@books
@require_GET
def booking(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The appointment of one's own client."""
    found = get_object_or_404(_own(request), uuid=uuid)
    if found.slot.is_course:
        return redirect("scheduling:course", found.slot.course.uuid)
    audit.look(found, by=request.user)
    now = clock()
    context = {
        "lessons": course_seats.during(found),
        "booking": found,
        "slot": found.slot,
        "message_keys": reminders.key_prefix(found),
        "obstacles": _against_sms(found),
        "received": IncomingText.objects.filter(about=found.uuid).order_by("received_at"),
        "may_mark": _may_mark(found, now),
        "may_move": moving.may_move(found, now),
        "may_undo": found.moves > 0 and moving.last_move(found, by=request.user) is not None,
        "moves": found.move_history.all() if found.ical_sequence else [],
        "is_unconfirmed": found.client is not None and moving.may_move(found, now),
        "rebook_url": _where_to_rebook(found),
        "reasons": NoShowForm(),
        "cancelling": CancelForm(),
        "interpreter": assignments.standing(found),
    }
    return render(request, "scheduling/booking.html", context)


@books
@require_http_methods(["GET", "POST"])
def cancel_booking(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask once, naming the consequence; then the place is free."""
    found = get_object_or_404(_own(request), uuid=uuid)
    form = CancelForm(request.POST or None)
    against: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            rules.cancel(found, **form.cleaned_data, by=request.user)
        except Refused as refused:
            against = refused.problems
        else:
            messages.success(request, _("Der Termin ist abgesagt. Der Platz ist wieder frei."))
            return redirect("scheduling:booking", uuid)
    context = {"booking": found, "slot": found.slot, "form": form, "against": against}
    context["obstacles"] = _against_sms(found)
    status = 409 if against else 422 if form.errors else 200
    return render(request, "scheduling/cancel_booking.html", context, status=status)


@requires(Permission.BOOK, Permission.SEE_AGENDA)
@require_POST
def mark(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What became of an appointment of a kind without referrals: `status`, for a no-show also `reason`.

    The case team and the specialist of the session may; consultations are marked in their own room.
    """
    marked = Booking.objects.filter(slot__kind__needs_referral=False).select_related("slot")
    found = get_object_or_404(marked.for_user(request.user) | marked.of_specialist(request.user), uuid=uuid)
    try:
        _mark(request, found)
    except Refused as refused:
        for problem in refused.problems:
            messages.warning(request, str(problem))
    return _back(request, uuid)


def _back(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    back = request.POST.get("next", "")
    return redirect(back if is_own_page(request, back) else reverse("scheduling:booking", args=[uuid]))


@requires(Permission.WORK_ON_CASES)
@require_POST
def called(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """ "Angerufen": the client had asked for a call."""
    found = get_object_or_404(Booking.objects.for_user(request.user), uuid=uuid)
    replies.called(found, by=request.user)
    messages.success(request, _("Notiert: Sie haben angerufen."))
    return _back(request, uuid)


@requires(Permission.WORK_ON_CASES)
@require_POST
def ask_to_call(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """ "Per SMS um Anruf bitten"."""
    found = get_object_or_404(Booking.objects.for_user(request.user).select_related("client"), uuid=uuid)
    if telling.ask_to_call(found, by=request.user):
        messages.success(request, _("Die Bitte um einen Anruf geht als SMS hinaus."))
    else:
        messages.info(
            request, _("Dazu geht keine SMS hinaus: Sie wurde schon gesendet, oder SMS sind nicht möglich.")
        )
    return redirect("scheduling:booking", uuid)


@requires(Permission.WORK_ON_CASES)
@require_POST
def told(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """ "Bescheid gegeben" about an appointment no SMS tells of."""
    own = Booking.objects.for_user(request.user).filter(client__isnull=False)
    telling.told(get_object_or_404(own.select_related("client"), uuid=uuid), by=request.user)
    messages.success(request, _("Notiert: Die Person weiß Bescheid."))
    return _back(request, uuid)


@requires(Permission.WORK_ON_CASES)
@require_POST
def told_message(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """ "Bescheid gegeben" for a message that waited for a person."""
    message = get_object_or_404(Message.objects.for_user(request.user), uuid=uuid)
    telling.told_message(message, by=request.user)
    messages.success(request, _("Notiert: Die Person weiß Bescheid."))
    back = request.POST.get("next", "")
    return redirect(back if is_own_page(request, back) else "notifications:log")


def _mark(request: SignedInRequest, found: Booking) -> None:
    match request.POST.get("status"):
        case Booking.Status.ARRIVED:
            rules.mark_arrived(found, by=request.user)
        case Booking.Status.FULFILLED:
            rules.mark_fulfilled(found, by=request.user)
        case Booking.Status.NOSHOW:
            form = NoShowForm(request.POST)
            if not form.is_valid():
                raise Refused([problems.NEEDS_A_REASON])
            rules.mark_noshow(found, **form.cleaned_data, by=request.user)
        case Booking.Status.BOOKED:
            rules.undo_mark(found, by=request.user)
        case _:
            raise BadRequest


def _where_to_rebook(found: Booking) -> str:
    """The referral, where there is one: it is booked from there again; else the board."""
    board = reverse("scheduling:board")
    return doors.about([found]).get(found.pk, board) if found.status == Booking.Status.NOSHOW else board


def _own(request: SignedInRequest) -> QuerySet[Booking]:
    """Appointments, past and cancelled ones too; holds stand on the board."""
    own = Booking.objects.for_user(request.user).exclude(status=Booking.Status.TENTATIVE)
    return own.select_related(
        "client", "slot__kind", "slot__district", "slot__session__room", "second_person"
    )


def _may_mark(found: Booking, now: datetime) -> bool:
    """Whether the page offers it; the rule decides."""
    is_here = not found.slot.kind.needs_referral and found.status != Booking.Status.CANCELLED
    return is_here and timezone.localdate(found.start_at) <= timezone.localdate(now)


def _against_sms(found: Booking) -> list[Obstacle]:
    """Why this client gets no SMS about an appointment still to come."""
    if found.client is None or found.status != Booking.Status.BOOKED:
        return []
    return sms_obstacles(found.client)


def _instead(request: SignedInRequest, slot: Slot) -> HttpResponse:
    """No form for a place that is gone: what one booked there (the back button leads here), or why not."""
    booked = Booking.objects.for_user(request.user).living().filter(slot=slot)
    mine = booked.exclude(status=Booking.Status.TENTATIVE).order_by("-pk").first()
    if mine is not None:
        return redirect("scheduling:booking", mine.uuid)
    return redirect("scheduling:why_not", slot.uuid)


def _own_hold(request: SignedInRequest, slot: Slot) -> Booking | None:
    holds = Booking.objects.living().filter(
        holder=request.user, slot=slot, status=Booking.Status.TENTATIVE, offer=None
    )
    return holds.annotate(now=ClockTimestamp()).first()
