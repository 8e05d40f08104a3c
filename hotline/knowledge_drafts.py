"""Entries from the good replies of departments: joins the knowledge base and the desk.

A draft never answers by itself: it goes to whoever looks at it, with its text rid of what points to a person.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Connection, select

from core.access import Audience as For
from core.access import Principal, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.records import RequestBody
from core.units import Level
from core.wording import Wording
from desk.closing.callbacks import callbacks
from desk.orders import register
from desk.orders.model import SIMULATOR, Line, Nature, State, Urgency, WorkOrder
from desk.orders.routes import Number
from desk.orders.tables import work_orders
from desk.personal_data.nameless import Nameless
from knowledge import entries, listing
from knowledge.answering import Knowledge
from knowledge.content import Audience, Content
from knowledge.keeping_routes import WRITERS, Keepers, VersionRead, actor_of, new_id
from knowledge.tables import Verdict

say = Wording(__file__, "knowledge_drafts.yml")

MOST = 50
LOOKED_AT = 200
"""Closed orders that are looked at for a list, the newest: each costs a search."""
LONGEST_QUESTION = 60
_SENTENCE = r"[^。！？!?；;\n]"
_ASKS = re.compile(rf"{_SENTENCE}*(?:怎么|如何|哪|吗|多少|什么|能否|是否){_SENTENCE}*[?？]?|{_SENTENCE}+[?？]")
_CLAUSE = re.compile(r"[，,。；;！!\s]")


class FromOrder(RequestBody):
    """The order whose reply an entry is made from."""

    number: Number


class Candidate(BaseModel):
    """An order whose question nothing answers surely, with what an entry would say; `nearest`: what comes close."""

    number: str
    category: str | None
    unit: str | None
    closed_at: datetime | None
    question: str
    answer: str
    verdict: Verdict
    nearest: list[str]


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the content of an entry from an order."""

    city: City
    nameless: Nameless

    @classmethod
    def of_city(cls, city: City) -> "Maker":
        """The maker for a city's orders."""
        return cls(city, Nameless(city, say("hidden")))

    def content(self, order: WorkOrder) -> Content:
        """What an entry would say. Raises Problem 409 for an order no entry may be made from."""
        if order.reply is None:
            raise Problem(409, "Conflict", say("no_reply", number=order.number), field="number")
        if not is_usable(order):
            raise Problem(409, "Conflict", say("not_usable", number=order.number), field="number")
        unit = self.city.units.by_name.get(order.unit or "")
        return Content(
            question=shortened(self.nameless.text(order.summary or order.text, order)),
            answer=self.nameless.text(order.reply, order),
            audience=Audience.COMPANY if order.line is Line.ENTERPRISE else Audience.BOTH,
            area=unit.area if unit and unit.level is not Level.CITY else "",
            category=order.category or "",
            unit=(unit.task or unit.name) if unit else order.unit or "",
            confirm=(say("confirm"),),
        )


def is_usable(order: WorkOrder) -> bool:
    """Whether an entry may be made from an order: it is real, and nobody is in danger by being told of.

    Of an erased order it is not known any more whom its text may name.
    """
    return (
        not order.confidential
        and order.nature is not Nature.REPORT
        and order.urgency is not Urgency.DANGER
        and order.source != SIMULATOR
        and order.erased_at is None
    )


def shortened(text: str) -> str:
    """The first thing a text asks, or its beginning, at most `LONGEST_QUESTION` characters."""
    found = _ASKS.search(text)
    asked = (found[0] if found else text).strip()
    if len(asked) <= LONGEST_QUESTION:
        return asked
    ends = [match.start() for match in _CLAUSE.finditer(asked[:LONGEST_QUESTION]) if match.start()]
    return asked[: ends[-1] if ends else LONGEST_QUESTION]


def well_answered(connection: Connection, who: Principal, limit: int) -> list[WorkOrder]:
    """The newest closed questions whose citizens were satisfied, of somebody's own unit where they have one."""
    asked = (callbacks.c.work_order_id == work_orders.c.id) & (callbacks.c.round == work_orders.c.redone)
    query = select(work_orders).where(
        work_orders.c.state == State.CLOSED,
        work_orders.c.nature == Nature.CONSULTATION,
        work_orders.c.reply.is_not(None),
        select(callbacks.c.id).where(asked, callbacks.c.satisfied.is_(True)).exists(),
        ~select(callbacks.c.id).where(asked, callbacks.c.satisfied.is_(False)).exists(),
    )
    if who.unit is not None:
        query = query.where(work_orders.c.unit == who.unit)
    rows = connection.execute(query.order_by(work_orders.c.created_at.desc()).limit(limit)).mappings()
    found = [order for row in rows if is_usable(order := WorkOrder.model_validate(dict(row)))]
    made = listing.made_from(connection, [order.number for order in found])
    return [order for order in found if order.number not in made]


def create_router(database: Database, city: City, knowledge: Knowledge, clock: Clock) -> APIRouter:
    """The routes over one knowledge base and one register."""
    router = APIRouter(prefix="/api/knowledge/drafts", tags=["knowledge"])
    keepers, maker = Keepers(city), Maker.of_city(city)

    @router.post("/from-order", status_code=201, dependencies=[open_to(For.STAFF, *WRITERS)])
    async def draft(wish: FromOrder, request: Request) -> VersionRead:
        """Make an entry from an order's approved reply; somebody else has to look at it before it answers."""
        who, now = principal(request), clock()

        def write(connection: Connection) -> VersionRead:
            order = register.find_for(connection, wish.number, who)
            if made := listing.made_from(connection, [order.number]):
                detail = entries.say("drafted_already", number=order.number, id=made[order.number])
                raise Problem(409, "Conflict", detail, field="number")
            content = maker.content(order)
            keepers.require(who, content, "write")
            note, by = say("note", number=order.number), actor_of(who, now)
            version = entries.draft(
                connection, new_id(content), content, by, note=note, based_on=0, from_order=order.number
            )
            return VersionRead.model_validate(entries.submit(connection, version.entry_id, version.version, by))

        return await database.write(write)

    @router.get("/candidates", dependencies=[open_to(For.STAFF, *WRITERS)])
    async def list_candidates(request: Request) -> list[Candidate]:
        """Questions with satisfied citizens that the knowledge base does not answer surely, the newest first."""
        who = principal(request)
        found: list[Candidate] = []
        for order in await database.read(lambda c: well_answered(c, who, LOOKED_AT)):
            content = maker.content(order)
            finding = await knowledge.find(content.question, area=order.area_code, most=3)
            if finding.verdict is Verdict.ANSWER:
                continue
            found.append(
                Candidate(
                    number=order.number,
                    category=order.category,
                    unit=order.unit,
                    closed_at=order.closed_at,
                    question=content.question,
                    answer=content.answer,
                    verdict=finding.verdict,
                    nearest=[candidate.entry.id for candidate in finding.candidates],
                )
            )
            if len(found) == MOST:
                break
        return found

    return router
