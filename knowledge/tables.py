"""Entries with all their versions, what was asked and what became of it, and the vectors of phrases."""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from core.database import Sealed, UtcDateTime, metadata, one_of


class VersionState(StrEnum):
    """How far a version is."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    RETURNED = "returned"
    """Looked at and not approved; its author may mend it."""
    LIVE = "live"
    PAST = "past"
    """Was live until a later one was, or until the entry was taken down."""
    DROPPED = "dropped"
    """Never was live, and was given up."""


class Verdict(StrEnum):
    """What the search made of a question."""

    ANSWER = "answer"
    CHOICE = "choice"
    """Several entries compete: the citizen is asked which."""
    UNSURE = "unsure"


class Outcome(StrEnum):
    """What became of an answer."""

    SOLVED = "solved"
    UNSOLVED = "unsolved"


entries = Table(
    "knowledge_entries",
    metadata,
    Column("id", String(100), primary_key=True),
    # The version that answers; none: the entry tells nobody anything.
    Column("live_version", Integer),
    Column("newest_version", Integer, nullable=False),
    # Of the live version, else of the newest: what lists are narrowed by.
    Column("question", String(500), nullable=False),
    Column("category", String(2), nullable=False),
    Column("unit", String(100), nullable=False),
    Column("expires", Date),
    # How many things the operator still has to find out or fill in.
    Column("to_confirm", Integer, nullable=False, default=0, server_default="0"),
    # The order whose reply it was made from.
    Column("from_order", String(20), unique=True),
    Column("made_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    # Number of the change that last touched what answers (`knowledge_changes`): an index knows by it what is new.
    Column("change", Integer, nullable=False),
    Index(None, "change"),
    Index(None, "changed_at"),
    Index(None, "expires"),
    Index(None, "unit"),
)

versions = Table(
    "knowledge_versions",
    metadata,
    Column("entry_id", ForeignKey("knowledge_entries.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("state", String(10), nullable=False),
    Column("content", JSON, nullable=False),
    # Of the content; the same twice is not stored again.
    Column("digest", String(64), nullable=False),
    Column("author", String(50), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("note", String(500), nullable=False),
    Column("decided_by", String(50)),
    Column("decided_at", UtcDateTime),
    Column("decision", String(500)),
    one_of("state", VersionState),
    Index(None, "state", "made_at"),
)

changes = Table(
    "knowledge_changes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entry_id", ForeignKey("knowledge_entries.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(50), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("note", String(500), nullable=False),
    Index(None, "entry_id", "id"),
    Index(None, "at"),
)

reminders = Table(
    "knowledge_reminders",
    metadata,
    Column("entry_id", ForeignKey("knowledge_entries.id"), primary_key=True),
    # The last day it was about: of a day that is moved, people are told anew.
    Column("expires", Date, primary_key=True),
    # How many days before; -1: that it has expired.
    Column("days", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
)

questions = Table(
    "knowledge_questions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("line", String(20), nullable=False),
    # Of the conversation: none for a search on a page.
    Column("conversation_id", String(200)),
    Column("message_id", String(128)),
    # A citizen's words; removed in time, the verdict stays for the figures.
    Column("text", Sealed),
    Column("verdict", String(10), nullable=False),
    Column("entry_id", ForeignKey("knowledge_entries.id")),
    Column("version", Integer),
    Column("offered", JSON, nullable=False),
    Column("outcome", String(10)),
    Column("outcome_at", UtcDateTime),
    # The order that was opened because the answer did not do.
    Column("order_number", String(20)),
    one_of("verdict", Verdict),
    one_of("outcome", Outcome),
    UniqueConstraint("conversation_id", "message_id"),
    Index(None, "asked_at"),
    Index(None, "entry_id", "asked_at"),
)

votes = Table(
    "knowledge_votes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("entry_id", ForeignKey("knowledge_entries.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    # Trace of who voted: one vote each for a version, the last one counts.
    Column("voter", String(64), nullable=False),
    Column("helped", Boolean, nullable=False),
    UniqueConstraint("entry_id", "version", "voter"),
)

vectors = Table(
    "knowledge_vectors",
    metadata,
    # SHA-256 of the encoder's mark and the phrase.
    Column("digest", String(64), primary_key=True),
    # 384 half-precision numbers, little-endian.
    Column("vector", LargeBinary, nullable=False),
)
