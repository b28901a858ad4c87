"""A freed seat is offered by itself to the first on the waiting list whom it suits.

An offer is a tentative booking with a deadline in working hours: it holds the seat as a hold does, and
ends like one, so one sweeper passes both on. Offers are made after the commit that freed the seat, in
the same request (`vacancies`); what a crash leaves out, `tidy` makes good within a minute. Nobody is
offered the same slot twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts import announcements, audit
from accounts.models import Channel, User
from accounts.rows import clock, today
from notifications import notices
from notifications.notices import What
from scheduling import (
    calendars,
    contingents,
    holds,
    problems,
    reminders,
    seats,
    vacancies,
    waiting,
    working_hours,
)
from scheduling.models import Booking, Contingent, Offer, Session, Slot, WaitingEntry
from scheduling.problems import Facts, Problem, Refused
from scheduling.transactions import constraint, tried_again
from scheduling.waiting import Place

# With less time to answer an offer would only be in the way.
SHORTEST = timedelta(minutes=15)

OFFERED_BEFORE = Problem("offered_before", _("Hat diesen Termin schon angeboten bekommen."))
HAS_AN_OFFER = Problem("has_an_offer", _("Hat gerade ein anderes Angebot."))
TOO_SOON = Problem("too_soon", _("Der Termin beginnt zu bald für ein Angebot."))


@dataclass(frozen=True)
class Candidate:
    """Somebody who waits, in order, with every reason why this slot is not for them."""

    place: Place
    problems: list[Problem]

    @property
    def entry(self) -> WaitingEntry:
        """Who."""
        return self.place.entry


# --- Making --------------------------------------------------------------------------------------
def make(slot_id: int) -> list[Offer]:
    """Offer every free seat of the slot to whom it suits; also when nothing is free, or nobody waits."""
    made = []
    while offer := _next(slot_id):
        made.append(offer)
    return made


def candidates(slot: Slot, now: datetime) -> list[Candidate]:
    """Everyone who waits for the slot's kind, in order, as if a seat was free.

    The slot comes with kind, district and session. The same reasons that booking has, read for all at
    once: a fixed number of queries.
    """
    queue = waiting.queue(slot.kind, now)
    entries = [place.entry for place in queue]
    further = waiting.further(entries, slot)
    offered = set(Offer.objects.filter(slot=slot).values_list("entry_id", flat=True))
    asked = set(Offer.objects.filter(entry__in=entries, ended_at=None).values_list("entry_id", flat=True))
    elsewhere = _elsewhere(entries, slot)
    shared_out = contingents.look(slot.session, now)
    may_book = calendars.bookers(slot)
    found = []
    for place in queue:
        entry = place.entry
        facts = _if_free(slot, now, entry, elsewhere.get(entry.client_id, ()), shared_out)
        if may_book is not None:
            facts = replace(facts, may_book=facts.by.organisation_id in may_book)
        against = [*waiting.fits(entry, slot, now), *further[entry.pk], *problems.against_offering(facts)]
        if entry.pk in offered:
            # The rest would speak of what their own offer took.
            against = [OFFERED_BEFORE]
        elif entry.pk in asked:
            against.append(HAS_AN_OFFER)
        found.append(Candidate(place, against))
    return found


def _if_free(
    slot: Slot,
    now: datetime,
    entry: WaitingEntry,
    elsewhere: tuple[Booking, ...],
    shared_out: tuple[Contingent, ...],
) -> Facts:
    """What booking would look at if nobody lived on the slot."""
    return Facts(
        slot=slot,
        now=now,
        by=responsible(entry),
        client=entry.client,
        on_slot=(),
        dead=(),
        own_holds=(),
        elsewhere=elsewhere,
        same_form=None,
        contingents=shared_out,
        to_book=True,
        with_referral=True,
    )


def responsible(entry: WaitingEntry) -> User:
    """Who answers for the entry: whoever keeps the client's case now, else who entered it."""
    return entry.client.owner if entry.client else entry.entered_by


