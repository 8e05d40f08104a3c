"""The desk's tables."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from core.database import UtcDateTime, metadata
from desk.model import Channel, Line, State


def _one_of(column: str, values: type[State] | type[Line] | type[Channel]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"known_{column}")


work_orders = Table(
    "work_orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("query_code", String(6), nullable=False),
    Column("line", String(20), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("conversation_id", String(200)),
    Column("message_id", String(200)),
    Column("state", String(30), nullable=False),
    Column("automatic", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("summary", String(200)),
    Column("category", String(2)),
    Column("confidence", Float),
    Column("ranking", JSON, nullable=False),
    Column("nature", String(10)),
    Column("area_code", String(12)),
    Column("place", String(200)),
    Column("occurred", String(200)),
    Column("contact_phone", String(20)),
    Column("contact_name", String(50)),
    Column("company_name", String(100)),
    Column("credit_code", String(18)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    _one_of("state", State),
    _one_of("line", Line),
    _one_of("channel", Channel),
    Index(None, "conversation_id"),
    Index(None, "state", "created_at"),
    Index(None, "category", "created_at"),
)

work_order_events = Table(
    "work_order_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("data", JSON, nullable=False),
    UniqueConstraint("work_order_id", "sequence"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

daily_sequences = Table(
    "daily_sequences",
    metadata,
    Column("day", Date, primary_key=True),
    Column("last", Integer, nullable=False),
)

query_failures = Table(
    "query_failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "number", "at"),
)
