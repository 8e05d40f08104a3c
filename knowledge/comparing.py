"""What taking in a file would change: looked up in handfuls, nothing is written.

Every function takes the connection of a running transaction.
"""

from collections.abc import Sequence
from enum import StrEnum

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection, func, select

from knowledge.batches import batches
from knowledge.content import Content
from knowledge.difference import changed_fields
from knowledge.entries import OPEN, digest, known_digests
from knowledge.tables import entries, versions


class Outcome(StrEnum):
    """What would become of an entry of a file."""

    NEW = "new"
    """There is none yet, or none that answers."""
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class Foreseen(BaseModel):
    """An entry of a file, beside what is there."""

    id: str
    outcome: Outcome
    fields: list[str] = Field(default=[], description="Which fields differ")
    gives_up: int | None = Field(None, description="The version somebody is at work on, which would be given up")


def foresee(connection: Connection, contents: Sequence[tuple[str, Content]], *, live: bool) -> list[Foreseen]:
    """What `entries.put` would do with each, in their order."""
    found: list[Foreseen] = []
    for batch in batches(contents):
        ids = [entry_id for entry_id, _ in batch]
        known = known_digests(connection, ids, live=live)
        different = {entry_id for entry_id, content in batch if known.get(entry_id) != digest(content)}
        compared = entries.c.live_version if live else entries.c.newest_version
        old = _contents(connection, sorted(different & known.keys()), compared)
        at_work = _at_work(connection, sorted(different))
        for entry_id, content in batch:
            if entry_id not in different:
                found.append(Foreseen(id=entry_id, outcome=Outcome.UNCHANGED))
                continue
            fields = changed_fields(old[entry_id], content) if entry_id in old else []
            outcome = Outcome.CHANGED if entry_id in old else Outcome.NEW
            found.append(Foreseen(id=entry_id, outcome=outcome, fields=fields, gives_up=at_work.get(entry_id)))
    return found


def told(connection: Connection, ids: Sequence[str]) -> dict[str, Content]:
    """What the live versions of entries say, or the newest of those that tell nothing."""
    compared = func.coalesce(entries.c.live_version, entries.c.newest_version)
    found: dict[str, Content] = {}
    for batch in batches(ids):
        found |= _contents(connection, batch, compared)
    return found


def _contents(connection: Connection, ids: Sequence[str], compared: ColumnElement[int]) -> dict[str, Content]:
    joined = (versions.c.entry_id == entries.c.id) & (versions.c.version == compared)
    query = select(entries.c.id, versions.c.content).join(versions, joined).where(entries.c.id.in_(ids))
    return {row.id: Content.model_validate(row.content) for row in connection.execute(query)}


def _at_work(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    query = select(versions.c.entry_id, versions.c.version).where(
        versions.c.entry_id.in_(ids), versions.c.state.in_(OPEN)
    )
    return {row.entry_id: row.version for row in connection.execute(query)}
