"""What was said in a call so far, and who of the staff looked at it: each look is written down.

Every function takes the connection of a running transaction.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, insert, select

from core.access import Principal
from desk.personal_data.looks import Purpose
from intake import inbox
from ivr.people.tables import looks


class Said(BaseModel):
    """One exchange: what the caller said, and what was answered; `replies` is empty while that is worked on."""

    at: datetime
    text: str
    replies: list[str]


class PhoneLook(BaseModel):
    """One look at a caller's number or words, as auditors see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    task_id: int | None
    talk_id: int | None
    at: datetime
    actor: str
    role: str
    purpose: str
    note: str | None


def said_in(connection: Connection, conversation_id: str) -> list[Said]:
    """The transcript of a conversation, the oldest first."""
    turns = inbox.history(connection, conversation_id)
    return [
        Said(at=turn.received_at, text=turn.text, replies=[r.text for r in turn.answer.replies] if turn.answer else [])
        for turn in turns
    ]


def write_down(
    connection: Connection,
    who: Principal,
    purpose: Purpose,
    note: str | None,
    now: datetime,
    *,
    task_id: int | None = None,
    talk_id: int | None = None,
) -> None:
    """Remember that somebody looked at who a caller is or what they said."""
    connection.execute(
        insert(looks).values(
            task_id=task_id, talk_id=talk_id, at=now, actor=who.name, role=str(who.role), purpose=purpose, note=note
        )
    )


def list_looks(
    connection: Connection, actor: str | None = None, before: int | None = None, limit: int = 50
) -> list[PhoneLook]:
    """The newest looks first, of all or of one of the staff; `before` pages on from an id."""
    query = select(looks).order_by(looks.c.id.desc()).limit(limit)
    if actor is not None:
        query = query.where(looks.c.actor == actor)
    if before is not None:
        query = query.where(looks.c.id < before)
    return [PhoneLook.model_validate(dict(row)) for row in connection.execute(query).mappings()]
