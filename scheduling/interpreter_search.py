"""That somebody suitable can interpret at a slot, as a condition of the database.

The same rules as `interpreters.find`, for a search over very many slots in one query. Who may be asked is
the very queryset of `interpreters`; when they can be had is said once more in SQL, and a property test
holds the two together.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, DateTimeField, Exists, F, Func, OuterRef, Q, Value
from django.db.models.functions import Cast, Coalesce

from accounts.models import District
from scheduling import interpreters, public_holidays
from scheduling.interpreters import Need
from scheduling.models import AppointmentKind
from scheduling.wall_clock import midnight

# As `is_psychological`: talks for those only who are fit for them, in blocks with time for interpreting.
_CONSULTATION = Q(kind__needs_referral=True) | Q(kind__category=AppointmentKind.Category.CONSULTATION)


class _CanBeHad(Func):
    """Nowhere else, there, and asked in time. `earliest` has, by working days of lead, the first moment
    that can still be booked; `holidays` are those of the Land. Hours that adjoin are one, and 23:59
    means the end of the day, as `availability` reads them."""

    output_field = BooleanField()
    template = """(
        SELECT asked.start_at >= asked.earliest[asked.lead + 1]
            AND NOT EXISTS (
                SELECT FROM scheduling_reservation held
                WHERE held.resource_id = asked.resource
                    AND held.during && tstzrange(asked.start_at, asked.end_at)
            ) AND NOT EXISTS (
                SELECT FROM scheduling_absence absence
                WHERE absence.resource_id = asked.resource
                    AND absence.during && tstzrange(asked.start_at, asked.end_at)
            ) AND NOT (
                asked.keeps_holidays
                AND asked.holidays::tstzmultirange && tstzrange(asked.start_at, asked.end_at)
            ) AND coalesce((
                SELECT range_agg(tsrange(
                    day + from_time,
                    CASE WHEN until_time >= '23:59' THEN day + interval '1 day' ELSE day + until_time END
                ))
                FROM scheduling_weeklyhours hours, LATERAL (
                    SELECT start_on::date + mod(weekday + 8 - extract(isodow FROM start_on)::int, 7) AS day
                ) next
                WHERE hours.resource_id = asked.resource
            ) @> tsrange(least(start_on, end_on), greatest(start_on, end_on)), true)
        FROM (VALUES (%(expressions)s)) asked
            (resource, lead, keeps_holidays, start_at, end_at, zone, holidays, earliest),
            LATERAL (SELECT start_at AT TIME ZONE zone AS start_on, end_at AT TIME ZONE zone AS end_on) wall
    )"""


def can_be_had(need: Need, district: District, *, now: datetime, until: datetime) -> Q:
    """The condition on slots of the district until then, for somebody who fits the need.

    Talks of the consultation are for those only who are suitable (`need.is_psychological` is not asked),
    and where their block has time for interpreting. A dialect or a way of taking part is no wish here.
    """
    values = _values(district, now, until)
    anybody, suitable = (
        Exists(
            interpreters.speaking(Need(need.language, is_psychological=fit), district)
            .filter(interpreters.fitting(need), _CanBeHad(*values, output_field=BooleanField()))
            .order_by()
        )
        for fit in (False, True)
    )
    return (~_CONSULTATION & Q(anybody)) | (_CONSULTATION & Q(with_interpreter=True) & Q(suitable))


def first_days(today: date, last: date, land: str) -> list[date]:
    """By the working days an interpreter is to be asked before: the first day they can still be had.
    As far as `last`; a longer lead reaches beyond."""
    found, on = [today], today
    while on < last:
        is_workday = public_holidays.is_workday(on, land)
        on += timedelta(days=1)
        if is_workday:
            found.append(on)
    return found


def _values(district: District, now: datetime, until: datetime) -> list[Any]:
    """What `_CanBeHad` asks about, in its order."""
    today, last = (at.astimezone(district.tz).date() for at in (now, until))
    bookable = first_days(today, last, district.land)
    earliest = [max(now, midnight(on, district.tz)) for on in bookable]
    days = [today + timedelta(days=number) for number in range((last - today).days + 2)]
    holidays = [
        f"[{midnight(on, district.tz)}, {midnight(on + timedelta(days=1), district.tz)})"
        for on in days
        if public_holidays.name(on, district.land)
    ]
    return [
        F("pk"),
        Coalesce("lead_workdays", "pool__lead_workdays"),
        F("resource__keeps_holidays"),
        OuterRef("start_at"),
        OuterRef("end_at"),
        Value(district.tz.key),
        Value("{" + ", ".join(holidays) + "}"),
        Cast(Value(earliest), ArrayField(DateTimeField())),
    ]
