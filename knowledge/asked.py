"""What was asked, what the knowledge base made of it, and what became of the answer.

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from core.problems import Problem
from knowledge.search.judge import Finding
from knowledge.tables import Outcome, questions

OFFERED = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a conversation; `message_id` is the channel's own: a repeat is the same question."""

    text: str
    channel: str
    line: str
    conversation_id: str
    message_id: str


def note(connection: Connection, asked: Asked, finding: Finding, now: datetime) -> int:
    """Keep a question with what was found; returns its id, the same for a repeat."""
    same = (questions.c.conversation_id == asked.conversation_id) & (questions.c.message_id == asked.message_id)
    if (known := connection.execute(select(questions.c.id).where(same)).scalar()) is not None:
        return int(known)
    told = finding.answer
    row = {
        "asked_at": now,
        "channel": asked.channel,
        "line": asked.line,
        "conversation_id": asked.conversation_id,
        "message_id": asked.message_id,
        "text": asked.text,
        "verdict": finding.verdict,
        "entry_id": told.entry.id if told else None,
        "version": told.entry.version if told else None,
        "offered": [candidate.entry.id for candidate in finding.candidates[:OFFERED]],
    }
    return int(connection.execute(insert(questions).values(row).returning(questions.c.id)).scalar_one())


def chosen(connection: Connection, question_id: int, entry_id: str, version: int) -> None:
    """The citizen has chosen an entry of those that were offered."""
    changed = {"entry_id": entry_id, "version": version}
    connection.execute(update(questions).where(questions.c.id == question_id).values(changed))


def told_to(connection: Connection, question_id: int) -> str | None:
    """The entry that a question was answered with; None where there is no such question, or no answer."""
    told: str | None = connection.execute(select(questions.c.entry_id).where(questions.c.id == question_id)).scalar()
    return told


def settle(
    connection: Connection, question_id: int, outcome: Outcome, now: datetime, order_number: str | None = None
) -> None:
    """Note what became of an answer; the last word counts. Raises Problem 404 for an unknown question."""
    changed = {"outcome": outcome, "outcome_at": now}
    if order_number is not None:
        changed["order_number"] = order_number
    if not connection.execute(update(questions).where(questions.c.id == question_id).values(changed)).rowcount:
        raise Problem(404, "Not Found", f"question: there is none of the id {question_id}")


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove what was asked in conversations; the verdicts stay for the figures."""
    of_them = questions.c.conversation_id.in_(conversation_ids)
    connection.execute(update(questions).where(of_them).values(text=None))
