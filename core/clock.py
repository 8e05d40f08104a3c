"""The clock: aware times, UTC inside, the city's time outside. Time is always passed in as a parameter."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]

CITY_TIME = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The real clock; only the assembly passes it on."""
    return datetime.now(UTC)


def to_city_time(moment: datetime) -> datetime:
    """The same moment as people in the city read it. Raises ValueError for a naive time."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without zone: {moment!r}")
    return moment.astimezone(CITY_TIME)
