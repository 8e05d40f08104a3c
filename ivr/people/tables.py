"""The tables of seats, waiting calls, call-backs, and the calls in which seats meet callers."""

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    text,
)

from core.database import Sealed, UtcDateTime, metadata

_OPEN_TASK = text("state IN ('open', 'taken')")
_OPEN_TALK = text("over_at IS NULL")

seats = Table(
    "phone_seats",
    metadata,
    Column("login", String(50), primary_key=True),
    Column("lines", JSON, nullable=False),
    Column("dialects", JSON, nullable=False),
    Column("telephone", Sealed, nullable=False),
    Column("state", String(10), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('ready', 'paused', 'off')", name="known_state"),
)

waits = Table(
    "phone_waits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call_sid", String(64), nullable=False),
    Column("step", Integer, nullable=False),
    Column("line", String(20), nullable=False),
    Column("queue", String(64), nullable=False),
    Column("dialect", String(20)),
    Column("elder", Boolean, nullable=False),
    Column("caller", Sealed),
    # The call-back that is open for this caller.
    Column("task_id", ForeignKey("phone_tasks.id")),
    Column("state", String(10), nullable=False),
    Column("entered_at", UtcDateTime, nullable=False),
    # Earlier than `entered_at` where a place was kept.
    Column("stands_since", UtcDateTime, nullable=False),
    Column("taken_by", String(50)),
    Column("joined_at", UtcDateTime),
    Column("left_at", UtcDateTime),
    Column("how", String(20)),
    # What the caller asked for by a key.
    Column("wish", String(20)),
    Column("said_place", Integer),
    Column("said_minutes", Integer),
    Column("offered_at", UtcDateTime),
    Column("rounds", Integer, nullable=False),
    UniqueConstraint("call_sid", "step"),
    CheckConstraint("state IN ('waiting', 'offered', 'talking', 'over')", name="known_state"),
    Index(None, "state", "queue"),
    Index(None, "entered_at"),
    Index(None, "task_id"),
)

tasks = Table(
    "phone_tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call_sid", String(64), nullable=False),
    Column("line", String(20), nullable=False),
    Column("why", String(20), nullable=False),
    Column("phone", Sealed, nullable=False),
    # Keyed hash: what the task is found by when the caller calls again.
    Column("phone_trace", String(64), nullable=False, info={"trace_of": "phone"}),
    Column("dialect", String(20)),
    Column("elder", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("place_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("not_before", UtcDateTime, nullable=False),
    Column("times", Integer, nullable=False),
    Column("taken_by", String(50)),
    Column("taken_at", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("result", String(20)),
    Column("note", Sealed),
    Column("order_number", String(20)),
    Column("closed_at", UtcDateTime),
    Column("closed_by", String(50)),
    CheckConstraint("state IN ('open', 'taken', 'done', 'closed')", name="known_state"),
    Index(None, "call_sid"),
    Index(None, "state", "created_at"),
    Index("ix_phone_tasks_open", "phone_trace", unique=True, sqlite_where=_OPEN_TASK, postgresql_where=_OPEN_TASK),
)

tries = Table(
    "phone_tries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task_id", ForeignKey("phone_tasks.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    # None: the person was reached.
    Column("missed", String(20)),
    Column("note", Sealed),
    Index(None, "task_id"),
)

talks = Table(
    "phone_talks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seat", String(50), nullable=False),
    Column("line", String(20), nullable=False),
    Column("room", String(64), nullable=False, unique=True),
    Column("carrier", String(20), nullable=False),
    # The call that is brought in, or out of which the call-back came.
    Column("call_sid", String(64), nullable=False),
    Column("wait_id", ForeignKey("phone_waits.id")),
    Column("task_id", ForeignKey("phone_tasks.id")),
    Column("started_at", UtcDateTime, nullable=False),
    Column("joined_at", UtcDateTime),
    Column("over_at", UtcDateTime),
    Column("how", String(20)),
    Column("result", String(20)),
    Column("note", Sealed),
    Column("order_number", String(20)),
    CheckConstraint("(wait_id IS NULL) <> (task_id IS NULL)", name="one_reason"),
    Index(None, "call_sid"),
    Index(None, "wait_id"),
    Index(None, "task_id"),
    Index(None, "line", "joined_at"),
    Index("ix_phone_talks_open", "seat", unique=True, sqlite_where=_OPEN_TALK, postgresql_where=_OPEN_TALK),
)

legs = Table(
    "phone_legs",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("talk_id", ForeignKey("phone_talks.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    # A login, or the subject of a specialist.
    Column("who", String(50), nullable=False),
    Column("telephone", Sealed),
    Column("call_sid", String(64)),
    Column("state", String(10), nullable=False),
    Column("asked", Integer, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("over_at", UtcDateTime),
    CheckConstraint("kind IN ('seat', 'caller', 'citizen', 'specialist')", name="known_kind"),
    CheckConstraint("state IN ('ringing', 'told', 'joined', 'over')", name="known_state"),
    Index(None, "talk_id"),
    Index(None, "call_sid"),
)

looks = Table(
    "phone_looks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("task_id", ForeignKey("phone_tasks.id")),
    Column("talk_id", ForeignKey("phone_talks.id")),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("role", String(20), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("note", String(200)),
    Index(None, "actor"),
    Index(None, "task_id"),
    Index(None, "talk_id"),
)
