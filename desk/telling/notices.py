"""Who is told what of an event, and when. Pure; the rules are those of `city/notices.yml`."""

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from core.access import OPERATOR, Role
from core.calendar import WorkingCalendar
from core.city import City
from core.records import Record
from desk.limits.deadlines import Light, Limit, Step
from desk.orders.model import Channel, Line, State, Urgency
from desk.orders.words import words

LONGEST_SMS = 70
"""Characters of one text message in UCS-2 (GSM 03.38); a longer one is sent, and paid, in parts."""
CITIZEN = "*citizen"
"""The citizen of an order as a recipient; no login is written like this."""

_LONGEST_NUMBER = "20261124-000017"
_SMS_PLACEHOLDERS = {"number", "hotline", "category", "step", "light", "urgency"}
"""Placeholders of a bounded length."""


_SYSTEM = {"webhook_disabled", "knowledge_expires", "knowledge_expired"}


class Way(StrEnum):
    """How somebody is told."""

    PAGE = "page"
    """In the web conversation the order came of, which fetches it: nothing is sent."""
    WECHAT = "wechat"
    EMAIL = "email"
    SMS = "sms"


class Addressee(StrEnum):
    """Who a rule tells: a role, that of the order's unit where the role belongs to one, or the citizen."""

    HANDLER = "handler"
    UNIT_HEAD = "unit_head"
    ASSIST = "assist"
    """The handlers of the assisting units."""
    SEAT = "seat"
    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    LEADER = "leader"
    ADMIN = "admin"
    CITIZEN = "citizen"


UP: dict[Role, Role] = {
    Role.SEAT: Role.DISPATCHER,
    Role.HANDLER: Role.UNIT_HEAD,
    Role.UNIT_HEAD: Role.DISPATCHER,
    Role.DISPATCHER: Role.SUPERVISOR,
    Role.SUPERVISOR: Role.LEADER,
    Role.LEADER: Role.ADMIN,
}
"""The tier that is told where a role has nobody."""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with what the rules may ask of its order. `unit` is the one the event is about."""

    kind: str
    data: Mapping[str, Any]
    at: datetime
    number: str
    state: State
    urgency: Urgency
    line: str
    channel: str
    category: str | None
    unit: str | None
    assist_units: tuple[str, ...] = ()

    def fact(self, name: str) -> str | None:
        """What a condition compares: the event's own word for it, else the order's."""
        found = self.data.get(name)
        return found if found is not None else getattr(self, name, None)


class Conditions(Record):
    """What an event or its order has to be; what is not named does not matter."""

    step: frozenset[Step] | None = None
    light: frozenset[Light] | None = None
    to: frozenset[str] | None = None
    state: frozenset[State] | None = None
    urgency: frozenset[Urgency] | None = None
    line: frozenset[Line] | None = None
    channel: frozenset[Channel] | None = None

    def fit(self, happening: Happening) -> bool:
        """Whether all named conditions hold."""
        wanted = self.model_dump(exclude_none=True)
        return all(happening.fact(name) in allowed for name, allowed in wanted.items())


class Rule(Record):
    """One rule of `city/notices.yml`, whose header explains the fields."""

    event: frozenset[str] = Field(min_length=1)
    when: Conditions = Conditions()
    to: tuple[Addressee, ...] = Field(min_length=1)
    text: str = Field(min_length=1, max_length=200)
    after: Annotated[Limit, BeforeValidator(Limit.parse)] | None = None
    until: frozenset[str] = frozenset()
    even_if_ended: bool = False
    same_way: bool = False
    sms: bool = False

    def fits(self, happening: Happening) -> bool:
        """Whether the rule is about an event."""
        return happening.kind in self.event and self.when.fit(happening)

    def ways(self, recipient: str, theirs: tuple[Way, ...]) -> tuple[Way, ...]:
        """How a recipient is told, beside an inbox; `theirs`: what the order's channel has for citizens."""
        if recipient != CITIZEN:
            return (Way.SMS,) if self.sms else ()
        return tuple(way for way in theirs if (self.sms if way is Way.SMS else self.same_way))


class Quiet(Record):
    """Hours of the city's clock in which only some urgencies are told; they may go past midnight."""

    from_: time = Field(alias="from")
    until: time
    passes: frozenset[Urgency] = frozenset()

    def end(self, moment: datetime, urgency: Urgency, zone: ZoneInfo) -> datetime:
        """The moment itself when people may be told then, else the one at which the quiet hours end."""
        local = moment.astimezone(zone)
        now, passes_midnight = local.time(), self.from_ > self.until
        quiet = now >= self.from_ or now < self.until if passes_midnight else self.from_ <= now < self.until
        if urgency in self.passes or not quiet:
            return moment
        day = local.date() + timedelta(days=passes_midnight and now >= self.from_)
        return datetime.combine(day, self.until, zone).astimezone(moment.tzinfo)


@dataclass(frozen=True, slots=True)
class Draft:
    """A notice to be made: for whom, what it says, from when on, and after which later events it is void.

    `ways`: a citizen is told by the first of them that can, the staff by all, beside their inbox.
    """

    recipient: str
    text: str
    due_at: datetime
    void_after: frozenset[str]
    ways: tuple[Way, ...]


