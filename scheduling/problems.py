"""Why a place cannot be had: values, collected all at once, each with what would remove it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import when
from accounts.models import User
from clients.models import Client
from scheduling.models import Booking, Contingent, Offer, Resource, Slot, SlotFormat

HOLD_LASTS = timedelta(minutes=5)
HOLDS_A_PERSON = 2
EXTENSIONS = 3

Text = str | Promise


@dataclass(frozen=True)
class Problem:
    """One reason. `code` is for programs, `text` and `way_out` for people, in their language."""

    code: str
    text: Text
    way_out: Text = ""

    def __str__(self) -> str:
        return f"{self.text} {self.way_out}".strip()


class Refused(Exception):
    """The act was refused and nothing has changed. `next_free` is where one could go instead."""

    def __init__(self, problems: Iterable[Problem], *, next_free: Slot | None = None) -> None:
        self.problems = list(problems)
        self.next_free = next_free
        super().__init__(", ".join(self.codes))

    @property
    def codes(self) -> list[str]:
        """The problems' codes, in order."""
        return [problem.code for problem in self.problems]

    @property
    def in_words(self) -> str:
        """All problems with their ways out, as people read them in one line."""
        return " ".join(map(str, self.problems))

    @property
    def place_is_gone(self) -> bool:
        """Whether another place would help: this one is taken, closed or over."""
        return not PLACE_IS_GONE.isdisjoint(self.codes)


@dataclass(frozen=True)
class Visit:
    """What an appointment is besides its slot and its client: who comes instead, goes along, and where to.

    `guest`: somebody who is no client; `is_walk_in`: who is there already, also while it runs.
    `batch`: made in one go with others.
    """

    guest: str = ""
    second_person: Resource | None = None
    place: str = ""
    batch: UUID | None = None
    is_walk_in: bool = False

    def write(self, booking: Booking) -> None:
        """Put it on the booking."""
        booking.guest, booking.second_person = self.guest, self.second_person
        booking.place, booking.batch = self.place, self.batch


ALONE = Visit()


@dataclass(frozen=True)
class Facts:
    """What the checks look at: read once, under the lock (`seats.look`). `now` is the database's."""

    slot: Slot
    now: datetime
    by: User
    client: Client | None
    on_slot: tuple[Booking, ...]  # living ones, by seat
    dead: tuple[Booking, ...]  # holds on this slot whose time has passed
    own_holds: tuple[Booking, ...]  # living ones of `by`, here and elsewhere; no offers
    elsewhere: tuple[Booking, ...]  # the client's other appointments at this time
    same_form: Booking | None  # what this very form did already
    contingents: tuple[Contingent, ...] = ()  # of the session, while its seats are not everyone's
    accepts: Offer | None = None  # the offer that is being accepted
    to_book: bool = False
    with_referral: bool = False
    visit: Visit = ALONE
    may_book: bool = True  # in this calendar
    companion_is_free: bool = True
    against_interpreter: tuple[Problem, ...] = ()  # why nobody could interpret, where somebody is needed

    @property
    def own_hold(self) -> Booking | None:
        """The living hold of `by` on this slot, or what was offered to them."""
        if self.accepts is not None:
            offered = (hold for hold in self.on_slot if hold.pk == self.accepts.booking_id)
            return next((hold for hold in offered if hold.status == Booking.Status.TENTATIVE), None)
        return next((hold for hold in self.own_holds if hold.slot_id == self.slot.pk), None)

    @property
    def is_on_it_already(self) -> bool:
        """Whether the client has a seat on this course, or is offered one."""
        return (
            self.slot.is_course
            and self.client is not None
            and any(one.client_id == self.client.pk and one != self.own_hold for one in self.on_slot)
        )

    @property
    def free_seat(self) -> int | None:
        """The lowest seat nobody lives on."""
        taken = {booking.seat for booking in self.on_slot}
        return next((seat for seat in range(1, self.slot.capacity + 1) if seat not in taken), None)


