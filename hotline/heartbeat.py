"""Signs of life of processes that listen on no port."""

from datetime import datetime

from sqlalchemy import Column, Connection, String, Table, insert, select, update

from core.database import UtcDateTime, metadata

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)


def beat(connection: Connection, name: str, now: datetime) -> None:
    """Write down that `name` is alive."""
    changed = connection.execute(update(heartbeats).where(heartbeats.c.name == name).values(at=now))
    if changed.rowcount == 0:
        connection.execute(insert(heartbeats).values(name=name, at=now))


def last(connection: Connection, name: str) -> datetime | None:
    """When `name` was last alive, or None."""
    return connection.execute(select(heartbeats.c.at).where(heartbeats.c.name == name)).scalar()
