"""A planned series for tests: the first Tuesday of the month, 14:00, two presentations and a consultation."""

from datetime import UTC, date, datetime, time
from typing import Any

from scheduling import series
from scheduling.models import BlockFormat, HolidayRule, Resource, Series
from scheduling.planning import Block
from scheduling.recurrence import NthWeekday
from tests import factories

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
PRESENTATION = Block(70, BlockFormat.PRESENTATION, with_interpreter=True)
CONSULTATION = Block(35, BlockFormat.CASE_CONSULTATION)
BLOCKS = (PRESENTATION, PRESENTATION, CONSULTATION)
FIRST_TUESDAY = NthWeekday(1, 1)


def coordinator(**fields: Any) -> Any:
    return factories.UserFactory(roles=["coordinator"], **fields)


def specialist(name: str = "", **fields: Any) -> Any:
    return factories.SpecialistFactory(**({"name": name} if name else {}), **fields)


def plan(**changes: Any) -> Series:
    """Plan it; `blocks=` for another template."""
    blocks = changes.pop("blocks", BLOCKS)
    fields: dict[str, Any] = {
        "template": series.NewTemplate(blocks),
        "rule": FIRST_TUESDAY,
        "first_on": date(2027, 1, 1),
        "start_time": time(14, 0),
        "until": date(2027, 12, 31),
        "holiday_rule": HolidayRule.SKIP,
        "now": NOW,
    } | changes
    fields["specialist"] = fields.get("specialist") or specialist()
    district = fields.setdefault("district", fields["specialist"].district)
    for name, make in {
        "by": lambda: coordinator(organisation__district=district),
        "room": lambda: factories.RoomFactory(district=district),
        "kind": lambda: factories.KindFactory(district=district),
    }.items():
        fields[name] = fields.get(name) or make()
    return series.plan(**fields)


def starts(planned: Series) -> list[str]:
    """When its sessions begin, on the wall clock."""
    zone = planned.district.tz
    return [f"{session.start_at.astimezone(zone):%Y-%m-%d %H:%M}" for session in planned.sessions.all()]


def room(name: str) -> Resource:
    """Another room of the same district."""
    made: Resource = factories.RoomFactory(name=name)
    return made