def collect(facts: Facts) -> list[Problem]:
    """Every reason against it, in the order a person would ask; empty means go ahead."""
    checks = (_time, _place, _contingent, _person, _client, _interpreter)
    return [problem for check in checks for problem in check(facts)]


def against_offering(facts: Facts) -> list[Problem]:
    """As `collect`, without what is said only when the place is taken: who goes along, and where to."""
    return [problem for problem in collect(facts) if problem.code not in SAID_WHEN_TAKEN]


def _time(facts: Facts) -> Iterator[Problem]:
    if not facts.slot.is_open:
        yield CLOSED
    if facts.slot.is_away:
        yield AWAY
    # Who walks in comes while it runs.
    last = facts.slot.end_at if facts.visit.is_walk_in else facts.slot.closes_at
    if last <= facts.now:
        yield COURSE_OVER if facts.slot.is_course else BEGUN
    elif facts.own_hold is None and not facts.visit.is_walk_in:
        # Who holds a place was in time.
        yield from out_of_time(facts.slot, facts.now)


def out_of_time(slot: Slot, now: datetime) -> Iterator[Problem]:
    """Too short before the slot, or too long, by the rules of its kind (which is at hand)."""
    notice, horizon = slot.kind.notice_hours, slot.kind.horizon_days
    latest = slot.start_at - timedelta(hours=notice)
    if notice and latest <= now:
        yield notice_too_short(latest)
    if horizon is not None and now < (earliest := slot.start_at - timedelta(days=horizon)):
        yield not_yet(earliest)


def _place(facts: Facts) -> Iterator[Problem]:
    if facts.slot.format == SlotFormat.LESSON:
        yield LESSON
    if facts.accepts is not None and facts.own_hold is None:
        yield OFFER_OVER
        return
    if facts.own_hold is not None or facts.free_seat is not None:
        return
    holds = [(hold.held_until, hold.is_offer) for hold in facts.on_slot if hold.held_until is not None]
    if not holds:
        yield TAKEN
        return
    until, is_offer = min(holds)
    yield offered(until) if is_offer else held(until)


def _contingent(facts: Facts) -> Iterator[Problem]:
    if not facts.contingents or facts.own_hold is not None:
        return
    if not any(one.left and _is_theirs(one, facts) for one in facts.contingents):
        yield contingent_used(facts)


def _is_theirs(contingent: Contingent, facts: Facts) -> bool:
    """Their organisation's own, the rest, or everyone's by now."""
    return (
        contingent.organisation_id in (facts.by.organisation_id, None) or contingent.free_from_at <= facts.now
    )


def _person(facts: Facts) -> Iterator[Problem]:
    if not facts.may_book:
        yield NOT_YOUR_CALENDAR
    if not facts.to_book and facts.own_hold is None and len(facts.own_holds) >= HOLDS_A_PERSON:
        yield TOO_MANY_HOLDS


def _client(facts: Facts) -> Iterator[Problem]:
    if not facts.to_book:
        return
    # A course at that time warns, it is no refusal.
    if facts.elsewhere and not facts.slot.is_course:
        yield CLIENT_ELSEWHERE
    if facts.is_on_it_already:
        yield ENROLLED
    if facts.slot.kind.needs_referral and not facts.with_referral:
        yield NEEDS_REFERRAL
    if facts.slot.format == SlotFormat.APPOINTMENT:
        yield from _visit(facts)


def _visit(facts: Facts) -> Iterator[Problem]:
    """What the kind of an ordinary appointment asks for."""
    kind, visit = facts.slot.kind, facts.visit
    if kind.needs_client and facts.client is None:
        yield NEEDS_CLIENT
    if kind.needs_second_person and visit.second_person is None:
        yield NEEDS_COMPANION
    if kind.is_elsewhere and not visit.place and not facts.slot.session.address:
        yield NEEDS_PLACE
    if not facts.companion_is_free:
        yield COMPANION_ELSEWHERE


