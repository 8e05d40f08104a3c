"""部门联办: an order's unit and others handle it together, with meetings, tasks and one time limit.

It ends with the reply of the lead unit. Every function takes the connection of a running transaction.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import (
    JSON,
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

from core.access import Principal
from core.database import UtcDateTime, metadata
from core.problems import Problem
from core.records import RequestBody
from desk.limits.clocks import Clocks, end, must_be_ahead
from desk.limits.deadlines import Step
from desk.orders import model
from desk.orders.model import Short, State
from desk.orders.register import add_event, locked
from desk.orders.tables import work_orders

IN_HANDS = frozenset(
    {State.PENDING_SIGN, State.IN_PROGRESS, State.WAITING_FOR_CITIZEN, State.EXTENSION_ASKED, State.REDO}
)
"""States in which a unit has the order, and has not answered it."""
Unit = Annotated[str, Field(min_length=2, max_length=50)]

joint_handlings = Table(
    "joint_handlings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("lead", String(50), nullable=False),
    Column("assist_units", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("opened_by", String(50), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index(None, "work_order_id"),
)

joint_meetings = Table(
    "joint_meetings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("joint_handling_id", ForeignKey("joint_handlings.id"), nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Column("participants", JSON, nullable=False),
    Column("agreed", Text, nullable=False),
    Index(None, "joint_handling_id"),
)

joint_tasks = Table(
    "joint_tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("joint_handling_id", ForeignKey("joint_handlings.id"), nullable=False),
    Column("unit", String(50), nullable=False),
    Column("task", Text, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime),
    Column("done_by", String(50)),
    Column("note", Text),
    Index(None, "joint_handling_id"),
)


class NewJointHandling(RequestBody):
    """联办: which units assist the order's own, why, and until when all is done."""

    assist_units: list[Unit] = Field(min_length=1, max_length=10)
    reason: model.Text
    until: AwareDatetime | None = Field(None, description="None: the time city/deadlines.yml gives")


class NewTask(RequestBody):
    """What one of the units does; until the joint time limit when no other is set."""

    unit: Unit
    task: model.Text
    until: AwareDatetime | None = None


class NewMeeting(RequestBody):
    """会议纪要: when it was, who took part, what was agreed, and who does what."""

    held_at: AwareDatetime
    participants: list[Short] = Field(min_length=2, max_length=50)
    agreed: model.Text
    tasks: list[NewTask] = Field(default_factory=list, max_length=20)


class TaskDone(RequestBody):
    """What was done."""

    note: model.Text


