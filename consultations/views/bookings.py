"""From a held place to a booked appointment: choose a referral, look once more, book, confirmation."""

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.roles import Permission
from clients import contact
from consultations import interpreting, prepared, readiness, referrals, steps, ways
from consultations.models import Referral
from consultations.views.referrals import about, mine
from notifications import outbox
from scheduling import assignments, course_seats, outlook, reminders
from scheduling import booking as scheduling_booking
from scheduling.models import Slot
from scheduling.problems import Refused

books = requires(Permission.BOOK)


@books
@require_GET
def book_hold(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """With which referral? Those that fit the held place, each with what it still needs."""
    holds = prepared.own_holds(request.user)
    hold = next((one for one in holds if one.uuid == uuid), None)
    if hold is None:
        free = Slot.objects.for_user(request.user).free().filter(kind__needs_referral=True)
        over = {"next_free": free.order_by("start_at").first()}
        return render(request, "consultations/hold_over.html", over, status=404)
    context = {"hold": hold, "holds": [hold], "choices": prepared.for_slot(request.user, hold.slot)}
    return render(request, "consultations/book_hold.html", context)


@books
@require_GET
def holds(request: SignedInRequest) -> HttpResponse:
    """What one holds right now, with its time (fragment: the bar on top of the form)."""
    return _bar(request)


@books
@require_POST
def extend_hold(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Five minutes more."""
    hold = next((one for one in prepared.own_holds(request.user) if one.uuid == uuid), None)
    if hold is None:
        return _bar(request, is_over=True, status=409)
    try:
        scheduling_booking.extend_hold(hold, by=request.user)
    except Refused as refused:
        return _bar(request, refused=refused, status=409)
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware adds it
        return _bar(request)
    return redirect("consultations:book_hold", uuid)


@books
@require_http_methods(["GET", "POST"])
def book(request: SignedInRequest, uuid: UUID, slot: UUID) -> HttpResponse:
    """The summary, and "Verbindlich buchen". A place lost meanwhile costs nothing that was typed."""
    places = Slot.objects.for_user(request.user).filter(kind__needs_referral=True)
    if request.method == "POST":
        return _book(request, uuid, get_object_or_404(places.only("uuid"), uuid=slot))
    referral = mine(request, uuid)
    place = get_object_or_404(places.select_related("session__specialist", "session__room"), uuid=slot)
    audit.look(referral, by=request.user)
    found = readiness.problems(referral, slot=place)
    return _summary(request, referral, place, problems=[(one, steps.where(one)) for one in found])


def _book(request: SignedInRequest, uuid: UUID, place: Slot) -> HttpResponse:
    # The rule reads what it needs under its locks; here it is enough which referral and which slot.
    own = Referral.objects.of_case_team(request.user).only("uuid")
    referral = get_object_or_404(own, uuid=uuid)
    try:
        key = _key(request)
        referrals.submit(referral, slot_or_hold=place, by=request.user, idempotency_key=key)
    except Refused as refused:
        context = {"referral": referral, "slot": place, "refused": refused}
        context["appointment_url"] = ways.to_appointment(referral, refused.problems, by=request.user)
        return render(request, "consultations/book_refused.html", context, status=409)
    except referrals.Conflict:
        return redirect("consultations:book", uuid, place.uuid)
    return redirect("consultations:booked", uuid)


@books
@require_GET
def booked(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """The appointment stands: what goes out by SMS or why not, slip and calendar."""
    referral = mine(request, uuid)
    booking = referral.booking
    if booking is None or booking.status == "cancelled":
        return redirect("consultations:referral", uuid, steps.OVERVIEW)
    client = referral.client if referral.is_presentation else None
    context = {
        "referral": referral,
        "booking": booking,
        "is_own": ways.may_open(referral, by=request.user),
        "slot": booking.slot,
        "interpreter": assignments.standing(booking),
        "lessons": course_seats.during(booking),
        "sms": outbox.for_key_prefix(reminders.key_prefix(booking)) if client else [],
        "obstacles": contact.sms_obstacles(client) if client else [],
    }
    return render(request, "consultations/booked.html", context)


def _bar(
    request: SignedInRequest, *, refused: Refused | None = None, is_over: bool = False, status: int = 200
) -> HttpResponse:
    found = prepared.own_holds(request.user)
    context = {"holds": found, "refused": refused, "is_over": is_over or not found}
    return render(request, "consultations/holds.html", context, status=status)


def _key(request: SignedInRequest) -> UUID | None:
    """The form's own key; without a readable one the submission simply has none."""
    try:
        return UUID(request.POST.get("idempotency_key", ""))
    except ValueError:
        return None


def _summary(
    request: SignedInRequest, referral: Referral, slot: Slot, *, problems: list[Any]
) -> HttpResponse:
    context = about(referral) | {
        "slot": slot,
        "problems": problems,
        "outlook": outlook.look(
            slot,
            by=request.user,
            client=referral.client if referral.is_presentation else None,
            need=interpreting.need(referral, slot),
            with_referral=True,
        ),
        "holds": [hold for hold in prepared.own_holds(request.user) if hold.slot_id == slot.pk],
        "appointment_url": ways.to_appointment(referral, [one for one, _ in problems], by=request.user),
        "idempotency_key": uuid4(),
    }
    return render(request, "consultations/book.html", context)
