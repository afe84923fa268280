"""Time: UTC inside; Asia/Shanghai days at the edge.

A UTC day is wrong by eight hours for a heat sum or a daily minimum, so every day of the
platform starts at 00:00 Asia/Shanghai.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def day_of(instant: datetime) -> date:
    """Return the Asia/Shanghai calendar day that holds an instant."""
    return instant.astimezone(SHANGHAI).date()


def day_start(day: date) -> datetime:
    """Return the instant (UTC) at which an Asia/Shanghai day begins."""
    return datetime.combine(day, time(), SHANGHAI).astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the instants [start, end) of an Asia/Shanghai day."""
    return day_start(day), day_start(day + DAY)
