"""Call-backs: whom somebody of the seats has to call, why, until when, and what came of it (漏接电话回拨).

One of a caller is open at a time; a reason that comes later joins it. Every function takes the connection of a running
transaction.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, RowMapping, Select, exists, insert, select, update

from core.access import Principal, Role
from core.database import vault_of
from core.problems import Problem
from desk.closing.aftercare import Missed
from desk.orders.model import Line, Short, e164
from desk.orders.register import row_of
from desk.orders.tables import work_orders
from desk.personal_data.looks import Purpose
from desk.personal_data.privacy import masked_phone
from intake import inbox
from ivr.calls import CONVERSATION, calls
from ivr.flow import CallBack, CallState, Why
from ivr.people import seen
from ivr.people.order import Standing
from ivr.people.rules import Rules
from ivr.people.tables import tasks, tries, waits

DOES_OTHERS = frozenset({Role.DISPATCHER, Role.ADMIN})
"""Who may finish a call-back that somebody else has taken."""


class TaskState(StrEnum):
    """How far a call-back has come."""

    OPEN = "open"
    TAKEN = "taken"
    DONE = "done"
    CLOSED = "closed"
    """Ended without a talk: not reached often enough, or the caller said no."""


OPEN_STATES = (TaskState.OPEN, TaskState.TAKEN)


class Result(StrEnum):
    """What came of talking with a caller."""

    ANSWERED = "answered"
    """已答复"""
    FILED = "filed"
    """已立单"""
    SUPPLEMENTED = "supplemented"
    """已补充工单"""
    TRANSFERRED = "transferred"
    """已转接"""
    WITHDRAWN = "withdrawn"
    """来电人不再需要"""
    OTHER = "other"


class Ending(StrEnum):
    """How a task ended without somebody saying what came of it."""

    CALLED_AGAIN = "called_again"
    """The caller called and talked with a seat."""
    NOT_REACHED = "not_reached"


class Done(BaseModel):
    """What came of a call-back or a call; `order`: the number of the order it concerns."""

    model_config = ConfigDict(extra="forbid")

    result: Result
    note: Annotated[str, Field(max_length=2000)] | None = None
    order: Annotated[str, Field(max_length=20)] | None = None


class NotReached(BaseModel):
    """A try that reached nobody."""

    model_config = ConfigDict(extra="forbid")

    missed: Missed
    note: Short | None = None


class Task(BaseModel):
    """A call-back as lists show it; the phone is masked, the whole one is behind the contact door."""

    id: int
    line: Line
    why: Why
    phone: Annotated[str, AfterValidator(masked_phone)]
    dialect: str | None
    elder: bool
    state: TaskState
    created_at: datetime
    due: datetime
    overdue: bool
    not_before: datetime
    times: int
    attempts: int
    missed: list[Missed]
    taken_by: str | None
    result: str | None
    order: str | None
    closed_at: datetime | None


class Contact(BaseModel):
    """Whom to call, and what they had said."""

    phone: str
    draft: dict[str, Any] | None
    said: list[seen.Said]


def make_task(connection: Connection, effect: CallBack, state: CallState, now: datetime) -> None:
    """Somebody calls this caller back; nothing where no number is known, or where the caller had a seat on the line.

    The flow waits for a talk as it waits for a seat: hanging up at the end of one is no reason to call.
    """
    if effect.why is Why.LEFT_WAITING and _has_talked(connection, state.call_sid):
        return
    make(connection, effect.why, state, now)


def make(connection: Connection, why: Why, state: CallState, now: datetime) -> int | None:
    """The open call-back of this caller, made or joined; None where no number to call is known.

    The place kept is that of the call's last wait. A second reason never puts the caller later.
    """
    phone = _phone_of(connection, state)
    if phone is None:
        return None
    place = _place(connection, state.call_sid) or now
    known = open_of(connection, phone)
    if known is not None:
        stronger = why if why is Why.KEEPS_PLACE else Why(known["why"])
        changed = {"why": stronger, "place_at": min(known["place_at"], place), "not_before": now}
        # Said again in the same call, it is one wish.
        changed["times"] = known["times"] + (known["call_sid"] != state.call_sid)
        connection.execute(update(tasks).where(tasks.c.id == known["id"]).values(**changed))
        return int(known["id"])
    values = {
        "call_sid": state.call_sid,
        "line": state.line,
        "why": why,
        "phone": phone,
        "phone_trace": vault_of(connection).trace(phone),
        "dialect": state.dialect,
        "elder": state.facts.elder,
        "state": TaskState.OPEN,
        "place_at": place,
        "created_at": now,
        "not_before": now,
        "times": 1,
        "attempts": 0,
    }
    return int(connection.execute(insert(tasks).values(**values).returning(tasks.c.id)).scalar_one())


def missed_call(connection: Connection, caller: str | None, call_sid: str, now: datetime) -> None:
    """A call that rang and was never answered: it is called back. For carriers; a repeat changes nothing."""
    answered = connection.execute(select(calls.c.call_sid).where(calls.c.call_sid == call_sid)).first()
    if answered is None and not is_known(connection, call_sid):
        make(connection, Why.MISSED, CallState(call_sid, caller), now)


def is_known(connection: Connection, call_sid: str) -> bool:
    """Whether a call-back came of this call, whatever became of it."""
    return connection.execute(select(tasks.c.id).where(tasks.c.call_sid == call_sid)).first() is not None


def open_of(connection: Connection, phone: str | None) -> RowMapping | None:
    """The open call-back of a caller."""
    number = e164(phone) if phone else None
    if number is None:
        return None
    traces = vault_of(connection).traces(number)
    query = select(tasks).where(tasks.c.phone_trace.in_(traces), tasks.c.state.in_(OPEN_STATES))
    return connection.execute(query.order_by(tasks.c.id)).mappings().first()


def kept_places(connection: Connection, rules: Rules, line: Line) -> list[Standing]:
    """The places kept in a line's queue; not of those who are waiting on the line again."""
    waits_again = exists().where(waits.c.task_id == tasks.c.id, waits.c.state != "over")
    query = select(tasks.c.id, tasks.c.place_at, tasks.c.elder, tasks.c.dialect, tasks.c.line).where(
        tasks.c.why == Why.KEEPS_PLACE, tasks.c.state == TaskState.OPEN, tasks.c.attempts == 0, ~waits_again
    )
    return [
        Standing(row.id, row.place_at, row.elder, row.dialect, is_task=True)
        for row in connection.execute(query)
        if rules.seats.line(row.line) is line
    ]


