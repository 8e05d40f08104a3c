"""Repeats: which orders are about the same matter, and the old order that a new one opens again.

Every function takes the connection of a running transaction.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, or_, select

from core.city import City
from core.clock import to_city_time
from desk.life import moves
from desk.life.handling import Handling
from desk.life.lifecycle import FROM, Move
from desk.orders import register
from desk.orders.flood import Flood
from desk.orders.model import SIMULATOR, NewWorkOrder, State, WorkOrder, is_simulated
from desk.orders.register import Opened
from desk.orders.tables import work_orders
from desk.orders.words import words
from desk.repeated.similar import Likeness, Request, Similarity, read_similarity

ACTOR = "repeats"
COUNTY, TOWN = 6, 9
MOST_OFFERED = 3


# Asked at every opening, so built once.
_CLOSED_HERE = (
    select(work_orders.c.number, work_orders.c.text)
    .where(
        work_orders.c.place_key == bindparam("spot"),
        work_orders.c.category == bindparam("category"),
        work_orders.c.line == bindparam("line"),
        work_orders.c.state == State.CLOSED,
        work_orders.c.closed_at >= bindparam("since"),
        work_orders.c.source.is_distinct_from(SIMULATOR),
    )
    .order_by(work_orders.c.closed_at.desc())
    .limit(bindparam("most"))
    .with_for_update()
)


class SimilarOrder(BaseModel):
    """An order that may be about the same matter. `reasons` are the dispatcher's words for what agrees."""

    number: str
    state: State
    state_name: str
    unit: str | None
    place: str | None
    people: int
    created_at: datetime
    closed_at: datetime | None
    score: float
    alike: bool
    reasons: list[str]


class Offer(BaseModel):
    """An order a citizen may join, without anything personal: no words, no room, no name."""

    number: str
    people: int
    category: str | None
    category_name: str | None
    place: str
    since: datetime
    score: float


