"""When the campaign may call, whom again, and what it asks: the rules of `city/phone.yml`. Pure."""

from datetime import datetime, time, timedelta
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.calendar import BadCalendar, WorkingCalendar
from core.city import City
from desk.limits.deadlines import ReadLimit
from desk.orders.model import Line
from ivr.out.flow import QUESTIONS, Result, Slot, Where
from ivr.out.words import Slots

FINAL = frozenset({Result.REACHED, Result.REFUSED, Result.WRONG_NUMBER, Result.PERSON, Result.SETTLED})
"""After these nobody is called again by a machine, so that no rule can say when."""
MOST_SLOTS = 3
NO_TIME = timedelta(0)
Span = Annotated[str, Field(pattern=r"^\d{2}:\d{2}-\d{2}:\d{2}$")]
Moment = Annotated[str, Field(pattern=r"^\d{2}:\d{2}$")]


class CampaignRules(BaseModel):
    """`campaign` of `city/phone.yml`. Raises pydantic's ValidationError naming what is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    hours: tuple[Span, ...] = Field(min_length=1)
    earliest: Moment
    noon: Span
    latest: Moment
    at_once: int = Field(ge=1, le=200)
    ring_seconds: int = Field(ge=10, le=120)
    gap: ReadLimit
    a_day: int = Field(ge=1, le=5)
    retry: dict[Result, ReadLimit]
    most: int = Field(ge=1, le=20)
    postponements: int = Field(ge=0, le=5)
    silent_after: ReadLimit
    questions: tuple[Where, ...]
    keep: ReadLimit

    @model_validator(mode="after")
    def _leaves_people_in_peace(self) -> Self:
        noon = _span(self.noon)
        for hours in self.hours:
            start, end = _span(hours)
            if start < time.fromisoformat(self.earliest) or end > time.fromisoformat(self.latest):
                raise ValueError(f"hours: {hours} is outside {self.earliest}-{self.latest}")
            if start < noon[1] and noon[0] < end:
                raise ValueError(f"hours: {hours} lies in the rest at noon, {self.noon}")
        if never := sorted(FINAL & set(self.retry)):
            raise ValueError(f"retry: nobody is called again after {', '.join(never)}")
        if not {Where.SOLVED, Where.SATISFIED} <= set(self.questions) <= set(QUESTIONS):
            raise ValueError(f"questions: solved and satisfied, and nothing but {', '.join(QUESTIONS)}")
        return self

    def asked(self, line: str) -> tuple[Where, ...]:
        """What is asked about an order of a line."""
        return tuple(each for each in self.questions if each is not Where.ENTERPRISE or line == Line.ENTERPRISE)


class Hours:
    """The hours in which the campaign may call: those of its rules on the city's working days."""

    def __init__(self, rules: CampaignRules, calendar: dict[str, Any], zone: str) -> None:
        """`calendar` is the content of `city/calendar.yml`. Raises BadCalendar."""
        self._calendar = WorkingCalendar.from_data({**calendar, "spans": rules.hours}, zone)
        self._spans = [_span(each) for each in rules.hours]

    @property
    def calendar(self) -> WorkingCalendar:
        """The working calendar with these hours."""
        return self._calendar

    def are_open(self, now: datetime) -> bool:
        """Whether somebody may be called now."""
        return self._calendar.is_open(now)

    def from_then(self, moment: datetime) -> datetime:
        """The first moment from then on at which somebody may be called."""
        return self._calendar.after_working_time(moment, NO_TIME)

    def day(self, now: datetime) -> datetime:
        """When the day of a moment began, in the city's time."""
        return datetime.combine(now.astimezone(self._calendar.zone).date(), time(), self._calendar.zone)

    def slots(self, now: datetime, words: Slots) -> tuple[Slot, ...]:
        """The next moments to offer somebody who asks to be called later: in an hour, then the next spans."""
        found = []
        if self._calendar.is_open(now) and self._calendar.is_open(now + timedelta(hours=1)):
            found.append(Slot(words.hour, now + timedelta(hours=1)))
        moment = now
        while len(found) < MOST_SLOTS:
            moment = self._next_span(moment)
            found.append(Slot(self._title(moment, now, words), moment))
        return tuple(found)

    def _next_span(self, after: datetime) -> datetime:
        """When the next span begins after a moment."""
        day = after.astimezone(self._calendar.zone).date()
        while True:
            for start, _ in self._spans:
                begins = datetime.combine(day, start, self._calendar.zone)
                if begins > after and self._calendar.is_open(begins):
                    return begins
            day += timedelta(days=1)

    def _title(self, moment: datetime, now: datetime, words: Slots) -> str:
        local = moment.astimezone(self._calendar.zone)
        days = (local.date() - now.astimezone(self._calendar.zone).date()).days
        day = words.days[days] if days < len(words.days) else words.weekdays[local.weekday()]
        part = next((name for name, until in words.parts.items() if local.time() < until), next(reversed(words.parts)))
        return words.title.format(day=day, part=part)


class Campaign:
    """The campaign's rules and hours in one city."""

    def __init__(self, city: City) -> None:
        """Raises pydantic's ValidationError or BadCalendar naming what is wrong."""
        self.city = city
        self.rules = CampaignRules.model_validate(city.read("phone.yml")["campaign"])

    @cached_property
    def hours(self) -> Hours:
        """When it may call."""
        return Hours(self.rules, self.city.read("calendar.yml"), self.city.timezone)

    def again_at(self, result: Result, later: datetime | None, now: datetime) -> datetime | None:
        """When somebody is called again after a result; None: not by the machine."""
        if result is Result.LATER:
            wanted = later or now + timedelta(days=1)
        elif result in self.rules.retry:
            wanted = self.rules.retry[result].end(now, self.hours.calendar)
        else:
            return None
        return self.hours.from_then(wanted)


def _span(text: str) -> tuple[time, time]:
    start, _, end = text.partition("-")
    try:
        return time.fromisoformat(start), time.fromisoformat(end)
    except ValueError as error:
        raise BadCalendar(f"hours: {text!r} is not like 09:00-11:30") from error
