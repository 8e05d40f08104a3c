"""Reading the record of calls: lists, and one call step by step.

Every function takes the connection of a running transaction.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping, Select, and_, or_, select

from core.access import Principal
from core.clock import CITY_TIME, to_city_time
from core.problems import Problem
from desk.orders.model import SIMULATED_CONVERSATIONS, Line, WorkOrder
from desk.orders.tables import work_orders
from desk.personal_data import looks
from desk.personal_data.privacy import may_know
from intake import inbox
from intake.messages import Turn
from ivr.calls import CONVERSATION, Outcome, call_steps, calls
from ivr.flow import Where
from ivr.record.veil import Invented, Masked, Open, Secret, Veil

SIMULATED = SIMULATED_CONVERSATIONS.removeprefix(CONVERSATION)
"""What the ids of simulated calls begin with."""
_KEPT_PRIVATE = ("sid", "url")
_SHOWN_OF_STATE = (
    "where",
    "step",
    "line",
    "expects",
    "messages",
    "silences",
    "no_matches",
    "proofs",
    "closed",
    "pace",
    "loud",
    "dialect",
    "opens",
    "order",
)


class CallFilters(BaseModel):
    """Which calls: by the city's day of their beginning, line, end, and where in the flow they are or ended."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first_day: date | None = Field(None, alias="from", description="The first day, in the city's time")
    last_day: date | None = Field(None, alias="until", description="The last day, in the city's time")
    line: Line | None = None
    outcome: Outcome | None = Field(None, description="How it ended; calls that go on have none")
    where: Where | None = Field(None, description="Where in the flow it is, or was when the caller hung up")
    simulated: bool = Field(False, description="The rehearsed calls instead of the real ones")


class CallRow(BaseModel):
    """A call, as a list shows it."""

    call_sid: str
    carrier: str
    caller: str | None
    line: Line
    started_at: datetime
    ended_at: datetime | None
    seconds: int | None = Field(description="How long it lasted; none while it goes on")
    outcome: Outcome | None
    where: Where
    steps: int
    order: str | None = Field(description="The number of the order that came of it")
    simulated: bool


class Moment(BaseModel):
    """One step: what happened, and what was said and asked in answer."""

    step: int
    at: datetime
    waited_seconds: float = Field(description="Since the step before: what was said there was spoken, and listened to")
    event: dict[str, Any] = Field(description="`kind`, and what was heard (`text`, `confidence`), pressed, recorded …")
    said: list[str]
    asked: list[dict[str, Any]] = Field(description="The other instructions: listen, record, enqueue, connect …")
    where: Where
    took_ms: int = Field(description="How long the answer took here, without the way to the carrier")


class Timeline(CallRow):
    """A whole call."""

    state: dict[str, Any] = Field(description="What the flow remembers")
    moments: list[Moment]


