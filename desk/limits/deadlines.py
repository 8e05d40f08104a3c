"""Until when each step of an order has to be done, and when its light changes. Pure.

The numbers are those of `city/deadlines.yml`, counted on the working calendar.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from core.calendar import WorkingCalendar
from core.records import Record
from desk.orders.model import Line, Nature, Urgency

_LIMIT = re.compile(r"([1-9]\d{0,4})(m|h|d|wd|wh)")
_CLOCK_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Step(StrEnum):
    """What has a time limit of its own."""

    SIGN = "sign"
    FIRST_REPLY = "first_reply"
    FINISH = "finish"
    RETURN = "return"
    CALLBACK = "callback"
    RECEIPT = "receipt"
    """Until another city or line has confirmed that it has the order."""
    SUPERVISION_SIGN = "supervision_sign"
    SUPERVISION_REPLY = "supervision_reply"
    JOINT = "joint"


PAUSED_STEPS = (Step.FIRST_REPLY, Step.FINISH)
"""The clocks that stand still while the unit waits for the citizen."""


class Light(StrEnum):
    """黄橙红 of a step; green is none of them."""

    YELLOW = "yellow"
    ORANGE = "orange"
    RED = "red"

    def follows(self, shown: "Light | None") -> bool:
        """Whether it comes after the light that is shown, and is still to be told."""
        order = list(Light)
        return shown is None or order.index(self) > order.index(shown)


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of time: minutes (m), hours (h) or days (d) by the clock, working days (wd) or working hours (wh)."""

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """`15m`, `4h`, `3d`, `5wd`, `4wh`. Raises ValueError naming the text."""
        found = _LIMIT.fullmatch(str(text))
        if found is None:
            raise ValueError(f"{text!r} is no time limit; write 15m, 4h, 3d, 5wd or 4wh")
        return cls(int(found.group(1)), found.group(2))

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    @property
    def is_working(self) -> bool:
        """Whether it runs only while people work."""
        return self.unit in ("wd", "wh")

    def end(self, start: datetime, calendar: WorkingCalendar) -> datetime:
        """The moment the limit ends when it begins at `start`."""
        if self.unit == "wd":
            return calendar.end_of_working_day(start, self.amount)
        if self.unit == "wh":
            return calendar.after_working_time(start, timedelta(hours=self.amount))
        return start + self.amount * _CLOCK_UNITS[self.unit]


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the clock stands still, because the unit waits for the citizen. `end` None: it still waits."""

    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A step's limit in force: since when, until when, and the moments its lights change."""

    step: Step
    since: datetime
    due: datetime
    lights: tuple[tuple[Light, datetime], ...]

    def light(self, now: datetime) -> Light | None:
        """The light at a moment; None is green."""
        return next((light for light, at in reversed(self.lights) if at <= now), None)

    def next_change(self, told: Light | None) -> datetime | None:
        """When the first light comes on after the one that was told last; that may be over. None after red."""
        return min((at for light, at in self.lights if light.follows(told)), default=None)


@dataclass(frozen=True, slots=True)
class Running:
    """What the end of a running clock depends on. `by_hand`: a person has set it, and no rule moves it."""

    step: Step
    since: datetime
    due: datetime
    by_hand: bool


ReadLimit = Annotated[Limit, BeforeValidator(Limit.parse)]


class Conditions(Record):
    """To which orders a rule applies; what is not named does not matter."""

    urgency: Urgency | None = None
    line: Line | None = None
    nature: Nature | None = None
    complex: bool | None = None

    def fit(self, order: "Circumstances") -> bool:
        """Whether all named conditions hold."""
        wanted = self.model_dump(exclude_none=True)
        return all(getattr(order, name) == value for name, value in wanted.items())


class Circumstances(Record):
    """What an order's time limits depend on."""

    urgency: Urgency = Urgency.ORDINARY
    line: Line = Line.CITIZEN
    nature: Nature | None = None
    complex: bool = False


class Rule(Record):
    """The limits for some orders. `source` says where the numbers come from."""

    name: str
    when: Conditions = Conditions()
    sign: ReadLimit | None = None
    first_reply: ReadLimit | None = None
    finish: ReadLimit | None = None
    return_: ReadLimit | None = Field(None, alias="return")
    callback: ReadLimit | None = None
    receipt: ReadLimit | None = None
    supervision_sign: ReadLimit | None = None
    supervision_reply: ReadLimit | None = None
    joint: ReadLimit | None = None
    source: str

    def limit(self, step: Step) -> Limit | None:
        """The limit of a step, or None where the rule leaves it to the last one."""
        found: Limit | None = getattr(self, "return_" if step is Step.RETURN else step.value)
        return found


