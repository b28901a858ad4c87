"""The specialist's day: their sessions' places in order, each with the referral that fills it.

Two queries at any size: the sessions around today, and the day's places, each with what its card shows.
What time it is comes with the first, by the database's clock.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import Organisation, User
from accounts.rows import Asked, Some, Statement, clock
from clients.models import Client, Consent
from consultations import brief
from consultations.brief import Brief
from consultations.models import Referral
from consultations.models.referral import SPECIALIST_WINDOW, in_specialist_window
from scheduling.models import (
    BlockFormat,
    Booking,
    Calendar,
    Interpreter,
    InterpreterAssignment,
    Resource,
    Session,
    Slot,
    SlotFormat,
)

_SESSIONS = Statement(
    """
    SELECT {session}, {room}, {calendar}, statement_timestamp()
    FROM scheduling_session session
    JOIN scheduling_calendar calendar ON calendar.id = session.calendar_id
    LEFT JOIN scheduling_resource room ON room.id = session.room_id
    WHERE session.start_at BETWEEN statement_timestamp() - %(near)s AND statement_timestamp() + %(near)s
        AND session.id IN ({own})
    ORDER BY session.start_at
    """,
    session=Some(Session, "start_at", "end_at", "place", "room", "calendar"),
    room=Some(Resource, "name", "address"),
    calendar=Some(Calendar, "uuid"),
    own=Asked(
        lambda by, organisation, district: (
            _held_by(User(pk=by, organisation_id=organisation, district_id=district)).order_by().values("pk")
        ),
        by=int,
        organisation=int,
        district=int,
    ),
)

# Whoever holds it is nobody yet. Of a case consultation's client nothing is read. Of several interpreters
# who were asked the last one counts: it comes last.
_PLACES = Statement(
    """
    SELECT {slot}, {booking}, {referral}, {client}, {consent}, {caseworker}, {organisation},
        {assignment}, {interpreter}, {resource},
        EXISTS (
            SELECT FROM consultations_sheetversion version
            JOIN consultations_recommendationsheet sheet ON sheet.id = version.sheet_id
            WHERE sheet.referral_id = referral.id
        )
    FROM scheduling_slot slot
    LEFT JOIN scheduling_booking booking
        ON booking.slot_id = slot.id AND booking.status NOT IN ('cancelled', 'tentative')
    LEFT JOIN consultations_referral referral ON referral.booking_id = booking.id
    LEFT JOIN clients_client client ON client.id = referral.client_id AND referral.format = 'presentation'
    LEFT JOIN clients_consent consent ON consent.id = referral.consent_id
    LEFT JOIN accounts_user caseworker ON caseworker.id = coalesce(client.owner_id, referral.author_id)
    LEFT JOIN accounts_organisation organisation ON organisation.id = referral.organisation_id
    LEFT JOIN scheduling_interpreterassignment assignment
        ON assignment.booking_id = booking.id AND assignment.status NOT IN ('cancelled', 'declined')
    LEFT JOIN scheduling_interpreter interpreter ON interpreter.resource_id = assignment.interpreter_id
    LEFT JOIN scheduling_resource resource ON resource.id = interpreter.resource_id
    WHERE slot.session_id = ANY(%(sessions)s) AND slot.is_open
    ORDER BY slot.start_at, assignment.id
    """,
    slot=Some(Slot, "uuid", "version", "format", "start_at", "end_at"),
    booking=Some(Booking, "uuid", "status", "answer", "noshow_reason"),
    referral=Some(Referral, *brief.OF_REFERRAL, "client", "consent"),
    client=Some(Client, *brief.OF_CLIENT),
    consent=Some(Consent, "client", "revoked_at"),
    caseworker=Some(User, *brief.OF_CASEWORKER),
    organisation=Some(Organisation, *brief.OF_ORGANISATION),
    assignment=Some(InterpreterAssignment, *brief.OF_ASSIGNMENT),
    interpreter=Some(Interpreter),
    resource=Some(Resource, "name"),
)


@dataclass(frozen=True)
class Card:
    """One place of the day. `brief` is missing where nobody is booked, or the window is over."""

    slot: Slot
    booking: Booking | None
    referral: Referral | None  # for the audit trail; pages read `brief`
    brief: Brief | None
    is_released: bool

    @property
    def uuid(self) -> str:
        """The place's, as it stands in the page's addresses."""
        return str(self.slot.uuid)

    @property
    def is_free(self) -> bool:
        """Nobody comes at this time (a hold is nobody yet)."""
        return self.booking is None

    @property
    def format(self) -> str | Promise:
        """What kind of talk, in words."""
        return SlotFormat(self.slot.format).label

    @property
    def is_case(self) -> bool:
        """A case consultation: nobody arrives, the talk takes place."""
        return self.slot.format == BlockFormat.CASE_CONSULTATION

    @property
    def may_be_marked(self) -> bool:
        """Whether arrived, fulfilled or missed can still be said."""
        return self.booking is not None and self.booking.status in ("booked", "arrived")

    @property
    def may_be_undone(self) -> bool:
        """Whether there is a mark to take back."""
        marks = ("arrived", "fulfilled", "noshow")
        return self.booking is not None and self.booking.status in marks and not self.is_released


@dataclass(frozen=True)
class Day:
    """One day of the agenda."""

    on: date
    sessions: list[Session]
    cards: list[Card]
    previous: date | None  # the session days before and after it, as far as one may look
    following: date | None
    today: date  # in the active zone, the district's

    @property
    def is_today(self) -> bool:
        """It is the district's today."""
        return self.on == self.today

    @property
    def is_over(self) -> bool:
        """Nothing is booked on it any more."""
        return self.on < self.today

    @property
    def may_be_marked(self) -> bool:
        """Marks are made on the day and afterwards, not before."""
        return self.on <= self.today


