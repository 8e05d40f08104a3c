"""退单: what returns have cost an order, and what they teach. Pure but for the list of those returned often."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy import Connection, select

from core.responsibilities import Row
from desk.life.lifecycle import Move
from desk.orders.model import Event, WorkOrder
from desk.orders.register import row_of
from desk.orders.tables import work_orders


class Returned(BaseModel):
    """A return the hotline office agreed to: which unit gave the order back, why, by which clause."""

    unit: str
    reason: str
    clause: str


class Stay(BaseModel):
    """One dispatch: whom it went to by which row, how long they had it, and how it ended.

    `granted` is None while nothing was decided about a return, or none was asked for.
    """

    dispatch: int
    unit: str
    row: str | None
    table: str | None
    since: datetime
    until: datetime | None
    minutes: int
    reason: str | None = None
    clause: str | None = None
    granted: bool | None = None


class Meter(BaseModel):
    """The whole way of an order between units. `days_lost` is the time it lay with units that gave it back.

    `decides` is the row of the table that settles it, told from the dispatch on that can no longer be returned.
    """

    number: str
    returns: int
    stays: list[Stay]
    days_lost: float
    decides: Row | None = None


class ReturnedOrder(BaseModel):
    """An order that was returned often, as the report lists it."""

    number: str
    category: str | None
    unit: str | None
    state: str
    returns: int
    days_lost: float
    created_at: datetime


def granted(events: Sequence[Event]) -> list[Returned]:
    """The returns of an order that the hotline office agreed to, oldest first."""
    return [
        Returned(unit=stay.unit, reason=stay.reason or "", clause=stay.clause or "")
        for stay in stays(events, events[-1].at)
        if stay.granted
    ]


def stays(events: Sequence[Event], now: datetime) -> list[Stay]:
    """The dispatches in an order's log, oldest first; one that has not ended lasts until `now`."""
    found: list[Stay] = []
    for event in events:
        data = event.data
        if event.kind == Move.DISPATCH:
            found.append(
                Stay(
                    dispatch=data["dispatch"],
                    unit=data["unit"],
                    row=data.get("row"),
                    table=data.get("table"),
                    since=event.at,
                    until=None,
                    minutes=_minutes(event.at, now),
                )
            )
        elif event.kind == Move.RETURN:
            found[-1] = found[-1].model_copy(update={"reason": data["reason"], "clause": data["clause"]})
        elif event.kind == Move.REFUSE_RETURN:
            found[-1] = found[-1].model_copy(update={"granted": False})
        elif event.kind == Move.GRANT_RETURN:
            ended = {"granted": True, "until": event.at, "minutes": _minutes(found[-1].since, event.at)}
            found[-1] = found[-1].model_copy(update=ended)
        elif event.kind in _ENDS and found and found[-1].until is None:
            ended = {"until": event.at, "minutes": _minutes(found[-1].since, event.at)}
            found[-1] = found[-1].model_copy(update=ended)
    return found


def measure(order: WorkOrder, events: Sequence[Event], decides: Row | None, now: datetime) -> Meter:
    """The meter of an order. `decides` is the row that settles it, where returns are over."""
    found = stays(events, now)
    return Meter(number=order.number, returns=order.returns, stays=found, days_lost=_days_lost(found), decides=decides)


def returned_often(connection: Connection, at_least: int, before: str | None, limit: int) -> list[WorkOrder]:
    """Orders returned at least so often, the newest first. Raises Problem 404 for an unknown `before`."""
    query = select(work_orders).where(work_orders.c.returns >= at_least).order_by(work_orders.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(work_orders.c.id < row_of(connection, before)["id"])
    return [WorkOrder.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def in_the_report(order: WorkOrder, events: Sequence[Event], now: datetime) -> ReturnedOrder:
    """An order as the report lists it."""
    return ReturnedOrder(**measure(order, events, None, now).model_dump(include={"days_lost"}), **_shown(order))


def _shown(order: WorkOrder) -> dict[str, object]:
    return order.model_dump(include={"number", "category", "unit", "state", "returns", "created_at"})


_ENDS = {Move.MERGE, Move.WITHDRAW, Move.CLOSE}


def _days_lost(found: Sequence[Stay]) -> float:
    return round(sum(stay.minutes for stay in found if stay.granted) / (24 * 60), 1)


def _minutes(since: datetime, until: datetime) -> int:
    return (until - since) // timedelta(minutes=1)