class Deadlines(Record):
    """All rules of `city/deadlines.yml`. Raises pydantic's ValidationError naming what is wrong."""

    rules: tuple[Rule, ...] = Field(min_length=1)
    longest_extension: ReadLimit
    lights: dict[Light, Annotated[float, Field(gt=0, le=1)]]
    binding_dispatch: int = Field(ge=2)
    failed_coordinations: int = Field(ge=1)
    unreached_callbacks: int = Field(ge=1)

    @model_validator(mode="after")
    def _last_rule_has_all(self) -> Self:
        last = self.rules[-1]
        if last.when != Conditions():
            raise ValueError(f"rule {last.name}: the last rule must fit every order, so it has no `when`")
        missing = [step for step in Step if last.limit(step) is None]
        if missing:
            raise ValueError(f"rule {last.name}: the last rule needs a limit for {', '.join(missing)}")
        rising = [self.lights.get(light, 0.0) for light in Light]
        if 0.0 in rising or rising != sorted(rising):
            raise ValueError("lights: needs yellow, orange and red, none earlier than the one before it")
        return self

    def rule(self, order: Circumstances) -> Rule:
        """The rule for an order."""
        return next(rule for rule in self.rules if rule.when.fit(order))

    def limit(self, step: Step, order: Circumstances) -> Limit:
        """How long an order's step may take."""
        found = self.rule(order).limit(step) or self.rules[-1].limit(step)
        assert found is not None
        return found

    def deadline(
        self,
        step: Step,
        order: Circumstances,
        since: datetime,
        calendar: WorkingCalendar,
        *,
        pauses: Sequence[Pause] = (),
        extension: Limit | None = None,
        now: datetime | None = None,
    ) -> Deadline:
        """A step's deadline when it began at `since`.

        What the pauses lasted is added at the end, in the limit's own kind of time; a pause that still lasts counts
        up to `now`. An extension begins where the limit ended.
        """
        limit = self.limit(step, order)
        due = limit.end(since, calendar)
        if extension is not None:
            due = extension.end(due, calendar)
        for pause in pauses:
            due = later(due, Pause(pause.start, pause.end or now or pause.start), limit, calendar)
        return self.until(step, order, since, due, calendar)

    def anew(
        self, clock: Running, order: Circumstances, pauses: Sequence[Pause], calendar: WorkingCalendar
    ) -> Deadline:
        """The deadline of a running clock as these rules give it; of one set by hand only the lights are theirs.

        Pauses that still last count when they end.
        """
        if clock.by_hand:
            return self.until(clock.step, order, clock.since, clock.due, calendar)
        over = [Pause(max(pause.start, clock.since), pause.end) for pause in pauses if pause.end is not None]
        counted = over if clock.step in PAUSED_STEPS else []
        return self.deadline(clock.step, order, clock.since, calendar, pauses=counted)

    def fingerprint(self) -> str:
        """The same text for rules that give the same time limits and lights."""
        told = {"rules": {"__all__": {"name", "source"}}}
        return self.model_dump_json(include={"rules", "lights"}, exclude=told)

    def until(
        self, step: Step, order: Circumstances, since: datetime, due: datetime, calendar: WorkingCalendar
    ) -> Deadline:
        """A deadline whose end is known."""
        limit = self.limit(step, order)
        changes = [(light, _part(since, due, self.lights[light], limit, calendar)) for light in Light]
        return Deadline(step, since, due, tuple(changes))


def later(due: datetime, pause: Pause, limit: Limit, calendar: WorkingCalendar) -> datetime:
    """An end moved by a pause that is over, in the limit's own kind of time."""
    if pause.end is None or pause.end <= pause.start:
        return due
    if not limit.is_working:
        return due + (pause.end - pause.start)
    lost = calendar.working_time(pause.start, pause.end)
    return calendar.after_working_time(due, lost) if lost else due


def _part(since: datetime, due: datetime, part: float, limit: Limit, calendar: WorkingCalendar) -> datetime:
    """The moment at which a part of the time between two moments has passed."""
    if part >= 1:
        return due
    if not limit.is_working:
        return since + part * (due - since)
    return calendar.after_working_time(since, part * calendar.working_time(since, due))


def read_deadlines(data: Any) -> Deadlines:
    """The rules in the data of `city/deadlines.yml`."""
    return Deadlines.model_validate(data)