def list_calls(
    connection: Connection, wanted: CallFilters, before: str | None = None, limit: int = 50
) -> list[CallRow]:
    """The newest calls, masked; `before` is the id of the last call of the page before. Raises Problem 404 for it."""
    query = select(calls).where(*in_days(wanted.first_day, wanted.last_day), _is_simulated(wanted.simulated))
    for name in ("line", "outcome", "where"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(calls.c[name] == value)
    if before is not None:
        query = query.where(_older_than(row_of(connection, before)))
    query = query.order_by(calls.c.started_at.desc(), calls.c.call_sid.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    orders = _orders_of(connection, [row["call_sid"] for row in rows])
    return [CallRow(**_told(row, orders.get(row["call_sid"], []), Masked())) for row in rows]


def timeline(connection: Connection, call_sid: str, veil: Veil | None = None) -> Timeline:
    """A call step by step. Without a veil it is masked. Raises Problem 404."""
    row = row_of(connection, call_sid)
    shown = veil or Masked(names_in(connection, call_sid))
    orders = orders_of(connection, call_sid)
    moments = list(_moments(steps_of(connection, call_sid), shown))
    return Timeline(**_told(row, orders, shown), state=_state(row["state"], shown), moments=moments)


def masked_timeline(connection: Connection, call_sid: str, who: Principal) -> Timeline:
    """A call as `who` may see it without a purpose: of a confidential matter no words. Raises Problem 404."""
    secret = any(not may_know(order, who) for order in orders_of(connection, call_sid))
    return timeline(connection, call_sid, Secret() if secret else None)


def whole_timeline(connection: Connection, call_sid: str, who: Principal) -> Timeline:
    """A call with nothing hidden. Raises Problem 404, and 403 for a confidential matter `who` may not know of."""
    return timeline(connection, not_secret(connection, call_sid, who), Open())


def not_secret(connection: Connection, call_sid: str, who: Principal) -> str:
    """The call's id. Raises Problem 404, and 403 for a confidential matter `who` may not know of."""
    row_of(connection, call_sid)
    if any(not may_know(order, who) for order in orders_of(connection, call_sid)):
        detail = f"call {call_sid} is about a confidential matter: only the hotline knows who called"
        raise Problem(403, "Forbidden", detail)
    return call_sid


def tell_citizen(
    connection: Connection, call_sid: str, who: Principal, purpose: str, note: str | None, now: datetime
) -> None:
    """Write a look at a whole call down at the orders that came of it, as one at the citizen's contact."""
    ids = select(work_orders.c.id).where(work_orders.c.conversation_id == CONVERSATION + call_sid)
    looks.write_down(connection, connection.execute(ids).scalars().all(), who, purpose, note, now)


def row_of(connection: Connection, call_sid: str) -> RowMapping:
    """The stored call. Raises Problem 404."""
    row = connection.execute(select(calls).where(calls.c.call_sid == call_sid)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"call_sid: no call {call_sid!r}", field="call_sid")
    return row


def steps_of(connection: Connection, call_sid: str) -> Sequence[RowMapping]:
    """The stored steps of a call, in their order."""
    query = select(call_steps).where(call_steps.c.call_sid == call_sid).order_by(call_steps.c.step)
    return connection.execute(query).mappings().all()


def orders_of(connection: Connection, call_sid: str) -> list[WorkOrder]:
    """The orders that came of a call, the first one first."""
    return _orders_of(connection, [call_sid]).get(call_sid, [])


def turns_of(connection: Connection, call_sid: str) -> list[Turn]:
    """What was told to the conversation in a call, and its answers."""
    return inbox.history(connection, CONVERSATION + call_sid)


def names_in(connection: Connection, call_sid: str, *, companies: bool = False) -> set[str]:
    """The names of people (and companies) that came up in a call, as far as they were understood."""
    wanted = ("contact_name", "company_name") if companies else ("contact_name",)
    found = [getattr(order, name) for order in orders_of(connection, call_sid) for name in wanted]
    for turn in turns_of(connection, call_sid):
        draft = (turn.answer.draft if turn.answer else None) or {}
        found += [draft.get(name) for name in wanted]
    return {str(name) for name in found if name}


def invented(connection: Connection, call_sid: str) -> Invented:
    """The veil under which a call becomes a scenario."""
    return Invented(names_in(connection, call_sid, companies=True))


def in_days(first: date | None, last: date | None) -> list[Any]:
    """The conditions for calls that began in these days of the city."""
    conditions = []
    if first is not None:
        conditions.append(calls.c.started_at >= _midnight(first))
    if last is not None:
        conditions.append(calls.c.started_at < _midnight(last + timedelta(days=1)))
    return conditions


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CITY_TIME)


def is_real() -> Any:
    """The condition for calls that were no rehearsal."""
    return _is_simulated(False)


def _is_simulated(simulated: bool) -> Any:
    condition = calls.c.call_sid.startswith(SIMULATED)
    return condition if simulated else ~condition


def _older_than(row: RowMapping) -> Any:
    same_moment = and_(calls.c.started_at == row["started_at"], calls.c.call_sid < row["call_sid"])
    return or_(calls.c.started_at < row["started_at"], same_moment)


def _orders_of(connection: Connection, call_sids: Sequence[str]) -> dict[str, list[WorkOrder]]:
    ids = [CONVERSATION + call_sid for call_sid in call_sids]
    query: Select[Any] = select(work_orders).where(work_orders.c.conversation_id.in_(ids)).order_by(work_orders.c.id)
    found: dict[str, list[WorkOrder]] = {}
    for row in connection.execute(query).mappings():
        order = WorkOrder.model_validate(dict(row))
        found.setdefault(str(order.conversation_id).removeprefix(CONVERSATION), []).append(order)
    return found


def _told(row: RowMapping, orders: Sequence[WorkOrder], veil: Veil) -> dict[str, Any]:
    ended = row["ended_at"]
    return {
        "call_sid": row["call_sid"],
        "carrier": row["carrier"],
        "caller": veil.phone(row["caller"]),
        "line": row["line"],
        "started_at": to_city_time(row["started_at"]),
        "ended_at": to_city_time(ended) if ended else None,
        "seconds": round((ended - row["started_at"]).total_seconds()) if ended else None,
        "outcome": row["outcome"],
        "where": row["where"],
        "steps": row["step"],
        "order": orders[0].number if orders else None,
        "simulated": row["call_sid"].startswith(SIMULATED),
    }


def _moments(rows: Sequence[RowMapping], veil: Veil) -> Iterator[Moment]:
    before: datetime | None = None
    for row in rows:
        instructions = row["instructions"]
        yield Moment(
            step=row["step"],
            at=to_city_time(row["at"]),
            waited_seconds=round((row["at"] - before).total_seconds(), 1) if before else 0.0,
            event=_event(row["event"], veil),
            said=[veil.text(each["text"]) for each in instructions if each["kind"] == "say"],
            asked=[_asked(each, veil) for each in instructions if each["kind"] != "say"],
            where=row["where"],
            took_ms=row["took_ms"],
        )
        before = row["at"]


def _event(event: dict[str, Any], veil: Veil) -> dict[str, Any]:
    shown = {name: value for name, value in event.items() if name not in _KEPT_PRIVATE}
    if "text" in shown:
        shown["text"] = veil.text(shown["text"])
    if "keys" in shown:
        shown["keys"] = veil.keys(shown["keys"])
    return shown


def _asked(instruction: dict[str, Any], veil: Veil) -> dict[str, Any]:
    number = instruction.get("number")
    return {**instruction, "number": veil.phone(number)} if number else instruction


def _state(state: dict[str, Any], veil: Veil) -> dict[str, Any]:
    shown = {name: state.get(name) for name in _SHOWN_OF_STATE}
    shown["choices"] = [veil.text(button["title"]) for button in state.get("buttons", ())]
    shown["prompt"] = [veil.text(text) for text in state.get("prompt", ())]
    shown["pieces"] = len(state.get("pieces", ()))
    shown["facts"] = state.get("facts")
    return shown
