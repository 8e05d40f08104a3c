"""A believable city to try the system with: staff, and orders whose lives were really lived, with a clock that is set.

What it is made of is `seed.yml`. Each order goes its way through the same functions as everybody's; the lights change
at their moment. The same seed and moment make the same city, and a second time adds nothing.
"""

import random
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from core.access import Role
from core.city import City
from core.clock import to_city_time
from core.problems import Problem
from core.units import Level
from desk.access import people
from desk.access.people import NewUser
from desk.closing import expediting
from desk.exchange import imports
from desk.exchange.sources import Source, SourceOrder, Sources
from desk.life.handling import Handling
from desk.life.moves import MoveRequest
from desk.orders import register
from desk.orders.model import Channel, Line, Nature, NewWorkOrder, WorkOrder
from desk.orders.tables import clocks, idempotency_keys, work_orders
from desk.orders.words import words
from desk.oversight import supervision
from desk.oversight.supervision import SupervisionRequest
from desk.repeated.supporters import persons_of
from desk.telling import outbox
from desk.units.dispatch import SURE, suggest

SEED = 12345
BATCH = 20
"""Orders a transaction plays: others do not wait long for the writer."""
COUNTY, TOWN = 6, 9
UNIT_STEPS = frozenset({"sign", "return", "ask_citizen", "resume", "ask_extension", "contact", "visit", "reply"})
STAFF = {
    Role.SEAT: 4,
    Role.DISPATCHER: 2,
    Role.SUPERVISOR: 1,
    Role.LEADER: 2,
    Role.AUDITOR: 1,
    Role.DEPUTY: 1,
    Role.ADMIN: 1,
}
"""How many there are of those who belong to no unit."""
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
OVERSIGHT: TypeAdapter[SupervisionRequest] = TypeAdapter(SupervisionRequest)
_CHOICE = re.compile(r"\[([^\]]*)\]")


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("seed.yml").read_text("utf-8"))
    return loaded


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that is to be: its running number, when it comes in, and its way."""

    position: int
    at: datetime
    line: Line
    way: dict[str, Any]


def plans(count: int, now: datetime, seed: int) -> list[Plan]:
    """So many orders, the oldest first; each open way is gone at least once when there are enough orders for it."""
    data, drawn = _data(), []
    for position in range(count):
        chance = random.Random(f"{seed}:{position}")
        line = Line.ENTERPRISE if chance.random() < data["enterprise_share"] else Line.CITIZEN
        drawn.append((_moment(chance, data, now), position, line, chance))
    drawn.sort(key=lambda one: one[:2])
    fresh = [p for at, p, _, _ in drawn if timedelta(days=3) < now - at <= timedelta(days=data["open_days"])]
    still = [way for way in data["ways"] if way.get("open")]
    given = dict(zip(fresh[:: max(1, len(fresh) // len(still))], still, strict=False))
    found = []
    for at, position, line, chance in drawn:
        young = now - at <= timedelta(days=data["open_days"])
        way = given.get(position) or _way(chance, data["ways"], line, young)
        found.append(Plan(position, at, Line(way.get("for", line)), way))
    return found


def batches(planned: Sequence[Plan]) -> Iterator[Sequence[Plan]]:
    """The orders in parts, each for one transaction."""
    return (planned[first : first + BATCH] for first in range(0, len(planned), BATCH))


def _moment(chance: random.Random, data: dict[str, Any], now: datetime) -> datetime:
    """A moment of the last days, in the rhythm of the hours and weekdays."""
    while True:
        day = to_city_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
        day -= timedelta(days=chance.randrange(data["days"] + 1))
        [hour] = chance.choices(range(24), data["hours"])
        moment = day + timedelta(hours=hour, seconds=chance.randrange(3600))
        kept = chance.random() < data["weekdays"][day.weekday()] / max(data["weekdays"])
        if kept and now - timedelta(days=data["days"]) <= moment < now:
            return moment


def _way(chance: random.Random, ways: Sequence[dict[str, Any]], line: Line, young: bool) -> dict[str, Any]:
    fit = [way for way in ways if way.get("for", line) == line and (young or not way.get("open"))]
    return chance.choices(fit, [way["weight"] for way in fit])[0]


@dataclass(frozen=True, slots=True)
class Story:
    """An order that comes in, and what it is about; where a person has to read it first, the order does not say."""

    new: NewWorkOrder
    category: str
    nature: str
    at_a_place: bool


class Town:
    """Plays the orders of one city."""

    def __init__(self, city: City, handling: Handling, now: datetime, seed: int) -> None:
        self._city = city
        self._handling = handling
        self._now = now
        self._seed = seed
        self._towns = [code for code in city.areas if len(code) == TOWN]
        self._source: Source = Sources.of_city(city).named(_data()["platform"])
        self._logins = {unit: code for code, unit in units(city)}
        self._opened: list[int] = []

    def play(self, connection: Connection, planned: Sequence[Plan]) -> int:
        """Play those of these orders that are not there yet, and tell nobody of them; returns how many."""
        self._opened = []
        played = sum(self._play(connection, plan) for plan in planned)
        outbox.forget(connection, self._opened)
        return played

    def _play(self, connection: Connection, plan: Plan) -> bool:
        key = f"seed:{self._seed}:{plan.position}"
        if self._is_there(connection, key):
            return False
        chance = random.Random(key)
        story = self._story(chance, plan)
        number, at = self._open(connection, story.new, key, plan.at), plan.at
        self._opened.append(register.row_of(connection, number)["id"])
        for step in plan.way["steps"]:
            at = self._later(chance, at, step, plan.way)
            if at >= self._now:
                break
            self._let_pass(connection, at)
            try:
                self._step(connection, chance, number, step, at, story)
            except Problem:
                # A rule does not allow it at this moment: the order stays where it is.
                break
        self._let_pass(connection, self._now)
        return True

    def _later(self, chance: random.Random, at: datetime, step: str, way: dict[str, Any]) -> datetime:
        least, most = _data()["pace"][step]
        hours = chance.uniform(least, most) * way.get("pace", 1.0)
        return self._handling.clocks.calendar.after_working_time(at, timedelta(hours=hours))

    def _let_pass(self, connection: Connection, until: datetime) -> None:
        """Change the lights that are due by then, each at its moment."""
        # Only those of the orders played here: a sweep leaves out what a worker beside us holds.
        mine = clocks.c.work_order_id.in_(self._opened)
        # A clock that goes on again may be past a light already: that is told then, not before what happened last.
        earliest = (
            select(clocks.c.next_change, work_orders.c.updated_at)
            .join(work_orders, work_orders.c.id == clocks.c.work_order_id)
            .where(mine, clocks.c.next_change <= until)
            .order_by(clocks.c.next_change)
            .limit(1)
        )
        while (due := connection.execute(earliest).first()) is not None:
            self._handling.sweep(connection, max(due))

    def _is_there(self, connection: Connection, key: str) -> bool:
        opened = select(idempotency_keys.c.key).where(idempotency_keys.c.key == key)
        handed_over = select(work_orders.c.id).where(
            work_orders.c.source == self._source.id, work_orders.c.source_number == key
        )
        return any(connection.execute(query).first() for query in (opened, handed_over))

    def _open(self, connection: Connection, new: NewWorkOrder, key: str, at: datetime) -> str:
        if new.channel is not self._source.channel:
            return register.open_work_order(connection, new, key, at, "bot").order.number
        said = new.model_dump(include=set(SourceOrder.model_fields))
        order = SourceOrder.model_validate({**said, "source_number": key, "received_at": at})
        number = imports.take(connection, self._source, order, at, "import").number
        assert number is not None
        return number

    # ---- what is said ------------------------------------------------------------------------------------------

    def _story(self, chance: random.Random, plan: Plan) -> Story:
        data = _data()
        category = self._city.categories[chance.choice(list(data["matters"]))]
        natures = data["matters"][category.id]
        nature, matter = chance.choice([(n, m) for n, listed in natures.items() for m in listed])
        town = chance.choice(self._towns)
        spot = self._said(chance, chance.choice(data["places"]))
        place = self._city.area_path(town) + spot
        text = self._said(chance, matter, place=place)
        if not text.endswith(("？", "。")):
            text += "。"
        company = None
        if plan.line is Line.ENTERPRISE:
            area = self._city.areas[town[:COUNTY]].name
            company = data["company"].format(area=area, name=chance.choice(data["companies"]))
        reads = plan.way.get("reads", False)
        sure = chance.random() < data["sure_share"]
        confidence = round(chance.uniform(SURE, 0.99) if sure else chance.uniform(0.45, SURE - 0.01), 2)
        understood: dict[str, Any] = {"category": category.id, "confidence": confidence, "nature": Nature(nature)}
        understood["ranking"] = [(category.id, confidence)]
        new = NewWorkOrder(
            text=chance.choice(data["openings"]) + text + chance.choice(data["endings"][nature]),
            area_code=town,
            place=place if "{place}" in matter else self._city.area_path(town),
            occurred=chance.choice(data["when"]) if category.asks_time else None,
            contact_phone=None if chance.random() < data["anonymous_share"] else _phone(chance),
            company_name=company,
            line=plan.line,
            channel=Channel(chance.choices(list(data["channels"]), list(data["channels"].values()))[0]),
            needs_person=reads,
            **({} if reads else understood),
        )
        return Story(new, category.id, nature, "{place}" in matter)

    def _said(self, chance: random.Random, pattern: str, **known: str) -> str:
        data = _data()
        chosen = _CHOICE.sub(lambda found: chance.choice(found.group(1).split("|")), pattern)
        street, other = chance.sample(data["streets"], 2)
        filled = {"street": street, "other": other, "estate": chance.choice(data["estates"])}
        filled |= {"number": str(chance.randint(1, 40)), "days": str(chance.randint(2, 9)), **known}
        return chosen.format(**filled, when=chance.choice(data["when"]))

    # ---- what is done ------------------------------------------------------------------------------------------

    def _step(
        self, connection: Connection, chance: random.Random, number: str, step: str, at: datetime, story: Story
    ) -> None:
        if step == "expedite":
            rules, calendar = self._handling.aftercare.expediting, self._handling.clocks.calendar
            expediting.expedite(connection, number, rules, calendar, at, "bot")
        elif step == "supplement":
            register.supplement(connection, number, chance.choice(_data()["says"]["supplement"]), at, "bot")
        elif step == "withdraw":
            [citizen, *_] = persons_of(connection, register.row_of(connection, number))
            self._handling.leave(connection, citizen, at, "bot")
        elif step == "repeat":
            if story.at_a_place:
                neighbour = story.new.model_copy(update={"contact_phone": _phone(chance)})
                again = register.open_work_order(connection, neighbour, None, at, "bot").order.number
                self._opened.append(register.row_of(connection, again)["id"])
                self._move(connection, again, {"move": "merge", "into": number}, at, "dispatcher1")
        elif step == "oversee":
            self._oversee(connection, number, at)
        else:
            order = register.find(connection, number)
            said = self._request(chance, step, order, story, at)
            self._move(connection, number, said, at, self._actor(chance, step, order))

    def _oversee(self, connection: Connection, number: str, at: datetime) -> None:
        """The unit signs and answers what its head has to see to, and the supervisor accepts it."""
        says = _data()["says"]
        for one in supervision.list_supervisions(connection, work_order=number):
            if one.state not in supervision.OPEN or one.unit not in self._logins:
                continue
            handler = f"handler-{self._logins[one.unit]}"
            for said, who in (
                ({"move": "sign"}, handler),
                ({"move": "reply", "text": says["overseen"]}, handler),
                ({"move": "accept"}, "supervisor1"),
            ):
                request = OVERSIGHT.validate_python(said)
                supervision.make(connection, self._handling.clocks, one.number, request, at, who)

    def _request(
        self, chance: random.Random, step: str, order: WorkOrder, story: Story, at: datetime
    ) -> dict[str, Any]:
        says = {key: chance.choice(said) if isinstance(said, list) else said for key, said in _data()["says"].items()}
        replies = _data()["replies"]
        match step:
            case "accept":
                return {"move": step, "category": story.category, "nature": story.nature}
            case "dispatch":
                found = suggest(order, self._city)
                return {"move": step, "unit": found.unit, "assist_units": found.assist_units}
            case "reject" | "refuse_return" | "refuse_extension" | "refuse_reply" | "reopen":
                return {"move": step, "reason": says[step]}
            case "return":
                return {"move": step, "reason": says["return"], "clause": says["clause"]}
            case "grant_return":
                return {"move": step, "note": says[step]}
            case "ask_citizen":
                return {"move": step, "question": says[step]}
            case "resume":
                return {"move": step, "answer": says[step]}
            case "ask_extension":
                return {"move": step, "time": says["time"], "reason": says[step]}
            case "contact":
                return {"move": step, "note": says[step]}
            case "reply" if order.redone:
                return {"move": step, "text": says["again"], "outcome": "solved"}
            case "reply":
                outcome = chance.choices(list(replies), [len(said) for said in replies.values()])[0]
                return {"move": step, "text": chance.choice(replies[outcome]), "outcome": outcome}
            case "visit":
                return {
                    "move": step,
                    "visited_at": at,
                    **{key: says[key] for key in ("visitors", "findings", "opinion")},
                }
            case "refer":
                return {"move": step, "city": next(iter(self._city.elsewhere.cities)), "sent": says[step]}
            case "unreached":
                return {"move": "callback", "reached": False}
            case "satisfied" | "unsatisfied":
                good = step == "satisfied"
                note = {} if good else {"note": says["unsatisfied"]}
                return {"move": "callback", "reached": True, "solved": good, "satisfied": good, **note}
            case _:
                return {"move": step}

    def _actor(self, chance: random.Random, step: str, order: WorkOrder) -> str:
        """Who does it: the unit's people, the hotline office, or the seats who call back."""
        if step in ("satisfied", "unsatisfied", "unreached", "accept", "reopen"):
            return f"seat{chance.randint(1, STAFF[Role.SEAT])}"
        if (
            step in ("sign", "return", "ask_citizen", "resume", "ask_extension", "contact", "visit", "reply")
            and order.unit
        ):
            return f"handler-{self._logins[order.unit]}"
        if step in ("approve_reply", "refuse_reply") and order.unit:
            return f"head-{self._logins[order.unit]}"
        if step == "dispatch" and (order.confidence or 0) >= SURE:
            return "automatic dispatch"
        return f"dispatcher{chance.randint(1, STAFF[Role.DISPATCHER])}"

    def _move(self, connection: Connection, number: str, said: dict[str, Any], at: datetime, who: str) -> None:
        self._handling.move(connection, number, REQUEST.validate_python(said), at, who)


