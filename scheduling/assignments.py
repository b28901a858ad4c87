"""An interpreter at an appointment: requested → offered → confirmed → done, no-show or cancelled.

The booking reserves the interpreter in its own transaction; cancelling it frees them. Who declines is
followed by the next who fits, whatever their lead: somebody has to be asked. Locks are taken in the order
of `seats`: slot, assignment, resources by number.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Channel, User
from accounts.rows import clock
from notifications import notices
from notifications.notices import What
from scheduling import interpreters, seats
from scheduling.interpreters import Found, Need, Roster, is_psychological
from scheduling.models import Booking, Interpreter, InterpreterAssignment, Reservation
from scheduling.models.interpreter import InterpreterAssignmentQuerySet
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

Status = InterpreterAssignment.Status
Assignment = InterpreterAssignment

OVER = Problem(
    "assignment_over",
    _("Dieser Einsatz ist abgeschlossen oder abgesagt."),
    _("Laden Sie die Seite neu, um den jetzigen Stand zu sehen."),
)
NOBODY_NAMED = Problem(
    "nobody_named", _("Für diesen Einsatz ist noch niemand ausgewählt."), _("Wählen Sie zuerst eine Person.")
)
NOT_SUITABLE = Problem(
    "not_suitable",
    _("Diese Person passt nicht zu dem Einsatz oder ist zu dieser Zeit nicht frei."),
    _("Wählen Sie eine andere Person aus der Liste."),
)
NOT_YET_OVER = Problem(
    "not_yet_over",
    _("Das lässt sich erst ab Beginn des Termins eintragen."),
    _("Bis dahin lässt sich der Einsatz ablehnen oder neu vergeben."),
)
NOT_CONFIRMED = Problem(
    "not_confirmed",
    _("Der Einsatz war nicht zugesagt."),
    _("Tragen Sie zuerst die Zusage ein."),
)


# --- With the booking --------------------------------------------------------------------------
def request(booking: Booking, need: Need, found: Found, *, by: User) -> Assignment:
    """Reserve the interpreter that was found and locked for this booking; inside its transaction.

    The booking's slot and its district are at hand. Raises IntegrityError
    (`reservation_one_place_at_a_time`) should somebody have taken them past the lock.
    """
    if found.interpreter is None:
        raise ValueError("Nobody was found: the problems were not collected first.")
    return _ask(booking, need, found.interpreter, found.mode, by=by)


def release(booking: Booking, *, at: datetime, by: User | None, channel: Channel = Channel.BROWSER) -> None:
    """The booking is cancelled: its interpreter is free; who had promised and learns it late is paid.

    Late is what the kind of appointment calls so (`late_days`). Inside the cancelling transaction.
    """
    found = _locked_rows().living().filter(booking=booking).first()
    if found is None:
        return
    promised = found.status == Status.CONFIRMED and found.interpreter is not None
    late = booking.start_at - timedelta(days=booking.slot.kind.late_days) <= at
    status = Status.CANCELLED_LATE if promised and late else Status.CANCELLED
    if status == Status.CANCELLED_LATE:
        found.cost_cents = _cost(found)
    _end(found, status, at=at)
    audit.record(
        "interpreter_released",
        found,
        by=by,
        channel=channel,
        district=booking.slot.district,
        status=status.value,
    )


# --- By the interpreters' coordination, or the pool's link ---------------------------------------
@tried_again
def offer(assignment: Assignment, interpreter: Interpreter | None = None, *, by: User) -> Assignment:
    """The one chosen (or the one already named) is being asked; links sent before open nothing any more.

    Another one is reserved instead, whatever their lead. Raises `Refused`.
    """
    with _locked(assignment) as (found, now):
        _refuse_ended(found)
        if interpreter is not None and interpreter.pk != found.interpreter_id:
            _exchange(found, interpreter, now)
        if found.interpreter is None:
            raise Refused([NOBODY_NAMED])
        found.status, found.offered_at, found.confirmed_at = Status.OFFERED, now, None
        found.link_version += 1
        found.save()
        _seen("interpreter_offered", found, by=by)
        return found


@tried_again
def confirm(assignment: Assignment, *, by: User | None, channel: Channel = Channel.BROWSER) -> Assignment:
    """They come. Confirmed already is no problem. Raises `Refused`."""
    with _locked(assignment) as (found, now):
        if found.status == Status.CONFIRMED:
            return found
        _refuse_ended(found)
        if found.interpreter is None:
            raise Refused([NOBODY_NAMED])
        found.status, found.confirmed_at = Status.CONFIRMED, now
        found.save(update_fields=["status", "confirmed_at"])
        _seen("interpreter_confirmed", found, by=by, channel=channel)
        return found


@tried_again
def decline(assignment: Assignment, *, by: User | None, channel: Channel = Channel.BROWSER) -> Assignment:
    """They do not come; returns the assignment that follows, with the next who fits or nobody yet.

    Raises `Refused` when it is over.
    """
    with _locked(assignment) as (found, now):
        _refuse_ended(found)
        need = _need(found)
        read = _roster(found, need)
        _end(found, Status.DECLINED, at=now)
        _seen("interpreter_declined", found, by=by, channel=channel)
        notices.tell(
            found.booking.keepers,
            What.INTERPRETER_DECLINED,
            key=f"declined:{found.uuid}",
            route="scheduling:booking",
            about=found.booking.uuid,
        )
        refused = _declined(found.booking)
        left = [
            one
            for one in read.free(found.booking.start_at, found.booking.end_at)
            if one.pk not in refused and one.pk != found.interpreter_id
        ]
        following = left[0] if left else None
        mode = interpreters.mode_of(following, need) if following else found.mode
        return _ask(found.booking, need, following, mode, by=by, channel=channel)


def done(assignment: Assignment, *, by: User) -> Assignment:
    """They were there. From the appointment's start on. Raises `Refused`."""
    return _close(assignment, Status.DONE, by=by)


