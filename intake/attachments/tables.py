"""Files of citizens."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from core.database import Sealed, UtcDateTime, metadata, one_of
from intake.attachments.kinds import Kind

attachments = Table(
    "attachments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", String(200), nullable=False),
    # The message the file is.
    Column("message_id", String(200), nullable=False),
    Column("work_order_id", ForeignKey("work_orders.id")),
    Column("kind", String(10), nullable=False),
    Column("media_type", String(30), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("path", String(100), nullable=False, unique=True),
    # The file's own key; without it the file is noise.
    Column("key", Sealed, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
    one_of("kind", Kind),
    UniqueConstraint("conversation_id", "message_id"),
    Index(None, "work_order_id"),
)
