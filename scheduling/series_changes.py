"""A series changes from a date: another rule, template, time, room or specialist from that day on.

The old series ends there and the new one goes on from it (`Series.follows`). What nobody has booked is
replaced; what is booked stays where it is, as an exception that a person moves one by one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from accounts import audit
from accounts.models import District, User
from scheduling import contingents, series
from scheduling.models import AppointmentKind, Booking, Series, Session, SessionTemplate, Slot
from scheduling.planning import Outcome, Outline, PreviewDate
from scheduling.series import NewTemplate
from scheduling.transactions import tried_again
from scheduling.wall_clock import midnight


@dataclass(frozen=True)
class Changed:
    """The series that goes on, and the sessions of the old one that stay because somebody booked them."""

    series: Series
    kept: list[Session]


def preview(old: Series, outline: Outline, *, left_out: Iterable[date] = ()) -> list[PreviewDate]:
    """Every date of the new rule from its first day on. What the old one has there and nobody has booked
    is in nobody's way; on a day that stays booked the new one makes none. Writes nothing."""
    rows = series.preview(outline, left_out=left_out, besides=_free(old, outline.first_on))
    stays = _days(kept(old, outline.first_on), old.district)
    return [row for row in rows if not _is_kept(row, stays)]


def kept(old: Series, from_on: date) -> list[Session]:
    """The sessions from that day on that somebody booked or holds: they stay."""
    booked = Booking.objects.living().filter(slot__session=OuterRef("pk"))
    coming = old.sessions.taking_place().filter(
        Exists(booked), start_at__gte=midnight(from_on, old.district.tz)
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
    leave_out: Iterable[date] = (),
) -> Changed:
    """Let the series go on by another outline from `outline.first_on`. All of it or nothing.

    Raises `series.CannotPlan` as planning does; then the old series is as it was.
    """
    with transaction.atomic():
        stays = series.end(old, from_on=outline.first_on, by=by)
        left_out = set(leave_out) | _in_the_way(outline, _days(stays, old.district))
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


def _free(old: Series, from_on: date) -> QuerySet[Slot]:
    living = Booking.objects.living().filter(slot=OuterRef("pk"))
    since = midnight(from_on, old.district.tz)
    return Slot.objects.filter(~Exists(living), session__series=old, session__start_at__gte=since)


def _in_the_way(outline: Outline, stays: set[date]) -> set[date]:
    """The new rule's dates on days that stay booked: their people and room are in use then."""
    return {row.original_on for row in series.preview(outline) if _is_kept(row, stays)}


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
