"""When an office would have had so many hours to answer."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from scheduling import public_holidays

OPENS, CLOSES = time(8), time(16)


def after(start: datetime, hours: int, *, zone: ZoneInfo, land: str) -> datetime:
    """The instant at which so many working hours have passed since `start`.

    Monday to Friday from eight to four on the district's clocks, public holidays of the Land left out.
    """
    left, day = timedelta(hours=hours), start.astimezone(zone).date()
    while True:
        opens, closes = (datetime.combine(day, at, tzinfo=zone) for at in (OPENS, CLOSES))
        begins = max(start.astimezone(zone), opens)
        if public_holidays.is_workday(day, land) and begins < closes:
            if left <= closes - begins:
                return begins + left
            left -= closes - begins
        day += timedelta(days=1)
