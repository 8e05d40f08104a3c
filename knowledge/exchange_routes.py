"""The doors by which entries come and go in files."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from sqlalchemy import Connection
from starlette.background import BackgroundTask

from core.access import Audience as For
from core.access import Principal, Role, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from core.sheets import LARGEST_FILE, BadSheet
from core.uploads import FILE, ROOM_FOR_A_FORM, file_of, upload_of
from knowledge import entries, listing
from knowledge.answering import today
from knowledge.batches import batches
from knowledge.comparing import Foreseen, Outcome, foresee, told
from knowledge.content import Content
from knowledge.entries import Actor
from knowledge.files import kinds
from knowledge.files.fields import columns
from knowledge.files.kinds import MEDIA_TYPES, Kind
from knowledge.files.taken import Fault, Taken
from knowledge.keeping_routes import WRITERS, Keepers, actor_of
from knowledge.listing import Filters

GOES_LIVE = frozenset({Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN})
"""Whose files may answer at once; of others every entry is looked at first."""
BATCH = 200
"""Entries a transaction takes in: others wait a fraction of a second for the writer, and never for a whole file."""
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": FILE} for media in MEDIA_TYPES.values()}}
}


class ImportReport(BaseModel):
    """What became of a file's entries, or would become of them; the unchanged ones are counted only."""

    preview: bool
    live: bool = Field(description="They answer at once; otherwise they wait to be looked at")
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[Fault] = []
    passed_over: list[str] = Field(default=[], description="Columns or fields nobody knows")
    entries: list[Foreseen] = []

    def add(self, foreseen: list[Foreseen]) -> None:
        """Count further entries."""
        for one in foreseen:
            setattr(self, one.outcome, getattr(self, one.outcome) + 1)
        self.entries += [one for one in foreseen if one.outcome is not Outcome.UNCHANGED]


class ExportQuery(Filters):
    """Which entries, in which kind of file."""

    format: Kind = Kind.CSV


def create_router(database: Database, city: City, clock: Clock) -> APIRouter:
    """The routes over one knowledge base."""
    router = APIRouter(prefix="/api/knowledge", tags=["knowledge"])
    keepers = Keepers(city)

    @router.post(
        "/imports",
        dependencies=[open_to(For.STAFF, *WRITERS), limited(Door.IMPORTS)],
        openapi_extra=upload_of(*MEDIA_TYPES.values()),
        max_body_size=LARGEST_FILE + ROOM_FOR_A_FORM,
    )
    async def take_in(
        request: Request, kind: Annotated[Kind, Query(alias="format")], preview: bool = False, live: bool = False
    ) -> ImportReport:
        """Take in a file of entries, sent as the body or as the form's `file`; with `preview` nothing is changed.

        Bad rows are told and the others taken in. `live`: they answer at once, which dispatchers and supervisors may
        decide; without it they wait to be looked at.
        """
        who, now = principal(request), clock()
        if live and who.role not in GOES_LIVE:
            raise Problem(403, "Forbidden", entries.say("not_live_at_once"), field="live")
        raw = await file_of(request)
        try:
            taken = await asyncio.to_thread(kinds.read, raw, kind)
        except BadSheet as error:
            raise Problem(422, "Unprocessable Content", str(error)) from error

        mine = await _in_the_hands_of(who, taken)
        report = ImportReport(preview=preview, live=live, refused=taken.refused, passed_over=sorted(taken.passed_over))
        for batch in batches(mine, BATCH):
            if preview:
                report.add(await database.read(partial(foresee, contents=batch, live=live)))
            else:
                report.add(await database.write(partial(_put, batch=batch, by=actor_of(who, now), live=live)))
        return report

    @router.get("/export", dependencies=[open_to(For.STAFF)], response_class=Response, responses=_FILES)
    async def export(query: Annotated[ExportQuery, Query()]) -> Response:
        """The live versions of entries as a file that the import takes."""
        wanted = Filters.model_validate(query.model_dump(exclude={"format"}))
        handle, name = tempfile.mkstemp(suffix=f".{query.format}")
        os.close(handle)
        path = Path(name)
        # Written whole before the first byte is sent: an export that breaks off is an error, and never a shorter file.
        try:
            await database.read(lambda c: kinds.write(path, query.format, listing.live(c, wanted)))
        except BadSheet as error:
            path.unlink()
            raise Problem(422, "Unprocessable Content", str(error), field="format") from error
        except BaseException:
            path.unlink()
            raise
        return FileResponse(
            path,
            media_type=MEDIA_TYPES[query.format],
            filename=f"knowledge-{today(clock()):%Y%m%d}.{query.format}",
            background=BackgroundTask(path.unlink),
        )

    async def _in_the_hands_of(who: Principal, taken: Taken) -> list[tuple[str, Content]]:
        """The entries somebody may keep, as they are and as the file has them; the others are refused."""
        if who.unit is None:
            return taken.entries
        old = await database.read(lambda c: told(c, [entry_id for entry_id, _ in taken.entries]))
        mine = []
        for entry_id, content in taken.entries:
            if all(keepers.may(who, each) for each in (content, old.get(entry_id, content))):
                mine.append((entry_id, content))
            else:
                allowed = columns.of("refusals", "not_yours").format(own=who.unit)
                taken.refuse(taken.lines[entry_id], "unit", content.unit, allowed)
        return mine

    return router


def _put(connection: Connection, batch: Sequence[tuple[str, Content]], by: Actor, *, live: bool) -> list[Foreseen]:
    found = foresee(connection, batch, live=live)
    entries.put(connection, batch, by, live=live, to_review=True)
    return found
