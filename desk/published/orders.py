"""Which orders anyone may read, and what of them. For Open311 and the public feeds.

Nothing of the citizen's own words is told, nor of the replies: no rule finds every name in a Chinese sentence. What is
told was chosen from our own lists (category, state, outcome, unit, the area down to the 乡镇街道) or is rounded (the
point). Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, func, select

from core.city import City
from desk.limits.deadlines import Step
from desk.orders.model import FINAL_STATES, SIMULATOR, Line, Nature, Outcome, State, Urgency
from desk.orders.numbers import parse_order_number
from desk.orders.tables import clocks, work_orders
from desk.orders.words import words

TOWN = 9
"""Digits of the code of a 乡镇街道: a smaller area may be a few houses."""
DECIMALS = 3
"""Of a degree, some 100 m."""

PUBLISHED: ColumnElement[bool] = and_(
    # Companies, deputies and those who spoke to a leader did not speak in public. In a function, because SQLite would
    # begin with the index of the line, which nearly all orders are of, and not with that of the time.
    func.coalesce(work_orders.c.line, "") == Line.CITIZEN,
    work_orders.c.category.is_not(None),
    work_orders.c.confidential.is_(False),
    work_orders.c.nature.is_distinct_from(Nature.REPORT),
    # Somebody's life, at a time and a place.
    work_orders.c.urgency != Urgency.DANGER,
    work_orders.c.source.is_distinct_from(SIMULATOR),
    work_orders.c.erased_at.is_(None),
    # What nobody has read yet, and what its citizen has taken back.
    work_orders.c.state.not_in((State.PENDING_ACCEPTANCE, State.WITHDRAWN)),
)
_TOLD = tuple(
    work_orders.c[name]
    for name in (
        "id",
        "number",
        "state",
        "outcome",
        "category",
        "unit",
        "area_code",
        "lat",
        "long",
        "created_at",
        "updated_at",
        "closed_at",
    )
)


@dataclass(frozen=True, slots=True)
class PublishedOrder:
    """What anyone may read of an order. `due` is when its unit has to have finished it."""

    id: int
    number: str
    state: State
    outcome: Outcome | None
    category: str
    unit: str | None
    area_code: str | None
    lat: float | None
    long: float | None
    opened_at: datetime
    changed_at: datetime
    due: datetime | None = None

    @property
    def is_closed(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders are wanted; what is not given does not matter. `since` and `until` are when they were opened."""

    since: datetime
    until: datetime
    categories: tuple[str, ...] = ()
    closed: bool | None = None


def page(connection: Connection, wanted: Wanted, limit: int, offset: int = 0) -> list[PublishedOrder]:
    """The newest published orders."""
    query = select(*_TOLD).where(
        PUBLISHED, work_orders.c.created_at >= wanted.since, work_orders.c.created_at <= wanted.until
    )
    if wanted.categories:
        query = query.where(work_orders.c.category.in_(wanted.categories))
    if wanted.closed is not None:
        ended = work_orders.c.state.in_(FINAL_STATES)
        query = query.where(ended if wanted.closed else ~ended)
    query = query.order_by(work_orders.c.created_at.desc(), work_orders.c.id.desc())
    return _read(connection, query.limit(limit).offset(offset))


def numbered(connection: Connection, numbers: Sequence[str]) -> list[PublishedOrder]:
    """Those of these orders that are published, the newest first; a number may be written in any way."""
    known = [number for written in numbers if (number := parse_order_number(written))]
    query = select(*_TOLD).where(PUBLISHED, work_orders.c.number.in_(known))
    return _read(connection, query.order_by(work_orders.c.id.desc()))


def subject(category: str, area_code: str | None, city: City) -> str:
    """What an order is about, in words that are not the citizen's: 生态环境（咸安区温泉街道）."""
    found = city.categories.get(category)
    name = found.name if found else category
    return words()["published"]["subject"].format(category=name, area=area_name(area_code, city))


def area_name(area_code: str | None, city: City) -> str:
    """The name of the 乡镇街道 an order lies in, of its county, or of the city."""
    return city.area_path(area_code) if area_code and city.has_place(area_code) else city.name


def status(order: PublishedOrder) -> str:
    """How it stands, in words: 办理中, 已办结：已解决."""
    state = words()["states"][order.state]
    if order.state is not State.CLOSED or order.outcome is None:
        return state
    return words()["published"]["status"].format(state=state, outcome=words()["outcomes"][order.outcome])


def _read(connection: Connection, query: Select[Any]) -> list[PublishedOrder]:
    found = [_order(row) for row in connection.execute(query).mappings()]
    due = _due(connection, [order.id for order in found])
    return [replace(order, due=due.get(order.id)) for order in found]


def _order(row: RowMapping) -> PublishedOrder:
    state = State(row["state"])
    ended_at = row["closed_at"] if state is State.CLOSED else None
    return PublishedOrder(
        id=row["id"],
        number=row["number"],
        state=state,
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        category=row["category"],
        unit=row["unit"],
        area_code=town_of(row["area_code"]),
        lat=_rounded(row["lat"]),
        long=_rounded(row["long"]),
        opened_at=row["created_at"],
        changed_at=ended_at or row["updated_at"],
    )


def town_of(area_code: str | None) -> str | None:
    """The code of the 乡镇街道 an area lies in, or its own where it is larger."""
    return area_code[:TOWN] if area_code else None


def _rounded(degrees: float | None) -> float | None:
    return None if degrees is None else round(degrees, DECIMALS)


def _due(connection: Connection, orders: Sequence[int]) -> dict[int, datetime]:
    """When these orders have to be finished, by their last clocks."""
    query = (
        select(clocks.c.work_order_id, clocks.c.red)
        .where(clocks.c.work_order_id.in_(orders), clocks.c.step == Step.FINISH)
        .order_by(clocks.c.id)
    )
    return {row.work_order_id: row.red for row in connection.execute(query)}