def noshow(assignment: Assignment, *, by: User) -> Assignment:
    """They had promised and did not come. From the appointment's start on. Raises `Refused`."""
    return _close(assignment, Status.NOSHOW, by=by)


@tried_again
def chase(assignment_id: int) -> bool:
    """Note that the confirmation is missing although it was due, once; whether it was noted now."""
    with transaction.atomic():
        found = _locked_rows().filter(pk=assignment_id, chased_at=None).first()
        if found is None or found.status not in (Status.REQUESTED, Status.OFFERED):
            return False
        found.chased_at = clock()
        found.save(update_fields=["chased_at"])
        audit.record(
            "interpreter_chased", found, by=None, channel=Channel.TASK, district=found.booking.district
        )
        return True


def standing(booking: Booking) -> Assignment | None:
    """Who interprets at this booking, or is being looked for; with person and resource."""
    rows = Assignment.objects.living().filter(booking=booking)
    return rows.select_related("interpreter__resource").first()


def candidates(assignment: Assignment) -> list[Interpreter]:
    """All who could take this assignment, best first: they fit, and are free or the one named."""
    read = _roster(assignment, _need(assignment), lock=False)
    booking = assignment.booking
    free = read.free(booking.start_at, booking.end_at)
    return [one for one in read.fitting if one in free or one.pk == assignment.interpreter_id]


# --- Shared ------------------------------------------------------------------------------------
def _ask(
    booking: Booking,
    need: Need,
    interpreter: Interpreter | None,
    mode: str,
    *,
    by: User | None,
    channel: Channel = Channel.BROWSER,
) -> Assignment:
    district = booking.slot.district
    due = interpreters.confirm_until(interpreter, booking.start_at, district) if interpreter else None
    made = Assignment.objects.create(
        booking=booking,
        interpreter=interpreter,
        language=need.language,
        dialect=need.dialect,
        gender=need.gender,
        mode=mode,
        requested_by=by,
        confirm_until=due or clock(),
    )
    if interpreter is not None:
        _reserve(interpreter, booking)
    audit.record("interpreter_requested", made, by=by, channel=channel, district=district)
    return made


