"""Looking again, some weeks after an order was closed, whether its matter stays solved (假性整改).

Every function takes the connection of a running transaction.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    insert,
    select,
    update,
)

from core.database import UtcDateTime, metadata
from core.problems import Problem
from desk.orders.model import Outcome
from desk.orders.register import add_event, row_of
from desk.orders.tables import work_orders


class Result(StrEnum):
    """How a re-check ended."""

    HOLDS = "holds"
    CAME_BACK = "came_back"
    DROPPED = "dropped"
    """The order was opened again before it could be looked at."""


rechecks = Table(
    "rechecks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    # When the worker made it due; until then nobody sees it.
    Column("shown_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("result", String(10)),
    CheckConstraint("result IN ('holds', 'came_back', 'dropped')", name="known_result"),
    Index(None, "work_order_id"),
    Index(None, "done_at", "due_at"),
)


class Recheck(BaseModel):
    """A closed order that has to be looked at again."""

    number: str
    category: str | None
    unit: str | None
    place: str | None
    outcome: Outcome | None
    closed_at: datetime | None
    due_at: datetime


def plan(connection: Connection, order_id: int, due_at: datetime) -> None:
    """Plan a re-check of an order that closes."""
    connection.execute(insert(rechecks).values(work_order_id=order_id, due_at=due_at))


def make_due(connection: Connection, now: datetime, most: int) -> int:
    """Show the re-checks whose time has come and write it to the orders' logs; returns how many, at most so many."""
    query = (
        select(rechecks)
        .where(rechecks.c.done_at.is_(None), rechecks.c.due_at <= now, rechecks.c.shown_at.is_(None))
        .order_by(rechecks.c.due_at)
        .limit(most)
    )
    coming = connection.execute(query).mappings().all()
    for row in coming:
        connection.execute(update(rechecks).where(rechecks.c.id == row["id"]).values(shown_at=now))
        add_event(connection, row["work_order_id"], "recheck_due", {"due": row["due_at"].isoformat()}, now, "clock")
    return len(coming)


def due(connection: Connection, *, after: str | None, limit: int) -> list[Recheck]:
    """The re-checks that are due, the oldest first; `after` is the last number of the page before."""
    query = (
        select(rechecks, *(work_orders.c[name] for name in Recheck.model_fields if name != "due_at"))
        .join(work_orders, work_orders.c.id == rechecks.c.work_order_id)
        .where(rechecks.c.done_at.is_(None), rechecks.c.shown_at.is_not(None))
        .order_by(rechecks.c.id)
        .limit(limit)
    )
    if after is not None:
        last = select(rechecks.c.id).where(rechecks.c.work_order_id == row_of(connection, after)["id"])
        query = query.where(rechecks.c.id > (connection.execute(last.order_by(rechecks.c.id.desc())).scalar() or 0))
    return [Recheck.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def finish(connection: Connection, order_id: int, result: Result, now: datetime) -> None:
    """End the order's re-check. Raises Problem 409 when none is due."""
    changed = connection.execute(
        update(rechecks)
        .where(rechecks.c.work_order_id == order_id, rechecks.c.done_at.is_(None), rechecks.c.shown_at.is_not(None))
        .values(done_at=now, result=result)
    )
    if changed.rowcount == 0:
        raise Problem(409, "Conflict", "number: no re-check of this order is due")


def drop(connection: Connection, order_id: int, now: datetime) -> None:
    """Plan no re-check any more: the order is open again."""
    connection.execute(
        update(rechecks)
        .where(rechecks.c.work_order_id == order_id, rechecks.c.done_at.is_(None))
        .values(done_at=now, result=Result.DROPPED)
    )
