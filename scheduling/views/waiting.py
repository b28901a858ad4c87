"""The waiting list, the offers made from it, and why somebody got one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedInRequest, requires
from accounts.models import User
from accounts.roles import Permission
from accounts.rows import clock
from clients.models import Client
from scheduling import acceptance, calendars, dividing, doors, offers, problems
from scheduling import waiting as rules
from scheduling.forms.bookings import VisitForm
from scheduling.forms.waiting import EnterForm, NeedsForm
from scheduling.models import AppointmentKind, Booking, Offer, Slot, WaitingEntry
from scheduling.problems import Refused

books = requires(Permission.BOOK)
plans = requires(Permission.PLAN_SESSIONS)


# --- The list ------------------------------------------------------------------------------------
@requires(Permission.BOOK, Permission.PLAN_SESSIONS)
@require_GET
def waiting_list(request: SignedInRequest) -> HttpResponse:
    """Whom one has entered, with what stands offered; for the coordinator, the order of all."""
    user = request.user
    may_book, may_plan = user.may(Permission.BOOK), user.may(Permission.PLAN_SESSIONS)
    context = {
        "entries": _mine(user) if may_book else [],
        "offers": offers.own(user) if may_book else [],
        "queues": _queues(user) if may_plan else [],
        "slots": _slots(user) if may_plan else [],
        "may_book": may_book,
        "may_plan": may_plan,
        "now": timezone.now(),
    }
    return render(request, "scheduling/waiting.html", context)


@books
@require_http_methods(["GET", "POST"])
def enter(request: SignedInRequest, booking: UUID | None = None, client: UUID | None = None) -> HttpResponse:
    """Put a client of one's own on the list; after an appointment nobody came to, that client again.

    From a client's page that client is chosen, from a search the kind (`?kind=`).
    """
    chosen = {"kind": request.GET.get("kind")} | _again(request, booking)
    if client is not None:
        own = Client.objects.for_user(request.user).open()
        chosen["client"] = get_object_or_404(own, uuid=client).uuid
    form = EnterForm(request.POST or None, user=request.user, initial=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            made = rules.enter(by=request.user, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, refused.in_words)
        else:
            messages.success(request, _("Eingetragen. Sobald ein Platz passt, steht er auf „Heute“."))
            return redirect(_address(made))
    context = {"form": form, "with_referral": _kinds_with_referral(request.user)}
    return render(request, "scheduling/enter_waiting.html", context, status=422 if form.errors else 200)


def _again(request: SignedInRequest, booking: UUID | None) -> dict[str, Any]:
    if booking is None:
        return {}
    missed = Booking.objects.for_user(request.user).select_related("client", "slot__kind")
    found = get_object_or_404(missed, uuid=booking)
    return {"client": found.client and found.client.uuid, "kind": found.slot.kind.code}


@books
@require_http_methods(["GET", "POST"])
def entry(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Who waits, what they need, and what was offered so far."""
    found = _own(request, uuid)
    needs = {name: getattr(found, name) for name in NeedsForm.base_fields}
    form = NeedsForm(request.POST or None, initial=needs)
    if request.method == "POST" and form.is_valid():
        try:
            rules.change(found, by=request.user, **form.cleaned_data)
        except Refused as refused:
            messages.warning(request, refused.in_words)
        else:
            messages.success(request, _("Gespeichert."))
        return redirect("scheduling:waiting")
    audit.look(found, by=request.user)
    context = {
        "entry": found,
        "form": form,
        "history": found.offers.select_related("slot").order_by("-offered_at"),
    }
    return render(request, "scheduling/waiting_entry.html", context, status=422 if form.errors else 200)


