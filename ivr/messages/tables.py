"""Recordings, what is still to be done with them, and who was told of being recorded."""

from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from core.database import Sealed, UtcDateTime, metadata, one_of


class Kind(StrEnum):
    """What was recorded."""

    MESSAGE = "message"
    """Spoken after the beep; the sentence before it says that it is recorded."""
    TALK = "talk"
    """A talk with a seat."""


class RecordingState(StrEnum):
    """Where a recording is."""

    ANNOUNCED = "announced"
    """At the carrier, or still being made."""
    FETCHED = "fetched"
    """Here."""
    FAILED = "failed"
    """It was not to be had; `why` says why."""
    GONE = "gone"
    """The carrier has none."""
    ERASED = "erased"


class Why(StrEnum):
    """Why there is no recording."""

    ABSENT = "absent"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    TOO_LARGE = "too_large"
    NOT_AUDIO = "not_audio"


class Task(StrEnum):
    """What is to be done with a recording."""

    FETCH = "fetch"
    DELETE = "delete"
    """At the carrier."""
    TRANSCRIBE = "transcribe"
    REMOVE = "remove"
    """The file, which nothing opens any more."""


recordings = Table(
    "recordings",
    metadata,
    Column("sid", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("call_sid", String(64)),
    Column("carrier", String(20)),
    # Whoever has the address may have the voice.
    Column("url", Sealed),
    Column("seconds", Integer),
    Column("state", String(10), nullable=False),
    Column("why", String(20)),
    Column("path", String(100)),
    # The file's own key; without it the file is noise.
    Column("key", Sealed),
    Column("media_type", String(30)),
    Column("sha256", String(64)),
    Column("work_order_id", ForeignKey("work_orders.id")),
    Column("consent_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("fetched_at", UtcDateTime),
    Column("transcribed_at", UtcDateTime),
    one_of("kind", Kind),
    one_of("state", RecordingState),
    one_of("why", Why),
    Index(None, "work_order_id"),
    Index(None, "call_sid"),
    Index(None, "transcribed_at"),
)

recording_tasks = Table(
    "recording_tasks",
    metadata,
    Column("sid", ForeignKey("recordings.sid"), primary_key=True),
    Column("task", String(10), primary_key=True),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    one_of("task", Task),
    Index(None, "due_at"),
)

recording_notices = Table(
    "recording_notices",
    metadata,
    Column("call_sid", String(64), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)
