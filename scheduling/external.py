"""Busy times from calendars people keep elsewhere: uploaded once, or fetched every hour.

Of what is read only starts and ends are kept, as absences of the person; the file itself is not. A file
is used whole or not at all, and while an address cannot be read, what was read last stays.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.rows import clock
from scheduling import busy_times, fetching, ical, presence
from scheduling.busy_times import Busy, Span, Unreadable
from scheduling.fetching import Fault, Gate
from scheduling.models import Absence, ExternalCalendar, Resource, Slot
from scheduling.transactions import tried_again

AHEAD = timedelta(days=400)  # as far as slots reach
MOST_CALENDARS = 5
EVERY = timedelta(hours=1)
AT_ONCE = 20

# What went wrong, for the person whose calendar it is.
FAULTS: dict[str, str | Promise] = {
    "not_a_calendar": _("Das ist keine Kalenderdatei (iCalendar, .ics), oder sie ist unvollständig."),
    "too_large": _("Die Datei ist zu groß. Höchstens 1 MB ist möglich."),
    "too_much": _("Der Kalender enthält zu viele Einträge oder Wiederholungen."),
    "address": _("Die Adresse muss mit https:// oder webcal:// beginnen."),
    "inside": _("Diese Adresse führt in ein inneres Netz. Von dort holen wir nichts."),
    "unreachable": _("Unter dieser Adresse ist niemand zu erreichen."),
    "refused": _("Unter dieser Adresse gibt es keinen Kalender, oder er ist nicht freigegeben."),
    "partly": _("Einzelne Einträge waren nicht zu lesen und zählen nicht."),
}


class TooMany(Exception):
    """The person has as many calendars as there may be."""


def upload(resource: Resource, *, name: str, data: bytes, by: User) -> ExternalCalendar:
    """Take the busy times of a file. Raises `busy_times.Unreadable` and `TooMany`; then nothing is kept."""
    now = clock()
    busy = _read(data, resource, now)
    with transaction.atomic():
        calendar = _add(resource, name, "", by)
        _store(calendar, busy, now)
    return calendar


def subscribe(resource: Resource, *, name: str, address: str, by: User) -> ExternalCalendar:
    """Fetch this address from now on, the first time within a minute. Raises `Fault` and `TooMany`."""
    with transaction.atomic():
        return _add(resource, name, fetching.normal(address), by)


@tried_again
def remove(calendar: ExternalCalendar, *, by: User) -> None:
    """The calendar and its busy times are gone; their slots can be booked again."""
    with transaction.atomic():
        spans = _spans(calendar)
        audit.record("external_removed", calendar, by=by, district=by.district)
        calendar.busy_times.all().delete()
        _tell(calendar.resource, spans)
        calendar.delete()


def read_due(*, gate: Gate | None = None) -> None:
    """Fetch the addresses whose hour has come, the longest waiting first; some at a time."""
    now = clock()
    due = ExternalCalendar.objects.subscribed().filter(
        Q(tried_at__isnull=True) | Q(tried_at__lte=now - EVERY), owner__is_active=True
    )
    ordered = due.select_related("resource__district").order_by("tried_at", "pk")
    for calendar in sorted(ordered[:AT_ONCE], key=lambda each: each.tried_at is not None):
        fetch(calendar, gate=gate)


def fetch(calendar: ExternalCalendar, *, gate: Gate | None = None) -> None:
    """Read the address now. A fault is noted; what was read before stays."""
    now = clock()
    ExternalCalendar.objects.filter(pk=calendar.pk).update(tried_at=now)
    try:
        # Once a day it is read anyway: repeated entries come into reach though the file is the same.
        is_fresh = calendar.read_at is not None and calendar.read_at.date() == now.date()
        fetched = fetching.fetch(calendar.address, calendar.etag if is_fresh else "", gate=gate)
        if fetched is None:
            ExternalCalendar.objects.filter(pk=calendar.pk).update(read_at=now)
            return
        busy = _read(fetched.data, calendar.resource, now)
    except (Fault, Unreadable) as error:
        ExternalCalendar.objects.filter(pk=calendar.pk).update(fault=error.code)
        return
    _store(calendar, busy, now, etag=fetched.etag)


def _add(resource: Resource, name: str, address: str, by: User) -> ExternalCalendar:
    User.objects.select_for_update(no_key=True).values_list("pk").get(pk=by.pk)
    if ExternalCalendar.objects.for_user(by).count() >= MOST_CALENDARS:
        raise TooMany
    calendar = ExternalCalendar.objects.create(owner=by, resource=resource, name=name, address=address)
    audit.record("external_added", calendar, by=by, district=by.district)
    return calendar


def _read(data: bytes, resource: Resource, now: datetime) -> Busy:
    zone = resource.district.tz
    return busy_times.read(data, zone=zone, since=now, until=now + AHEAD, zone_of=ical.zone_of)


@tried_again
def _store(calendar: ExternalCalendar, busy: Busy, now: datetime, *, etag: str = "") -> None:
    """These are the busy times from now on, all of them or, when something fails, none."""
    with transaction.atomic():
        found = ExternalCalendar.objects.select_for_update(no_key=True).filter(pk=calendar.pk).first()
        if found is None:
            return  # removed while it was fetched
        before = _spans(found)
        found.busy_times.all().delete()
        Absence.objects.bulk_create(
            Absence(
                resource_id=found.resource_id,
                during=DateTimeTZRange(start, end, "[)"),
                reason=Absence.Reason.EXTERNAL,
                source=found,
            )
            for start, end in busy.spans
        )
        found.read_at, found.etag = now, etag
        found.fault = "partly" if busy.left_out else ""
        found.save(update_fields=["read_at", "etag", "fault"])
        _tell(calendar.resource, set(before) ^ set(busy.spans))


def _spans(calendar: ExternalCalendar) -> list[Span]:
    return [(during.lower, during.upper) for during in calendar.busy_times.values_list("during", flat=True)]


def _tell(resource: Resource, changed: Iterable[Span]) -> None:
    """Announce the slots that can be had again, or not any more."""
    spans = sorted(changed)
    if not spans:
        return
    first, last = spans[0][0], max(end for _, end in spans)
    held = Slot.objects.open().filter(session__specialist=resource, start_at__lt=last, end_at__gt=first)
    slots = list(held.values_list("start_at", "end_at"))
    for start, end in spans:
        if any(begins < end and ends > start for begins, ends in slots):
            presence.changed(resource, start, end)
