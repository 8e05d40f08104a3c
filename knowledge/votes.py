"""Whether an answer helped, by those who read it.

Every function takes the connection of a running transaction.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, func, insert, select, update

from knowledge.tables import Outcome, questions, votes


@dataclass(frozen=True, slots=True)
class Usefulness:
    """How an entry does: readers whom it helped or not, citizens whose matter it settled or not."""

    entry_id: str
    helped: int
    not_helped: int
    solved: int
    unsolved: int


def vote(connection: Connection, entry_id: str, version: int, voter: str, helped: bool, now: datetime) -> None:
    """Note a reader's opinion of a version; their last one counts. `voter`: an id of the reader's own making."""
    trace = hashlib.sha256(voter.encode()).hexdigest()
    mine = (votes.c.entry_id == entry_id) & (votes.c.version == version) & (votes.c.voter == trace)
    if not connection.execute(update(votes).where(mine).values(helped=helped, at=now)).rowcount:
        row = {"entry_id": entry_id, "version": version, "voter": trace, "helped": helped, "at": now}
        connection.execute(insert(votes).values(row))


def usefulness(connection: Connection, since: datetime, limit: int = 100) -> list[Usefulness]:
    """The entries that did worst since then, at most `limit`."""
    counted: dict[str, list[int]] = {}
    read = select(votes.c.entry_id, _count(votes.c.helped.is_(True)), _count(votes.c.helped.is_(False)))
    for entry_id, helped, not_helped in connection.execute(read.where(votes.c.at >= since).group_by(votes.c.entry_id)):
        counted[entry_id] = [helped, not_helped, 0, 0]
    solved, unsolved = (_count(questions.c.outcome == outcome) for outcome in (Outcome.SOLVED, Outcome.UNSOLVED))
    told = select(questions.c.entry_id, solved, unsolved).where(questions.c.entry_id.is_not(None))
    for entry_id, did, did_not in connection.execute(
        told.where(questions.c.asked_at >= since).group_by(questions.c.entry_id)
    ):
        counted.setdefault(entry_id, [0, 0, 0, 0])[2:] = [did, did_not]
    found = [Usefulness(entry_id, *numbers) for entry_id, numbers in counted.items()]
    return sorted(found, key=lambda each: each.helped + each.solved - each.not_helped - each.unsolved)[:limit]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
