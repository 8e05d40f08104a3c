"""The doors to recordings."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from core.access import Audience, open_to, principal
from core.audio import SUFFIXES
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from core.sealed_files import SealedFiles
from core.sealing import CannotOpen
from core.settings import Settings
from desk.orders.model import Short
from desk.orders.routes import Number
from desk.personal_data.looks import Purpose
from ivr.messages import listening
from ivr.messages.listening import Recording

Sid = Annotated[str, StringConstraints(pattern=r"^[\w.\-]{1,64}$")]
AUDIO: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The whole recording",
        "content": {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in SUFFIXES},
    }
}
# A recording lies in no cache: the next one who listens is asked what for as well.
HEADERS = {"Cache-Control": "no-store", "Accept-Ranges": "none", "X-Content-Type-Options": "nosniff"}


def create_router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """The routes over one database and the folder of recordings."""
    router = APIRouter(prefix="/api", tags=["recordings"])
    store = SealedFiles(settings.recordings_dir)

    @router.get("/work-orders/{number}/recordings", dependencies=[open_to(Audience.STAFF)])
    async def list_recordings(number: Number, request: Request) -> list[Recording]:
        """The recordings of an order, the oldest first, without what is said in them."""
        who = principal(request)
        return await database.read(lambda c: listening.recordings_of(c, number, who))

    @router.get("/recordings/{sid}", dependencies=[open_to(Audience.STAFF)], response_class=Response, responses=AUDIO)
    async def get_recording(sid: Sid, request: Request, purpose: Purpose, note: Short | None = None) -> Response:
        """One recording, whole, for a purpose; `other` needs a note.

        The look is written down, for the citizen too. 403 for a confidential order, except for seats and dispatchers.
        """
        if purpose is Purpose.OTHER and note is None:
            detail = "note: missing; say what for when purpose is other"
            raise Problem(422, "Unprocessable Content", detail, field="note")
        who, now = principal(request), clock()
        found = await database.write(lambda c: listening.listen(c, sid, purpose, note, now, who))
        try:
            audio = await asyncio.to_thread(store.get, found.path, found.key)
        except CannotOpen:
            detail = f"sid: the file of recording {sid!r} is missing or was changed; restore it from a backup"
            raise Problem(410, "Gone", detail, field="sid") from None
        return Response(audio, media_type=found.media_type, headers=HEADERS)

    return router
