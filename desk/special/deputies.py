"""人大代表通道: what a deputy may see of the orders they opened for constituents.

Every function takes the connection of a running transaction.
"""

from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Connection, update

from core.clock import to_city_time
from core.problems import Problem
from desk.life.lifecycle import Move
from desk.orders import register
from desk.orders.model import Event, Line, NewMatter, NewWorkOrder, WorkOrder
from desk.orders.tables import work_orders
from desk.orders.words import words


class DeputyOrder(NewMatter):
    """A matter of a constituent, as a deputy tells it."""


class Followed(BaseModel):
    """What a deputy sees of an order: where it stands, and what was answered once the answer was approved."""

    number: str
    summary: str
    state: str
    state_name: str
    unit: str | None
    reply: str | None
    created_at: datetime
    updated_at: datetime


SUMMARY = 60
"""So many characters of the text stand for a summary where none was written."""


def open_order(connection: Connection, matter: DeputyOrder, key: str | None, now: datetime, deputy: str) -> WorkOrder:
    """Open an order on the deputies' line; a repeat of the key returns the order of the first time."""
    new = NewWorkOrder(**matter.model_dump(), line=Line.DEPUTY)
    order = register.open_work_order(connection, new, key and f"deputy:{deputy}:{key}", now, deputy).order
    connection.execute(update(work_orders).where(work_orders.c.number == order.number).values(deputy=deputy))
    return register.find(connection, order.number)


def find_own(connection: Connection, number: str, deputy: str) -> WorkOrder:
    """The order with this number, if the deputy opened it. Raises Problem 404, the same for one of others."""
    order = register.find(connection, number)
    if order.deputy != deputy:
        raise Problem(404, "Not Found", f"number: no work order {number!r}", field="number")
    return order


def follow(connection: Connection, order: WorkOrder) -> Followed:
    """What the deputy who opened an order sees of it."""
    return Followed(
        number=order.number,
        summary=order.summary or order.text[:SUMMARY],
        state=order.state,
        state_name=words()["states"][order.state],
        unit=order.unit,
        reply=approved_reply(register.events_of(connection, order.number)),
        created_at=to_city_time(order.created_at),
        updated_at=to_city_time(order.updated_at),
    )


def approved_reply(log: list[Event]) -> str | None:
    """The last reply in an order's log that was approved. Pure."""
    reply = approved = None
    for event in log:
        if event.kind == Move.REPLY:
            reply = event.data["text"]
        elif event.kind == Move.APPROVE_REPLY:
            approved = reply
    return approved
