"""Series as they are stored: back on paper, in words, and what they still lack."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext

from accounts import when
from accounts.models import District
from scheduling import planning, recurrence, session_templates
from scheduling.models import HolidayRule, Series
from scheduling.models.series import SeriesQuerySet
from scheduling.planning import Outcome, Outline, PreviewDate


@dataclass(frozen=True)
class Gap:
    """A date to come of a running series that could not be made, and why."""

    series: Series
    date: PreviewDate


@dataclass(frozen=True)
class Running:
    """A series with dates to come, and its rule in words."""

    series: Series
    words: str


def of_district(district: District, *, now: datetime) -> list[Running]:
    """The district's series of consultations with dates to come."""
    return of(Series.objects.of_consultation().filter(district=district), now=now)


def of(series: SeriesQuerySet, *, now: datetime) -> list[Running]:
    """Those of the given series that have dates to come."""
    found = series.running(now)
    rows = found.select_related("district", "specialist", "room", "template", "event__rule")
    return [Running(row, words(row)) for row in rows.order_by("event__start", "pk")]


def words(series: Series) -> str:
    """The rule as a person says it, with the hour: "1. Dienstag im Monat, 14:00"."""
    try:
        rule = recurrence.words(recurrence.read(series.event.rule.frequency, series.event.rule.params))
    except (AttributeError, recurrence.UnusableRule):
        return gettext("Der Rhythmus ist nicht lesbar")
    return f"{rule}, {when.clock(series.event.start, zone=series.district.tz)}"


def gaps(district: District, *, now: datetime) -> list[Gap]:
    """The dates to come, within the horizon, that could not be made, of all running series."""
    found = list(
        Series.objects.running(now)
        .of_consultation()
        .filter(district=district)
        .select_related("district", "kind", "specialist", "room", "event__rule")
        .prefetch_related("template__blocks", "event__occurrence_set", "sessions")
    )
    resources = {
        resource for series in found for resource in (series.specialist, series.room) if resource is not None
    }
    busy = planning.busy(resources, district, since=now) if found else planning.Busy()
    return [Gap(series, row) for series in found for row in _not_made(series, busy, now)]


def outline_of(series: Series) -> Outline:
    """The series as it is stored; raises UnusableRule when its rule is none we plan with."""
    event, zone = series.event, series.district.tz
    if event.rule is None:
        raise recurrence.UnusableRule("The event has no rule.")
    start = event.start.astimezone(zone)
    until = event.end_recurring_period
    return Outline(
        district=series.district,
        specialist=series.specialist,
        room=series.room,
        blocks=session_templates.blocks_of(series.template),
        rule=recurrence.read(event.rule.frequency, event.rule.params),
        first_on=start.date(),
        start_time=start.time().replace(fold=0),
        until=until.astimezone(zone).date() if until else None,
        holiday_rule=HolidayRule(series.holiday_rule),
        **planning.buffers(series.kind),
    )


def next_on(outline: Outline, today: date) -> date:
    """The rule's first date after today, or tomorrow where it has none: counted from there, every second
    week stays the same weeks."""
    tomorrow = today + timedelta(days=1)
    last = outline.until or max(tomorrow, outline.first_on) + planning.HORIZON
    dates = recurrence.dates(outline.rule, outline.first_on, last)
    return next((on for on in dates if on >= tomorrow), tomorrow)


def missing(series: Series, outline: Outline, busy: planning.Busy, now: datetime) -> Iterator[PreviewDate]:
    """The dates up to the horizon that are neither made nor struck, and have not begun: what stood in
    the way of a date until its hour is past has kept it from taking place."""
    done = _done(series, outline.district)
    for row in planning.dates(outline, now=now, busy=busy, until=reach(outline, now)):
        if not row.has_begun(now) and row.original_on not in done:
            yield row


def reach(outline: Outline, now: datetime) -> date:
    """The last day up to which slots exist: the horizon, or the series' own end before it."""
    far = planning.horizon(outline.district, now)
    return min(far, outline.until) if outline.until else far


def _done(series: Series, district: District) -> set[date]:
    """The dates of the rule that need nothing more: made once, or struck."""
    made = [session.original_start_at for session in series.sessions.all()]
    struck = [entry.original_start for entry in series.event.occurrence_set.all() if entry.cancelled]
    return {at.astimezone(district.tz).date() for at in (*made, *struck)}


def _not_made(series: Series, busy: planning.Busy, now: datetime) -> Iterator[PreviewDate]:
    """What the nightly extension could not make; nothing of a series it cannot read (that is logged)."""
    try:
        outline = outline_of(series)
    except recurrence.UnusableRule:
        return
    for row in missing(series, outline, busy, now):
        if row.outcome != Outcome.HOLIDAY:
            yield row
