"""专报: when units do not agree, the order's story goes to the leader, who decides which unit handles it until when.

A report is drafted by the co-ordination that fails once too often, from the template of `city/reports.yml`. It may be
edited until it is submitted. `desk/oversight/decisions.py` carries the leader's decision out.
Every function takes the connection of a running transaction.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    Text,
    insert,
    select,
    update,
)

from core.access import Role
from core.database import UtcDateTime, metadata, one_of
from core.problems import Problem
from core.records import RequestBody
from desk.limits.deadlines import Deadlines
from desk.orders import model
from desk.orders.model import OPEN_STATES, Event, Short, State, WorkOrder
from desk.orders.register import add_event, events_of, locked
from desk.orders.register import find as find_order
from desk.orders.tables import work_orders
from desk.oversight.running_numbers import next_number

Write = Callable[[WorkOrder, Sequence[Event], datetime], str]
"""Writes a report's draft out of an order and its log."""


class ReportState(StrEnum):
    """状态 of a 专报."""

    DRAFT = "draft"
    """草稿"""
    SUBMITTED = "submitted"
    """待批示"""
    DECIDED = "decided"
    """办理中: the leader has decided, and the unit carries it out."""
    DONE = "done"
    """已办结: the result was accepted."""
    DROPPED = "dropped"
    """已撤销"""


OPEN = (ReportState.DRAFT, ReportState.SUBMITTED, ReportState.DECIDED)


class ReportMove(StrEnum):
    """What is done with a 专报."""

    EDIT = "edit"
    SUBMIT = "submit"
    DECIDE = "decide"
    DROP = "drop"


FROM: dict[ReportMove, frozenset[ReportState]] = {
    ReportMove.EDIT: frozenset({ReportState.DRAFT}),
    ReportMove.SUBMIT: frozenset({ReportState.DRAFT}),
    ReportMove.DECIDE: frozenset({ReportState.SUBMITTED}),
    ReportMove.DROP: frozenset({ReportState.DRAFT, ReportState.SUBMITTED}),
}

TO: dict[ReportMove, ReportState] = {
    ReportMove.EDIT: ReportState.DRAFT,
    ReportMove.SUBMIT: ReportState.SUBMITTED,
    ReportMove.DECIDE: ReportState.DECIDED,
    ReportMove.DROP: ReportState.DROPPED,
}

WHO: dict[ReportMove, frozenset[Role]] = {
    ReportMove.EDIT: frozenset({Role.DISPATCHER, Role.SUPERVISOR}),
    ReportMove.SUBMIT: frozenset({Role.SUPERVISOR}),
    ReportMove.DECIDE: frozenset({Role.LEADER}),
    ReportMove.DROP: frozenset({Role.SUPERVISOR}),
}
"""Who may make a move; an administrator always may."""

special_reports = Table(
    "special_reports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(12), nullable=False, unique=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("decision", Text),
    Column("unit", String(50)),
    Column("due", UtcDateTime),
    Column("decided_by", String(50)),
    Column("result", Text),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    one_of("state", ReportState),
    Index(None, "work_order_id"),
    Index(None, "state"),
)


class Coordination(RequestBody):
    """协调: who took part, and whether they agreed on who does what."""

    participants: list[Short] = Field(min_length=2, max_length=20)
    agreed: bool
    note: model.Text


class Edit(RequestBody):
    """The report's new text."""

    move: Literal[ReportMove.EDIT]
    text: Annotated[str, Field(min_length=1, max_length=50_000)]


class Submit(RequestBody):
    """The report goes to the leader."""

    move: Literal[ReportMove.SUBMIT]


class Decide(RequestBody):
    """批示: what the leader decides, which unit handles the order, and until when."""

    move: Literal[ReportMove.DECIDE]
    text: model.Text
    unit: Annotated[str, Field(min_length=2, max_length=50)]
    until: AwareDatetime


class Drop(RequestBody):
    """There is nothing to decide any more: why."""

    move: Literal[ReportMove.DROP]
    reason: model.Text


ReportRequest = Annotated[Edit | Submit | Decide | Drop, Field(discriminator="move")]


class SpecialReport(BaseModel):
    """A 专报 as it is shown. `unit` and `due` are the leader's; `result` is what came of it."""

    model_config = ConfigDict(extra="ignore")

    number: str
    work_order: str
    state: ReportState
    text: str
    decision: str | None
    unit: str | None
    due: datetime | None
    decided_by: str | None
    result: str | None
    opened_at: datetime
    ended_at: datetime | None


class Coordinated(BaseModel):
    """How often co-ordination has failed since the last report, and the number of the report that is open."""

    failed: int
    special_report: str | None


def may(role: Role | None, move: ReportMove) -> bool:
    """Whether somebody with a role may make a move."""
    return role is Role.ADMIN or role in WHO[move]