def deadline(slot: Slot, now: datetime) -> datetime | None:
    """Until when an offer made now may be answered; None: there is no time left for one."""
    district = slot.district
    hours = slot.kind.offer_work_hours
    until = min(working_hours.after(now, hours, zone=district.tz, land=district.land), slot.closes_at)
    return until if until - now >= SHORTEST else None


def _elsewhere(entries: Sequence[WaitingEntry], slot: Slot) -> dict[int | None, tuple[Booking, ...]]:
    clients = [entry.client_id for entry in entries if entry.client_id is not None]
    # Courses excluded: they stand in nobody's way.
    meanwhile = Booking.objects.living().exclude(status=Booking.Status.NOSHOW).filter(during__isempty=False)
    found: dict[int | None, tuple[Booking, ...]] = {}
    for booking in meanwhile.filter(client__in=clients, start_at__lt=slot.end_at, end_at__gt=slot.start_at):
        found[booking.client_id] = (*found.get(booking.client_id, ()), booking)
    return found


def _next(slot_id: int) -> Offer | None:
    """One offer, if a seat is free and somebody suits."""
    slot = (
        Slot.objects.joinable()
        .select_related("kind", "district", "session__district")
        .filter(pk=slot_id)
        .first()
    )
    now = clock()
    if slot is None or deadline(slot, now) is None:
        return None
    for candidate in candidates(slot, now):
        if not candidate.problems and (offer := _offer(slot.pk, candidate.place)):
            return offer
    return None


@tried_again
def _offer(slot_id: int, place: Place) -> Offer | None:
    """Hold a seat for the entry; None when somebody was faster, or it does not suit any more."""
    try:
        with transaction.atomic():
            return _hold(slot_id, place)
    except Refused:
        return None
    except IntegrityError as error:
        if constraint(error) not in {"offer_one_at_a_time", *problems.BY_CONSTRAINT}:
            raise
        return None


def _hold(slot_id: int, place: Place) -> Offer:
    entry, by = place.entry, responsible(place.entry)
    slot, now = locked = seats.lock(slot_id, client=entry.client_id)
    facts = seats.look(locked, by=by, client=entry.client, to_book=True, with_referral=True)
    until = deadline(slot, now)
    if until is None or (found := problems.against_offering(facts)):
        raise Refused(found if until else [TOO_SOON])
    if waiting.lock(entry).ended_at is not None:
        raise Refused([waiting.ENDED])
    if Offer.objects.filter(slot=slot, entry=entry).exists():
        raise Refused([OFFERED_BEFORE])
    booking = seats.take(facts)
    booking.status = Booking.Status.TENTATIVE
    booking.held_until = until
    booking.save(force_insert=True)
    offer = Offer.objects.create(
        entry=entry, slot=slot, booking=booking, offered_at=now, deadline_at=until, rank=place.rank
    )
    audit.record("offered", offer, by=None, district=slot.district, channel=Channel.TASK)
    # Before anybody said where to, there is nothing a client could be told.
    if entry.client is not None and booking.address:
        reminders.offer(booking, entry.client, now)
    _changed(slot, entry)
    notices.tell(_people(entry), What.OFFER, key=f"offer:{offer.uuid}", route="scheduling:waiting")
    seats.count(booking, facts)
    return offer


# --- Ending --------------------------------------------------------------------------------------
def own(user: User) -> list[Offer]:
    """The offers this person, or the case they keep, may answer now; the first to end first."""
    open_ones = Offer.objects.filter(
        entry__in=WaitingEntry.objects.for_user(user), ended_at=None, booking__held_until__gt=Now()
    )
    around = open_ones.select_related(
        "entry__client", "slot__kind", "slot__session__room", "slot__session__specialist"
    )
    return list(around.order_by("deadline_at"))


