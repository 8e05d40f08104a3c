"""Keeping the tables of seats and queues true and short: what nobody told us of, and what is to be forgotten.

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select

from ivr.calls import calls, sids_of
from ivr.flow import CallState, Facts, Why
from ivr.people import seats, talks, tasks, waits
from ivr.people.rules import Rules
from ivr.people.tables import legs, looks, tries
from ivr.people.tables import talks as talk_table
from ivr.people.tables import tasks as task_table
from ivr.people.tables import waits as wait_table
from ivr.people.waits import LOST, WaitState

LONGEST_WAIT = timedelta(hours=4)
MOST = 200


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many seats went off duty, talks ended and waits ended because nothing was heard of them."""

    seats: int
    talks: int
    waits: int

    def __bool__(self) -> bool:
        return bool(self.seats or self.talks or self.waits)


def tidy(connection: Connection, rules: Rules, now: datetime) -> Tidied:
    """End what nobody told the end of; for the worker to do now and then. Whoever was still waiting is called back."""
    return Tidied(
        seats.sign_off_silent(connection, rules, now),
        talks.end_stale(connection, now),
        _end_lost_waits(connection, now),
    )


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove all that is kept of the people in these calls."""
    call_sids = sids_of(conversation_ids)
    ours = select(task_table.c.id).where(task_table.c.call_sid.in_(call_sids))
    met = select(talk_table.c.id).where(talk_table.c.call_sid.in_(call_sids))
    connection.execute(delete(looks).where(or_(looks.c.task_id.in_(ours), looks.c.talk_id.in_(met))))
    connection.execute(delete(legs).where(legs.c.talk_id.in_(met)))
    connection.execute(delete(talk_table).where(talk_table.c.call_sid.in_(call_sids)))
    connection.execute(delete(tries).where(tries.c.task_id.in_(ours)))
    connection.execute(wait_table.update().where(wait_table.c.task_id.in_(ours)).values(task_id=None))
    connection.execute(delete(wait_table).where(wait_table.c.call_sid.in_(call_sids)))
    connection.execute(delete(task_table).where(task_table.c.call_sid.in_(call_sids)))


def _end_lost_waits(connection: Connection, now: datetime) -> int:
    """End the waits of calls that are over, or that began long ago."""
    query = (
        select(wait_table)
        .join(calls, calls.c.call_sid == wait_table.c.call_sid, isouter=True)
        .where(wait_table.c.state != WaitState.OVER)
        .where(or_(calls.c.ended_at.is_not(None), wait_table.c.entered_at < now - LONGEST_WAIT))
        .limit(MOST)
    )
    lost = connection.execute(query).mappings().all()
    for row in lost:
        was = waits.leave(connection, row["call_sid"], LOST, now)
        if was in (WaitState.WAITING, WaitState.OFFERED):
            facts = Facts(elder=row["elder"])
            state = CallState(row["call_sid"], row["caller"], line=row["line"], facts=facts, dialect=row["dialect"])
            tasks.make(connection, Why.LEFT_WAITING, state, now)
    return len(lost)
