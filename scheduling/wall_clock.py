"""From what a clock on the wall shows to the instant, and on from there by real minutes."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


class NoSuchTime(ValueError):
    """The clocks skip this time on that day (02:30 on the last Sunday of March)."""


def instant(on: date, at: time, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which that zone's clocks show the time; raises NoSuchTime.

    A time shown twice (02:30 on the last Sunday of October) means the first, in summer time.
    """
    local = datetime.combine(on, at.replace(fold=0), tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise NoSuchTime(f"{local:%Y-%m-%d %H:%M} does not exist in {zone.key}.")
    return moment


def midnight(on: date, zone: ZoneInfo) -> datetime:
    """When that day begins there."""
    return datetime.combine(on, time(), tzinfo=zone)
