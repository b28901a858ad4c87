"""The first free appointment: one search over everything a person may need it to be, in one query.

It reads only what slots carry themselves (copied when they are made), by the partial indexes over
slots with room. `has_room` counts a hold whose time has passed until the sweeper came by; such slots
are few and added by the index of holds, so that a dead hold is free at once here, too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, DurationField, ExpressionWrapper, F, Func, Q
from django.db.models.functions import ExtractIsoWeekDay, Now, TruncTime
from django.utils import timezone

from accounts.models import Municipality, Organisation, User
from scheduling import interpreter_search, live
from scheduling.interpreters import Need
from scheduling.models import AppointmentKind, Booking, Slot, SlotFormat
from scheduling.models.slot import SlotQuerySet
from scheduling.wall_clock import midnight

DAYS_AHEAD = 90
MOST = 20
# What a person looks for; the seats of courses have their own pages.
_FORMATS = (SlotFormat.APPOINTMENT, SlotFormat.PRESENTATION, SlotFormat.CASE_CONSULTATION)


@dataclass(frozen=True)
class Wish:
    """What the appointment shall be; whatever is empty is no wish. Weekdays: 0 is Monday.

    `with_interpreter`: somebody suitable who interprets, of that gender, will do for the language, too.
    """

    kind: AppointmentKind | None = None
    language: str = ""
    with_interpreter: bool = False
    interpreter_gender: str = ""
    municipality: Municipality | None = None
    organisation: Organisation | None = None
    weekdays: tuple[int, ...] = ()
    from_time: time | None = None
    until_time: time | None = None
    gender: str = ""
    is_step_free: bool = False
    from_on: date | None = None
    days: int = DAYS_AHEAD


@dataclass(frozen=True)
class Group:
    """Free appointments of one day, in order of time."""

    on: date
    slots: Sequence[Slot]


def free(user: User, wish: Wish, *, most: int = MOST) -> list[Slot]:
    """The first free appointments this person may book that fit the wish, soonest first. One query."""
    found = list(query(user, wish, most=most))
    for slot in found:
        slot.district = slot.session.district = user.district
    return found


def query(user: User, wish: Wish, *, most: int = MOST) -> SlotQuerySet:
    """The same, not asked yet.

    The few slots are found first, as arrays of keys: with a join PostgreSQL reads all slots to join what
    is shown of them (measured: 1.5 s instead of 0.5 ms at 200,000).
    """
    fitting = _fitting(user, wish).order_by("start_at", "pk")
    dead = Booking.objects.dead_holds().values("slot")
    with_room = fitting.filter(has_room=True)
    # Without room there may also be somebody absent.
    reopened = fitting.with_absence().filter(Q(is_away=False), has_room=False, pk__in=dead)
    keys = Func(
        *(ArraySubquery(some.values("pk")[:most]) for some in (with_room, reopened)), function="array_cat"
    )
    among = Func(
        F("pk"), keys, arg_joiner=" = ANY(", template="%(expressions)s)", output_field=BooleanField()
    )
    found = Slot.objects.filter(among).select_related(
        "kind", "organisation", "session__calendar", "session__room", "session__specialist"
    )
    return found.order_by("start_at", "pk")[:most]


def by_day(slots: Sequence[Slot], user: User) -> Iterator[Group]:
    """In the order of time, cut where the day changes."""
    zone = user.district.tz
    for on, group in groupby(slots, key=lambda slot: _day(slot, zone)):
        yield Group(on, list(group))


def socket(slots: Iterable[Slot]) -> str:
    """Where one hears that one of them is taken."""
    return live.address(*dict.fromkeys(live.topic(slot.session) for slot in slots))


def looser(user: User, wish: Wish) -> list[str]:
    """The names of those wishes of which any one, left out alone, would find something."""
    loosened: dict[str, dict[str, Any]] = {
        "language": {"language": ""},
        "interpreter": {"interpreter_gender": ""},
        "municipality": {"municipality": None},
        "organisation": {"organisation": None},
        "weekdays": {"weekdays": ()},
        "times": {"from_time": None, "until_time": None},
        "gender": {"gender": ""},
        "is_step_free": {"is_step_free": False},
        "kind": {"kind": None},
    }
    given = {name: values for name, values in loosened.items() if _differs(wish, values)}
    return [name for name, values in given.items() if free(user, _with(wish, values), most=1)]


def _fitting(user: User, wish: Wish) -> SlotQuerySet:
    """Slots that fit, free or not."""
    start, end = _window(user, wish)
    found = Slot.objects.bookable_by(user).open().filter(start_at__gt=Now(), format__in=_FORMATS)
    found = found.filter(start_at__gte=start, start_at__lt=end, calendar__is_active=True)
    equal = {
        "kind": wish.kind,
        "municipality": wish.municipality,
        "organisation": wish.organisation,
        "gender": wish.gender or None,
        "is_step_free": wish.is_step_free or None,
    }
    found = found.filter(**{name: value for name, value in equal.items() if value is not None})
    if wish.language:
        found = found.filter(_understood(user, wish))
    return _at_times(_in_time(found, wish), user, wish)


def _in_time(found: SlotQuerySet, wish: Wish) -> SlotQuerySet:
    """Neither too short before nor too far ahead, by the rules of each kind."""
    if wish.kind is not None:
        found = found.filter(start_at__gt=Now() + timedelta(hours=wish.kind.notice_hours))
        days = wish.kind.horizon_days
        return found if days is None else found.filter(start_at__lte=Now() + timedelta(days=days))
    notice = ExpressionWrapper(F("kind__notice_hours") * timedelta(hours=1), DurationField())
    ahead = ExpressionWrapper(F("kind__horizon_days") * timedelta(days=1), DurationField())
    not_too_far = Q(kind__horizon_days__isnull=True) | Q(start_at__lte=Now() + ahead)
    return found.filter(not_too_far, start_at__gt=Now() + notice)


def _at_times(found: SlotQuerySet, user: User, wish: Wish) -> SlotQuerySet:
    """Days and times as the district's clocks show them."""
    zone = user.district.tz
    if wish.weekdays:
        found = found.alias(weekday=ExtractIsoWeekDay("start_at", tzinfo=zone))
        found = found.filter(Q(weekday__in=[day + 1 for day in wish.weekdays]))
    if wish.from_time:
        found = found.alias(begins=TruncTime("start_at", tzinfo=zone)).filter(Q(begins__gte=wish.from_time))
    if wish.until_time:
        found = found.alias(ends=TruncTime("end_at", tzinfo=zone)).filter(Q(ends__lte=wish.until_time))
    return found


def _understood(user: User, wish: Wish) -> Q:
    """By whoever holds it, or by somebody suitable who can be had to interpret."""
    own = Q(languages__contains=[wish.language])
    if not wish.with_interpreter:
        return own
    need = Need(wish.language, gender=wish.interpreter_gender)
    _, until = _window(user, wish)
    return own | interpreter_search.can_be_had(need, user.district, now=timezone.now(), until=until)


def _window(user: User, wish: Wish) -> tuple[datetime, datetime]:
    zone = user.district.tz
    today = timezone.now().astimezone(zone).date()
    first = max(wish.from_on or today, today)
    last = first + timedelta(days=min(wish.days, DAYS_AHEAD))
    return midnight(first, zone), midnight(last, zone)


def _day(slot: Slot, zone: ZoneInfo) -> date:
    return slot.start_at.astimezone(zone).date()


def _differs(wish: Wish, values: dict[str, Any]) -> bool:
    return any(getattr(wish, name) != value for name, value in values.items())


def _with(wish: Wish, values: dict[str, Any]) -> Wish:
    return replace(wish, **values)
