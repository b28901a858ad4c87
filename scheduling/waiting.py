"""The waiting list: who waits for what, in which order, and whether a slot suits them.

The order, for everyone to understand: what is urgent first; then who waits longer, in whole weeks, so
that a day more or less does not decide; then the organisation that got fewer of the last appointments;
then who came first. Why a slot does not suit somebody are values, collected all at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from accounts import audit, languages
from accounts.models import User
from accounts.rows import Statement, Write, together
from clients.models import Client
from scheduling.models import AppointmentKind, Booking, Slot, WaitingEntry
from scheduling.problems import Problem, Refused
from scheduling.transactions import constraint

# How many of the last appointments show which organisation got how much.
LOOKED_BACK = 20
# What may be told and changed while waiting.
NEEDS = frozenset(
    {
        "urgency", "language", "gender", "needs_step_free", "earliest_on", "latest_on", "weekdays",
        "at_short_notice",
    }
)  # fmt: skip

ALREADY = Problem(
    "waiting_already",
    _("Für diese Person steht dieser Wunsch schon auf der Warteliste."),
    _("Ändern Sie den vorhandenen Eintrag."),
)
ENDED = Problem(
    "waiting_ended",
    _("Dieser Eintrag auf der Warteliste ist abgeschlossen."),
    _("Tragen Sie die Person neu ein, wenn sie noch einen Termin braucht."),
)
OTHER_WANTED = Problem("other_wanted", _("Wartet auf einen anderen Termin."))
OTHER_FORMAT = Problem("other_format_wanted", _("Wartet auf das andere Format."))
CASE_CLOSED = Problem("waiting_case_closed", _("Der Fall ist abgeschlossen."))
LANGUAGE = Problem(
    "language_missing", _("Niemand spricht hier die Sprache, und es ist keine Sprachmittlung dabei.")
)
GENDER = Problem("gender_wanted", _("Gewünscht ist eine Fachperson anderen Geschlechts."))
NOT_STEP_FREE = Problem("not_step_free", _("Braucht einen stufenlosen Zugang."))
TOO_EARLY = Problem("before_earliest", _("Kann erst später."))
TOO_LATE = Problem("after_latest", _("Braucht den Termin früher."))
WEEKDAY = Problem("other_weekday", _("Kann an diesem Wochentag nicht."))
SHORT_NOTICE = Problem("short_notice", _("Kann nicht so kurzfristig kommen."))


# --- Entering and leaving ------------------------------------------------------------------------
def enter(
    *,
    kind: AppointmentKind,
    by: User,
    client: Client | None = None,
    format: str = "",
    slot: Slot | None = None,
    **needs: Any,
) -> WaitingEntry:
    """Put somebody on the list, with what they need (`NEEDS`). Raises `Refused` when they are on it."""
    _look_at(needs)
    entry = WaitingEntry(
        district_id=kind.district_id,
        organisation=client.organisation if client else by.organisation,
        entered_by=by,
        kind=kind,
        format=format,
        slot=slot,
        client=client,
        **needs,
    )
    with transaction.atomic(), _once():
        entry.save(force_insert=True)
        audit.record("waiting_entered", entry, by=by, format=format)
    return entry


def change(entry: WaitingEntry, *, by: User, **needs: Any) -> WaitingEntry:
    """What they need now. Raises `Refused` when the entry has ended."""
    _look_at(needs)
    with transaction.atomic():
        stored = lock(entry)
        if stored.ended_at is not None:
            raise Refused([ENDED])
        changed = sorted(name for name, value in needs.items() if getattr(stored, name) != value)
        for name in changed:
            setattr(stored, name, needs[name])
        if changed:
            stored.save(update_fields=changed)
            audit.record("waiting_changed", stored, by=by, fields=changed)
        return stored


# In every booking, so written once. Without client or entry the comparison is with NULL, and finds nothing.
_FOUND = Statement(
    """
    UPDATE scheduling_waitingentry
    SET ended_at = statement_timestamp(), ended_by_id = %(by)s, outcome = 'booked'
    WHERE ended_at IS NULL AND (
        id = %(entry)s
        OR client_id = %(client)s AND kind_id = %(kind)s AND format IN ('', %(format)s)
            AND (slot_id IS NULL OR slot_id = %(slot)s)
    )
    """
)


def found(booking: Booking, *, by: User, entry: int | None = None) -> None:
    """An appointment was booked: nobody waits for it any more. Inside the booking's transaction, its slot
    locked; `entry` is the one whose offer was accepted."""
    together(found_write(booking, by=by, entry=entry))


def found_write(booking: Booking, *, by: User, entry: int | None = None) -> Write:
    """The same as a value, to be written together with what else the booking leaves."""
    slot = booking.slot
    return _FOUND.write(
        entry=entry, client=booking.client_id, slot=slot.pk, kind=slot.kind_id, format=slot.format, by=by.pk
    )


def lock(entry: WaitingEntry) -> WaitingEntry:
    """The entry as it is now, locked; after slots and resources."""
    return WaitingEntry.objects.select_for_update(no_key=True).get(pk=entry.pk)


def _look_at(needs: Mapping[str, Any]) -> None:
    unknown = needs.keys() - NEEDS
    if unknown:
        raise ValueError(f"Not told while waiting: {', '.join(sorted(unknown))}")


class _once:  # noqa: N801 (reads like a word in a with statement)
    """Turn what the constraints of the list said into a refusal."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError) and constraint(error).startswith("waiting_once"):
            raise Refused([ALREADY]) from error


