"""What somebody of the staff has been told: `/api/notices`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from core.access import Audience, open_to, principal
from core.clock import Clock
from core.database import Database
from desk.telling import noticeboard
from desk.telling.noticeboard import Inbox

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
BeforeId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class Read(BaseModel):
    """How many notices were unread until now."""

    read: int


def create_router(database: Database, clock: Clock) -> APIRouter:
    """The routes over one database."""
    router = APIRouter(prefix="/api/notices", tags=["notices"])

    @router.get("", dependencies=[open_to(Audience.STAFF)])
    async def list_notices(
        request: Request,
        unread_only: bool = False,
        before: BeforeId = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Inbox:
        """One's own notices, newest first; `before` pages on from a notice's id."""
        me = principal(request).name
        return await database.read(
            lambda c: noticeboard.inbox_of(c, me, unread_only=unread_only, before=before, limit=limit)
        )

    @router.post("/read", dependencies=[open_to(Audience.STAFF)])
    async def read_all(request: Request) -> Read:
        """All of one's own have been read."""
        me, now = principal(request).name, clock()
        return Read(read=await database.write(lambda c: noticeboard.mark_read(c, me, now)))

    @router.post("/{notice_id}/read", dependencies=[open_to(Audience.STAFF)])
    async def read_one(notice_id: Id, request: Request) -> Read:
        """One has been read; a second time changes nothing."""
        me, now = principal(request).name, clock()
        return Read(read=await database.write(lambda c: noticeboard.mark_read(c, me, now, notice_id)))

    return router