def list_tasks(
    connection: Connection,
    rules: Rules,
    now: datetime,
    *,
    state: TaskState | None = None,
    line: Line | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Task]:
    """The oldest first, those that are open unless a state is named; `after` pages on from an id."""
    query: Select[Any] = select(tasks).order_by(tasks.c.id).limit(limit)
    query = query.where(tasks.c.state.in_(OPEN_STATES) if state is None else tasks.c.state == state)
    if line is not None:
        query = query.where(tasks.c.line == line)
    if after is not None:
        query = query.where(tasks.c.id > after)
    return [_shown(connection, rules, row, now) for row in connection.execute(query).mappings().all()]


def find(connection: Connection, rules: Rules, task_id: int, now: datetime) -> Task:
    """One of them. Raises Problem 404."""
    return _shown(connection, rules, row_by_id(connection, task_id), now)


def row_by_id(connection: Connection, task_id: int) -> RowMapping:
    """A task's row. Raises Problem 404."""
    row = connection.execute(select(tasks).where(tasks.c.id == task_id)).mappings().first()
    if row is None:
        raise Problem(404, "Not Found", f"task: no call-back {task_id}", field="task")
    return row


def contact(
    connection: Connection, task_id: int, who: Principal, purpose: Purpose, note: str | None, now: datetime
) -> Contact:
    """The whole number and what was said; the look is written down. Raises Problem 404."""
    row = row_by_id(connection, task_id)
    seen.write_down(connection, who, purpose, note, now, task_id=task_id)
    conversation = CONVERSATION + row["call_sid"]
    return Contact(
        phone=row["phone"],
        draft=inbox.last_draft(connection, conversation),
        said=seen.said_in(connection, conversation),
    )


def take(connection: Connection, task_id: int, login: str, now: datetime) -> None:
    """Take a call-back; a second time changes nothing. Raises Problem 404, or 409 when it is another's or over."""
    taken = connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id, tasks.c.state == TaskState.OPEN)
        .values(state=TaskState.TAKEN, taken_by=login, taken_at=now)
        .returning(tasks.c.id)
    ).first()
    if taken is None:
        row = row_by_id(connection, task_id)
        if row["state"] != TaskState.TAKEN or row["taken_by"] != login:
            raise _refused(row)


def give_back(connection: Connection, task_id: int, who: Principal) -> None:
    """Let somebody else take it. Raises Problem 404, 409."""
    _own(connection, task_id, who)
    connection.execute(
        update(tasks).where(tasks.c.id == task_id).values(state=TaskState.OPEN, taken_by=None, taken_at=None)
    )


