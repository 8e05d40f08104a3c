"""An open order in words to be spoken: how old it is, what about, what is done with it, until when. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.city import Category
from core.clock import to_city_time
from desk.limits.deadlines import Light
from desk.orders.model import State
from ivr.callers.rules import words
from ivr.flow import OpenOrder

_DIGITS = "零一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Known:
    """What the desk knows of an order. `due` and `light` are those of the time to finish, None while none runs."""

    number: str
    created_at: datetime
    state: State
    confidential: bool
    category: Category | None
    text: str
    due: datetime | None = None
    light: Light | None = None


def spoken(order: Known, now: datetime) -> OpenOrder:
    """The order as its citizen hears it; of a confidential one only the state, whose `age` and `matter` are empty."""
    state: str = words()["states"][order.state]
    if order.confidential:
        return OpenOrder(order.number, "", "", state, None)
    return OpenOrder(
        order.number,
        age(order.created_at, now),
        matter(order.category, order.text),
        state,
        until(order.due, now) if order.due else None,
        words()["lights"][order.light] if order.light else None,
    )


def age(created_at: datetime, now: datetime) -> str:
    """`今天`, `昨天`, `三天前`, or the day itself."""
    say, day, today = words()["age"], to_city_time(created_at).date(), to_city_time(now).date()
    days = (today - day).days
    if days <= 2:
        return str((say["today"], say["yesterday"], say["day_before"])[max(days, 0)])
    if days <= say["days_at_most"]:
        return str(say["days"].format(days=numeral(days)))
    template = {0: "date", 1: "last_year"}.get(today.year - day.year, "earlier")
    return str(say[template].format(year=day.year, month=day.month, day=day.day))


def matter(category: Category | None, text: str) -> str:
    """The category's first word that the citizen used, else its name."""
    if category is None:
        return str(words()["matter"])
    return next((word for word in category.keywords if word in text), category.name)


def until(due: datetime, now: datetime) -> str:
    """`今天17点到期`, or honestly that it is late."""
    return str(words()["overdue"] if due <= now else words()["due"].format(when=when(due, now)))


def when(moment: datetime, now: datetime) -> str:
    """A moment to come: `今天17点`, `明天9点半`, `下周一12点`, `12月8日17点15分`."""
    local = to_city_time(moment)
    return _day(local.date(), to_city_time(now).date()) + _hour(local)


def numeral(number: int) -> str:
    """1 to 99 as it is said before a measure word: 两, 十二, 三十."""
    if number == 2:
        return "两"
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else _DIGITS[tens] + "十"
    return head + (_DIGITS[ones] if ones else "")


def _day(day: date, today: date) -> str:
    say: Mapping[str, str] = words()["when"]
    if name := {0: "today", 1: "tomorrow", 2: "day_after"}.get((day - today).days):
        return say[name]
    weeks = (_monday(day) - _monday(today)).days // 7
    if weeks in (0, 1):
        return say["next_week" if weeks else "this_week"].format(weekday=say["weekdays"][day.weekday()])
    template = "date" if day.year == today.year else "next_year"
    return say[template].format(year=day.year, month=day.month, day=day.day)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _hour(local: datetime) -> str:
    template = {0: "hour", 30: "half"}.get(local.minute, "minutes")
    said: str = words()["when"][template].format(hour=local.hour, minute=local.minute)
    return said
