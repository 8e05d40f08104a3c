"""Texts to one person that are no order's plain notice: by text message, letter or in WeChat, sealed until sent.

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    insert,
    select,
    update,
)

from core.database import Sealed, SealedJson, UtcDateTime, metadata, vault_of

WECHAT_CONVERSATION = "wechat:"
"""What the id of a WeChat conversation begins with; the rest is the OpenID."""

texts = Table(
    "texts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id")),
    # What asked for it: it is sent once, however often that is asked again.
    Column("key", String(160), nullable=False, unique=True),
    Column("phone", Sealed),
    Column("openid", Sealed),
    Column("openid_trace", String(64), info={"trace_of": "openid", "plain": True}),
    Column("text", Sealed),
    # The titles of the quick replies under it.
    Column("buttons", SealedJson),
    # Of a letter: to whom, and what stands at its head.
    Column("mail", SealedJson),
    Column("made_at", UtcDateTime, nullable=False),
    Index(None, "work_order_id"),
    Index(None, "openid_trace"),
)

EMPTY = dict.fromkeys(("phone", "openid", "openid_trace", "mail", "text", "buttons"))


def openid_of(conversation_id: str | None) -> str | None:
    """The OpenID of a WeChat conversation; None for any other."""
    if conversation_id is None or not conversation_id.startswith(WECHAT_CONVERSATION):
        return None
    return conversation_id.removeprefix(WECHAT_CONVERSATION)


def conversation_of(openid: str) -> str:
    """The id of the WeChat conversation with an OpenID."""
    return WECHAT_CONVERSATION + openid


def write(
    connection: Connection,
    key: str,
    text: str,
    now: datetime,
    *,
    order_id: int | None = None,
    phone: str | None = None,
    openid: str | None = None,
    mail: dict[str, Any] | None = None,
    buttons: Sequence[str] = (),
) -> int | None:
    """Keep a text to a number (E.164), an OpenID or an address; returns its id, None when this key has one."""
    if connection.execute(select(texts.c.id).where(texts.c.key == key)).first() is not None:
        return None
    values: dict[str, Any] = {
        "work_order_id": order_id,
        "key": key,
        "phone": phone,
        "openid": openid,
        "openid_trace": openid and vault_of(connection).trace(openid),
        "mail": mail,
        "text": text,
        "buttons": list(buttons) or None,
        "made_at": now,
    }
    return int(connection.execute(insert(texts).values(values).returning(texts.c.id)).scalar_one())


def is_to(connection: Connection, openid: str) -> ColumnElement[bool]:
    """The condition that a text is to an OpenID."""
    return texts.c.openid_trace.in_(vault_of(connection).traces(openid))


def empty(connection: Connection, text_id: int) -> None:
    """It has arrived: neither the address nor the words are needed any more."""
    connection.execute(update(texts).where(texts.c.id == text_id).values(EMPTY))


def forget(connection: Connection, order_id: int) -> None:
    """Nobody is told anything more of an order."""
    connection.execute(update(texts).where(texts.c.work_order_id == order_id).values(EMPTY))


def forget_openid(connection: Connection, openid: str) -> None:
    """Nothing more is told to an OpenID."""
    connection.execute(update(texts).where(is_to(connection, openid)).values(EMPTY))
