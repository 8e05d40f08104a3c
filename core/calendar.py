"""The working calendar: on which days and at which hours people work, and how time limits are counted on it.

Pure: every moment comes in and goes out as an argument. Moments are aware datetimes; days and spans are those of the
city's own time zone.

Working days are counted as the Civil Code counts periods (民法典 第201条, 第203条): the day of the beginning does not
count, and a period ends with the office hours of its last day.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import chinese_calendar

ONE_DAY = timedelta(days=1)
LONGEST_SEARCH = timedelta(days=3660)


class BadCalendar(ValueError):
    """A calendar file that cannot be used; the text names the value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Span:
    """Office hours from `start` to `end` of the same day."""

    start: time
    end: time


class WorkingCalendar:
    """Working days and hours of one place. Its methods raise OverflowError for limits beyond ten years."""

    def __init__(
        self,
        zone: ZoneInfo,
        spans: Iterable[Span],
        holidays: Iterable[date] = (),
        workdays: Iterable[date] = (),
        *,
        every_day: bool = False,
    ) -> None:
        self.zone = zone
        self._every_day = every_day
        self._spans = tuple(spans)
        self._holidays = frozenset(holidays)
        self._workdays = frozenset(workdays)
        if not self._spans:
            raise BadCalendar("spans: empty; a working day needs at least one span, e.g. 08:30-12:00")
        for span, following in zip(self._spans, (*self._spans[1:], None), strict=True):
            if span.start >= span.end or (following and following.start < span.end):
                raise BadCalendar(
                    f"spans: {span.start:%H:%M}-{span.end:%H:%M} must end after it starts, before the next"
                )

    @classmethod
    def from_data(cls, data: dict[str, Any], zone: str) -> "WorkingCalendar":
        """The calendar of `city/calendar.yml`. Raises BadCalendar."""
        spans = [_span(text) for text in data.get("spans") or ()]
        return cls(ZoneInfo(zone), spans, _days(data, "holidays"), _days(data, "workdays"))

    def with_hours(self, spans: Iterable[str] | None, *, every_day: bool = False) -> "WorkingCalendar":
        """The same days with other hours (08:30-12:00), or the same hours for None. Raises BadCalendar.

        `every_day`: weekends and holidays are worked too.
        """
        hours = self._spans if spans is None else tuple(_span(text) for text in spans)
        return WorkingCalendar(self.zone, hours, self._holidays, self._workdays, every_day=every_day)

    def fingerprint(self) -> str:
        """The same text for calendars that count the same, with the national list as this version knows it."""
        spans = [f"{span.start:%H:%M}-{span.end:%H:%M}" for span in self._spans]
        own = [sorted(map(str, days)) for days in (self._holidays, self._workdays)]
        return repr((self.zone.key, spans, own, self._every_day, _national_list()))

    def knows(self, year: int) -> bool:
        """Whether the holidays of a year have been announced to us; if not, its weekends alone are days off."""
        return year in _known_years()

    def is_working_day(self, day: date) -> bool:
        """Whether people work on a day."""
        if self._every_day or day in self._workdays:
            return True
        if day in self._holidays:
            return False
        return _worked_by_the_list(day) if self.knows(day.year) else day.weekday() < 5

    def is_open(self, moment: datetime) -> bool:
        """Whether a moment lies in office hours."""
        return any(start <= moment < end for start, end in self._spans_of(moment.astimezone(self.zone).date()))

    def after_working_time(self, start: datetime, amount: timedelta) -> datetime:
        """The moment by which `amount` of working time has passed since `start`; of no time, the next open moment."""
        left = amount
        for opens, closes in self._spans_from(start):
            available = closes - max(opens, start)
            if left < available or (left == available and left > timedelta(0)):
                return (max(opens, start) + left).astimezone(UTC)
            left -= available
        raise OverflowError("the working calendar has no such moment within ten years")

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two moments; none when `end` is not after `start`."""
        total = timedelta(0)
        for opens, closes in self._spans_from(start):
            if opens >= end:
                break
            total += max(timedelta(0), min(closes, end) - max(opens, start))
        return total

    def end_of_working_day(self, start: datetime, days: int) -> datetime:
        """The end of office hours on the `days`-th working day after the day of `start`."""
        if days < 1:
            raise ValueError(f"days: {days}; at least one")
        day = start.astimezone(self.zone).date()
        counted = 0
        while counted < days:
            day += ONE_DAY
            counted += self.is_working_day(day)
            if datetime.combine(day, time(), self.zone) - start > LONGEST_SEARCH:
                raise OverflowError("the working calendar has no such day within ten years")
        return datetime.combine(day, self._spans[-1].end, self.zone).astimezone(UTC)

    def _spans_of(self, day: date) -> list[tuple[datetime, datetime]]:
        if not self.is_working_day(day):
            return []
        return [
            (datetime.combine(day, span.start, self.zone), datetime.combine(day, span.end, self.zone))
            for span in self._spans
        ]

    def _spans_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Office hours that end after `start`, for ten years."""
        day = start.astimezone(self.zone).date()
        last = day + LONGEST_SEARCH
        while day < last:
            for opens, closes in self._spans_of(day):
                if closes > start:
                    yield opens, closes
            day += ONE_DAY


@lru_cache(maxsize=1)
def _known_years() -> frozenset[int]:
    days = chinese_calendar.constants.holidays
    return frozenset(day.year for day in days)


@lru_cache(maxsize=1)
def _national_list() -> list[list[str]]:
    return [sorted(map(str, days)) for days in (chinese_calendar.holidays, chinese_calendar.workdays)]


@lru_cache(maxsize=4096)
def _worked_by_the_list(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))


def _span(text: object) -> Span:
    start, mark, end = str(text).partition("-")
    try:
        if not mark:
            raise ValueError("no dash")
        return Span(time.fromisoformat(start.strip()), time.fromisoformat(end.strip()))
    except ValueError as error:
        raise BadCalendar(f"spans: {text!r} is not like 08:30-12:00") from error


def _days(data: dict[str, Any], key: str) -> list[date]:
    found = data.get(key) or []
    for day in found:
        if not isinstance(day, date) or isinstance(day, datetime):
            raise BadCalendar(f"{key}: {day!r} is not a day like 2027-02-05")
    return list(found)