class Staff:
    """Who has which role in which unit."""

    def __init__(self, people: Iterable[tuple[str, Role, str | None]]) -> None:
        self._logins: dict[tuple[Role, str | None], list[str]] = {}
        for login, role, unit in people:
            self._logins.setdefault((role, unit), []).append(login)

    def reached(self, role: Role, unit: str | None) -> list[str]:
        """The logins with a role, of the unit where the role belongs to one; where there is none, those above.

        Where nobody is at all, whoever holds the operator's token.
        """
        tier: Role | None = role
        while tier is not None:
            if found := self._logins.get((tier, unit if tier in (Role.HANDLER, Role.UNIT_HEAD) else None)):
                return found
            tier = UP.get(tier)
        return [OPERATOR]


class Notices(Record):
    """All of `city/notices.yml`. Raises pydantic's ValidationError naming what is wrong."""

    quiet: Quiet
    ended: frozenset[str]
    system: dict[str, str]
    ways: dict[Channel, tuple[Way, ...]]
    notices: tuple[Rule, ...]

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if missing := _SYSTEM - set(self.system):
            raise ValueError(f"system: {', '.join(sorted(missing))} missing")
        for rule in self.notices:
            if unknown := (rule.event | rule.until | self.ended) - set(words()["events"]):
                raise ValueError(f"{rule.text}: no such events: {', '.join(sorted(unknown))}")
            _check_text(rule)
        return self

    def drafts(self, happening: Happening, staff: Staff, names: "Names", calendar: WorkingCalendar) -> list[Draft]:
        """The notices an event calls for, one a recipient."""
        made: dict[str, Draft] = {}
        for rule in self.notices:
            if not rule.fits(happening):
                continue
            after = rule.after.end(happening.at, calendar) if rule.after else happening.at
            due_at = self.quiet.end(after, happening.urgency, calendar.zone)
            text = rule.text.format(**names.of(happening))
            void_after = rule.until if rule.even_if_ended else rule.until | self.ended
            for recipient in _recipients(rule, happening, staff):
                ways = rule.ways(recipient, self.ways.get(Channel(happening.channel), ()))
                made.setdefault(recipient, Draft(recipient, text, due_at, void_after, ways))
        return list(made.values())


class Names:
    """The words that stand for the placeholders of a text."""

    def __init__(self, city: City) -> None:
        self._categories = {category.id: category.name for category in city.categories.values()}
        self._hotline: str = city.read("city.yml")["hotline"]

    def of(self, happening: Happening) -> dict[str, str]:
        """Every placeholder with its words for an event; `—` where there is none."""
        say, nothing = words(), "—"
        return {
            "number": happening.number,
            "hotline": self._hotline,
            "category": self._categories.get(happening.category or "", nothing),
            "unit": happening.unit or nothing,
            "event": say["events"].get(happening.kind, nothing),
            "step": say["steps"].get(happening.data.get("step", ""), nothing),
            "light": say["lights"].get(happening.data.get("light", ""), nothing),
            "urgency": say["urgencies"].get(happening.urgency, nothing),
        }

    def longest(self) -> dict[str, str]:
        """The longest words of every placeholder that is bounded."""
        say = words()
        listed = {"step": say["steps"], "light": say["lights"], "urgency": say["urgencies"]}
        longest = {name: max(values.values(), key=len) for name, values in listed.items()}
        category = max(self._categories.values(), key=len)
        return {**longest, "number": _LONGEST_NUMBER, "hotline": self._hotline, "category": category}


def read_notices(city: City) -> Notices:
    """The rules of a city, with every text message short enough. Raises ValueError naming the text."""
    notices, longest = Notices.model_validate(city.read("notices.yml")), Names(city).longest()
    for rule in notices.notices:
        if rule.sms and len(rule.text.format(**longest)) > LONGEST_SMS:
            raise ValueError(f"notices.yml: {rule.text}: can be longer than {LONGEST_SMS} characters")
    return notices


def _recipients(rule: Rule, happening: Happening, staff: Staff) -> list[str]:
    found: list[str] = []
    for addressee in rule.to:
        if addressee is Addressee.CITIZEN:
            found.append(CITIZEN)
        elif addressee is Addressee.ASSIST:
            for unit in happening.assist_units:
                found += staff.reached(Role.HANDLER, unit)
        else:
            found += staff.reached(Role(addressee), happening.unit)
    return found


def _check_text(rule: Rule) -> None:
    named = {name for _, name, _, _ in string.Formatter().parse(rule.text) if name is not None}
    known = _SMS_PLACEHOLDERS if rule.sms else _SMS_PLACEHOLDERS | {"unit", "event"}
    if unknown := named - known:
        raise ValueError(f"{rule.text}: {', '.join(sorted(unknown))} cannot stand here; {', '.join(sorted(known))} can")
    if rule.sms and ("://" in rule.text or "www." in rule.text.lower()):
        raise ValueError(f"{rule.text}: a text message names no web address")
    if Addressee.CITIZEN in rule.to and not (rule.sms or rule.same_way):
        raise ValueError(f"{rule.text}: a citizen has no inbox; set same_way, sms or both")
