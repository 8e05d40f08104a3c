"""The rules of seats and queues: the key `seats` of `city/phone.yml`, and the sentences of `words.yml`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, model_validator

from core.calendar import WorkingCalendar
from core.city import City
from core.records import Record
from desk.limits.deadlines import Limit, ReadLimit
from desk.orders.model import Line
from ivr.flow import Why
from ivr.messages.rules import talk_notice
from ivr.people.telephones import Telephone

LONGEST_SILENCE = 30
"""Seconds a waiting caller may hear no word."""
KEY_SECONDS = 3
"""After the music, so long a key is waited for."""
_CLOCK = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def _by_the_clock(text: object) -> timedelta:
    limit = Limit.parse(str(text))
    if limit.unit not in _CLOCK:
        raise ValueError(f"{text!r} counts working time; write 5m, 2h or 1d")
    return limit.amount * _CLOCK[limit.unit]


Span = Annotated[timedelta, BeforeValidator(_by_the_clock)]
Name = Annotated[str, Field(min_length=1, max_length=20)]


class LineRules(Record):
    """A line's queue: its name at the carrier, when it is open, how many may wait; `ring`: no queue, ring a seat."""

    queue: str = Field(pattern=r"^[a-z0-9_-]{1,60}$")
    hours: Literal["always", "office"] | tuple[str, ...]
    days: Literal["working", "every"] = "working"
    full: int = Field(ge=1, le=1000)
    ring: bool = False


class WaitingRules(Record):
    """What a waiting caller is offered, and how long a piece of music lasts."""

    call_back_after: Span
    call_back_again: Span
    music_seconds: int = Field(ge=5, le=LONGEST_SILENCE - KEY_SECONDS)


class TaskRules(Record):
    """Until when somebody is called back, by the reason, and how often it is tried."""

    due: dict[Why, ReadLimit] = Field(min_length=len(Why))
    pause: Span
    enough: int = Field(ge=1, le=20)


class Specialist(Record):
    """政策专员: who answers for a subject, on which lines; without a number nobody can be rung."""

    subject: Name
    unit: str
    lines: tuple[Line, ...] = Field(min_length=1)
    number: Telephone | None = None


class SeatRules(Record):
    """The key `seats` of `city/phone.yml`. Raises pydantic's ValidationError naming what is wrong."""

    silent_after: Span
    lines: dict[Line, LineRules]
    dialects: tuple[Name, ...]
    dialect_patience: Span
    elders_ahead: Span
    waiting: WaitingRules
    ring_seconds: int = Field(ge=5, le=120)
    press_to_take: bool
    tasks: TaskRules
    answered_within: int = Field(ge=1)
    specialists: tuple[Specialist, ...]

    @model_validator(mode="after")
    def _citizens_have_a_line(self) -> Self:
        if Line.CITIZEN not in self.lines:
            raise ValueError("lines: citizen is missing; it takes the callers of every line that is not named")
        subjects = [each.subject for each in self.specialists]
        if len(subjects) != len(set(subjects)):
            raise ValueError(f"specialists: a subject stands twice in {subjects}")
        return self

    def line(self, line: str) -> Line:
        """The line whose queue a caller of `line` stands in."""
        return Line(line) if line in self.lines else Line.CITIZEN


class Words(Record):
    """The sentences of `words.yml`."""

    lines: dict[Line, str]
    place: str
    next: str
    minutes: str
    soon: str
    offered: str
    still_waiting: str
    call_back: str
    go_on_waiting: str
    keys: str
    no_such_key: str
    nobody_left: str
    no_dialect: str
    tips: tuple[str, ...]
    whisper: str
    whisper_call_back: str
    whisper_elder: str
    whisper_dialect: str
    whisper_filed: str
    whisper_missing: str
    whisper_nothing: str
    whisper_specialist: str
    missing: dict[str, str]
    why: dict[Why, str]
    waited_seconds: str
    waited_minutes: str
    press_to_take: str
    not_taken: str
    caller_gone: str
    not_connected: str
    calling_citizen: str
    greeting_call_back: str
    days: tuple[str, ...]
    weekdays: tuple[str, ...] = Field(min_length=7, max_length=7)
    date: str
    parts: dict[int, str]
    oclock: str
    half: str
    minute: str


@dataclass(frozen=True, slots=True)
class Rules:
    """All that the seats and queues of a city go by.

    `hours`: each line's own calendar, None for always open. `talk_notice`: what is said before a talk, because it is
    recorded; None: it is not.
    """

    seats: SeatRules
    words: Words
    city: str
    categories: Mapping[str, str]
    calendar: WorkingCalendar
    hours: Mapping[Line, WorkingCalendar | None]
    areas: Mapping[str, str]
    talk_notice: str | None

    @classmethod
    def of_city(cls, city: City, calendar: WorkingCalendar | None = None) -> Self:
        """The rules of a city. Raises pydantic's ValidationError, or BadCalendar for hours that cannot be."""
        seats = SeatRules.model_validate(city.read("phone.yml")["seats"])
        calendar = calendar or WorkingCalendar.from_data(city.read("calendar.yml"), city.timezone)
        hours = {line: _hours(rules, calendar) for line, rules in seats.lines.items()}
        categories = {each.id: each.name for each in city.categories.values()}
        areas = {code: city.area_path(code) for code in city.areas}
        return cls(seats, load_words(), city.short_name, categories, calendar, hours, areas, talk_notice(city))

    def opens(self, line: Line, now: datetime) -> datetime | None:
        """When a line opens that is closed now; None: it is open."""
        hours = self.hours[line]
        if hours is None or hours.is_open(now):
            return None
        return hours.after_working_time(now, timedelta(0))

    def due(self, why: Why, since: datetime) -> datetime:
        """Until when somebody is called back."""
        return self.seats.tasks.due[why].end(since, self.calendar)


def load_words() -> Words:
    """The sentences that come with the project."""
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("words.yml").read_text("utf-8"))
    return Words.model_validate(loaded)


def _hours(rules: LineRules, calendar: WorkingCalendar) -> WorkingCalendar | None:
    if rules.hours == "always":
        return None
    spans = None if rules.hours == "office" else rules.hours
    return calendar.with_hours(spans, every_day=rules.days == "every")