@dataclass(frozen=True)
class Around:
    """A person's session days within two weeks of today, in the active zone, in order."""

    days: dict[date, list[Session]]
    now: datetime

    @property
    def nearest(self) -> date:
        """Where the agenda opens: today or the next session day, else the last one, else today."""
        today = timezone.localdate(self.now)
        ahead = [on for on in self.days if on >= today]
        return min(ahead) if ahead else max(self.days, default=today)


def around(user: User) -> Around:
    """The days of this person."""
    rows = _SESSIONS.rows(
        by=user.pk,
        organisation=user.organisation_id,
        district=user.district_id,
        near=SPECIALIST_WINDOW + timedelta(days=1),
    )
    now = rows[0][-1] if rows else clock()
    found: dict[date, list[Session]] = {}
    for session, room, calendar, _now in rows:
        session.room, session.calendar, session.district = room, calendar, user.district
        on = timezone.localdate(session.start_at)
        if may_look_at(on, now):
            found.setdefault(on, []).append(session)
    return Around(found, now)


def _held_by(user: User) -> QuerySet[Session]:
    return Session.objects.for_user(user).held_by(user).taking_place().without_courses()


def may_look_at(on: date, now: datetime) -> bool:
    """Whether the day is within two weeks of today."""
    return abs(on - timezone.localdate(now)) <= SPECIALIST_WINDOW


def on_day(on: date, around: Around) -> Day:
    """The day's places in order of time."""
    of_day = around.days.get(on, [])
    cards = _cards(of_day, around.now) if of_day else []
    before, after = [one for one in around.days if one < on], [one for one in around.days if one > on]
    neighbours = max(before, default=None), min(after, default=None)
    return Day(on, of_day, cards, *neighbours, timezone.localdate(around.now))


def _cards(sessions: list[Session], now: datetime) -> list[Card]:
    rows = _PLACES.rows(sessions=[session.pk for session in sessions])
    return list({slot.pk: _card(now, slot, *others) for slot, *others in rows}.values())


def _card(
    now: datetime,
    slot: Slot,
    booking: Booking | None,
    referral: Referral | None,
    client: Client | None,
    consent: Consent | None,
    caseworker: User | None,
    organisation: Organisation | None,
    assignment: InterpreterAssignment | None,
    interpreter: Interpreter | None,
    resource: Resource | None,
    is_released: bool,
) -> Card:
    shown = None
    if referral and caseworker and organisation:
        referral.organisation, referral.consent = organisation, consent
        if client:
            client.owner, referral.client = caseworker, client
        else:
            referral.author = caseworker
        if not _may_read(referral, slot, now):
            referral = None
    if referral:
        if assignment and interpreter and resource:
            interpreter.resource, assignment.interpreter = resource, interpreter
        shown = brief.of(referral, assignment)
    return Card(slot=slot, booking=booking, referral=referral, brief=shown, is_released=is_released)


def _may_read(referral: Referral, slot: Slot, now: datetime) -> bool:
    """As `Referral.objects.for_user` for the session's specialist, without asking again."""
    is_open = not referral.is_presentation or referral.has_valid_consent
    return is_open and in_specialist_window(slot.start_at, slot.end_at, now=now)
