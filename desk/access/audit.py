"""The audit log: users and their rights, API tokens, phone lists, the campaign. Append-only by the database.

Every function takes the connection of a running transaction.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import JSON, Column, Connection, Index, Integer, String, Table, insert, select

from core.database import UtcDateTime, metadata

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("subject", String(50), nullable=False),
    Column("data", JSON, nullable=False),
    Index(None, "subject"),
)


class Kind(StrEnum):
    """What was done."""

    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_DEACTIVATED = "user_deactivated"
    USER_REACTIVATED = "user_reactivated"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, and no password
    PASSWORD_RESET = "password_reset"  # noqa: S105
    TOKEN_MADE = "token_made"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    PHONE_LISTED = "phone_listed"
    PHONE_UNLISTED = "phone_unlisted"
    CAMPAIGN_PAUSED = "campaign_paused"
    CAMPAIGN_RESUMED = "campaign_resumed"


class Entry(BaseModel):
    """One entry: `actor` did it, `subject` is the login or the token's name it was done to."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    kind: Kind
    subject: str
    data: dict[str, Any]


def note(
    connection: Connection, kind: Kind, subject: str, actor: str, now: datetime, data: dict[str, Any] | None = None
) -> None:
    """Write one entry."""
    connection.execute(insert(audit).values(at=now, actor=actor, kind=kind, subject=subject, data=data or {}))


def entries(
    connection: Connection, subject: str | None = None, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """The newest entries first, all of them or those about one user or token."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Entry.model_validate(dict(row)) for row in connection.execute(query).mappings()]
