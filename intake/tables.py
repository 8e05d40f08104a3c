"""The inbox: every inbound message, written down before anything is done with it."""

from sqlalchemy import JSON, CheckConstraint, Column, Index, Integer, String, Table, Text, UniqueConstraint

from core.database import UtcDateTime, metadata

inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("conversation_id", String(200), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("line", String(20), nullable=False),
    Column("caller", String(20)),
    Column("text", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("answer", JSON),
    Column("answered_at", UtcDateTime),
    UniqueConstraint("conversation_id", "message_id"),
    CheckConstraint("state IN ('pending', 'answered')", name="known_state"),
    Index(None, "state", "received_at"),
)