def coordinate(
    connection: Connection,
    rules: Deadlines,
    write: Write,
    number: str,
    held: Coordination,
    now: datetime,
    actor: str,
) -> Coordinated:
    """Record a co-ordination; the one that fails once too often drafts a report, unless one is open.

    Raises Problem 404, or 409 when the order is not open.
    """
    order = locked(connection, number)
    if order["state"] not in OPEN_STATES - {State.PENDING_ACCEPTANCE}:
        detail = f"work order {number} is {order['state']}; units are co-ordinated on open orders that were accepted"
        raise Problem(409, "Conflict", detail)
    add_event(connection, order["id"], "coordinate", held.model_dump(), now, actor)
    failed = _failed(connection, number)
    found = connection.execute(_SHOWN.where(_of_order(order["id"]))).mappings().first()
    if found is None and not held.agreed and failed >= rules.failed_coordinations:
        found = _draft(connection, write, order, now, actor)
    return Coordinated(failed=failed, special_report=found and found["number"])


def edit(connection: Connection, number: str, request: Edit, now: datetime, actor: str) -> SpecialReport:
    """Replace a draft's text. Raises Problem 404 or 409."""
    return change(connection, number, ReportMove.EDIT, {}, now, actor, text=request.text)


def submit(connection: Connection, number: str, now: datetime, actor: str) -> SpecialReport:
    """Put a draft before the leader. Raises Problem 404 or 409."""
    return change(connection, number, ReportMove.SUBMIT, {}, now, actor)


def drop(connection: Connection, number: str, request: Drop, now: datetime, actor: str) -> SpecialReport:
    """Take a report back. Raises Problem 404, or 409 once it is decided."""
    told = {"reason": request.reason}
    return change(connection, number, ReportMove.DROP, told, now, actor, result=request.reason, ended_at=now)


def change(
    connection: Connection,
    number: str,
    move: ReportMove,
    told: dict[str, Any],
    now: datetime,
    actor: str,
    **changes: Any,
) -> SpecialReport:
    """Check a move, change the row, write the event. Raises Problem 404 or 409."""
    locked(connection, row_of(connection, number)["work_order"])
    row = row_of(connection, number)
    if row["state"] not in FROM[move]:
        wanted = ", ".join(sorted(FROM[move]))
        detail = f"move: {move} needs a special report that is {wanted}; this one is {row['state']}"
        raise Problem(409, "Conflict", detail, field="move")
    changed = update(special_reports).where(special_reports.c.id == row["id"])
    connection.execute(changed.values(**changes, state=TO[move]))
    told = {"special_report": number, **told}
    add_event(connection, row["work_order_id"], f"special_report_{move}", told, now, actor)
    return find(connection, number)


def finish(connection: Connection, report_id: int, result: str, now: datetime, actor: str, *, done: bool) -> None:
    """End a report that was decided: its unit has done what the leader wanted, or need not any more."""
    row = connection.execute(_SHOWN.where(special_reports.c.id == report_id)).mappings().one()
    state = ReportState.DONE if done else ReportState.DROPPED
    changed = update(special_reports).where(special_reports.c.id == report_id)
    connection.execute(changed.values(state=state, result=result, ended_at=now))
    told = {"special_report": row["number"], "result": result}
    add_event(connection, row["work_order_id"], f"special_report_{state}", told, now, actor)


def drop_undecided(connection: Connection, order_id: int, reason: str, now: datetime, actor: str) -> None:
    """Drop the report of an order on which there is nothing to decide any more."""
    query = _SHOWN.where(_of_order(order_id), special_reports.c.state != ReportState.DECIDED)
    for row in connection.execute(query).mappings().all():
        drop(connection, row["number"], Drop(move=ReportMove.DROP, reason=reason), now, actor)


def find(connection: Connection, number: str) -> SpecialReport:
    """The report with this number. Raises Problem 404."""
    return SpecialReport.model_validate(dict(row_of(connection, number)))


def list_reports(
    connection: Connection, *, state: ReportState | None = None, before: str | None = None, limit: int = 50
) -> list[SpecialReport]:
    """The newest first; `before` is the number of the last one of the page before."""
    query = _SHOWN.order_by(special_reports.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(special_reports.c.state == state)
    if before is not None:
        query = query.where(special_reports.c.id < row_of(connection, before)["id"])
    return [SpecialReport.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def row_of(connection: Connection, number: str) -> RowMapping:
    """The stored row with this number, and its order's number. Raises Problem 404."""
    row = connection.execute(_SHOWN.where(special_reports.c.number == number)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"number: no special report {number!r}", field="number")
    return row


def _draft(connection: Connection, write: Write, order: RowMapping, now: datetime, actor: str) -> RowMapping:
    number = next_number(connection, "special_report", now)
    text = write(find_order(connection, order["number"]), events_of(connection, order["number"]), now)
    values = {"number": number, "work_order_id": order["id"], "state": ReportState.DRAFT, "text": text}
    connection.execute(insert(special_reports).values(**values, opened_at=now))
    add_event(connection, order["id"], "special_report_draft", {"special_report": number}, now, actor)
    return row_of(connection, number)


def _failed(connection: Connection, number: str) -> int:
    """How often co-ordination has failed since the last report was drafted."""
    failed = 0
    for event in events_of(connection, number):
        if event.kind == "special_report_draft":
            failed = 0
        elif event.kind == "coordinate" and not event.data["agreed"]:
            failed += 1
    return failed


def _of_order(order_id: int) -> Any:
    return (special_reports.c.work_order_id == order_id) & special_reports.c.state.in_(OPEN)


_SHOWN = select(special_reports, work_orders.c.number.label("work_order")).join(
    work_orders, work_orders.c.id == special_reports.c.work_order_id
)
