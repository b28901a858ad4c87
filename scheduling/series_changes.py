"""A series changes from a date: another rule, template, time, room or specialist from that day on.

The old series ends there and the new one goes on from it (`Series.follows`). What nobody has booked is
replaced; what is booked stays where it is, as an exception that a person moves one by one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext

from accounts import audit, when
from accounts.models import District, User
from accounts.rows import clock
from scheduling import contingents, public_holidays, series
from scheduling.models import AppointmentKind, Booking, Series, Session, SessionTemplate, Slot
from scheduling.planning import Outcome, Outline, PreviewDate
from scheduling.series import CannotPlan, NewTemplate
from scheduling.transactions import tried_again
from scheduling.wall_clock import midnight


@dataclass(frozen=True)
class Changed:
    """The series that goes on, and the sessions of the old one that stay because somebody booked them."""

    series: Series
    kept: list[Session]


def problems(old: Series, from_on: date) -> list[str]:
    """What stands against changing it from that day on, in the reader's words; empty when it can be.

    A series that goes on from another one cannot go back into the time in which that one still runs:
    both would have their dates there.
    """
    since, before = midnight(from_on, old.district.tz), old.follows_id
    while before is not None:
        one = Series.objects.filter(pk=before)
        event = ("event__start", "event__end_recurring_period")
        first, last, before = one.values_list(*event, "follows_id").get()
        # One that was changed before it began has no dates.
        if last is not None and last >= max(since, first):
            return [
                gettext(
                    "Bis %(day)s läuft noch die Serie davor. Wählen Sie einen späteren Tag, oder beenden Sie "
                    "jene zuerst."
                )
                % {"day": when.day_year(last, zone=old.district.tz)}
            ]
    return []


def preview(old: Series, outline: Outline) -> list[PreviewDate]:
    """Every date of the new rule that is still to come. What the old one has there and nobody has booked
    is in nobody's way; on a day that stays booked the new one makes none. What was taken out of the old
    one by hand (`taken_out`) stays out unless somebody says otherwise. Writes nothing."""
    now = clock()
    rows = series.preview(outline, now=now, besides=_free(old, outline.first_on, now))
    stays = _days(kept(old, outline.first_on), old.district)
    gone = taken_out(old, outline.first_on)
    return [_left_out(row, gone) for row in rows if not _is_kept(row, stays) and not row.has_begun(now)]


def taken_out(old: Series, from_on: date) -> set[date]:
    """The days from that one on that a person took out of the series: cancelled, left out when it was
    planned, or put on another day where it stays. What fell on a holiday is judged anew."""
    zone, until = old.district.tz, old.event.end_recurring_period
    struck = old.event.occurrence_set.filter(cancelled=True).values_list("original_start", flat=True)
    days = {at.astimezone(zone).date() for at in struck if until is None or at <= until}
    found = {on for on in days if not public_holidays.name(on, old.district.land)}
    sessions = old.sessions.all() if until is None else old.sessions.filter(original_start_at__lte=until)
    booked = set(sessions.filter(Exists(_booked())).values_list("pk", flat=True))
    for session in sessions:
        original_on, on = (at.astimezone(zone).date() for at in (session.original_start_at, session.start_at))
        if session.status == Session.Status.CANCELLED:
            found |= {original_on, on}
        elif session.moved_at and original_on != on and (session.pk in booked or on < from_on):
            found.add(original_on)
    return {on for on in found if on >= from_on}


def kept(old: Series, from_on: date) -> list[Session]:
    """The sessions from that day on that somebody booked or holds: they stay."""
    coming = old.sessions.taking_place().filter(
        Exists(_booked()), start_at__gte=midnight(from_on, old.district.tz)
    )
    return list(coming.select_related("room", "specialist").order_by("start_at"))


def exceptions(district: District, *, now: datetime | None = None) -> list[Session]:
    """Sessions to come of series that go on otherwise: they stay as they were, because they are booked."""
    coming = Session.objects.filter(
        district=district,
        start_at__gt=now or Now(),
        series__followed_by__isnull=False,
        original_start_at__gt=F("series__event__end_recurring_period"),
    )
    return list(coming.taking_place().select_related("room", "specialist").order_by("start_at"))


@tried_again
def change(
    old: Series,
    outline: Outline,
    *,
    kind: AppointmentKind,
    template: SessionTemplate | NewTemplate,
    by: User,
    leave_out: Iterable[date] | None = None,
) -> Changed:
    """Let the series go on by another outline from `outline.first_on`. All of it or nothing.

    Days in `leave_out` do not take place; without it those taken out of the old series. Raises
    `series.CannotPlan` as planning does; then the old series is as it was.
    """
    if against := problems(old, outline.first_on):
        raise CannotPlan(against)
    with transaction.atomic():
        now = clock()
        gone = taken_out(old, outline.first_on) if leave_out is None else set()
        stays = series.end(old, from_on=outline.first_on, by=by)
        left_out = set(leave_out or ()) | _not_made(outline, gone, _days(stays, old.district), now)
        new = series.plan(
            by=by,
            district=old.district,
            kind=kind,
            template=template,
            calendar=old.calendar,
            specialist=outline.specialist,
            room=outline.room,
            place=old.place,
            capacity=old.capacity,
            rule=outline.rule,
            first_on=outline.first_on,
            start_time=outline.start_time,
            until=outline.until,
            holiday_rule=outline.holiday_rule,
            leave_out=left_out,
        )
        new.follows = old
        new.save(update_fields=["follows"])
        _same_shares(old, new, by)
        audit.record("series_changed", new, by=by, follows=f"{old.uuid}", kept=len(stays))
    return Changed(new, stays)


def _booked() -> QuerySet[Booking]:
    return Booking.objects.living().filter(slot__session=OuterRef("pk"))


def _free(old: Series, from_on: date, now: datetime) -> QuerySet[Slot]:
    """What ending the series there would give back: what has begun stays."""
    living = Booking.objects.living().filter(slot=OuterRef("pk"))
    since = max(midnight(from_on, old.district.tz), now)
    return Slot.objects.filter(~Exists(living), session__series=old, session__start_at__gte=since)


def _not_made(outline: Outline, gone: set[date], stays: set[date], now: datetime) -> set[date]:
    """The new rule's dates that were taken out, are over, or lie on days that stay booked: their people
    and room are in use then."""
    rows = [_left_out(row, gone) for row in series.preview(outline, now=now)]
    return {
        row.original_on
        for row in rows
        if row.outcome == Outcome.LEFT_OUT or _is_kept(row, stays) or row.has_begun(now)
    }


def _left_out(row: PreviewDate, gone: set[date]) -> PreviewDate:
    """The row; struck, if its day was taken out by hand before."""
    is_out = row.is_made and {row.original_on, row.on} & gone
    return replace(row, outcome=Outcome.LEFT_OUT) if is_out else row


def _is_kept(row: PreviewDate, stays: set[date]) -> bool:
    return row.outcome == Outcome.CONFLICT and row.on in stays


def _same_shares(old: Series, new: Series, by: User) -> None:
    """What was set aside for organisations goes on, as far as the new sessions have seats."""
    rows = list(old.contingents.select_related("organisation"))
    if rows:
        shares = {row.organisation: row.seats for row in rows}
        contingents.set_aside_from_series(
            new, shares, free_days_before=min(row.free_days_before for row in rows), by=by
        )


def _days(sessions: Iterable[Session], district: District) -> set[date]:
    return {session.start_at.astimezone(district.tz).date() for session in sessions}
