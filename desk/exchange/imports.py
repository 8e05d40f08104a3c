"""Taking in orders that other platforms hand over, once for each of their numbers.

Every function takes the connection of a running transaction; a large file is taken in by several.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Self

from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping, select, update

from core.database import vault_of
from core.problems import Problem
from desk.exchange.sources import SHOWN, Fault, Source, SourceOrder
from desk.orders.model import OPEN_STATES
from desk.orders.register import add_event, open_work_order, traced
from desk.orders.tables import work_orders

BATCH = 200
"""Rows a transaction takes in: others wait a fraction of a second for the writer, and never for a whole file."""
_CONTACT = ("contact_phone", "contact_name")
_COMPARED = ("summary", "place", "occurred", "nature", "company_name", "credit_code")
"""What the platform may put right later; what was understood of it (category, area) is the desk's own by then."""


class Outcome(StrEnum):
    """What became of an order that was handed over."""

    OPENED = "opened"
    SUPPLEMENTED = "supplemented"
    """Known by its number, with other content: the log has the new words."""
    UNCHANGED = "unchanged"


class Taken(BaseModel):
    """An order that was handed over: the number it has here, none in a preview of a new one."""

    number: str | None
    outcome: Outcome


class ImportReport(BaseModel):
    """What became of a file's rows, or would become of them."""

    source: str
    preview: bool = False
    rows: int = 0
    opened: int = 0
    supplemented: int = 0
    unchanged: int = 0
    refused: int = 0
    faults: list[Fault] = Field(default_factory=list)

    @classmethod
    def of_reading(cls, source: Source, taken: int, faults: list[Fault], preview: bool) -> Self:
        """What is known when the file has been read: the rows that were wrong."""
        refused = len({fault.line for fault in faults})
        return cls(source=source.id, preview=preview, rows=taken + refused, refused=refused, faults=faults)

    def add(self, taken: Sequence[Taken | Fault]) -> None:
        """Count what became of further rows."""
        for one in taken:
            if isinstance(one, Fault):
                self.faults.append(one)
                self.refused += 1
            else:
                setattr(self, one.outcome, getattr(self, one.outcome) + 1)


def batches(orders: Sequence[tuple[int, SourceOrder]]) -> Iterator[Sequence[tuple[int, SourceOrder]]]:
    """The orders in parts, each for one transaction."""
    return (orders[first : first + BATCH] for first in range(0, len(orders), BATCH))


def take_batch(
    connection: Connection, source: Source, batch: Sequence[tuple[int, SourceOrder]], now: datetime, actor: str
) -> list[Taken | Fault]:
    """Take in some rows; a row that cannot be taken is told as a fault and stops no other."""
    return [_told(line, order, partial(take, connection, source, order, now, actor)) for line, order in batch]


def preview_batch(
    connection: Connection, source: Source, batch: Sequence[tuple[int, SourceOrder]]
) -> list[Taken | Fault]:
    """What `take_batch` would do; nothing is written."""
    return [_told(line, order, partial(preview, connection, source, order)) for line, order in batch]


def take(connection: Connection, source: Source, order: SourceOrder, now: datetime, actor: str) -> Taken:
    """Take in one order.

    A number that is new opens an order. One that is known changes nothing when it says the same; when it says
    something else, the words are added to the order's log, and the citizen's contact is put right. Raises Problem 409
    for a known number with other content when its order is no longer open.
    """
    foreseen, row = _compare(connection, source, order)
    if row is None:
        return _open(connection, source, order, now, actor)
    if foreseen.outcome is Outcome.SUPPLEMENTED:
        _supplement(connection, source, row, order, now, actor)
    return foreseen


def preview(connection: Connection, source: Source, order: SourceOrder) -> Taken:
    """What `take` would do; nothing is written. Raises what `take` raises."""
    return _compare(connection, source, order)[0]


def _open(connection: Connection, source: Source, order: SourceOrder, now: datetime, actor: str) -> Taken:
    number = open_work_order(connection, order.as_new(source.channel), None, now, actor).order.number
    kept = {
        "source": source.id,
        "source_number": order.source_number,
        "source_fingerprint": _fingerprint(connection, order),
    }
    order_id = connection.execute(
        update(work_orders).where(work_orders.c.number == number).values(**kept).returning(work_orders.c.id)
    ).scalar_one()
    told: dict[str, Any] = {"source": source.id, "source_number": order.source_number}
    if order.received_at:
        told["received_at"] = order.received_at.isoformat()
    add_event(connection, order_id, "imported", told, now, actor)
    return Taken(number=number, outcome=Outcome.OPENED)


def _supplement(
    connection: Connection, source: Source, row: RowMapping, order: SourceOrder, now: datetime, actor: str
) -> None:
    said = order.model_dump(mode="json")
    other = {field: said[field] for field in _COMPARED if said[field] is not None and said[field] != row[field]}
    contact = {field: said[field] for field in _CONTACT if said[field] is not None}
    trace = {"phone_trace": traced(connection, order.contact_phone)} if order.contact_phone else {}
    connection.execute(
        update(work_orders)
        .where(work_orders.c.id == row["id"])
        .values(**contact, **trace, source_fingerprint=_fingerprint(connection, order))
    )
    add_event(connection, row["id"], "supplemented", {"text": order.text, "source": source.id, **other}, now, actor)


def _compare(connection: Connection, source: Source, order: SourceOrder) -> tuple[Taken, RowMapping | None]:
    query = select(work_orders).where(
        work_orders.c.source == source.id, work_orders.c.source_number == order.source_number
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return Taken(number=None, outcome=Outcome.OPENED), None
    if row["source_fingerprint"] in vault_of(connection).traces(_content(order)):
        return Taken(number=row["number"], outcome=Outcome.UNCHANGED), row
    if row["state"] not in OPEN_STATES:
        detail = f"work order {row['number']} is {row['state']}; only open orders take further content"
        raise Problem(409, "Conflict", f"source_number: {detail}", field="source_number")
    return Taken(number=row["number"], outcome=Outcome.SUPPLEMENTED), row


def _told(line: int, order: SourceOrder, do: Callable[[], Taken]) -> Taken | Fault:
    try:
        return do()
    except Problem as problem:
        return Fault(line=line, column="source_number", value=order.source_number[:SHOWN], allowed=problem.detail)


def _fingerprint(connection: Connection, order: SourceOrder) -> str:
    return vault_of(connection).trace(_content(order))


def _content(order: SourceOrder) -> str:
    # A category with a confidence was guessed here, and is not the platform's content; nor is when it took the order.
    guessed = {"category", "confidence", "ranking"} if order.confidence is not None else set()
    said: dict[str, Any] = {"category": None, "confidence": None, "ranking": []}
    said |= order.model_dump(mode="json", exclude={"received_at", *guessed})
    return json.dumps(said, sort_keys=True)
