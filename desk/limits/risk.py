"""What is late or soon will be: the lights that are on, and the enterprise orders by risk.

Every function takes the connection of a running transaction.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, and_, case, func, select

from desk.limits.deadlines import Light, Step
from desk.orders.model import OPEN_STATES, Line, State
from desk.orders.tables import clocks, work_orders

_RANK = case({light.value: rank for rank, light in enumerate(Light, start=1)}, value=clocks.c.light, else_=0)
_RUNS = clocks.c.ended_at.is_(None)
_DUE = clocks.c.red.label("due")


class _Shown(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Lit(_Shown):
    """A step of an order that shows a light now."""

    number: str
    unit: str | None
    line: Line
    state: State
    step: Step
    light: Light
    since: datetime
    due: datetime


class Risk(_Shown):
    """An open enterprise order with its most urgent step; none while no clock runs."""

    number: str
    company_name: str | None
    summary: str | None
    category: str | None
    area_code: str | None
    unit: str | None
    state: State
    redone: int
    step: Step | None
    light: Light | None
    due: datetime | None
    created_at: datetime


def lit(connection: Connection, light: Light, *, unit: str | None, offset: int, limit: int) -> list[Lit]:
    """The steps that show a light now, those due first before the others; of one unit, if any is named."""
    query = (
        select(work_orders.c.number, work_orders.c.unit, work_orders.c.line, work_orders.c.state, clocks, _DUE)
        .join_from(clocks, work_orders)
        .where(_RUNS, clocks.c.light == light, *_of_unit(unit))
        .order_by(clocks.c.red, clocks.c.id)
        .offset(offset)
        .limit(limit)
    )
    return [Lit.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def enterprise_queue(connection: Connection, *, unit: str | None, offset: int, limit: int) -> list[Risk]:
    """Open enterprise orders: by their worst light, then by the time that is left.

    Those without a clock wait for the hotline office; they come before those whose lights are all green.
    """
    is_open = and_(work_orders.c.line == Line.ENTERPRISE, work_orders.c.state.in_(OPEN_STATES), *_of_unit(unit))
    by_urgency = (_RANK.desc(), clocks.c.red, clocks.c.id)
    place = func.row_number().over(partition_by=clocks.c.work_order_id, order_by=by_urgency)
    ranked = (
        select(clocks, _DUE, _RANK.label("rank"), place.label("place"))
        .join_from(clocks, work_orders)
        .where(is_open, _RUNS, clocks.c.step != Step.RETURN)
        .subquery()
    )
    first = and_(ranked.c.work_order_id == work_orders.c.id, ranked.c.place == 1)
    query = (
        select(work_orders, ranked.c.step, ranked.c.light, ranked.c.due)
        .join(ranked, first, isouter=True)
        .where(is_open)
        .order_by(func.coalesce(ranked.c.rank, 0).desc(), ranked.c.due.is_not(None), ranked.c.due, work_orders.c.id)
        .offset(offset)
        .limit(limit)
    )
    return [Risk.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def is_red(connection: Connection, order_id: int) -> bool:
    """Whether a step of the order shows red now."""
    query = select(clocks.c.id).where(clocks.c.work_order_id == order_id, _RUNS, clocks.c.light == Light.RED)
    return connection.execute(query.limit(1)).first() is not None


def _of_unit(unit: str | None) -> list[ColumnElement[bool]]:
    return [] if unit is None else [work_orders.c.unit == unit]