# --- The order -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Place:
    """An entry with what its place in the order stands on."""

    entry: WaitingEntry
    days: int  # waited
    share: float  # of the last appointments of the kind, got by the organisation: 0 to 1

    @property
    def key(self) -> tuple[bool, int, float, datetime]:
        """The order."""
        is_urgent = self.entry.urgency == WaitingEntry.Urgency.URGENT
        return (not is_urgent, -(self.days // 7), self.share, self.entry.entered_at)

    @property
    def percent(self) -> int:
        """The share as people say it."""
        return round(100 * self.share)

    @property
    def rank(self) -> dict[str, str | int]:
        """What is kept with an offer, to answer "why them?" later."""
        return {"urgency": self.entry.urgency, "days": self.days, "share": self.percent}


def queue(kind: AppointmentKind, now: datetime) -> list[Place]:
    """Who waits for this kind, the first first. Two queries."""
    shares = _shares(kind)
    waiting = WaitingEntry.objects.waiting().filter(kind=kind)
    around = waiting.select_related(
        "client__owner__organisation", "client__deputy", "entered_by__organisation", "organisation"
    )
    places = [
        Place(entry, max((now - entry.entered_at).days, 0), shares.get(entry.organisation_id, 0.0))
        for entry in around
    ]
    return sorted(places, key=lambda place: place.key)


def _shares(kind: AppointmentKind) -> dict[int, float]:
    booked = Booking.objects.filter(slot__kind=kind, booked_at__isnull=False)
    last = booked.exclude(status=Booking.Status.CANCELLED).order_by("-booked_at")
    got = list(last.values_list("holder__organisation", flat=True)[:LOOKED_BACK])
    return {organisation: got.count(organisation) / len(got) for organisation in got}


@dataclass(frozen=True)
class Length:
    """How many wait for a kind."""

    kind: str
    number: int


def lengths(user: User) -> list[Length]:
    """How many wait in the district for the consultation, by kind; only where somebody does. One query."""
    waiting = WaitingEntry.objects.of_district(user).waiting().filter(kind__needs_referral=True)
    counted = waiting.order_by("kind__name").values_list("kind__name").annotate(number=Count("pk"))
    return [Length(kind, number) for kind, number in counted]


# --- What suits whom -----------------------------------------------------------------------------
Check = Callable[[Sequence[WaitingEntry], Slot], Mapping[int, Sequence[Problem]]]
_checks: list[Check] = []


def register(check: Check) -> Check:
    """Add an upper room's reasons, for all entries at once, by entry number; at start-up."""
    if check not in _checks:
        _checks.append(check)
    return check


def further(entries: Sequence[WaitingEntry], slot: Slot) -> dict[int, list[Problem]]:
    """What upper rooms have against the slot, by entry number (consent, a complete referral)."""
    against: dict[int, list[Problem]] = {entry.pk: [] for entry in entries}
    for check in _checks:
        for pk, problems in check(entries, slot).items():
            against[pk] += problems
    return against


def fits(entry: WaitingEntry, slot: Slot, now: datetime) -> list[Problem]:
    """Every reason why this slot does not suit this entry; empty: it does."""
    checks = (_wanted, _people, _days)
    return [problem for check in checks for problem in check(entry, slot, now)]


def is_short_notice(slot: Slot, now: datetime) -> bool:
    """Whether only those who can come at short notice are asked."""
    return slot.closes_at - now < timedelta(days=slot.kind.late_days)


def _wanted(entry: WaitingEntry, slot: Slot, now: datetime) -> Iterator[Problem]:
    if entry.kind_id != slot.kind_id or entry.slot_id not in (None, slot.pk):
        yield OTHER_WANTED
    elif entry.format and entry.format != slot.format:
        yield OTHER_FORMAT
    if entry.client is not None and entry.client.closed_at is not None:
        yield CASE_CLOSED


def _people(entry: WaitingEntry, slot: Slot, now: datetime) -> Iterator[Problem]:
    is_understood = entry.language in ("", languages.GERMAN, *slot.languages)
    if not is_understood and not slot.with_interpreter:
        yield LANGUAGE
    if entry.gender and slot.gender != entry.gender:
        yield GENDER
    if entry.needs_step_free and not slot.is_step_free:
        yield NOT_STEP_FREE


def _days(entry: WaitingEntry, slot: Slot, now: datetime) -> Iterator[Problem]:
    day = slot.start_at.astimezone(slot.district.tz).date()
    if entry.earliest_on and day < entry.earliest_on:
        yield TOO_EARLY
    if entry.latest_on and day > entry.latest_on:
        yield TOO_LATE
    if entry.weekdays and day.weekday() not in entry.weekdays:
        yield WEEKDAY
    if is_short_notice(slot, now) and not entry.at_short_notice:
        yield SHORT_NOTICE
