"""Citizens who want to be sent nothing, by their number. What is shown in their own chat stays.

Every function takes the connection of a running transaction.
"""

from datetime import datetime

from sqlalchemy import Column, Connection, Integer, String, Table, delete, insert, select

from core.database import Sealed, UtcDateTime, metadata, vault_of

optouts = Table(
    "notice_optouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("phone", Sealed, nullable=False),
    Column("phone_trace", String(64), nullable=False, unique=True, info={"trace_of": "phone"}),
    Column("at", UtcDateTime, nullable=False),
)


def choose(connection: Connection, phone: str, *, wanted: bool, now: datetime) -> None:
    """Note whether the owner of a number (E.164) wants notices; the same choice again changes nothing."""
    trace = vault_of(connection).trace(phone)
    theirs = optouts.c.phone_trace == trace
    if wanted:
        connection.execute(delete(optouts).where(theirs))
    elif connection.execute(select(optouts.c.id).where(theirs)).first() is None:
        connection.execute(insert(optouts).values(phone=phone, phone_trace=trace, at=now))
