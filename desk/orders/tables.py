"""The desk's tables."""

from sqlalchemy import (
    JSON,
    Boolean,
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
    text,
)

from core.database import Sealed, SealedJson, UtcDateTime, metadata, one_of
from desk.limits.deadlines import Light, Step
from desk.orders.model import Channel, Line, Outcome, State, SuggestionClass, Urgency

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
    Column("working_unit", String(50)),
    Column("dispatches", Integer, nullable=False, default=0, server_default="0"),
    Column("returns", Integer, nullable=False, default=0, server_default="0"),
    Column("referred_to", String(50)),
    Column("receipt", String(100)),
    Column("session_id", ForeignKey("leader_sessions.id")),
    Column("deputy", String(50)),
    Column("extended", Boolean, nullable=False, default=False, server_default=false()),
    Column("redone", Integer, nullable=False, default=0, server_default="0"),
    Column("merged_into", ForeignKey("work_orders.id")),
    Column("level", Integer, nullable=False, default=0, server_default="0"),
    Column("people", Integer, nullable=False, default=1, server_default="1"),
    # Its own citizen has withdrawn; it goes on for the others.
    Column("forsaken", Boolean, nullable=False, default=False, server_default=false()),
    Column("reply", Text),
    Column("outcome", String(20)),
    Column("replied_at", UtcDateTime),
    Column("closed_at", UtcDateTime),
    Column("text", Text, nullable=False),
    Column("summary", String(200)),
    Column("category", String(2)),
    Column("confidence", Float),
    Column("ranking", JSON, nullable=False),
    Column("nature", String(10)),
    Column("area_code", String(12)),
    Column("place", String(200)),
    Column("place_key", String(210)),
    # WGS-84, as satellites and Open311 tell it; Chinese maps draw GCJ-02.
    Column("lat", Float),
    Column("long", Float),
    Column("occurred", String(200)),
    Column("contact_phone", Sealed),
    # The keyed hash of the number in E.164: an order is found by it.
    Column("phone_trace", String(64), info={"trace_of": "contact_phone"}),
    Column("contact_email", Sealed),
    Column("contact_name", Sealed),
    Column("id_number", Sealed),
    Column("company_name", String(100)),
    Column("credit_code", String(18)),
    Column("suggestion_class", String(20)),
    Column("filed_by", SealedJson),
    Column("confidential", Boolean, nullable=False, default=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("erased_at", UtcDateTime),
    Column("source", String(30)),
    Column("source_number", String(100)),
    Column("source_fingerprint", String(64)),
    UniqueConstraint("source", "source_number"),
    one_of("state", State),
    one_of("line", Line),
    one_of("channel", Channel),
    one_of("urgency", Urgency),
    one_of("suggestion_class", SuggestionClass),
    one_of("outcome", Outcome),
    Index(None, "conversation_id"),
    # One for each filter of the lists, in the lists' order: a page costs the same among ten orders and a million.
    Index(None, "created_at"),
    Index(None, "state", "created_at"),
    Index(None, "category", "created_at"),
    Index(None, "unit", "created_at"),
    Index(None, "unit", "state", "created_at"),
    Index(None, "source", "created_at"),
    Index(None, "working_unit", "state"),
    Index(None, "returns"),
    Index(None, "session_id"),
    Index(None, "deputy"),
    # The last column: at a busy spot an opening reads the closed orders alone.
    Index(None, "place_key", "category", "closed_at"),
    Index(None, "merged_into"),
    Index(None, "line", "created_at"),
    Index(None, "phone_trace"),
)

leader_sessions = Table(
    "leader_sessions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    Column("leader", String(50), nullable=False),
    Column("topic", String(200), nullable=False),
    # Where the leader's seat rings; none: the session takes no calls by itself.
    Column("telephone", Sealed),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(50), nullable=False),
    Index(None, "starts_at"),
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
    # What was published in a time is read in its order, and without the log of anything else.
    Index(None, "at", "kind"),
)

# Events of which nobody has been told yet: written with the event, removed by the worker with what it makes of it.
outbox = Table("outbox", metadata, Column("event_id", ForeignKey("work_order_events.id"), primary_key=True))

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
    # Its end was set by a person and follows no rule.
    Column("by_hand", Boolean, nullable=False, default=False, server_default=false()),
    # The fingerprint of the rules and the calendar its end was reckoned by.
    Column("rules", String(16), nullable=False, default="", server_default=""),
    one_of("step", Step),
    one_of("light", Light),
    Index(None, "work_order_id"),
    # The sweep asks only for what changes by now: its cost does not grow with the orders that are open.
    Index(None, "next_change"),
    # What shows a light now is a small part of all clocks there ever were.
    Index(
        "ix_clocks_running_light",
        "light",
        "red",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    # After a change of the rules, what still runs by the old ones is found without reading the rest.
    Index(
        "ix_clocks_running_rules",
        "rules",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
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
