"""Contingents: of a session so many seats for an organisation, until some days before.

Counted up and down with the seat, never by counting bookings. A hold counts like a booking, else two
who hold the last seat would both believe it theirs; an offer from the waiting list counts for the
organisation it is made to. Who may take what: first from one's own row, then from the rest (the row
without organisation), then from rows whose time is over. Once all are over nobody counts any more.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Organisation, User
from accounts.rows import Statement
from scheduling import live
from scheduling.models import Booking, Contingent, Series, SeriesContingent, Session, Slot
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again
from scheduling.wall_clock import midnight

MORE_THAN_SEATS = Problem(
    "more_than_seats",
    _("So viele Plätze hat dieser Termin nicht."),
    _("Vergeben Sie zusammen höchstens so viele, wie es Plätze gibt."),
)
SEATS_IN_USE = Problem(
    "seats_in_use",
    _("Dafür sind schon zu viele Plätze von anderen belegt."),
    _("Geben Sie weniger Plätze als Kontingent, oder warten Sie, bis einer frei wird."),
)

_COUNT = """
    UPDATE scheduling_contingent SET used = used + 1
    WHERE id = %(contingent)s AND used < seats
    RETURNING id
"""

_TAKE = """
    UPDATE scheduling_contingent SET used = used + 1
    WHERE id = (
        SELECT id FROM scheduling_contingent
        WHERE session_id = %(session)s AND used < seats AND (
            organisation_id = %(organisation)s OR organisation_id IS NULL
            OR free_from_at <= clock_timestamp()
        )
        ORDER BY organisation_id IS DISTINCT FROM %(organisation)s, organisation_id IS NOT NULL, id
        LIMIT 1
        FOR NO KEY UPDATE
    )
    RETURNING id
"""

# Seats that end give back what they took, whoever is first to notice; nobody gives back twice.
_GIVE_BACK = """
    WITH ended AS (
        SELECT id, contingent_id FROM scheduling_booking
        WHERE contingent_id IS NOT NULL AND {which}
    ), forgotten AS (
        UPDATE scheduling_booking SET contingent_id = NULL WHERE id IN (SELECT id FROM ended)
    )
    UPDATE scheduling_contingent SET used = used - counted.number
    FROM (SELECT contingent_id, count(*) AS number FROM ended GROUP BY contingent_id) counted
    WHERE scheduling_contingent.id = counted.contingent_id
"""
_GIVE_BACK_THESE = _GIVE_BACK.format(which="id = ANY(%(bookings)s) ORDER BY id FOR UPDATE")
_GIVE_BACK_DEAD = _GIVE_BACK.format(
    which="""status = 'tentative' AND held_until <= clock_timestamp() AND contingent_id IN (
        SELECT id FROM scheduling_contingent WHERE session_id = %(session)s
    ) ORDER BY id FOR UPDATE SKIP LOCKED"""
)

# A dead hold counts for nobody, though the sweeper has not come by yet.
_LEFT = Statement(
    """
    SELECT {contingent}, (
        SELECT count(*) FROM scheduling_booking hold
        WHERE hold.contingent_id = contingent.id AND hold.status = 'tentative'
            AND hold.held_until <= clock_timestamp()
    )
    FROM scheduling_contingent contingent
    WHERE contingent.session_id = %(session)s
    ORDER BY contingent.id
    """,
    contingent=Contingent,
)


# --- While booking -------------------------------------------------------------------------------
def look(session: Session, now: datetime) -> tuple[Contingent, ...]:
    """The session's contingents as they stand, for `problems.Facts`; none once all are everyone's."""
    found: list[Contingent] = []
    for contingent, dead in _LEFT.rows(session=session.pk):
        contingent.used -= dead
        found.append(contingent)
    return tuple(found) if any(one.free_from_at > now for one in found) else ()


def choose(found: Sequence[Contingent], organisation_id: int, now: datetime) -> int | None:
    """Which of the session's contingents (`look`) a seat of the organisation is likely to count against."""
    left = [one for one in found if one.left]
    wanted = (
        [one for one in left if one.organisation_id == organisation_id]
        or [one for one in left if one.organisation_id is None]
        or [one for one in left if one.free_from_at <= now]
    )
    return wanted[0].pk if wanted else None


