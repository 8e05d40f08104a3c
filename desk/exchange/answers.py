"""What goes back to the platforms that handed orders over: states, approved replies, the closing (多向反馈).

An answer is an event of an order's log that concerns the platform. It is noted in the transaction that writes the
event, and offered until the platform gives a receipt for it: every answer arrives at least once. Of the event only
what `TOLD` names goes out; internal notes never do. Every function takes the connection of a running transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    insert,
    select,
    text,
    update,
)

from core.clock import to_city_time
from core.database import UtcDateTime, metadata
from core.problems import Problem
from desk.life.lifecycle import TO, Move
from desk.orders.model import SIMULATOR, State
from desk.orders.tables import work_order_events, work_orders
from desk.orders.words import words

answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(30), nullable=False),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("event_id", ForeignKey("work_order_events.id"), nullable=False),
    Column("settled_at", UtcDateTime),
    Column("refused", String(200)),
    UniqueConstraint("event_id", "work_order_id"),
    Index(
        "ix_answers_unsettled",
        "source",
        "id",
        sqlite_where=text("settled_at IS NULL"),
        postgresql_where=text("settled_at IS NULL"),
    ),
)

TOLD: Mapping[str, tuple[str, ...]] = {
    Move.ACCEPT: (),
    Move.REJECT: ("reason",),
    Move.DISPATCH: ("unit",),
    Move.SIGN: ("unit",),
    Move.ASK_CITIZEN: ("question",),
    Move.APPROVE_REPLY: ("text", "outcome"),
    Move.CLOSE: ("satisfied",),
    Move.REDO: (),
    Move.REOPEN: (),
    Move.MERGE: (),
    Move.UNMERGE: (),
    Move.WITHDRAW: (),
}
"""The events a platform is told of, and what of each; an approved reply's text is that of the reply before it."""
ALSO_FOR_MERGED = frozenset({Move.APPROVE_REPLY, Move.CLOSE})
"""What is told as well to the platforms whose orders were merged into the order."""
MOST = 500


class Answer(BaseModel):
    """One thing a platform is told of one of its orders. `id` is what a receipt names, and the next page's cursor."""

    id: int
    source_number: str
    number: str
    at: datetime
    kind: str
    kind_name: str
    state: State | None
    state_name: str | None
    told: dict[str, Any]


class Receipt(BaseModel):
    """A platform has got an answer; `refused` says why it could not use it."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(ge=1, lt=2**31)
    refused: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00]{1,200}$")] | None = None


_RECEIPTS: TypeAdapter[Receipt | list[Receipt]] = TypeAdapter(Receipt | list[Receipt])


def note(connection: Connection, order_id: int, source: str | None, event_id: int, kind: str) -> None:
    """Note an event for the order's platform, and for those whose orders were merged into it."""
    if kind not in TOLD:
        return
    concerned = [(order_id, source)] if source is not None else []
    if kind in ALSO_FOR_MERGED:
        merged = select(work_orders.c.id, work_orders.c.source).where(
            work_orders.c.merged_into == order_id, work_orders.c.source.is_not(None)
        )
        concerned += [(row.id, row.source) for row in connection.execute(merged)]
    rows = [
        {"work_order_id": one, "source": platform, "event_id": event_id}
        for one, platform in concerned
        if platform != SIMULATOR
    ]
    if rows:
        connection.execute(insert(answers), rows)


_TOLD_OF = (
    select(
        answers.c.id,
        answers.c.source,
        work_orders.c.source_number,
        work_orders.c.number,
        work_order_events.c.work_order_id,
        work_order_events.c.sequence,
        work_order_events.c.at,
        work_order_events.c.kind,
        work_order_events.c.data,
    )
    .join(work_orders, work_orders.c.id == answers.c.work_order_id)
    .join(work_order_events, work_order_events.c.id == answers.c.event_id)
)


def unsettled(connection: Connection, source: str, after: int = 0, limit: int = 100) -> list[Answer]:
    """The answers a platform has given no receipt for, the oldest first, after a cursor."""
    query = (
        _TOLD_OF.where(answers.c.source == source, answers.c.settled_at.is_(None), answers.c.id > after)
        .order_by(answers.c.id)
        .limit(limit)
    )
    return [_answer(connection, row) for row in connection.execute(query).mappings().all()]


def find(connection: Connection, answer_id: int) -> tuple[str, Answer]:
    """An answer there is, and the platform it is for."""
    row = connection.execute(_TOLD_OF.where(answers.c.id == answer_id)).mappings().one()
    return row["source"], _answer(connection, row)


def receipts_in(said: str) -> list[Receipt]:
    """The receipts in what a platform said to an answer: one as JSON, or a list of them; none in anything else."""
    try:
        found = _RECEIPTS.validate_json(said)
    except ValidationError:
        return []
    return found if isinstance(found, list) else [found]


def settle(connection: Connection, source: str, receipts: Sequence[Receipt], now: datetime) -> list[tuple[int, str]]:
    """Note a platform's receipts; a repeated one changes nothing.

    Returns the orders whose answers were refused, with the reason. Raises Problem 404 for an answer that was not this
    platform's; then none is noted.
    """
    refused: list[tuple[int, str]] = []
    for receipt in receipts:
        query = select(answers).where(answers.c.id == receipt.id, answers.c.source == source)
        row = connection.execute(query).mappings().first()
        if row is None:
            raise Problem(404, "Not Found", f"id: no answer {receipt.id} for {source}", field="id")
        if row["settled_at"] is None:
            changes = {"settled_at": now, "refused": receipt.refused}
            connection.execute(update(answers).where(answers.c.id == receipt.id).values(**changes))
            if receipt.refused:
                refused.append((row["work_order_id"], receipt.refused))
    return refused


def headings() -> list[str]:
    """The first line of a file of answers."""
    return list(words()["answers"].values())


def row(answer: Answer) -> list[str]:
    """An answer as people read it, in the order of the headings."""
    say, shown = words(), {**answer.model_dump(), **answer.told, "at": f"{to_city_time(answer.at):%Y-%m-%d %H:%M:%S}"}
    if "outcome" in answer.told:
        shown["outcome"] = say["outcomes"][answer.told["outcome"]]
    if "satisfied" in answer.told:
        shown["satisfied"] = say["satisfied"]["yes" if answer.told["satisfied"] else "no"]
    return ["" if shown.get(name) is None else str(shown[name]) for name in say["answers"]]


def _answer(connection: Connection, row: RowMapping) -> Answer:
    said = row["data"]
    if row["kind"] == Move.APPROVE_REPLY:
        said = {**_reply_before(connection, row), "state": said.get("state")}
    state = said.get("state") or TO.get(row["kind"])
    return Answer(
        **{name: row[name] for name in ("id", "source_number", "number", "at", "kind")},
        kind_name=words()["events"][row["kind"]],
        state=state,
        state_name=words()["states"][state] if state else None,
        told={name: said[name] for name in TOLD[row["kind"]] if name in said},
    )


def _reply_before(connection: Connection, row: RowMapping) -> dict[str, Any]:
    query = (
        select(work_order_events.c.data)
        .where(
            work_order_events.c.work_order_id == row["work_order_id"],
            work_order_events.c.kind == Move.REPLY,
            work_order_events.c.sequence < row["sequence"],
        )
        .order_by(work_order_events.c.sequence.desc())
        .limit(1)
    )
    found: dict[str, Any] = connection.execute(query).scalar() or {}
    return found
