"""Live entries whose last day comes near or is past, each told once a stage.

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Self

from pydantic import Field
from sqlalchemy import Connection, insert, select

from core.city import City
from core.records import Record
from knowledge.tables import entries, reminders, versions

EXPIRED = -1
"""The stage of an entry whose last day is past."""


class Upkeep(Record):
    """The content of `city/knowledge.yml`. Raises pydantic's ValidationError naming what is wrong."""

    remind_days: Annotated[tuple[Annotated[int, Field(ge=0, le=366)], ...], Field(min_length=1)]

    @classmethod
    def of_city(cls, city: City) -> Self:
        """The rules of a city."""
        return cls.model_validate(city.read("knowledge.yml"))

    @property
    def stages(self) -> list[int]:
        """Days before the last day at which people are told, the latest stage first."""
        return [EXPIRED, *sorted(set(self.remind_days))]


@dataclass(frozen=True, slots=True)
class Due:
    """An entry of which somebody has to be told, and the stage it is in."""

    entry_id: str
    question: str
    unit: str
    area: str
    expires: date
    stage: int


def due(connection: Connection, upkeep: Upkeep, today: date, limit: int) -> list[Due]:
    """The live entries that have come into a stage nobody was told of."""
    live = (versions.c.entry_id == entries.c.id) & (versions.c.version == entries.c.live_version)
    wanted = select(entries.c.id, entries.c.question, entries.c.unit, entries.c.expires, versions.c.content)
    found: list[Due] = []
    begun: int | None = None
    for days in upkeep.stages:
        told = (reminders.c.entry_id == entries.c.id) & (reminders.c.expires == entries.c.expires)
        told &= reminders.c.days == days
        query = wanted.join(versions, live).where(entries.c.expires <= today + timedelta(days=days))
        if begun is not None:
            query = query.where(entries.c.expires > today + timedelta(days=begun))
        query = query.where(~select(reminders.c.days).where(told).exists()).order_by(entries.c.expires, entries.c.id)
        rows = connection.execute(query.limit(limit)).all()
        found += [Due(row.id, row.question, row.unit, row.content.get("area", ""), row.expires, days) for row in rows]
        begun = days
    return found


def note(connection: Connection, told: Sequence[Due], now: datetime) -> None:
    """Keep that people were told of these."""
    if told:
        rows = [{"entry_id": one.entry_id, "expires": one.expires, "days": one.stage, "at": now} for one in told]
        connection.execute(insert(reminders), rows)