def count(booking: Booking, session: Session, organisation_id: int) -> bool:
    """Count the booking's seat, against the contingent chosen for it or else against what is left.

    False when nothing is left. The row stays locked until the transaction ends, and all who book into the
    session wait for it: so this comes last, after everything else is written.
    """
    if _execute(_COUNT, {"contingent": booking.contingent_id}) is not None:
        return True
    values = {"session": session.pk, "organisation": organisation_id}
    taken = _execute(_TAKE, values)
    if taken is None:
        _execute(_GIVE_BACK_DEAD, values)
        taken = _execute(_TAKE, values)
    booking.contingent_id = taken
    if taken is not None and booking.pk is not None:
        Booking.objects.filter(pk=booking.pk).update(contingent=taken)
    return taken is not None


def give_back(bookings: Iterable[Booking]) -> None:
    """Seats that are given up count no more. Given back already is no problem."""
    counted = [booking for booking in bookings if booking.contingent_id is not None]
    if counted:
        _execute(_GIVE_BACK_THESE, {"bookings": [booking.pk for booking in counted]})
    for booking in counted:
        booking.contingent = None


def _execute(statement: str, values: Mapping[str, int | list[int] | None]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


# --- Setting aside -------------------------------------------------------------------------------
def make(series: Series, sessions: Sequence[Session], seats: Mapping[int, int]) -> None:
    """What the series sets aside, for sessions just made; `seats` by session number. Two statements."""
    planned = list(series.contingents.all())
    if planned:
        Contingent.objects.bulk_create(
            row
            for session in sessions
            for row in _rows(
                session,
                seats.get(session.pk, 0),
                {one.organisation_id: one.seats for one in planned},
                {one.organisation_id: one.free_days_before for one in planned},
            )
        )


@tried_again
@transaction.atomic
def set_aside(
    session: Session, shares: Mapping[Organisation, int], *, free_days_before: int, by: User
) -> list[Contingent]:
    """Let each organisation have so many seats of the session until `free_days_before` it; none: all free.

    What is taken already is counted anew, with the session's slots locked. Raises `Refused` when there
    are not so many seats, or too many of them are others' already.
    """
    slots = _locked(session)
    # Only now: a session that was being moved has a new day, and what was divided has one slot more.
    session.refresh_from_db(fields=["start_at"])
    total = sum(slot.capacity for slot in slots if slot.is_open)
    wanted = {organisation.pk: number for organisation, number in shares.items() if number > 0}
    if sum(wanted.values()) > total:
        raise Refused([MORE_THAN_SEATS])
    Contingent.objects.filter(session=session).delete()
    rows = _rows(session, total, wanted, dict.fromkeys(wanted, free_days_before)) if wanted else []
    counting = _counted(session, rows)
    Contingent.objects.bulk_create(rows)
    for row in rows:
        Booking.objects.filter(pk__in=counting[row.organisation_id]).update(contingent=row)
    audit.record("contingents_set", session, by=by, number=sum(wanted.values()))
    _tell(slots)
    return rows


@tried_again
@transaction.atomic
def set_aside_from_series(
    series: Series, shares: Mapping[Organisation, int], *, free_days_before: int, by: User
) -> list[Session]:
    """The same for every session to come and those made later; returns the ones that stay as they were,
    because there too many seats are others' already."""
    SeriesContingent.objects.filter(series=series).delete()
    SeriesContingent.objects.bulk_create(
        SeriesContingent(
            series=series, organisation=organisation, seats=number, free_days_before=free_days_before
        )
        for organisation, number in shares.items()
        if number > 0
    )
    kept = []
    coming = series.sessions.taking_place().filter(start_at__gt=Now())
    for session in coming.select_related("district").order_by("pk"):
        try:
            set_aside(session, shares, free_days_before=free_days_before, by=by)
        except Refused:
            kept.append(session)
    return kept


def grow(session: Session, seats: int) -> None:
    """The session got more (or fewer) seats: they go to the rest."""
    Contingent.objects.filter(session=session, organisation=None).update(seats=F("seats") + seats)


def shift(session: Session, was_at: datetime) -> None:
    """The session was moved to another day: its seats become everyone's as many days before as they did."""
    zone = session.district.tz
    was_on = was_at.astimezone(zone).date()
    for row in Contingent.objects.filter(session=session):
        days_before = (was_on - row.free_from_at.astimezone(zone).date()).days
        row.free_from_at = _free_from(session, days_before)
        row.save(update_fields=["free_from_at"])


def _locked(session: Session) -> list[Slot]:
    """The session's slots as they are now; also those that whoever had one of the locks before has made."""
    slots: list[Slot] = []
    others = Slot.objects.select_for_update(no_key=True).filter(session=session).order_by("pk")
    while found := list(others.exclude(pk__in=[slot.pk for slot in slots])):
        slots += found
    return slots


def _rows(
    session: Session, total: int, seats: Mapping[int, int], days: Mapping[int, int]
) -> list[Contingent]:
    """A row for each organisation, and one for the rest."""
    free = {organisation: _free_from(session, days[organisation]) for organisation in seats}
    rest = Contingent(
        session=session, seats=max(total - sum(seats.values()), 0), free_from_at=max(free.values())
    )
    own = [
        Contingent(
            session=session, organisation_id=organisation, seats=number, free_from_at=free[organisation]
        )
        for organisation, number in seats.items()
    ]
    return [*own, rest]


def _free_from(session: Session, days_before: int) -> datetime:
    """The day so many days before the session, when it begins in the district."""
    zone = session.district.tz
    return midnight(session.start_at.astimezone(zone).date() - timedelta(days=days_before), zone)


def _tell(slots: Sequence[Slot]) -> None:
    """Whoever looks at the (locked) slots sees what they may still take."""
    Slot.objects.filter(pk__in=[slot.pk for slot in slots]).update(version=F("version") + 1, changed_at=Now())
    for slot in slots:
        live.slot_changed(slot)


def _counted(session: Session, rows: Sequence[Contingent]) -> dict[int | None, list[int]]:
    """Count what lives on the (locked) session into fresh rows; the bookings by their organisation."""
    counting: dict[int | None, list[int]] = {row.organisation_id: [] for row in rows}
    by_organisation = {row.organisation_id: row for row in rows}
    living = Booking.objects.living().filter(slot__session=session).order_by("created_at")
    for pk, organisation in living.values_list("pk", "holder__organisation"):
        wanted = [by_organisation.get(key) for key in (organisation, None)]
        row = next((one for one in wanted if one is not None and one.left), None)
        if row is None:
            if rows:
                raise Refused([SEATS_IN_USE])
            continue
        row.used += 1
        counting[row.organisation_id].append(pk)
    return counting


# --- Seeing --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Standing:
    """How a session's seats are shared out, for everyone to see. Before they are everyone's."""

    free_from_at: datetime
    own: Contingent | None  # of the viewer's organisation
    all: tuple[Contingent, ...] = field(default=())

    def is_used(self, now: datetime) -> bool:
        """Whether the viewer's organisation has nothing left to take, as the rule that books sees it."""
        own = self.own.organisation_id if self.own else None
        return not any(
            one.left for one in self.all if one.organisation_id in (own, None) or one.free_from_at <= now
        )


def show(user: User, sessions: Iterable[Session]) -> None:
    """Give each session its `standing`, None where its seats are everyone's. One query."""
    shown = list(sessions)
    found = standings(user, shown)
    for session in shown:
        session.standing = found.get(session.pk)


def standings(user: User, sessions: Iterable[Session]) -> dict[int, Standing]:
    """By session number, those whose seats are shared out now. One query."""
    found = (
        Contingent.objects.filter(session__in=[session.pk for session in sessions])
        .annotate(over_at=Max("session__contingents__free_from_at"))
        .filter(Q(over_at__gt=Now()))
        .select_related("organisation")
        .order_by("session", F("organisation__short_name").asc(nulls_last=True))
    )
    grouped: dict[int, list[Contingent]] = {}
    for one in found:
        grouped.setdefault(one.session_id, []).append(one)
    return {
        session: Standing(
            free_from_at=max(one.free_from_at for one in rows),
            own=next((one for one in rows if one.organisation_id == user.organisation_id), None),
            all=tuple(rows),
        )
        for session, rows in grouped.items()
    }
