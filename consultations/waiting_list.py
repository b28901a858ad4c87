"""A complete referral waits for a place: on the list, offered one, and accepted with one click."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.rows import clock
from consultations import interpreting, readiness, referrals
from consultations.models import Referral
from scheduling import interpreters, problems, waiting
from scheduling.models import AppointmentKind, Booking, Offer, Slot, WaitingEntry
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

NO_KIND = Problem(
    "no_kind",
    _("Die Sprechstunde ist in Ihrem Landkreis noch nicht eingerichtet."),
    _("Wenden Sie sich an die Koordination."),
)


@tried_again
def enter(referral: Referral, *, by: User, **needs: Any) -> WaitingEntry:
    """Let a referral wait for the next place that suits it; `needs` as `waiting.NEEDS`, where the
    referral does not know them. Raises `Refused` with everything it still lacks: an offer is accepted
    with one click, so it has to be complete before.
    """
    with transaction.atomic():
        stored = referrals.lock_with_client(referral, by=by)
        against = readiness.problems(stored)
        kinds = AppointmentKind.objects.for_user(by).in_use().filter(needs_referral=True)
        kind = kinds.order_by("pk").first()
        if kind is None:
            against.append(NO_KIND)
        if against or kind is None:
            raise Refused(against)
        client = stored.client if stored.is_presentation else None
        entry = stored.waiting_entry
        if entry is None or entry.ended_at is not None:
            entry = waiting.enter(
                kind=kind, by=by, client=client, format=stored.format, **(_known(stored) | needs)
            )
        stored.waiting_entry = entry
        stored.save(update_fields=["waiting_entry", "saved_at"])
        return entry


def _known(referral: Referral) -> dict[str, Any]:
    """What the referral says itself about the place it needs."""
    is_urgent = referral.urgency == Referral.Urgency.URGENT
    needs_words = referral.interpreter_need == Referral.InterpreterNeed.NEEDED
    return {
        "urgency": WaitingEntry.Urgency.URGENT if is_urgent else WaitingEntry.Urgency.REGULAR,
        "language": referral.language if referral.is_presentation and needs_words else "",
        "gender": interpreting.gender(referral.specialist_gender),
    }


# --- What the room below asks ----------------------------------------------------------------------
def against(entries: Sequence[WaitingEntry], slot: Slot) -> Mapping[int, Sequence[Problem]]:
    """What the referrals have against the slot, by entry number (`waiting.register`).

    One query; whether an interpreter can be had is looked up for those alone whom the slot suits.
    """
    if not slot.kind.needs_referral:
        return {}
    found = Referral.objects.with_clarification().filter(waiting_entry__in=entries)
    by_entry = {one.waiting_entry_id: one for one in found.select_related("client", "consent", "booking")}
    return {
        entry.pk: _against(by_entry[entry.pk], slot) if entry.pk in by_entry else [problems.NEEDS_REFERRAL]
        for entry in entries
    }


def _against(referral: Referral, slot: Slot) -> Sequence[Problem]:
    found = readiness.problems(referral, slot=slot)
    needed = interpreting.need(referral, slot)
    if found or needed is None:
        return found
    return interpreters.find(slot, needed, now=clock()).problems


def is_ours(offer: Offer) -> bool:
    """Whether accepting it takes a referral (`acceptance.register`)."""
    return offer.slot.kind.needs_referral


def take(offer: Offer, by: User) -> Booking:
    """Submit the referral that waits with the place that was offered. Raises `Refused`."""
    referral = Referral.objects.of_case_team(by).filter(waiting_entry=offer.entry_id).first()
    if referral is None:
        raise Refused([problems.NEEDS_REFERRAL])
    return referrals.submit(referral, slot_or_hold=offer.slot, by=by, accepts=offer)
