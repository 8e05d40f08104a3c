"""What somebody of the staff has been told, and whether citizens want to be: `/api/notices`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from core.access import Audience, open_to, principal
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk.orders.routes import Proof, Prover, WrittenNumber
from desk.telling import noticeboard, optouts
from desk.telling.noticeboard import Inbox

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]
BeforeId = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class Read(BaseModel):
    """How many notices were unread until now."""

    read: int


class Choice(BaseModel):
    """Whether notices are wanted, with an order's number as people write it, and the proof."""

    number: WrittenNumber
    proof: Proof
    wanted: bool


def create_router(database: Database, prover: Prover, clock: Clock) -> APIRouter:
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

    @router.post("/choice", status_code=204, dependencies=[open_to(Audience.ANYONE)])
    async def choose(choice: Choice) -> None:
        """Whether the owner of an order's number is sent notices, by whoever has the order's number and the proof."""
        person, now = await prover.identify(choice.number, choice.proof), clock()
        if (phone := person.phone) is None:
            detail = f"number: {choice.number} has no phone; nothing is sent for it"
            raise Problem(409, "Conflict", detail, field="number")
        await database.write(lambda c: optouts.choose(c, phone, wanted=choice.wanted, now=now))

    return router