class _Shown(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Meeting(_Shown):
    """A meeting that was held."""

    held_at: datetime
    participants: list[str]
    agreed: str


class Task(_Shown):
    """A task of one unit."""

    id: int
    unit: str
    task: str
    due: datetime
    done_at: datetime | None
    done_by: str | None
    note: str | None


class JointHandling(_Shown):
    """A joint handling with its meetings and tasks."""

    lead: str
    assist_units: list[str]
    reason: str
    due: datetime
    opened_by: str
    opened_at: datetime
    ended_at: datetime | None
    meetings: list[Meeting]
    tasks: list[Task]


def open_joint(
    connection: Connection, clocks: Clocks, number: str, new: NewJointHandling, now: datetime, actor: str
) -> JointHandling:
    """Let others assist the order's unit, which leads; they see the order from now on.

    Raises Problem 404, 409 when no unit has the order in its hands or one is open already, 422 for units or a time that
    do not fit.
    """
    order = locked(connection, number)
    if order["state"] not in IN_HANDS:
        raise Problem(409, "Conflict", f"work order {number} is {order['state']}; no unit has it in its hands")
    if _open_row(connection, order["id"]) is not None:
        raise Problem(409, "Conflict", f"work order {number} is handled jointly already")
    units = list(dict.fromkeys(new.assist_units))
    if order["unit"] in units:
        detail = f"assist_units: {order['unit']} leads; name the units that assist it"
        raise Problem(422, "Unprocessable Content", detail, field="assist_units")
    if new.until is not None:
        must_be_ahead(new.until, now, "until")
    due = clocks.start(connection, order, Step.JOINT, now, new.until)
    everybody = list(dict.fromkeys([*order["assist_units"], *units]))
    changed = update(work_orders).where(work_orders.c.id == order["id"])
    connection.execute(changed.values(assist_units=everybody))
    told = {"lead": order["unit"], "assist_units": units, "reason": new.reason}
    values = {**told, "work_order_id": order["id"], "due": due, "opened_by": actor, "opened_at": now}
    connection.execute(insert(joint_handlings).values(**values))
    add_event(connection, order["id"], "joint_open", {**told, "due": due.isoformat()}, now, actor)
    return of(connection, order["id"])[-1]


def add_meeting(connection: Connection, number: str, held: NewMeeting, now: datetime, actor: str) -> JointHandling:
    """Keep the record of a meeting, and give the units their tasks.

    Raises Problem 404, 409 without a joint handling, 422 for a time or a unit that does not fit.
    """
    order, joint = _locked_joint(connection, number)
    if held.held_at > now:
        detail = f"held_at: {held.held_at.isoformat()} is still to come; a record is made after the meeting"
        raise Problem(422, "Unprocessable Content", detail, field="held_at")
    for task in held.tasks:
        _must_fit(task, joint, now)
    record = held.model_dump(exclude={"tasks"})
    connection.execute(insert(joint_meetings).values(**record, joint_handling_id=joint["id"]))
    for task in held.tasks:
        values = {"unit": task.unit, "task": task.task, "due": task.until or joint["due"]}
        connection.execute(insert(joint_tasks).values(**values, joint_handling_id=joint["id"]))
    add_event(connection, order["id"], "joint_meeting", held.model_dump(mode="json"), now, actor)
    return of(connection, order["id"])[-1]


def finish_task(
    connection: Connection, number: str, task_id: int, done: TaskDone, now: datetime, who: Principal
) -> JointHandling:
    """Mark a task as done; people of a unit only their unit's.

    Raises Problem 404 without such a task, 403 for another unit's, 409 when it is done already.
    """
    order, joint = _locked_joint(connection, number)
    query = select(joint_tasks).where(joint_tasks.c.id == task_id, joint_tasks.c.joint_handling_id == joint["id"])
    task = connection.execute(query).mappings().first()
    if task is None:
        raise Problem(404, "Not Found", f"task: work order {number} has no task {task_id}", field="task")
    if who.unit not in (None, task["unit"]):
        raise Problem(403, "Forbidden", f"task: {task_id} is {task['unit']}'s and not {who.unit}'s", field="task")
    if task["done_at"] is not None:
        raise Problem(409, "Conflict", f"task: {task_id} is done already", field="task")
    changed = update(joint_tasks).where(joint_tasks.c.id == task_id)
    connection.execute(changed.values(done_at=now, done_by=who.name, note=done.note))
    told = {"task": task["task"], "unit": task["unit"], "note": done.note}
    add_event(connection, order["id"], "joint_task_done", told, now, who.name)
    return of(connection, order["id"])[-1]


def of(connection: Connection, order_id: int) -> list[JointHandling]:
    """All joint handlings of an order, the oldest first."""
    query = select(joint_handlings).where(joint_handlings.c.work_order_id == order_id).order_by(joint_handlings.c.id)
    return [
        JointHandling.model_validate(
            {
                **row,
                "meetings": _parts(connection, joint_meetings, row["id"]),
                "tasks": _parts(connection, joint_tasks, row["id"]),
            }
        )
        for row in connection.execute(query).mappings().all()
    ]


def refuse_reply_with_open_tasks(connection: Connection, order_id: int, note: str | None) -> None:
    """Raise Problem 409 for a reply without a note while tasks are open."""
    joint = _open_row(connection, order_id)
    if joint is None or note is not None:
        return
    waiting = [task["unit"] for task in _parts(connection, joint_tasks, joint["id"]) if task["done_at"] is None]
    if waiting:
        detail = f"note: missing while tasks of {', '.join(waiting)} are open; say why the reply does not wait for them"
        raise Problem(409, "Conflict", detail, field="note")


def move_due(connection: Connection, order_id: int, before: datetime, due: datetime) -> None:
    """An order's joint handling has another time limit, and with it the open tasks that had no other of their own."""
    joint = _open_row(connection, order_id)
    if joint is None:
        return
    connection.execute(update(joint_handlings).where(joint_handlings.c.id == joint["id"]).values(due=due))
    mine = (joint_tasks.c.joint_handling_id == joint["id"]) & joint_tasks.c.done_at.is_(None)
    last = (joint_tasks.c.due == before) | (joint_tasks.c.due > due)
    connection.execute(update(joint_tasks).where(mine, last).values(due=due))


def end_open(connection: Connection, order_id: int, reason: str, now: datetime, actor: str) -> None:
    """End an order's joint handling, if there is one."""
    joint = _open_row(connection, order_id)
    if joint is not None:
        connection.execute(update(joint_handlings).where(joint_handlings.c.id == joint["id"]).values(ended_at=now))
        end(connection, order_id, [Step.JOINT], now)
        add_event(connection, order_id, "joint_end", {"reason": reason}, now, actor)


def _must_fit(task: NewTask, joint: RowMapping, now: datetime) -> None:
    units = [joint["lead"], *joint["assist_units"]]
    if task.unit not in units:
        detail = f"tasks: {task.unit} does not take part; the units are {', '.join(units)}"
        raise Problem(422, "Unprocessable Content", detail, field="tasks")
    if task.until is not None and not now < task.until <= joint["due"]:
        detail = f"tasks: {task.until.isoformat()} has to be after now and not after {joint['due'].isoformat()}"
        raise Problem(422, "Unprocessable Content", detail, field="tasks")


def _locked_joint(connection: Connection, number: str) -> tuple[RowMapping, RowMapping]:
    order = locked(connection, number)
    joint = _open_row(connection, order["id"])
    if joint is None:
        raise Problem(409, "Conflict", f"work order {number} is not handled jointly now")
    return order, joint


def _open_row(connection: Connection, order_id: int) -> RowMapping | None:
    query = select(joint_handlings).where(
        joint_handlings.c.work_order_id == order_id, joint_handlings.c.ended_at.is_(None)
    )
    return connection.execute(query).mappings().first()


def _parts(connection: Connection, table: Table, joint_id: int) -> list[dict[str, Any]]:
    query = select(table).where(table.c.joint_handling_id == joint_id).order_by(table.c.id)
    return [dict(row) for row in connection.execute(query).mappings()]
