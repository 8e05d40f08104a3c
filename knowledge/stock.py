"""The entries that come with the project: `city/knowledge/`."""

import logging
from datetime import datetime

from sqlalchemy import Connection, select

from core.city import City
from core.database import Database
from knowledge.content import Content
from knowledge.entries import Actor, put
from knowledge.files.records import read_yaml
from knowledge.tables import entries

log = logging.getLogger(__name__)

ACTOR = "city/knowledge"


def stocked(city: City) -> list[tuple[str, Content]]:
    """All entries of the city's files with their ids. Raises ValueError naming what is wrong in them."""
    found: list[tuple[str, Content]] = []
    for file in sorted((city.folder / "knowledge").glob("*.yml")):
        taken = read_yaml(file)
        if taken.refused or taken.passed_over:
            unknown = [f"{file.name}: unknown field {name}" for name in sorted(taken.passed_over)]
            raise ValueError("; ".join([*map(str, taken.refused), *unknown]))
        found += taken.entries
    return found


def stock(database: Database, city: City, now: datetime) -> None:
    """Put the city's entries into a knowledge base that never had any; later it is kept in the console."""

    def fill(connection: Connection) -> int:
        if connection.execute(select(entries.c.id).limit(1)).first() is not None:
            return 0
        return len(put(connection, stocked(city), Actor(ACTOR, now, alone=True), live=True))

    if added := database.write_now(fill):
        log.info("knowledge taken in", extra={"entries": added})
