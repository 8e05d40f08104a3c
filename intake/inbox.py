"""Reading and writing the inbox. Every function takes the connection of a running transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_postgresql
from sqlalchemy.dialects.sqlite import insert as upsert_sqlite

from desk.orders.model import Channel, Line
from desk.orders.tables import work_orders
from intake.messages import Answer, InboundMessage, Turn
from intake.tables import inbox

PENDING, ANSWERED = "pending", "answered"
LONGEST_HISTORY = 500


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that is safely stored. `answer` is set when it is a repeat that was answered before.

    `is_new`: it came for the first time; a repeat without an answer may have reached the bot before.
    """

    id: int
    message: InboundMessage
    answer: Answer | None
    is_new: bool = False


def accept(connection: Connection, message: InboundMessage, now: datetime) -> Accepted:
    """Store a message, or find it again by the channel's own id."""
    insert_or_skip = upsert_sqlite if connection.dialect.name == "sqlite" else upsert_postgresql
    inserted = connection.execute(
        insert_or_skip(inbox)
        .values(
            channel=message.channel,
            conversation_id=message.conversation_id,
            message_id=message.message_id,
            line=message.line,
            caller=message.caller,
            text=message.text,
            received_at=now,
            state=PENDING,
        )
        .on_conflict_do_nothing()
        .returning(inbox.c.id)
    ).scalar()
    if inserted is not None:
        return Accepted(int(inserted), message, None, is_new=True)
    row = connection.execute(
        select(inbox).where(
            inbox.c.conversation_id == message.conversation_id, inbox.c.message_id == message.message_id
        )
    ).mappings()
    return _accepted(row.one())


def store_answer(connection: Connection, accepted_id: int, answer: Answer, now: datetime) -> Answer:
    """Keep the answer to a message, unless it has one; return the one that is kept."""
    changed = connection.execute(
        update(inbox)
        .where(inbox.c.id == accepted_id, inbox.c.state == PENDING)
        .values(state=ANSWERED, answer=answer.to_json(), answered_at=now)
    )
    if changed.rowcount == 1:
        return answer
    stored = connection.execute(select(inbox.c.answer).where(inbox.c.id == accepted_id)).scalar_one()
    return Answer.from_json(stored)


def history(connection: Connection, conversation_id: str) -> list[Turn]:
    """The newest turns of a conversation, oldest first."""
    query = (
        select(inbox)
        .where(inbox.c.conversation_id == conversation_id)
        .order_by(inbox.c.id.desc())
        .limit(LONGEST_HISTORY)
    )
    rows = connection.execute(query).mappings().all()
    return [Turn(r["message_id"], r["text"], r["received_at"], _answer(r)) for r in reversed(rows)]


def since(connection: Connection, conversation_id: str, moment: datetime) -> list[Accepted]:
    """The messages of a conversation since a moment, oldest first."""
    query = select(inbox).where(inbox.c.conversation_id == conversation_id, inbox.c.received_at >= moment)
    return [_accepted(row) for row in connection.execute(query.order_by(inbox.c.id)).mappings()]


def last(connection: Connection, conversation_id: str) -> Accepted | None:
    """The newest message of a conversation."""
    query = select(inbox).where(inbox.c.conversation_id == conversation_id).order_by(inbox.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _accepted(row)


def last_draft(connection: Connection, conversation_id: str) -> dict[str, Any] | None:
    """What the bot had of an unfiled order at its last answer in the conversation, or None."""
    answer = last_answer(connection, conversation_id)
    return None if answer is None else answer.draft


def last_answer(connection: Connection, conversation_id: str) -> Answer | None:
    """What was last answered in the conversation."""
    query = (
        select(inbox.c.answer)
        .where(inbox.c.conversation_id == conversation_id, inbox.c.state == ANSWERED)
        .order_by(inbox.c.id.desc())
        .limit(1)
    )
    answer = connection.execute(query).scalar()
    return None if answer is None else Answer.from_json(answer)


def unanswered(connection: Connection, received_before: datetime, limit: int = 100) -> list[Accepted]:
    """Messages that have waited since before `received_before`, oldest first."""
    query = (
        select(inbox)
        .where(inbox.c.state == PENDING, inbox.c.received_at <= received_before)
        .order_by(inbox.c.received_at)
        .limit(limit)
    )
    return [_accepted(row) for row in connection.execute(query).mappings()]


def forget(connection: Connection, conversation_ids: Sequence[str]) -> None:
    """Remove all that was said in these conversations."""
    connection.execute(delete(inbox).where(inbox.c.conversation_id.in_(conversation_ids)))


def forgettable(connection: Connection, silent_since: datetime, limit: int = 100) -> list[str]:
    """The conversations that no order came of, and in which nothing was said since `silent_since`."""
    query = (
        select(inbox.c.conversation_id)
        .where(~select(work_orders.c.id).where(work_orders.c.conversation_id == inbox.c.conversation_id).exists())
        .group_by(inbox.c.conversation_id)
        .having(func.max(inbox.c.received_at) < silent_since)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def _accepted(row: RowMapping) -> Accepted:
    message = InboundMessage(
        channel=Channel(row["channel"]),
        conversation_id=row["conversation_id"],
        message_id=row["message_id"],
        text=row["text"],
        line=Line(row["line"]),
        caller=row["caller"],
    )
    return Accepted(row["id"], message, _answer(row))


def _answer(row: RowMapping) -> Answer | None:
    return None if row["answer"] is None else Answer.from_json(row["answer"])
