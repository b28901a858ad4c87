"""The demo's rooms and its planned year: one consultation a month, the next one within a week."""

from datetime import date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from scheduling import contingents, resources, series, slots
from scheduling.models import BlockFormat, HolidayRule, Series, Session, Slot
from scheduling.planning import Block
from scheduling.recurrence import LAST, NthWeekday

_TUESDAY = 1
BLOCKS = (
    Block(70, BlockFormat.PRESENTATION, with_interpreter=True),
    Block(70, BlockFormat.PRESENTATION, with_interpreter=True),
    Block(35, BlockFormat.CASE_CONSULTATION),
)


@transaction.atomic
def load() -> Series:
    """Two rooms, the specialist, the year from the present month on, and whose seats are set aside."""
    coordinator = User.objects.get(username="koordination")
    room = resources.save_room(
        None, name="Raum 2.14", address="Hauptstr. 1, Zimmer 2.14", way="Aufzug im Hof", by=coordinator
    )
    resources.save_room(
        None, name="Bürgerhaus", address="Marktplatz 4, 1. Stock", way="Haltestelle Rathaus", by=coordinator
    )
    today = timezone.localdate()
    planned = series.plan(
        by=coordinator,
        district=coordinator.district,
        kind=resources.ensure_kind(coordinator.district),
        template=series.NewTemplate(BLOCKS, "Dienstagnachmittag"),
        specialist=resources.ensure_specialist(User.objects.get(username="fachaerztin"), by=coordinator),
        room=room,
        rule=_monthly_on(_next_tuesday(today)),
        first_on=today.replace(day=1),
        start_time=time(14, 0),
        until=today.replace(day=1) + relativedelta(months=13, days=-1),
        holiday_rule=HolidayRule.WEEK_LATER,
    )
    shares = {Organisation.objects.get(short_name=name): 1 for name in ("AWO", "Caritas")}
    contingents.set_aside_from_series(planned, shares, free_days_before=14, by=coordinator)
    return planned


def held_like(model: Session, *, before: datetime) -> Session:
    """A session like `model` that was held: written past the rules, because no rule plans the past.

    It began at the last time before that instant, on the model's weekday and clock, at which its series
    has no session.
    """
    start = _free_start(model, before)
    held = Session.objects.create(
        district=model.district,
        series=model.series,
        calendar=model.calendar,
        specialist=model.specialist,
        room=model.room,
        place=model.place,
        original_start_at=start,
        start_at=start,
        end_at=start + (model.end_at - model.start_at),
    )
    for slot in model.slots.order_by("block"):
        begins = start + (slot.start_at - model.start_at)
        Slot.objects.create(
            district=slot.district,
            session=held,
            block=slot.block,
            kind=slot.kind,
            format=slot.format,
            capacity=slot.capacity,
            with_interpreter=slot.with_interpreter,
            start_at=begins,
            end_at=begins + (slot.end_at - slot.start_at),
            **slots.searched_by(held),
        )
    return held


def _free_start(model: Session, before: datetime) -> datetime:
    start = model.start_at.astimezone(model.district.tz)
    while start > before or Session.objects.filter(series=model.series, original_start_at=start).exists():
        start -= timedelta(days=7)  # by the wall clock: the zone goes with it
    return start


def _next_tuesday(today: date) -> date:
    """The first Tuesday after today, so that whoever opens the demo has a session ahead."""
    return today + timedelta(days=(_TUESDAY - today.weekday() - 1) % 7 + 1)


def _monthly_on(day: date) -> NthWeekday:
    nth = (day.day - 1) // 7 + 1
    return NthWeekday(nth if nth <= 4 else LAST, _TUESDAY)