def _phone(chance: random.Random) -> str:
    return f"+861380000{chance.randrange(10000):04}"


def units(city: City) -> Iterator[tuple[str, str]]:
    """Every unit that leads in some row of the table, in city, counties and towns, with a code of its own."""
    found: dict[str, str] = {}
    for place, task in enumerate(dict.fromkeys(row.lead for row in city.responsibilities.rows)):
        for area in (code for code in city.areas if len(code) <= TOWN):
            reach = Level.CITY if area == city.code else Level.COUNTY
            if (unit := city.units.of_task(task, area, reach)) is not None:
                found.setdefault(unit.name, f"{unit.area}-{place:02}")
    return ((code, name) for name, code in found.items())


def seed_staff(connection: Connection, city: City, password: str, hashed: str, now: datetime) -> int:
    """Let in users of every role whose logins are not there yet; returns how many. All have the same password."""
    names = words()["roles"]
    new = [
        NewUser(login=f"{role}{number}", name=f"{names[role]}{number}", role=role, password=password)
        for role, count in STAFF.items()
        for number in range(1, count + 1)
    ]
    new += [
        NewUser(login=f"{title}-{code}", name=f"{unit}{names[role]}", role=role, unit=unit, password=password)
        for code, unit in units(city)
        for role, title in ((Role.HANDLER, "handler"), (Role.UNIT_HEAD, "head"))
    ]
    there = set(connection.execute(select(people.users.c.login)).scalars())
    for user in new:
        if user.login not in there:
            people.add_user(connection, user, hashed, now, "seed")
    return len([user for user in new if user.login not in there])


def new_password() -> str:
    """A password nobody has thought of."""
    return secrets.token_urlsafe(12)