def finish(connection: Connection, task_id: int, done: Done, who: Principal, now: datetime) -> None:
    """The caller was reached: what came of it. Raises Problem 404 for the task or the order, 409."""
    _own(connection, task_id, who)
    check_order(connection, done.order)
    connection.execute(insert(tries).values(task_id=task_id, at=now, actor=who.name, missed=None, note=done.note))
    told = {"result": done.result, "note": done.note, "order_number": done.order}
    close(connection, task_id, TaskState.DONE, who.name, now, told | {"attempts": tasks.c.attempts + 1})


def not_reached(
    connection: Connection, rules: Rules, task_id: int, said: NotReached, who: Principal, now: datetime
) -> None:
    """A try that reached nobody: again after a pause, or never, by the city's rule. Raises Problem 404, 409."""
    row = _own(connection, task_id, who)
    connection.execute(
        insert(tries).values(task_id=task_id, at=now, actor=who.name, missed=said.missed, note=said.note)
    )
    attempts, wanted = row["attempts"] + 1, rules.seats.tasks
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id)
        .values(state=TaskState.OPEN, attempts=attempts, not_before=now + wanted.pause, taken_by=None, taken_at=None)
    )
    if attempts >= wanted.enough or said.missed in (Missed.WRONG_NUMBER, Missed.REFUSED):
        close(connection, task_id, TaskState.CLOSED, who.name, now, {"result": Ending.NOT_REACHED})


def called_again(connection: Connection, task_id: int, seat: str, now: datetime) -> None:
    """The caller called and has a seat on the line: nobody needs to call back. Nothing where it is over."""
    close(connection, task_id, TaskState.DONE, seat, now, {"result": Ending.CALLED_AGAIN})


def close(
    connection: Connection, task_id: int, state: TaskState, actor: str, now: datetime, told: dict[str, Any]
) -> None:
    """End a task that is open."""
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task_id, tasks.c.state.in_(OPEN_STATES))
        .values(state=state, closed_at=now, closed_by=actor, **told)
    )


def check_order(connection: Connection, number: str | None) -> None:
    """Raise Problem 404 for an order that is not there."""
    if number is not None:
        row_of(connection, number)


def counts(connection: Connection, rules: Rules, now: datetime) -> tuple[int, int]:
    """How many are open, and how many of these late."""
    query = select(tasks.c.why, tasks.c.created_at).where(tasks.c.state.in_(OPEN_STATES))
    rows = connection.execute(query).all()
    return len(rows), sum(rules.due(Why(row.why), row.created_at) < now for row in rows)


def _phone_of(connection: Connection, state: CallState) -> str | None:
    """The calling number; else what was said in the call; else the contact of the order the call speaks of."""
    draft = inbox.last_draft(connection, CONVERSATION + state.call_sid) or {}
    ordered = None
    if state.order is not None:
        query = select(work_orders.c.contact_phone).where(work_orders.c.number == state.order)
        ordered = connection.execute(query).scalar()
    for given in (state.caller, draft.get("contact_phone"), ordered):
        if isinstance(given, str) and (number := e164(given)):
            return number
    return None


def _place(connection: Connection, call_sid: str) -> datetime | None:
    query = select(waits.c.stands_since).where(waits.c.call_sid == call_sid).order_by(waits.c.id.desc()).limit(1)
    found: datetime | None = connection.execute(query).scalar()
    return found


def _has_talked(connection: Connection, call_sid: str) -> bool:
    query = select(waits.c.joined_at).where(waits.c.call_sid == call_sid).order_by(waits.c.id.desc()).limit(1)
    return connection.execute(query).scalar() is not None


def _own(connection: Connection, task_id: int, who: Principal) -> RowMapping:
    """A task somebody may finish: taken by them, or by anybody for a dispatcher. Raises Problem 404, 409."""
    row = row_by_id(connection, task_id)
    others = row["taken_by"] != who.name and who.role not in DOES_OTHERS
    if row["state"] != TaskState.TAKEN or others:
        raise _refused(row)
    return row


def _refused(row: RowMapping) -> Problem:
    told = {
        TaskState.OPEN: "is open; take it first",
        TaskState.TAKEN: f"is with {row['taken_by']}",
        TaskState.DONE: "is done",
        TaskState.CLOSED: "is closed",
    }[TaskState(row["state"])]
    return Problem(409, "Conflict", f"task: call-back {row['id']} {told}", field="task")


def _shown(connection: Connection, rules: Rules, row: RowMapping, now: datetime) -> Task:
    query = select(tries.c.missed).where(tries.c.task_id == row["id"], tries.c.missed.is_not(None))
    due = rules.due(Why(row["why"]), row["created_at"])
    return Task.model_validate(
        {
            **{name: row[name] for name in Task.model_fields if name in row},
            "order": row["order_number"],
            "due": due,
            "overdue": row["state"] in OPEN_STATES and due < now,
            "missed": list(connection.execute(query.order_by(tries.c.id)).scalars()),
        }
    )
