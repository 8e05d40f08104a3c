"""Numbers that run through a year without a gap: 督办号, 专报号.

A number is given in the transaction that keeps what it stands for, so a transaction that fails takes it back.
"""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints
from sqlalchemy import Column, Connection, Integer, String, Table, insert, update

from core.clock import to_city_time
from core.database import metadata

RunningNumber = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{4,6}$")]

yearly_sequences = Table(
    "yearly_sequences",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)


def next_number(connection: Connection, name: str, now: datetime) -> str:
    """The next number of a sequence in the city's year: `2026-0001`."""
    year = to_city_time(now).year
    counted = connection.execute(
        update(yearly_sequences)
        .where(yearly_sequences.c.name == name, yearly_sequences.c.year == year)
        .values(last=yearly_sequences.c.last + 1)
        .returning(yearly_sequences.c.last)
    ).scalar()
    if counted is None:
        counted = 1
        connection.execute(insert(yearly_sequences).values(name=name, year=year, last=counted))
    return f"{year}-{counted:04d}"