def _interpreter(facts: Facts) -> Iterable[Problem]:
    return facts.against_interpreter


# --- The reasons -----------------------------------------------------------------------------
CLOSED = Problem("closed", _("Dieser Termin findet nicht statt."), _("Wählen Sie einen anderen Termin."))
BEGUN = Problem("begun", _("Dieser Termin hat schon begonnen."), _("Wählen Sie einen späteren Termin."))
AWAY = Problem(
    "away",
    _("Die Person oder der Raum ist zu dieser Zeit nicht da."),
    _("Wählen Sie einen anderen Termin."),
)
COURSE_OVER = Problem("course_over", _("Dieser Kurs ist vorbei."), _("Wählen Sie einen anderen Kurs."))
LESSON = Problem(
    "lesson",
    _("Das ist ein Termin eines Kurses. Er wird nicht einzeln gebucht."),
    _("Melden Sie zum ganzen Kurs an."),
)
ENROLLED = Problem(
    "enrolled",
    _("Die Klientin oder der Klient hat schon einen Platz in diesem Kurs."),
    _("Wählen Sie eine andere Person, oder sehen Sie auf der Seite des Kurses nach."),
)
TAKEN = Problem("taken", _("Dieser Termin ist inzwischen belegt."), _("Wählen Sie einen anderen Termin."))
TOO_MANY_HOLDS = Problem(
    "too_many_holds",
    _("Sie haben schon zwei Termine vorgemerkt."),
    _("Buchen Sie einen davon oder geben Sie einen frei."),
)
CLIENT_ELSEWHERE = Problem(
    "client_elsewhere",
    _("Die Klientin oder der Klient hat zu dieser Zeit schon einen Termin."),
    _("Wählen Sie eine andere Zeit oder sagen Sie den anderen Termin ab."),
)
NEEDS_REFERRAL = Problem(
    "needs_referral",
    _("Für diesen Termin braucht es eine Anmeldung."),
    _("Füllen Sie die Anmeldung aus und buchen Sie von dort."),
)
NOT_YOUR_CALENDAR = Problem(
    "not_your_calendar",
    _("In diesem Kalender bucht Ihre Stelle nicht."),
    _("Bitten Sie die Stelle, der er gehört, ihn mit Ihnen zu teilen, oder rufen Sie dort an."),
)
NEEDS_CLIENT = Problem(
    "needs_client",
    _("Dieser Termin ist für Klientinnen und Klienten mit einem Fall."),
    _("Wählen Sie, für wen er ist."),
)
NEEDS_COMPANION = Problem(
    "needs_companion",
    _("Für diesen Termin braucht es eine Person, die mitgeht."),
    _("Wählen Sie, wer begleitet."),
)
NEEDS_PLACE = Problem(
    "needs_place",
    _("Dieser Termin findet an einem anderen Ort statt."),
    _("Schreiben Sie dazu, wo."),
)
COMPANION_ELSEWHERE = Problem(
    "companion_elsewhere",
    _("Wer mitkommen soll, ist zu dieser Zeit nicht da oder schon woanders."),
    _("Wählen Sie eine andere Person oder eine andere Zeit."),
)
HOLD_ENDED = Problem(
    "hold_ended",
    _("Die Vormerkung ist abgelaufen."),
    _("Merken Sie den Termin noch einmal vor, wenn er frei ist."),
)
NO_MORE_EXTENSIONS = Problem(
    "no_more_extensions",
    _("Die Vormerkung wurde schon dreimal verlängert."),
    _("Buchen Sie jetzt oder geben Sie den Termin frei."),
)
OFFER_OVER = Problem(
    "offer_over",
    _("Dieses Angebot gilt nicht mehr."),
    _("Der Eintrag bleibt auf der Warteliste; der nächste passende Termin wird wieder angeboten."),
)
NOT_BOOKED = Problem("not_booked", _("Dieser Termin ist nicht gebucht."), _("Laden Sie die Seite neu."))
TOO_EARLY = Problem(
    "too_early",
    _("Das lässt sich erst am Tag des Termins eintragen."),
    _("Sagen Sie den Termin ab, wenn er nicht stattfinden soll."),
)
TOO_LATE_TO_CANCEL = Problem(
    "too_late_to_cancel",
    _("Der Termin hat schon begonnen und lässt sich nicht mehr absagen."),
    _("Tragen Sie ein, dass niemand erschienen ist."),
)
TOO_LATE_TO_UNDO = Problem(
    "too_late_to_undo",
    _("Das lässt sich nur am Tag des Termins zurücknehmen."),
    _("Wenden Sie sich an die Koordination."),
)
NEEDS_A_REASON = Problem("needs_a_reason", _("Bitte geben Sie einen Grund an."))

