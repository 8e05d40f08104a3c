"""Looks at a whole call: each is written down. Every function takes the connection of a running transaction."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, Connection, Index, Integer, String, Table, insert, select

from core.access import Principal
from core.database import UtcDateTime, metadata

# Without a foreign key: the looks at a call outlive it.
call_looks = Table(
    "call_looks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call_sid", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("role", String(20), nullable=False),
    Column("unit", String(50)),
    Column("purpose", String(20), nullable=False),
    Column("note", String(200)),
    Index(None, "call_sid"),
    Index(None, "actor"),
)


class CallLook(BaseModel):
    """One look, as auditors see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    call_sid: str
    at: datetime
    actor: str
    role: str
    unit: str | None
    purpose: str
    note: str | None


def write_down(
    connection: Connection, call_sid: str, who: Principal, purpose: str, note: str | None, now: datetime
) -> None:
    """Remember that somebody looked at a whole call."""
    entry = {"actor": who.name, "role": str(who.role), "unit": who.unit, "purpose": purpose, "note": note, "at": now}
    connection.execute(insert(call_looks).values(call_sid=call_sid, **entry))


def list_looks(
    connection: Connection,
    call_sid: str | None = None,
    actor: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[CallLook]:
    """The newest looks first, of one call or by one of the staff; `before` pages on from an id."""
    query = select(call_looks).order_by(call_looks.c.id.desc()).limit(limit)
    for column, wanted in ((call_looks.c.call_sid, call_sid), (call_looks.c.actor, actor)):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(call_looks.c.id < before)
    return [CallLook.model_validate(dict(row)) for row in connection.execute(query).mappings()]