def _exchange(found: Assignment, interpreter: Interpreter, now: datetime) -> None:
    read = _roster(found, _need(found))
    booking = found.booking
    if interpreter not in read.free(booking.start_at, booking.end_at):
        raise Refused([NOT_SUITABLE])
    _free(found)
    found.interpreter = interpreter
    found.mode = interpreters.mode_of(interpreter, _need(found))
    due = interpreters.confirm_until(interpreter, booking.start_at, booking.slot.district)
    found.confirm_until, found.chased_at = max(due, now), None
    _reserve(interpreter, booking)


def _close(assignment: Assignment, status: Assignment.Status, *, by: User) -> Assignment:
    with _locked(assignment) as (found, now):
        if found.status == status:
            return found
        if found.booking.start_at > now:
            raise Refused([NOT_YET_OVER])
        if found.status != Status.CONFIRMED:
            raise Refused([OVER if found.status not in Assignment.LIVING else NOT_CONFIRMED])
        found.cost_cents = _cost(found) if status == Status.DONE else None
        found.status, found.ended_at = status, now
        found.save(update_fields=["status", "ended_at", "cost_cents"])
        verb = "interpreter_done" if status == Status.DONE else "interpreter_noshow"
        _seen(verb, found, by=by)
        return found


def _end(found: Assignment, status: Assignment.Status, *, at: datetime) -> None:
    _free(found)
    found.status, found.ended_at = status, at
    found.link_version += 1
    found.save(update_fields=["status", "ended_at", "link_version", "cost_cents"])


def _reserve(interpreter: Interpreter, booking: Booking) -> None:
    Reservation.objects.create(
        resource_id=interpreter.pk, booking=booking, during=(booking.start_at, booking.end_at)
    )


def _free(found: Assignment) -> None:
    Reservation.objects.filter(booking=found.booking_id, resource=found.interpreter_id).delete()


def _cost(found: Assignment) -> int | None:
    """Whole minutes by the hourly rate, rounded up to the cent; None: they have no rate."""
    one = found.interpreter
    if one is None or one.hourly_cents is None:
        return None
    minutes = (found.booking.end_at - found.booking.start_at) // timedelta(minutes=1)
    return -(-one.hourly_cents * minutes // 60)


def _declined(booking: Booking) -> set[int]:
    rows = Assignment.objects.filter(booking=booking, status=Status.DECLINED, interpreter__isnull=False)
    return set(rows.values_list("interpreter_id", flat=True))


def _need(found: Assignment) -> Need:
    fit = is_psychological(found.booking.slot.kind)
    return Need(found.language, found.dialect, found.gender, is_psychological=fit)


def _roster(found: Assignment, need: Need, *, lock: bool = True) -> Roster:
    booking = found.booking
    return interpreters.roster(
        need, booking.slot.district, since=booking.start_at, until=booking.end_at, lock=lock
    )


def _refuse_ended(found: Assignment) -> None:
    if found.status not in Assignment.LIVING:
        raise Refused([OVER])


def _locked_rows() -> InterpreterAssignmentQuerySet:
    rows = Assignment.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("interpreter__resource", "interpreter__pool", "booking__district")


@contextmanager
def _locked(assignment: Assignment) -> Iterator[tuple[Assignment, datetime]]:
    """The assignment as it is now, after its slot's lock, and the database's clock."""
    with transaction.atomic():
        slot_id = Booking.objects.values_list("slot_id", flat=True).get(pk=assignment.booking_id)
        slot, now = seats.lock(slot_id)
        found = _locked_rows().get(pk=assignment.pk)
        found.booking.slot = slot
        yield found, now


def _seen(verb: str, found: Assignment, *, by: User | None, channel: Channel = Channel.BROWSER) -> None:
    audit.record(verb, found, by=by, channel=channel, district=found.booking.slot.district)
