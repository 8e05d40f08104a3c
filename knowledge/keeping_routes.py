"""The doors of those who keep entries: lists, histories, drafts, looking at each other's work, the log of changes.

All of the staff read. People of a unit write and decide about what belongs to it or to a unit below it.
"""

from collections.abc import Callable
from datetime import datetime
from secrets import token_hex
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection

from core.access import Audience as For
from core.access import Principal, Role, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.records import RequestBody
from knowledge import entries, listing
from knowledge.content import Content
from knowledge.difference import Difference, difference
from knowledge.entries import Actor, say
from knowledge.listing import Change, EntryId, Listed, Waiting
from knowledge.tables import VersionState

WRITERS = (Role.HANDLER, Role.UNIT_HEAD, Role.DISPATCHER, Role.SUPERVISOR)
DECIDERS = (Role.UNIT_HEAD, Role.DISPATCHER, Role.SUPERVISOR)

Number = Annotated[int, Field(ge=1, lt=2**31)]
Limit = Annotated[int, Query(ge=1, le=200)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class NewEntry(RequestBody):
    """An entry to be written. Without an `id` one is made."""

    id: EntryId | None = None
    content: Content
    note: Note = ""


class Edit(RequestBody):
    """A new version. `based_on`: the newest version when it was begun."""

    content: Content
    based_on: Number
    note: Note = ""


class TakeUp(RequestBody):
    """An older version is taken up again. `based_on`: the newest version of now."""

    based_on: Number


class Approval(RequestBody):
    """A version may answer."""

    note: Note = ""


class Refusal(RequestBody):
    """Why a version is given back, or an entry taken down."""

    reason: Reason


class VersionRead(BaseModel):
    """A version with who made it and who decided about it."""

    model_config = ConfigDict(from_attributes=True)

    entry_id: str
    version: int
    state: VersionState
    content: Content
    author: str
    made_at: datetime
    note: str
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None


class History(BaseModel):
    """An entry with all its versions, the newest first, and the last changes."""

    id: str
    live_version: int | None
    versions: list[VersionRead]
    changes: list[Change]


class Keepers:
    """Who may keep which entries, by the units of a city."""

    def __init__(self, city: City) -> None:
        self._units = city.units

    def may(self, who: Principal, content: Content) -> bool:
        """Whether an entry is in somebody's hands; those of no unit keep all."""
        return who.unit is None or self._units.may_keep(who.unit, content.unit, content.area or None)

    def require(self, who: Principal, content: Content, wish: str) -> None:
        """Raise Problem 403 where it is not."""
        if not self.may(who, content):
            detail = say("not_yours", unit=content.unit, own=who.unit, wish=say.of("wishes", wish))
            raise Problem(403, "Forbidden", detail, field="unit")


def actor_of(who: Principal, now: datetime) -> Actor:
    """Somebody at a door as they act upon entries; an administrator may approve what they wrote."""
    return Actor(who.name, now, alone=who.role is Role.ADMIN)


def new_id(content: Content) -> str:
    """An id for an entry that was given none."""
    return f"{content.category or 'k'}-{token_hex(5)}"


def create_router(database: Database, city: City, clock: Clock) -> APIRouter:
    """The routes over one knowledge base."""
    router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])
    keepers = Keepers(city)
    reads, writes, decides = (
        [open_to(For.STAFF)],
        [open_to(For.STAFF, *WRITERS)],
        [open_to(For.STAFF, *DECIDERS)],
    )

    async def done(
        request: Request, entry_id: str, version: int, wish: str, act: Callable[[Connection, Actor], entries.Version]
    ) -> VersionRead:
        """Do something with a version that is in the hands of who asks."""
        who, now = principal(request), clock()

        def write(connection: Connection) -> VersionRead:
            keepers.require(who, entries.version_of(connection, entry_id, version).content, wish)
            return VersionRead.model_validate(act(connection, actor_of(who, now)))

        return await database.write(write)

    @router.get("/entries", dependencies=reads)
    async def list_entries(query: Annotated[listing.Query, Query()]) -> list[Listed]:
        """The entries in the order of their ids."""
        return await database.read(lambda c: listing.page(c, query))

    @router.get("/entries/{entry_id}/history", dependencies=reads)
    async def read_history(entry_id: EntryId) -> History:
        """An entry with all its versions, and who did what with it."""

        def read(connection: Connection) -> History:
            found = entries.history(connection, entry_id)
            live = next((one.version for one in found if one.state is VersionState.LIVE), None)
            log = listing.log(connection, entry_id, None, 200)
            versions = [VersionRead.model_validate(one) for one in found]
            return History(id=entry_id, live_version=live, versions=versions, changes=log)

        return await database.read(read)

    @router.get("/entries/{entry_id}/difference", dependencies=reads)
    async def compare(entry_id: EntryId, old: Number, new: Number) -> list[Difference]:
        """What differs between two versions, field by field."""

        def read(connection: Connection) -> list[Difference]:
            older, newer = (entries.version_of(connection, entry_id, number) for number in (old, new))
            return difference(older.content, newer.content)

        return await database.read(read)

    @router.post("/drafts", status_code=201, dependencies=writes)
    async def write_new(new: NewEntry, request: Request) -> VersionRead:
        """Draft a new entry."""
        who, now = principal(request), clock()
        keepers.require(who, new.content, "write")
        entry_id, by = new.id or new_id(new.content), actor_of(who, now)
        made = await database.write(lambda c: entries.draft(c, entry_id, new.content, by, note=new.note, based_on=0))
        return VersionRead.model_validate(made)

    @router.post("/entries/{entry_id}/versions", status_code=201, dependencies=writes)
    async def write_version(entry_id: EntryId, edit: Edit, request: Request) -> VersionRead:
        """Draft a new version; 409 when there is a newer one than the one it is based on."""
        who, now = principal(request), clock()
        keepers.require(who, edit.content, "write")

        def write(connection: Connection) -> VersionRead:
            old = entries.version_of(connection, entry_id, edit.based_on)
            keepers.require(who, old.content, "write")
            by = actor_of(who, now)
            made = entries.draft(connection, entry_id, edit.content, by, note=edit.note, based_on=edit.based_on)
            return VersionRead.model_validate(made)

        return await database.write(write)

    @router.post("/entries/{entry_id}/versions/{version}/restore", status_code=201, dependencies=writes)
    async def take_up(entry_id: EntryId, version: Number, wish: TakeUp, request: Request) -> VersionRead:
        """Take an older version up again, as a new draft."""
        return await done(
            request, entry_id, version, "write", lambda c, by: entries.restore(c, entry_id, version, by, wish.based_on)
        )

    @router.post("/entries/{entry_id}/versions/{version}/submit", dependencies=writes)
    async def hand_in(entry_id: EntryId, version: Number, request: Request) -> VersionRead:
        """Hand a draft to somebody who looks at it."""
        return await done(request, entry_id, version, "submit", lambda c, by: entries.submit(c, entry_id, version, by))

    @router.post("/entries/{entry_id}/versions/{version}/approve", dependencies=decides)
    async def approve(entry_id: EntryId, version: Number, said: Approval, request: Request) -> VersionRead:
        """Let a version answer from now on; not one's own."""
        return await done(
            request, entry_id, version, "approve", lambda c, by: entries.approve(c, entry_id, version, by, said.note)
        )

    @router.post("/entries/{entry_id}/versions/{version}/return", dependencies=decides)
    async def send_back(entry_id: EntryId, version: Number, said: Refusal, request: Request) -> VersionRead:
        """Give a version back to be mended."""
        return await done(
            request,
            entry_id,
            version,
            "send_back",
            lambda c, by: entries.send_back(c, entry_id, version, by, said.reason),
        )

    @router.post("/entries/{entry_id}/retirement", status_code=204, dependencies=decides)
    async def retire(entry_id: EntryId, said: Refusal, request: Request) -> None:
        """Take an entry down: it tells nobody anything any more."""
        who, now = principal(request), clock()

        def write(connection: Connection) -> None:
            keepers.require(who, entries.live_version(connection, entry_id).content, "retire")
            entries.retire(connection, entry_id, actor_of(who, now), said.reason)

        await database.write(write)

    @router.get("/reviews", dependencies=reads)
    async def list_waiting(after: EntryId | None = None, limit: Limit = 50) -> list[Waiting]:
        """The versions that wait to be looked at, the oldest first; `after` pages on from an entry."""
        return await database.read(lambda c: listing.waiting(c, after, limit))

    @router.get("/changes", dependencies=reads)
    async def list_changes(
        entry: EntryId | None = None, before: Number | None = None, limit: Limit = 50
    ) -> list[Change]:
        """Who changed what, of one entry or of all, the newest first; `before` pages on from a change's id."""
        return await database.read(lambda c: listing.log(c, entry, before, limit))

    return router
