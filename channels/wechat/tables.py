"""What the channel keeps: its users, their bindings, how their messages are answered, media to fetch, the token."""

from enum import StrEnum

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint

from core.database import Sealed, SealedJson, UtcDateTime, metadata, one_of


class Way(StrEnum):
    """How a message is answered."""

    OPEN = "open"
    """Not decided yet."""
    PASSIVE = "passive"
    """In the reply to WeChat's own request."""
    LATE = "late"
    """By a customer-service message, once there is an answer."""
    HANDED_ON = "handed_on"
    """The late answer is with the deliveries."""


class MediaState(StrEnum):
    """Where a picture, voice or video is."""

    WAITING = "waiting"
    """To be fetched from WeChat, which keeps it for three days."""
    KEPT = "kept"
    FAILED = "failed"
    """It was not to be had."""


wechat_users = Table(
    "wechat_users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("openid", Sealed, nullable=False),
    Column("openid_trace", String(64), nullable=False, unique=True, info={"trace_of": "openid", "plain": True}),
    Column("subscribed", Boolean, nullable=False),
    # The window in which customer-service messages may be sent, and how many were.
    Column("wrote_at", UtcDateTime),
    Column("sent", Integer, nullable=False),
    # Where the code hangs that was scanned, and the message it was written to.
    Column("place", Sealed),
    Column("place_message", String(200)),
    # The step of a binding that has begun (`binding.py`).
    Column("binding", SealedJson),
)

wechat_bindings = Table(
    "wechat_bindings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("wechat_users.id"), nullable=False, unique=True),
    Column("phone", Sealed, nullable=False),
    Column("phone_trace", String(64), nullable=False, info={"trace_of": "phone"}),
    Column("consented_at", UtcDateTime, nullable=False),
    Column("consent_version", String(20), nullable=False),
    Index(None, "phone_trace"),
)

wechat_turns = Table(
    "wechat_turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(200), nullable=False),
    Column("message_id", String(200), nullable=False),
    Column("way", String(10), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("conversation_id", "message_id"),
    one_of("way", Way),
    Index(None, "way", "at"),
)

wechat_media = Table(
    "wechat_media",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(200), nullable=False),
    Column("message_id", String(200), nullable=False),
    # Whoever has it and our token may have the picture.
    Column("media_id", Sealed),
    Column("kind", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("last_error", String(100)),
    UniqueConstraint("conversation_id", "message_id"),
    one_of("state", MediaState),
    Index(None, "state", "due_at"),
)

wechat_tokens = Table(
    "wechat_tokens",
    metadata,
    Column("app_id", String(40), primary_key=True),
    Column("token", Sealed),
    Column("ends_at", UtcDateTime),
    # Until then one worker asks for a new one, and the others wait for it.
    Column("leased_until", UtcDateTime),
)