SAID_WHEN_TAKEN = frozenset({NEEDS_COMPANION.code, NEEDS_PLACE.code})

INTERPRETER_TAKEN = Problem(
    "interpreter_taken",
    _("Die Sprachmittlung ist gerade für einen anderen Termin gebucht worden."),
    _("Buchen Sie noch einmal: Es wird nach der nächsten geeigneten Person gesucht."),
)

PLACE_IS_GONE = frozenset(
    {
        "closed",
        "begun",
        "no_interpreter_free",
        "interpreter_too_late",
        "away",
        "notice_too_short",
        "not_yet",
        "taken",
        "held",
        "hold_ended",
    }
)

# The last line: a constraint that spoke although the rule saw nothing.
BY_CONSTRAINT = {
    "booking_seat_taken_once": TAKEN,
    "booking_client_in_one_place": CLIENT_ELSEWHERE,
    "booking_once_on_a_course": ENROLLED,
    "booking_not_of_a_lesson": LESSON,
    "reservation_one_place_at_a_time": INTERPRETER_TAKEN,
}


def offered(until: datetime) -> Problem:
    """The waiting list comes first; to whom it is offered, is nobody's business."""
    return Problem(
        "held",
        _("Dieser Termin ist jemandem aus der Warteliste angeboten, bis {moment}.").format(
            moment=when.moment(until)
        ),
        _("Warten Sie, ob er wieder frei wird, oder wählen Sie einen anderen Termin."),
    )


def contingent_used(facts: Facts) -> Problem:
    """The organisation took what was set aside for it, and others' seats are not everyone's yet."""
    free_from = min(one.free_from_at for one in facts.contingents if one.free_from_at > facts.now)
    day = when.day(free_from.astimezone(facts.slot.district.tz).date())
    return Problem(
        "contingent_used",
        _("Die Plätze Ihrer Organisation an diesem Tag sind vergeben."),
        _("Was andere bis {day} nicht nutzen, ist dann frei für alle.").format(day=day),
    )


def held(until: datetime) -> Problem:
    """Somebody else is about to book; who, is nobody's business."""
    return Problem(
        "held",
        _("Dieser Termin ist gerade vorgemerkt, bis {time}.").format(time=when.o_clock(until)),
        _("Warten Sie, ob er wieder frei wird, oder wählen Sie einen anderen Termin."),
    )


def notice_too_short(latest: datetime) -> Problem:
    """The kind of appointment needs more time to get ready."""
    return Problem(
        "notice_too_short",
        _("Dieser Termin war bis {moment} buchbar.").format(moment=when.moment(latest)),
        _("Wählen Sie einen späteren Termin, oder rufen Sie die Stelle an."),
    )


def not_yet(earliest: datetime) -> Problem:
    """Too far ahead for this kind of appointment."""
    return Problem(
        "not_yet",
        _("Dieser Termin ist erst ab {moment} buchbar.").format(moment=when.moment(earliest)),
        _("Wählen Sie einen früheren Termin, oder kommen Sie dann wieder."),
    )
