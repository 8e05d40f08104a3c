"""Lists for those who keep entries: the entries, what waits to be looked at, and the log of changes.

Every function takes the connection of a running transaction. A page begins after the last of the page before.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection, RowMapping, Select, and_, or_, select

from knowledge.batches import AT_ONCE
from knowledge.content import Content, Entry
from knowledge.entries import say
from knowledge.tables import VersionState, changes, entries, versions

EntryId = Annotated[str, StringConstraints(pattern=r"^\S{1,100}$")]


class Filters(BaseModel):
    """Which entries a list shows; what is not given does not matter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: Annotated[str, StringConstraints(pattern=r"^\d{2}$")] | None = None
    unit: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100)] | None = Field(
        None, description="The responsible unit as the entry names it"
    )
    q: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)] | None = Field(
        None, description="Words of the question or the id"
    )
    expires_before: date | None = Field(None, description="Those whose last day lies before this one")
    to_confirm: bool | None = Field(None, description="Those with, or without, something to fill in locally")


class Query(Filters):
    """The filters of a list, and which page of it."""

    state: VersionState | None = Field(
        None, description="live: those that answer; else the state of the newest version (past: taken down)"
    )
    after: EntryId | None = Field(None, description="The last id of the page before")
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Listed(BaseModel):
    """An entry in a list. `question` and what follows are of the live version, else of the newest."""

    id: str
    live_version: int | None
    newest_version: int
    state: VersionState = Field(description="Of the newest version")
    question: str
    category: str
    unit: str
    expires: date | None
    to_confirm: int
    from_order: str | None
    changed_at: datetime


class Waiting(BaseModel):
    """A version that somebody has to look at."""

    entry_id: str
    version: int
    question: str
    category: str
    unit: str
    author: str
    made_at: datetime
    note: str
    is_new: bool = Field(description="Nothing of the entry answers yet")


class Change(BaseModel):
    """Who changed what, and when. `words`: the kind for people."""

    id: int
    entry_id: str
    question: str
    version: int
    at: datetime
    actor: str
    kind: str
    words: str
    note: str


def page(connection: Connection, wanted: Query) -> list[Listed]:
    """A page of the entries in the order of their ids."""
    newest = (versions.c.entry_id == entries.c.id) & (versions.c.version == entries.c.newest_version)
    query = narrowed(select(entries, versions.c.state).join(versions, newest), wanted)
    if wanted.state is VersionState.LIVE:
        query = query.where(entries.c.live_version.is_not(None))
    elif wanted.state is not None:
        query = query.where(versions.c.state == wanted.state)
    if wanted.after is not None:
        query = query.where(entries.c.id > wanted.after)
    rows = connection.execute(query.order_by(entries.c.id).limit(wanted.limit)).mappings()
    return [Listed.model_validate(dict(row)) for row in rows]


def narrowed(query: Select[Any], wanted: Filters) -> Select[Any]:
    """A query of entries with the filters applied."""
    for name in ("category", "unit"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(entries.c[name] == value)
    if wanted.q is not None:
        found = [column.icontains(wanted.q, autoescape=True) for column in (entries.c.question, entries.c.id)]
        query = query.where(or_(*found))
    if wanted.expires_before is not None:
        query = query.where(entries.c.expires < wanted.expires_before)
    if wanted.to_confirm is not None:
        query = query.where(entries.c.to_confirm > 0 if wanted.to_confirm else entries.c.to_confirm == 0)
    return query


def live(connection: Connection, wanted: Filters) -> Iterator[Entry]:
    """The live versions of the entries that the filters leave, in the order of their ids; read in handfuls."""
    joined = (versions.c.entry_id == entries.c.id) & (versions.c.version == entries.c.live_version)
    query = select(entries.c.id, versions.c.version, versions.c.content).join(versions, joined)
    query = narrowed(query, wanted).order_by(entries.c.id).limit(AT_ONCE)
    last = ""
    while rows := connection.execute(query.where(entries.c.id > last)).all():
        for row in rows:
            yield Entry(row.id, row.version, Content.model_validate(row.content))
        last = rows[-1].id


def waiting(connection: Connection, after: str | None, limit: int) -> list[Waiting]:
    """The versions that wait to be looked at, the oldest first; `after` is the last entry of the page before."""
    # Only the newest version of an entry can wait.
    newest = (entries.c.id == versions.c.entry_id) & (entries.c.newest_version == versions.c.version)
    query = select(versions, entries.c.live_version).join(entries, newest)
    query = query.where(versions.c.state == VersionState.IN_REVIEW)
    if after is not None:
        made = select(versions.c.made_at).join(entries, newest).where(entries.c.id == after).scalar_subquery()
        same_moment = and_(versions.c.made_at == made, versions.c.entry_id > after)
        query = query.where(or_(versions.c.made_at > made, same_moment))
    query = query.order_by(versions.c.made_at, versions.c.entry_id).limit(limit)
    return [_waiting(row) for row in connection.execute(query).mappings()]


def log(connection: Connection, entry_id: str | None, before: int | None, limit: int) -> list[Change]:
    """The log of changes, of one entry or of all, the newest first; `before` is the last id of the page before."""
    query = select(changes, entries.c.question).join(entries, entries.c.id == changes.c.entry_id)
    if entry_id is not None:
        query = query.where(changes.c.entry_id == entry_id)
    if before is not None:
        query = query.where(changes.c.id < before)
    rows = connection.execute(query.order_by(changes.c.id.desc()).limit(limit)).mappings()
    return [Change(**row, words=say.of("kinds", row["kind"])) for row in rows]


def made_from(connection: Connection, orders: Sequence[str]) -> dict[str, str]:
    """The entries that were made from orders, by the orders' numbers."""
    query = select(entries.c.from_order, entries.c.id).where(entries.c.from_order.in_(orders))
    return {row.from_order: row.id for row in connection.execute(query)}


def _waiting(row: RowMapping) -> Waiting:
    told = {name: row["content"].get(name, "") for name in ("question", "category", "unit")}
    same = {name: row[name] for name in ("entry_id", "version", "author", "made_at", "note")}
    return Waiting(**same, **told, is_new=row["live_version"] is None)