@tried_again
def decline(offer: Offer, *, by: User) -> None:
    """Not this one: the seat goes to the next, the entry goes on waiting. Declined already is no problem.

    Raises `Refused` when it was accepted or is over.
    """
    with transaction.atomic():
        stored = _locked(offer)
        if stored.outcome == Offer.Outcome.DECLINED:
            return
        if stored.ended_at is not None:
            raise Refused([problems.OFFER_OVER])
        _end(stored, Offer.Outcome.DECLINED, by)


@tried_again
def withdraw(entry: WaitingEntry, *, by: User) -> None:
    """Nobody needs to wait any more; an offer that stands is taken back. Ended already is no problem."""
    with transaction.atomic():
        standing = entry.offers.filter(ended_at=None).first()
        if standing is not None:
            standing = _locked(standing)
            if standing.ended_at is None:
                _end(standing, Offer.Outcome.WITHDRAWN, by)
        stored = waiting.lock(entry)
        if stored.ended_at is not None:
            return
        _close(stored, WaitingEntry.Outcome.WITHDRAWN, by)
        audit.record("waiting_withdrawn", stored, by=by)


def _locked(offer: Offer) -> Offer:
    """The offer as it is now, its slot locked."""
    slot, _now = seats.lock(offer.slot_id)
    stored = Offer.objects.select_related("booking", "entry__client").get(pk=offer.pk)
    stored.slot = slot
    return stored


def _end(offer: Offer, outcome: Offer.Outcome, by: User | None) -> None:
    verb = "offer_declined" if outcome == Offer.Outcome.DECLINED else "offer_withdrawn"
    audit.record(verb, offer, by=by, district=offer.slot.district, channel=_channel(by))
    if offer.booking is not None:
        holds.remove([offer.booking], offers_are=outcome, by=by)
    _changed(offer.slot, offer.entry)
    vacancies.announce(offer.slot)


def _close(entry: WaitingEntry, outcome: WaitingEntry.Outcome, by: User | None) -> None:
    entry.ended_at = clock()
    entry.ended_by = by
    entry.outcome = outcome
    entry.save(update_fields=["ended_at", "ended_by", "outcome"])


def _channel(by: User | None) -> Channel:
    return Channel.BROWSER if by else Channel.TASK


def _changed(slot: Slot, entry: WaitingEntry) -> None:
    seats.touch(slot)
    for person in _people(entry):
        announcements.news(person)


def _people(entry: WaitingEntry) -> set[int]:
    """The case team; without a client whoever entered it."""
    return entry.client.case_team if entry.client else {entry.entered_by_id}


# --- The safety net ------------------------------------------------------------------------------
def tidy() -> None:
    """What no request did: entries whose time is over, offers nobody needs any more, seats free since."""
    for entry in WaitingEntry.objects.waiting().filter(latest_on__lt=today()):
        _too_late(entry)
    for offer in Offer.objects.filter(ended_at=None, entry__ended_at__isnull=False):
        _take_back(offer)
    for slot_id in _worth_offering():
        make(slot_id)


@tried_again
def _too_late(entry: WaitingEntry) -> None:
    with transaction.atomic():
        stored = waiting.lock(entry)
        if stored.ended_at is None:
            _close(stored, WaitingEntry.Outcome.TOO_LATE, None)


@tried_again
def _take_back(offer: Offer) -> None:
    with transaction.atomic():
        stored = _locked(offer)
        if stored.ended_at is None:
            _end(stored, Offer.Outcome.WITHDRAWN, None)


def _worth_offering() -> list[int]:
    """Free slots of a kind for which somebody waits who has no offer, and was not asked about it."""
    asked = Offer.objects.filter(Q(ended_at=None) | Q(slot=OuterRef(OuterRef("pk"))), entry=OuterRef("pk"))
    waits = WaitingEntry.objects.waiting().filter(
        ~Exists(asked), Q(slot=None) | Q(slot=OuterRef("pk")), kind=OuterRef("kind")
    )
    free = Slot.objects.joinable().filter(Exists(waits), session__status=Session.Status.PLANNED)
    return list(free.order_by("start_at").values_list("pk", flat=True))
