"""One date of a series, or a single opening: cancelled, with everything that hangs on it."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.rows import clock
from clients.models import Client
from notifications import notices
from notifications.notices import What
from scheduling import booking as bookings
from scheduling import feeds, holds, live, rebooking, seats, series, slots
from scheduling.models import Booking, CancelReason, Offer, Session, Slot
from scheduling.models.booking import BookingQuerySet
from scheduling.problems import Problem, Refused
from scheduling.transactions import tried_again

OVER = Problem(
    "over",
    _("Diese Sprechstunde ist schon vorbei."),
    _("Tragen Sie in der Tagesagenda ein, wer da war."),
)
_TOOK_PLACE = (Booking.Status.ARRIVED, Booking.Status.FULFILLED, Booking.Status.NOSHOW)


@tried_again
def cancel(session: Session, *, reason: str, by: User) -> list[Booking]:
    """Let a session not take place; returns the bookings that were cancelled and now wait to be rebooked.

    Its slots are closed, holds end, the specialist and the room are free, messages are withdrawn.
    Appointments of the day that already took place stay. Cancelled already is no problem: the first
    reason stays. Raises `Refused` when the session is over.
    """
    with transaction.atomic():
        locked = lock(session)
        session = Session.objects.select_for_update(no_key=True, of=("self",)).get(pk=session.pk)
        if session.status == Session.Status.CANCELLED:
            return []
        now = max((each.now for each in locked), default=None) or clock()
        if session.end_at <= now:
            raise Refused([OVER])
        took_place = set(of(session).filter(status__in=_TOOK_PLACE).values_list("slot_id", flat=True))
        closing = [slot for slot, _now in locked if slot.is_open and slot.pk not in took_place]
        end_holds(closing, by)
        slots.close(closing)
        cancelled = [give_up(booking, by) for booking in of(session).filter(status=Booking.Status.BOOKED)]
        series.strike(session)
        session.status = Session.Status.CANCELLED
        session.cancelled_at = now
        session.cancelled_by = by
        session.cancel_reason = reason
        session.save(update_fields=["status", "cancelled_at", "cancelled_by", "cancel_reason"])
        feeds.sessions_changed([session])
        audit.record("cancelled", session, by=by, bookings=len(cancelled))
        notices.tell(
            {keeper for booking in cancelled for keeper in booking.keepers} - {by.pk},
            What.SESSION_CANCELLED,
            key=f"cancelled:{session.uuid}",
            route="scheduling:rebook",
        )
        tell_holders([session], What.OWN_DAY_CANCELLED, key=f"own_day:{session.uuid}", by=by)
        for slot in closing:
            live.slot_changed(slot)
    return cancelled


def lock(session: Session) -> list[seats.Locked]:
    """The session's slots, locked after the clients booked on them; also those that whoever had one of
    the locks before has made.

    A client booked in between is locked out of order by `booking.cancel`; should that ever meet a
    rival, PostgreSQL ends one of them and `tried_again` repeats it.
    """
    concerned = of(session).filter(status=Booking.Status.BOOKED).values("client")
    list(Client.objects.select_for_update(no_key=True).filter(pk__in=concerned).order_by("pk"))
    locked: dict[int, seats.Locked] = {}
    while found := session.slots.exclude(pk__in=locked).order_by("pk").values_list("pk", flat=True):
        locked |= {pk: seats.lock(pk) for pk in found}
    return list(locked.values())


def of(session: Session) -> BookingQuerySet:
    """All its bookings, in order."""
    return Booking.objects.filter(slot__session=session).order_by("start_at", "pk")


def end_holds(closing: list[Slot], by: User) -> None:
    """Whoever was about to book there has to look again; offers are withdrawn. The slots are locked."""
    ending = list(Booking.objects.filter(slot__in=closing, status=Booking.Status.TENTATIVE))
    for hold in ending:
        audit.record("hold_ended", hold, by=by)
    holds.remove(ending, offers_are=Offer.Outcome.WITHDRAWN, by=by)


def tell_holders(held: Iterable[Session], what: What, *, key: str, by: User) -> None:
    """Tell whoever holds or held the day, unless they did it themselves; it leads to their calendar."""
    people = {each.specialist.user_id for each in held if each.specialist}
    notices.tell(
        {person for person in people if person is not None} - {by.pk},
        what,
        key=key,
        route="scheduling:timetable",
    )


def give_up(booking: Booking, by: User) -> Booking:
    """Cancel it and put it on the list to rebook; inside the act's transaction."""
    reason = CancelReason.COURSE if booking.slot.is_course else CancelReason.SESSION
    cancelled = bookings.cancel(booking, reason=reason, by=by)
    rebooking.note(cancelled)
    return cancelled
