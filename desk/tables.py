"""The desk's tables."""

from enum import StrEnum

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
    false,
)

from core.database import Sealed, UtcDateTime, metadata
from desk.deadlines import Light, Step
from desk.model import Channel, Line, State, Urgency


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
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
    Column("urgency", String(20), nullable=False, default=Urgency.ORDINARY, server_default=Urgency.ORDINARY),
    Column("complex", Boolean, nullable=False, default=False, server_default=false()),
    Column("unit", String(50)),
    Column("assist_units", JSON, nullable=False, default=list, server_default="[]"),
    Column("dispatches", Integer, nullable=False, default=0, server_default="0"),
    Column("extended", Boolean, nullable=False, default=False, server_default=false()),
    Column("redone", Integer, nullable=False, default=0, server_default="0"),
    Column("merged_into", ForeignKey("work_orders.id")),
    Column("text", Text, nullable=False),
    Column("summary", String(200)),
    Column("category", String(2)),
    Column("confidence", Float),
    Column("ranking", JSON, nullable=False),
    Column("nature", String(10)),
    Column("area_code", String(12)),
    Column("place", String(200)),
    Column("occurred", String(200)),
    Column("contact_phone", Sealed),
    # The keyed hash of the number in E.164: an order is found by it.
    Column("phone_trace", String(64), info={"trace_of": "contact_phone"}),
    Column("contact_name", Sealed),
    Column("id_number", Sealed),
    Column("company_name", String(100)),
    Column("credit_code", String(18)),
    Column("confidential", Boolean, nullable=False, default=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("erased_at", UtcDateTime),
    _one_of("state", State),
    _one_of("line", Line),
    _one_of("channel", Channel),
    _one_of("urgency", Urgency),
    Index(None, "conversation_id"),
    Index(None, "state", "created_at"),
    Index(None, "category", "created_at"),
    Index(None, "unit", "state"),
    Index(None, "phone_trace"),
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

clocks = Table(
    "clocks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("step", String(20), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("yellow", UtcDateTime, nullable=False),
    Column("orange", UtcDateTime, nullable=False),
    Column("red", UtcDateTime, nullable=False),
    Column("light", String(10)),
    Column("next_change", UtcDateTime),
    Column("ended_at", UtcDateTime),
    _one_of("step", Step),
    _one_of("light", Light),
    Index(None, "work_order_id"),
    # The sweep asks only for what changes by now: its cost does not grow with the orders that are open.
    Index(None, "next_change"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime),
    Index(None, "work_order_id"),
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