@books
@require_POST
def withdraw(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Nobody needs to wait any more."""
    offers.withdraw(_own(request, uuid), by=request.user)
    messages.success(request, _("Von der Warteliste genommen."))
    return redirect("scheduling:waiting")


# --- Offers --------------------------------------------------------------------------------------
@books
@require_GET
def offers_to_me(request: SignedInRequest) -> HttpResponse:
    """What stands offered to one's clients (fragment)."""
    return render(request, "scheduling/offers.html", {"offers": offers.own(request.user)})


@books
@require_http_methods(["GET", "POST"])
def accept(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """One click, and it is booked; first asks who goes along and where to, if the kind needs it."""
    offer = _offer(request, uuid)
    is_sent = request.method == "POST"
    form = VisitForm(request.POST if is_sent else None, user=request.user, slot=offer.slot)
    if not form.is_valid():
        return _ask_for_visit(request, offer, form)
    try:
        made = acceptance.accept(offer, by=request.user, visit=form.visit)
    except Refused as refused:
        return _ask_for_visit(request, offer, form, refused)
    messages.success(request, _("Gebucht. Die Nachrichten an die Klientin oder den Klienten sind geplant."))
    return redirect(_booked(made))


def _ask_for_visit(
    request: SignedInRequest, offer: Offer, form: VisitForm, refused: Refused | None = None
) -> HttpResponse:
    """The form, as long as the offer stands: what was typed is kept, and so is the place."""
    if offer.outcome == Offer.Outcome.ACCEPTED and offer.booking is not None:
        return redirect(_booked(offer.booking))
    stands = next((one for one in offers.own(request.user) if one == offer), None)
    if stands is None or (refused and not form.fields):
        context = {"slot": offer.slot, "refused": refused or Refused([problems.OFFER_OVER])}
        return render(request, "scheduling/refused.html", context, status=409)
    audit.look(stands.entry, by=request.user)
    context = {"offer": stands, "slot": stands.slot, "form": form, "refused": refused}
    status = 409 if refused else 422 if form.errors else 200
    return render(request, "scheduling/accept_offer.html", context, status=status)


@books
@require_POST
def decline(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Not this one; the seat goes to the next, and one goes on waiting."""
    try:
        offers.decline(_offer(request, uuid), by=request.user)
    except Refused as refused:
        messages.warning(request, refused.in_words)
    else:
        messages.success(request, _("Abgelehnt. Der Eintrag bleibt auf der Warteliste."))
    return redirect("scheduling:waiting")


# --- For the coordinator -------------------------------------------------------------------------
@plans
@require_GET
def why(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Why this slot was offered to whom, and why to nobody; by case number, without names.

    For every slot of the district, as the list of the last offers names those of all offices.
    """
    slots = Slot.objects.filter(district=request.user.district_id)
    slot = get_object_or_404(slots.select_related("kind", "district", "session__district"), uuid=uuid)
    now = clock()
    history = Offer.objects.filter(slot=slot).select_related("entry__client", "entry__organisation")
    is_free = Slot.objects.joinable().filter(pk=slot.pk).exists()
    context = {
        "slot": slot,
        "is_free": is_free,
        "is_short_notice": rules.is_short_notice(slot, now),
        "candidates": offers.candidates(slot, now),
        "history": history.order_by("offered_at"),
        "may_divide": is_free and dividing.may_be_divided(slot),
        "may_see_day": calendars.managed(request.user).filter(pk=slot.calendar_id).exists(),
    }
    return render(request, "scheduling/why_whom.html", context)


@plans
@require_POST
def divide(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Two case consultations in place of a presentation nobody can come to."""
    slot = get_object_or_404(Slot.objects.for_user(request.user).select_related("session"), uuid=uuid)
    try:
        dividing.divide(slot, by=request.user)
    except Refused as refused:
        messages.warning(request, refused.in_words)
        return redirect("scheduling:why_whom", uuid)
    messages.success(request, _("Aus der Vorstellung sind zwei Fallberatungen geworden."))
    return redirect("scheduling:session", slot.session.uuid)


# --- Shared --------------------------------------------------------------------------------------
def _mine(user: User) -> list[WaitingEntry]:
    waiting = WaitingEntry.objects.for_user(user).waiting()
    return list(waiting.select_related("kind", "client").order_by("entered_at"))


def _queues(user: User) -> list[tuple[AppointmentKind, list[rules.Place]]]:
    """Per kind for which somebody waits, the order."""
    waited_for = WaitingEntry.objects.of_district(user).waiting().values("kind")
    now = clock()
    kinds = AppointmentKind.objects.for_user(user).filter(pk__in=waited_for)
    return [(kind, rules.queue(kind, now)) for kind in kinds]


def _slots(user: User) -> list[Offer]:
    """The last offers of the district, with what became of them."""
    offered = Offer.objects.filter(slot__district=user.district_id)
    return list(offered.select_related("slot", "entry__client", "entry__organisation")[:20])


def _own(request: SignedInRequest, uuid: UUID) -> WaitingEntry:
    own = WaitingEntry.objects.for_user(request.user).waiting().select_related("kind", "client")
    return get_object_or_404(own, uuid=uuid)


def _offer(request: SignedInRequest, uuid: UUID) -> Offer:
    theirs = WaitingEntry.objects.for_user(request.user)
    around = Offer.objects.filter(entry__in=theirs).select_related("slot__kind", "booking")
    return get_object_or_404(around, uuid=uuid)


def _booked(booking: Booking) -> str:
    """Where one reads what was booked."""
    return doors.about([booking]).get(booking.pk) or reverse("scheduling:booking", args=[booking.uuid])


def _address(entry: WaitingEntry) -> str:
    return f"{reverse('scheduling:waiting')}#eintrag-{entry.uuid}"


def _kinds_with_referral(user: User) -> list[AppointmentKind]:
    return list(AppointmentKind.objects.for_user(user).in_use().filter(needs_referral=True))
