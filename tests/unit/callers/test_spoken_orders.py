"""How a caller hears an own open order: age, matter, state and time limit, date by date.

2026: 24 November is a Tuesday; National Day 1-7 October, made up on 20 September and 10 October.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from core.calendar import WorkingCalendar
from core.city import City
from desk.limits.deadlines import Circumstances, Light, Step, read_deadlines
from desk.orders.model import OPEN_STATES, Line, State
from ivr.callers.proof import normal
from ivr.callers.rules import LONGEST_TEXT, Texts, read_texts, words
from ivr.callers.speech import Known, age, spoken, when

pytestmark = pytest.mark.unit


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("opened", "now", "said"),
    [
        ("2026-11-24 00:01", "2026-11-24 23:59", "今天"),
        ("2026-11-23 23:59", "2026-11-24 00:01", "昨天"),
        ("2026-11-22 12:00", "2026-11-24 09:30", "前天"),
        ("2026-11-21 23:00", "2026-11-24 09:30", "三天前"),
        ("2026-11-14 09:00", "2026-11-24 09:30", "十天前"),
        ("2026-11-12 09:00", "2026-11-24 09:30", "十二天前"),
        ("2026-11-04 09:00", "2026-11-24 09:30", "二十天前"),
        ("2026-10-25 09:00", "2026-11-24 09:30", "三十天前"),
        ("2026-10-24 09:00", "2026-11-24 09:30", "10月24日"),
        ("2025-12-03 09:00", "2026-11-24 09:30", "去年12月3日"),
        ("2024-12-03 09:00", "2026-11-24 09:30", "2024年12月3日"),
        ("2026-12-31 09:00", "2027-01-02 09:30", "前天"),
    ],
)
def test_the_age_of_an_order_is_said_as_people_say_it(opened: str, now: str, said: str) -> None:
    assert age(at(opened), at(now)) == said


@pytest.mark.parametrize(
    ("due", "now", "said"),
    [
        ("2026-11-24 17:00", "2026-11-24 09:30", "今天17点"),
        ("2026-11-24 17:30", "2026-11-24 09:30", "今天17点半"),
        ("2026-11-25 09:05", "2026-11-24 23:59", "明天9点5分"),
        ("2026-11-26 17:30", "2026-11-24 09:30", "后天17点半"),
        ("2026-11-27 17:30", "2026-11-24 09:30", "本周五17点半"),
        ("2026-11-29 12:00", "2026-11-24 09:30", "本周日12点"),
        ("2026-11-30 17:30", "2026-11-24 09:30", "下周一17点半"),
        ("2026-12-06 00:00", "2026-11-24 09:30", "下周日0点"),
        ("2026-12-07 17:30", "2026-11-24 09:30", "12月7日17点半"),
        ("2026-11-30 17:30", "2026-11-29 20:00", "明天17点半"),
        ("2027-01-04 17:30", "2026-12-01 09:30", "2027年1月4日17点半"),
        ("2027-01-05 17:30", "2026-12-31 09:30", "下周二17点半"),
    ],
)
def test_a_time_limit_is_said_by_today_tomorrow_weekday_or_date(due: str, now: str, said: str) -> None:
    assert when(at(due), at(now)) == said


@pytest.mark.parametrize(
    ("sent", "line", "now", "said"),
    [
        # Five working days end with the office hours of the fifth day after.
        ("2026-11-24 09:00", Line.CITIZEN, "2026-11-24 10:00", "下周二17点半到期"),
        ("2026-11-24 09:00", Line.CITIZEN, "2026-12-01 08:00", "今天17点半到期"),
        ("2026-11-24 09:00", Line.CITIZEN, "2026-12-01 17:30", "已超过时限，正在督促"),
        # Over the National Day the days off do not count, and the make-up day does: 8, 9, 10, 12, 13 October.
        ("2026-09-30 15:00", Line.CITIZEN, "2026-10-08 09:00", "下周二17点半到期"),
        ("2026-09-30 15:00", Line.LEADER, "2026-10-12 20:00", "明天17点半到期"),
    ],
)
def test_the_end_of_the_time_to_finish_is_that_of_the_working_calendar(
    city: City, sent: str, line: Line, now: str, said: str
) -> None:
    calendar = WorkingCalendar.from_data(city.read("calendar.yml"), city.timezone)
    limits = read_deadlines(city.read("deadlines.yml"))
    due = limits.deadline(Step.FINISH, Circumstances(line=line), at(sent), calendar).due
    order = Known("20260930-000001", at(sent), State.IN_PROGRESS, False, city.categories["09"], "噪音太大", due)
    assert spoken(order, at(now)).due == said


def test_the_citizen_hears_the_light_the_staff_see_and_who_is_warned(city: City) -> None:
    due, now = at("2026-11-24 17:00"), at("2026-11-24 09:30")
    for light, said in zip(Light, ("黄灯", "橙灯", "红灯"), strict=True):
        order = Known("20261121-000001", at("2026-11-21 09:00"), State.IN_PROGRESS, False, None, "吵", due, light)
        assert said in (spoken(order, now).light or "")
    green = Known("20261121-000001", at("2026-11-21 09:00"), State.IN_PROGRESS, False, None, "吵", due)
    assert spoken(green, now).light is None


def test_the_matter_is_the_citizens_own_word_where_the_category_has_it(city: City) -> None:
    def heard(category: str | None, text: str) -> str:
        found = city.categories.get(category or "")
        order = Known("20261121-000001", at("2026-11-21 09:00"), State.IN_PROGRESS, False, found, text)
        return spoken(order, at("2026-11-24 09:30")).matter

    assert heard("09", "楼下夜间噪音很大") == "噪音"
    assert heard("09", "楼下夜里吵") == "生态环境"
    assert heard(None, "楼下夜里吵") == "诉求"


def test_of_a_confidential_order_only_number_and_state_are_told(city: City) -> None:
    due = at("2026-11-24 17:00")
    order = Known(
        "20261121-000001", at("2026-11-21 09:00"), State.IN_PROGRESS, True, city.categories["09"], "噪音", due
    )
    told = spoken(order, at("2026-11-24 09:30"))
    assert (told.number, told.state) == ("20261121-000001", "正在办理")
    assert (told.age, told.matter, told.due, told.light) == ("", "", None, None)


def test_every_open_state_has_its_words() -> None:
    assert set(words()["states"]) == {str(state) for state in OPEN_STATES}


@pytest.mark.parametrize(
    ("keyed", "meant"),
    [
        ("123456", "123456"),
        ("002*", "002X"),
        ("002x", "002X"),
        ("００２＊", "002X"),
        ("零零二X", "002X"),
        ("幺二三四五六", "123456"),
        ("1 2 3 4 #", "1234"),
        ("12345", None),
        ("*234", None),
        ("12345*", None),
        ("不知道", None),
        ("", None),
        ("²²²²", "2222"),
    ],
)
def test_keys_and_spoken_digits_are_read_as_a_code_or_the_end_of_an_id_number(keyed: str, meant: str | None) -> None:
    assert normal(keyed) == meant


def test_the_texts_fit_into_two_messages_and_name_no_address(city: City) -> None:
    texts = read_texts(city)
    matters = [category.name for category in city.categories.values()]
    assert max(texts.longest("12345", matters).values()) <= LONGEST_TEXT
    for bad in ({"card": "见 https://example.org"}, {"number": "{phone}"}):
        with pytest.raises(ValueError, match=r"web address|cannot stand here"):
            Texts.model_validate(texts.model_dump() | bad)
