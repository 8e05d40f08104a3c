"""The working calendar, date by date. 2026: National Day 1–7 October, made up on 20 September and 10 October."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import BadCalendar, WorkingCalendar

pytestmark = pytest.mark.unit

SHANGHAI = "Asia/Shanghai"
CALENDAR = WorkingCalendar.from_data({"spans": ["08:30-12:00", "14:30-17:30"]}, SHANGHAI)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(SHANGHAI))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-11-24", True),
        ("2026-11-28", False),
        ("2026-10-01", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),
        ("2026-09-20", True),
        ("2026-02-17", False),
        ("2026-02-14", True),
    ],
)
def test_holidays_are_off_and_make_up_days_are_worked(day: str, works: bool) -> None:
    assert CALENDAR.is_working_day(date.fromisoformat(day)) is works


def test_a_year_nobody_has_announced_is_told_and_counts_weekends() -> None:
    assert CALENDAR.knows(2026)
    assert not CALENDAR.knows(2035)
    assert CALENDAR.is_working_day(date(2035, 10, 1))
    assert not CALENDAR.is_working_day(date(2035, 10, 6))


def test_the_citys_own_days_win_over_the_list() -> None:
    data = {"spans": ["09:00-17:00"], "holidays": [date(2026, 11, 24)], "workdays": [date(2026, 11, 28)]}
    calendar = WorkingCalendar.from_data(data, SHANGHAI)
    assert not calendar.is_working_day(date(2026, 11, 24))
    assert calendar.is_working_day(date(2026, 11, 28))


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-11-24 09:00", 1, "2026-11-25 17:30"),
        ("2026-11-24 23:59", 1, "2026-11-25 17:30"),
        ("2026-11-27 16:00", 1, "2026-11-30 17:30"),
        ("2026-11-28 10:00", 1, "2026-11-30 17:30"),
        ("2026-11-27 16:00", 5, "2026-12-04 17:30"),
        ("2026-09-30 17:00", 1, "2026-10-08 17:30"),
        ("2026-09-30 17:00", 3, "2026-10-10 17:30"),
        ("2026-09-18 09:00", 1, "2026-09-20 17:30"),
    ],
)
def test_a_limit_of_working_days_ends_with_the_office_hours_of_its_last_day(start: str, days: int, end: str) -> None:
    assert CALENDAR.end_of_working_day(local(start), days) == local(end)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-24 09:00", 1, "2026-11-24 10:00"),
        ("2026-11-24 11:00", 1, "2026-11-24 12:00"),
        ("2026-11-24 11:00", 2, "2026-11-24 15:30"),
        ("2026-11-24 12:30", 1, "2026-11-24 15:30"),
        ("2026-11-24 16:30", 4, "2026-11-25 11:30"),
        ("2026-11-27 17:00", 4, "2026-11-30 12:00"),
        ("2026-09-30 17:00", 1, "2026-10-08 09:00"),
        ("2026-11-24 06:00", 0, "2026-11-24 08:30"),
    ],
)
def test_working_hours_run_only_while_people_work(start: str, hours: int, end: str) -> None:
    assert CALENDAR.after_working_time(local(start), timedelta(hours=hours)) == local(end)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-24 08:30", "2026-11-24 17:30", 6.5),
        ("2026-11-24 12:00", "2026-11-24 14:30", 0),
        ("2026-11-27 17:00", "2026-11-30 09:00", 1),
        ("2026-10-01 00:00", "2026-10-08 00:00", 0),
        ("2026-11-25 09:00", "2026-11-24 09:00", 0),
    ],
)
def test_the_working_time_between_two_moments_leaves_out_nights_and_days_off(
    start: str, end: str, hours: float
) -> None:
    assert CALENDAR.working_time(local(start), local(end)) == timedelta(hours=hours)


moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
amounts = st.timedeltas(timedelta(minutes=1), timedelta(hours=80))


@given(moments, amounts)
def test_time_that_is_added_is_time_that_is_found_again(start: datetime, amount: timedelta) -> None:
    end = CALENDAR.after_working_time(start, amount)
    assert end > start
    assert CALENDAR.working_time(start, end) == amount


@given(moments, amounts, amounts)
def test_a_longer_limit_never_ends_earlier(start: datetime, one: timedelta, more: timedelta) -> None:
    assert CALENDAR.after_working_time(start, one) < CALENDAR.after_working_time(start, one + more)


@given(moments, st.integers(1, 40))
def test_a_limit_of_days_ends_when_the_office_closes(start: datetime, days: int) -> None:
    end = CALENDAR.end_of_working_day(start, days)
    assert CALENDAR.is_working_day(end.astimezone(CALENDAR.zone).date())
    assert not CALENDAR.is_open(end)
    assert CALENDAR.is_open(end - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"spans": []}, "spans: empty"),
        ({"spans": ["8-12"]}, "'8-12'"),
        ({"spans": ["12:00-08:30"]}, "12:00-08:30"),
        ({"spans": ["08:30-12:00", "11:00-17:00"]}, "08:30-12:00"),
        ({"spans": ["08:30-12:00"], "holidays": ["5th of May"]}, "'5th of May'"),
    ],
)
def test_a_calendar_that_cannot_be_used_is_refused_with_the_value(data: dict[str, object], told: str) -> None:
    with pytest.raises(BadCalendar, match=told):
        WorkingCalendar.from_data(data, SHANGHAI)


def test_the_shipped_calendar_can_be_used() -> None:
    data = yaml.safe_load((Path(__file__).parents[3] / "city" / "calendar.yml").read_text("utf-8"))
    assert WorkingCalendar.from_data(data, SHANGHAI).knows(2026)
