"""Texts to a number that is no order's contact or that tell more than a notice, and letters; sealed until sent.

Every function takes the connection of a running transaction.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, String, Table, insert, select, update

from core.database import Sealed, SealedJson, UtcDateTime, metadata

texts = Table(
    "texts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("work_order_id", ForeignKey("work_orders.id"), nullable=False),
    # What asked for it: it is sent once, however often that is asked again.
    Column("key", String(160), nullable=False, unique=True),
    Column("phone", Sealed),
    Column("text", Sealed),
    # Of a letter: to whom, and what stands at its head.
    Column("mail", SealedJson),
    Column("made_at", UtcDateTime, nullable=False),
    Index(None, "work_order_id"),
)


def write(
    connection: Connection,
    order_id: int,
    key: str,
    phone: str | None,
    text: str,
    now: datetime,
    mail: dict[str, Any] | None = None,
) -> int | None:
    """Keep a text about an order; returns its id, or None when this key has one already."""
    if connection.execute(select(texts.c.id).where(texts.c.key == key)).first() is not None:
        return None
    values = {"work_order_id": order_id, "key": key, "phone": phone, "text": text, "mail": mail, "made_at": now}
    return int(connection.execute(insert(texts).values(values).returning(texts.c.id)).scalar_one())


def empty(connection: Connection, text_id: int) -> None:
    """It has arrived: neither the number nor the words are needed any more."""
    connection.execute(update(texts).where(texts.c.id == text_id).values(phone=None, text=None, mail=None))


def forget(connection: Connection, order_id: int) -> None:
    """Nobody is told anything more of an order."""
    connection.execute(update(texts).where(texts.c.work_order_id == order_id).values(phone=None, text=None, mail=None))
