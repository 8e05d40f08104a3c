"""The calls, kept step by step: a restarted process goes on with them, a repeated step is answered alike."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter
from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from core.clock import Clock
from core.database import Database, Sealed, SealedJson, UtcDateTime, metadata
from desk.orders.tables import work_orders
from ivr.flow import CallState, Event, Instruction, Step

calls = Table(
    "calls",
    metadata,
    Column("call_sid", String(64), primary_key=True),
    Column("carrier", String(20), nullable=False),
    Column("caller", Sealed),
    Column("line", String(20), nullable=False),
    Column("step", Integer, nullable=False),
    Column("where", String(20), nullable=False),
    Column("state", SealedJson, nullable=False),
    Column("instructions", SealedJson, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", String(20)),
    Index(None, "ended_at", "updated_at"),
    Index(None, "started_at"),
)

call_steps = Table(
    "call_steps",
    metadata,
    Column("call_sid", String(64), ForeignKey("calls.call_sid"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    # What happened: {"kind": "heard", "text": …, "confidence": …} and the like.
    Column("event", SealedJson, nullable=False),
    Column("where", String(20), nullable=False),
    Column("instructions", SealedJson, nullable=False),
    Column("took_ms", Integer, nullable=False),
)

T = TypeVar("T")

_END = (calls.c.ended_at, calls.c.outcome)
_STATE = TypeAdapter(CallState)
_INSTRUCTIONS = TypeAdapter(tuple[Annotated[Instruction, Field(discriminator="kind")], ...])


class Outcome(StrEnum):
    """How a call ended."""

    GOODBYE = "goodbye"
    """We ended it."""
    CALLER_LEFT = "caller_left"
    NOT_CONNECTED = "not_connected"
    LOST = "lost"
    """Nothing was heard of it for a long time."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it is kept: its state after the last step, and what was said in that step."""

    state: CallState
    instructions: tuple[Instruction, ...]
    over: bool


@dataclass(frozen=True, slots=True)
class Happened:
    """What brought a step about, and how many milliseconds its answer took."""

    event: Event
    took_ms: int


Besides = Callable[[Connection, datetime], None]
"""What is done in the transaction that keeps a step: all of it or none."""


class Calls:
    """The kept calls."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find(self, call_sid: str) -> Call | None:
        """The call as it is kept, or None."""
        return await self._database.read(lambda connection: _find(connection, call_sid))

    async def save(self, carrier: str, step: Step, happened: Happened, besides: Besides) -> Call:
        """Keep a step, and do `besides` with it, unless the call has this or a later one; return what is kept."""
        now = self._clock()
        return await self._database.write(lambda connection: _save(connection, carrier, step, happened, besides, now))

    async def end(self, call_sid: str, outcome: Outcome, besides: Besides) -> CallState | None:
        """Note that a call is over, once, and do `besides` with it; return its last state, None without such a call."""
        now = self._clock()
        return await self._database.write(lambda connection: _end(connection, call_sid, outcome, besides, now))

    async def ask(self, question: Callable[[Connection, datetime], T]) -> T:
        """Ask the house something, in a transaction of its own."""
        now = self._clock()
        return await self._database.write(lambda connection: question(connection, now))

    async def silent_since(self, moment: datetime, limit: int = 100) -> list[str]:
        """The oldest calls of whose end nothing was heard and that did nothing since `moment`."""
        query = (
            select(calls.c.call_sid)
            .where(calls.c.ended_at.is_(None), calls.c.updated_at < moment)
            .order_by(calls.c.updated_at)
            .limit(limit)
        )
        return await self._database.read(lambda connection: list(connection.execute(query).scalars()))


CONVERSATION = "phone:"
"""What stands before a call's id in the id of its conversation."""


def sids_of(conversation_ids: Sequence[str]) -> list[str]:
    """The ids of the calls among these conversations."""
    return [each.removeprefix(CONVERSATION) for each in conversation_ids if each.startswith(CONVERSATION)]


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove the calls of these conversations."""
    call_sids = sids_of(conversation_ids)
    connection.execute(delete(call_steps).where(call_steps.c.call_sid.in_(call_sids)))
    connection.execute(delete(calls).where(calls.c.call_sid.in_(call_sids)))


def forgettable(connection: Connection, silent_since: datetime, limit: int = 100) -> list[str]:
    """The conversations of calls that no order came of, and of which nothing was heard since `silent_since`."""
    conversation_id = literal(CONVERSATION).concat(calls.c.call_sid)
    query = (
        select(conversation_id)
        .where(calls.c.updated_at < silent_since)
        .where(~select(work_orders.c.id).where(work_orders.c.conversation_id == conversation_id).exists())
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def _find(connection: Connection, call_sid: str) -> Call | None:
    row = connection.execute(select(calls).where(calls.c.call_sid == call_sid)).mappings().first()
    return None if row is None else _call(row)


def _save(
    connection: Connection, carrier: str, step: Step, happened: Happened, besides: Besides, now: datetime
) -> Call:
    insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    state, values = step.state, _values(step, now)
    first = insert(calls).values(call_sid=state.call_sid, carrier=carrier, started_at=now, **values)
    new = connection.execute(first.on_conflict_do_nothing().returning(calls.c.call_sid)).scalar() is not None
    if not new:
        kept_end = {column.name: func.coalesce(column, literal(values[column.name], column.type)) for column in _END}
        later = (
            update(calls)
            .where(calls.c.call_sid == state.call_sid, calls.c.step < state.step)
            .values({**values, **kept_end})
        )
        new = connection.execute(later).rowcount > 0
    if new:
        _note(connection, step, happened, now)
        besides(connection, now)
    return _call(connection.execute(select(calls).where(calls.c.call_sid == state.call_sid)).mappings().one())


def _note(connection: Connection, step: Step, happened: Happened, now: datetime) -> None:
    connection.execute(
        call_steps.insert().values(
            call_sid=step.state.call_sid,
            step=step.state.step,
            at=now,
            event={"kind": type(happened.event).__name__.lower(), **asdict(happened.event)},
            where=step.state.where,
            instructions=_INSTRUCTIONS.dump_python(step.instructions, mode="json"),
            took_ms=happened.took_ms,
        )
    )


def _end(connection: Connection, call_sid: str, outcome: Outcome, besides: Besides, now: datetime) -> CallState | None:
    ended = connection.execute(
        update(calls)
        .where(calls.c.call_sid == call_sid, calls.c.ended_at.is_(None))
        .values(ended_at=now, updated_at=now, outcome=outcome)
    )
    if ended.rowcount:
        besides(connection, now)
    call = _find(connection, call_sid)
    return None if call is None else call.state


def _values(step: Step, now: datetime) -> dict[str, Any]:
    state = step.state
    return {
        "caller": state.caller,
        "line": state.line,
        "step": state.step,
        "where": state.where,
        "state": _STATE.dump_python(state, mode="json"),
        "instructions": _INSTRUCTIONS.dump_python(step.instructions, mode="json"),
        "updated_at": now,
        "ended_at": now if state.ended else None,
        "outcome": Outcome.GOODBYE if state.ended else None,
    }


def _call(row: RowMapping) -> Call:
    state = _STATE.validate_python(row["state"])
    return Call(state, _INSTRUCTIONS.validate_python(row["instructions"]), over=row["ended_at"] is not None)
