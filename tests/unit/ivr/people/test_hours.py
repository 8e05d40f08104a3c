"""When a line opens, as it is told to whoever calls outside its hours."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core.calendar import BadCalendar, WorkingCalendar
from core.city import City
from desk.orders.model import Line
from ivr.people.hours import in_words
from ivr.people.rules import Rules

pytestmark = pytest.mark.unit
ZONE = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("2026-11-24T07:00", "今天上午8点半"),
        ("2026-11-24T12:30", "今天下午2点半"),
        ("2026-11-24T20:00", "明天上午8点半"),
        ("2026-11-27T18:00", "星期一上午8点半"),
        ("2026-11-28T10:00", "后天上午8点半"),
        ("2026-09-30T18:00", "10月8日上午8点半"),  # 国庆
    ],
)
def test_the_enterprise_line_tells_when_it_opens(rules: Rules, called: str, told: str) -> None:
    now = local(called)
    opens = rules.opens(Line.ENTERPRISE, now)
    assert opens is not None
    assert in_words(opens, now, ZONE, rules.words) == told


def test_the_citizens_line_is_always_open(rules: Rules) -> None:
    assert rules.opens(Line.CITIZEN, local("2026-10-01T03:00")) is None


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        ("2026-11-24T12:00", "今天中午12点"),
        ("2026-11-24T18:45", "今天晚上6点45分"),
        ("2026-11-25T00:00", "明天凌晨0点"),
    ],
)
def test_a_time_is_told_as_people_say_it(rules: Rules, moment: str, told: str) -> None:
    assert in_words(local(moment), local("2026-11-24T09:00"), ZONE, rules.words) == told


def test_a_line_may_have_hours_of_its_own_on_every_day(city: City) -> None:
    office = WorkingCalendar.from_data(city.read("calendar.yml"), city.timezone)
    every_day = office.with_hours(["08:00-20:00"], every_day=True)
    assert every_day.is_open(local("2026-10-01T19:59"))
    assert not every_day.is_open(local("2026-10-01T20:00"))
    assert not office.with_hours(["08:00-20:00"]).is_open(local("2026-10-01T12:00"))
    with pytest.raises(BadCalendar, match="spans"):
        office.with_hours(["8 to 20"])
