"""The inbox: every inbound message, written down before anything is done with it."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, UniqueConstraint

from core.database import Sealed, SealedJson, UtcDateTime, metadata

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("conversation_id", String(200), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("line", String(20), nullable=False),
    # What a citizen says is sealed whole: asked for their number, they say it.
    Column("caller", Sealed),
    Column("text", Sealed, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("answer", SealedJson),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("conversation_id", "message_id"),
    CheckConstraint("state IN ('pending', 'answered')", name="known_state"),
    Index(None, "state", "received_at"),
)
