"""Conversations a person has taken over, what is said in them beside the citizen's messages, and who is there."""

from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from core.database import Sealed, UtcDateTime, metadata, one_of

_UNDER_WAY = text("state IN ('waiting', 'talking')")


class HandoverState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    TALKING = "talking"
    ENDED = "ended"


class Author(StrEnum):
    """Who says what a citizen has not asked the bot for."""

    SEAT = "seat"
    SYSTEM = "system"


class Ending(StrEnum):
    """How a hand-over ended."""

    CITIZEN = "citizen"
    """Who waited gave up."""
    HANDED_BACK = "handed_back"
    CLOSED = "closed"
    """By the seat, who has nothing more to say."""
    SILENT = "silent"
    NOBODY = "nobody"
    """No seat took it: an order was made of it."""


handovers = Table(
    "handovers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(200), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("line", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
    # Later than `asked_at` where the seat was lost and it waits again.
    Column("waiting_since", UtcDateTime, nullable=False),
    # The last word of either side.
    Column("spoken_at", UtcDateTime, nullable=False),
    Column("seat", String(50)),
    Column("taken_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("how", String(20)),
    one_of("state", HandoverState),
    one_of("how", Ending),
    # A conversation is with one person at a time.
    Index(
        "ix_handovers_under_way", "conversation_id", unique=True, sqlite_where=_UNDER_WAY, postgresql_where=_UNDER_WAY
    ),
    Index(None, "state", "asked_at"),
)

remarks = Table(
    "remarks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(200), nullable=False),
    Column("handover_id", ForeignKey("handovers.id"), nullable=False),
    # The page's own id of what a seat says: a repeat is said once.
    Column("key", String(128), nullable=False),
    Column("author", String(10), nullable=False),
    Column("login", String(50)),
    Column("text", Sealed, nullable=False),
    Column("said_at", UtcDateTime, nullable=False),
    one_of("author", Author),
    UniqueConstraint("conversation_id", "key"),
    Index(None, "said_at"),
)

chat_seats = Table(
    "chat_seats",
    metadata,
    Column("login", String(50), primary_key=True),
    Column("heard_at", UtcDateTime, nullable=False),
)