class Repeats:
    """Repeats under one city's rules."""

    def __init__(self, rules: Similarity, flood: Flood, handling: Handling, city: City) -> None:
        self.rules = rules
        self._flood = flood
        self._handling = handling
        self._city = city

    @classmethod
    def of_city(cls, city: City, handling: Handling) -> "Repeats":
        """Repeats under a city's rules. Raises pydantic's ValidationError."""
        return cls(read_similarity(city.read("similar.yml")), Flood.of_city(city), handling, city)

    def open(self, connection: Connection, new: NewWorkOrder, key: str | None, now: datetime, actor: str) -> Opened:
        """Open an order as the register does; a matter that has come back opens its old order again.

        The new order keeps its number and is merged into the old one. One of a flood is first read by a person.
        Raises as `register.open_work_order`.
        """
        review = self._flood.reason(connection, new, now)
        opened = register.open_work_order(connection, new, key, now, actor, review=review)
        if not opened.created:
            return opened
        return Opened(self.reopen_old(connection, opened.order, now), created=True)

    def reopen_old(self, connection: Connection, order: WorkOrder, now: datetime) -> WorkOrder:
        """Merge a new order into the closed one about the same exact place and category, opened again.

        Nothing happens without such an order of the last days, or when the texts are not alike.
        """
        old = self._old(connection, order, now) if order.state is State.PENDING_DISPATCH else None
        if old is None:
            return order
        reason = words()["similar"]["came_back"].format(number=order.number, days=self.rules.reopening.days)
        self._handling.move(connection, old, moves.Reopen(move=Move.REOPEN, reason=reason), now, ACTOR)
        return self._handling.move(connection, order.number, moves.Merge(move=Move.MERGE, into=old), now, ACTOR)

    def similar_to(self, connection: Connection, order: WorkOrder, now: datetime, limit: int) -> list[SimilarOrder]:
        """For the dispatcher: open orders of the last hours and closed ones of the last days, the most alike first."""
        mine = _request(order.model_dump())
        closed_since = now - timedelta(days=self.rules.reopening.days)
        is_closed = (work_orders.c.state == State.CLOSED) & (work_orders.c.closed_at >= closed_since)
        found = []
        which = (self._is_open(now) | is_closed) & _beside(order.source == SIMULATOR)
        for row in self._candidates(connection, mine, which):
            likeness = self.rules.likeness(mine, _request(row))
            if row["number"] != order.number and likeness.place is not None:
                found.append(self._similar(row, likeness, now))
        return sorted(found, key=lambda one: -one.score)[:limit]

    def offers(self, connection: Connection, known: Request, conversation_id: str | None, now: datetime) -> list[Offer]:
        """For a citizen who is filing: open orders they may join, the most alike first."""
        found = []
        which = self._is_open(now) & _beside(is_simulated(conversation_id))
        for row in self._candidates(connection, known, which):
            likeness = self.rules.likeness(known, _request(row))
            mine = conversation_id is not None and row["conversation_id"] == conversation_id
            hidden = not self.rules.may_be_offered(row["line"], row["nature"], row["category"])
            if likeness.score >= self.rules.offering.score and not mine and not hidden:
                found.append(self._offer(row, likeness))
        return sorted(found, key=lambda offer: -offer.score)[:MOST_OFFERED]

    def _is_open(self, now: datetime) -> ColumnElement[bool]:
        """Open orders of the last hours, and older ones that have come back."""
        since = now - timedelta(hours=self.rules.hours)
        fresh = or_(work_orders.c.created_at >= since, work_orders.c.level > 0)
        return work_orders.c.state.in_(FROM[Move.MERGE]) & fresh

    def _old(self, connection: Connection, order: WorkOrder, now: datetime) -> str | None:
        """The number of the closed order that a new one is about again."""
        mine = _request(order.model_dump(include={"text", "category", "area_code", "place"}))
        if order.category is None or mine.spot is None or not mine.spot.exact or order.source == SIMULATOR:
            return None
        here = {"spot": mine.spot.key, "category": order.category, "line": order.line}
        since = now - timedelta(days=self.rules.reopening.days)
        closed = connection.execute(_CLOSED_HERE, {**here, "since": since, "most": self.rules.candidates}).all()
        alike = self.rules.reopening.text
        return next((old.number for old in closed if self.rules.text_likeness(mine.text, old.text) >= alike), None)

    def _candidates(self, connection: Connection, known: Request, which: ColumnElement[bool]) -> list[RowMapping]:
        """Orders at the same place, and those of the same category in the same town, the newest first."""
        here: list[ColumnElement[bool]] = []
        if known.spot is not None:
            here.append(work_orders.c.place_key == known.spot.key)
        if known.category is not None and known.area_code is not None:
            town = known.area_code[:TOWN]
            nearby = or_(work_orders.c.area_code.startswith(town), work_orders.c.area_code == town[:COUNTY])
            here.append((work_orders.c.category == known.category) & nearby)
        if not here:
            return []
        query = select(work_orders).where(which, or_(*here)).order_by(work_orders.c.id.desc())
        return list(connection.execute(query.limit(self.rules.candidates)).mappings())

    def _similar(self, row: RowMapping, likeness: Likeness, now: datetime) -> SimilarOrder:
        say = words()["similar"]
        reasons = [say[f"place_{likeness.place}"]]
        reasons += [say["category"]] if likeness.category else []
        reasons.append(say["text"].format(likeness=f"{likeness.text:.0%}"))
        reasons.append(say["age"].format(hours=(now - row["created_at"]) // timedelta(hours=1)))
        told = {
            **row,
            "state_name": words()["states"][row["state"]],
            "score": likeness.score,
            "alike": likeness.score >= self.rules.alike,
            "reasons": reasons,
        }
        return SimilarOrder.model_validate(told)

    def _offer(self, row: RowMapping, likeness: Likeness) -> Offer:
        category = self._city.categories.get(row["category"] or "")
        spot = _request(row).spot
        return Offer(
            number=row["number"],
            people=row["people"],
            category=row["category"],
            category_name=category.name if category else None,
            place=spot.name if spot else self._city.area_path(row["area_code"]),
            since=to_city_time(row["created_at"]),
            score=likeness.score,
        )


def _request(order: Any) -> Request:
    return Request(order["text"], order["category"], order["area_code"], order["place"])


def _beside(simulated: bool) -> ColumnElement[bool]:
    """Orders a rehearsed one may stand beside, which are rehearsed ones, or those a real one may."""
    return work_orders.c.source == SIMULATOR if simulated else work_orders.c.source.is_distinct_from(SIMULATOR)
