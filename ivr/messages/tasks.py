"""What is to be done with recordings, durably: rows with a next try and a lease, as deliveries are.

Every function takes the connection of a running transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, insert, or_, select, tuple_, update

from ivr.messages.tables import Task, recording_tasks, recordings

AT_ONCE = 4
"""Recordings worked on side by side: each may be in memory as a whole."""


@dataclass(frozen=True, slots=True)
class Job:
    """A task that is leased, with what is known of its recording; `attempts` counts this one."""

    sid: str
    task: Task
    attempts: int
    carrier: str | None
    url: str | None
    path: str | None
    key: str | None
    media_type: str | None
    work_order_id: int | None


def add(connection: Connection, sid: str, task: Task, due_at: datetime) -> None:
    """Have something done with a recording; what was to be done already starts anew."""
    drop(connection, sid, task)
    connection.execute(insert(recording_tasks).values(sid=sid, task=task, due_at=due_at, attempts=0))


def is_wanted(connection: Connection, sid: str, task: Task) -> bool:
    """Whether something is still to be done with a recording."""
    query = select(recording_tasks.c.sid).where(recording_tasks.c.sid == sid, recording_tasks.c.task == task)
    return connection.execute(query).first() is not None


def drop(connection: Connection, sid: str, *tasks: Task) -> None:
    """Have something not done, or note that it is."""
    connection.execute(delete(recording_tasks).where(recording_tasks.c.sid == sid, recording_tasks.c.task.in_(tasks)))


def take(
    connection: Connection, tasks: Collection[Task], carriers: Collection[str], lease: timedelta, now: datetime
) -> list[Job]:
    """Lease what is due of these tasks, the longest due first; what needs a carrier, only of these carriers."""
    here = recording_tasks.c.task.in_([Task.TRANSCRIBE, Task.REMOVE])
    due = (
        select(recording_tasks.c.sid, recording_tasks.c.task)
        .join(recordings, recordings.c.sid == recording_tasks.c.sid)
        .where(recording_tasks.c.due_at <= now, recording_tasks.c.task.in_(list(tasks)))
        .where(or_(here, recordings.c.carrier.in_(list(carriers))))
        .order_by(recording_tasks.c.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True, of=recording_tasks)
    )
    keys = [tuple(row) for row in connection.execute(due)]
    if not keys:
        return []
    taken = tuple_(recording_tasks.c.sid, recording_tasks.c.task).in_(keys)
    connection.execute(
        update(recording_tasks).where(taken).values(due_at=now + lease, attempts=recording_tasks.c.attempts + 1)
    )
    columns = [recordings.c[name] for name in ("carrier", "url", "path", "key", "media_type", "work_order_id")]
    query = select(recording_tasks.c.sid, recording_tasks.c.task, recording_tasks.c.attempts, *columns)
    rows = connection.execute(query.join(recordings, recordings.c.sid == recording_tasks.c.sid).where(taken)).mappings()
    return [Job(**{**row, "task": Task(row["task"])}) for row in rows]


def postpone(connection: Connection, job: Job, due_at: datetime, *, counted: bool = True) -> None:
    """Try again later, unless another worker has taken it meanwhile. `counted`: this was a try."""
    attempts = job.attempts if counted else job.attempts - 1
    mine = and_(
        recording_tasks.c.sid == job.sid, recording_tasks.c.task == job.task, recording_tasks.c.attempts == job.attempts
    )
    connection.execute(update(recording_tasks).where(mine).values(due_at=due_at, attempts=attempts))
