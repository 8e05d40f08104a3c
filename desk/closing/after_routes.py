"""The doors to what follows a reply: its check, call-backs, ratings, re-checks."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from core.access import Audience, Role, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from desk.closing import callbacks, rechecks
from desk.closing.reply_gate import Finding
from desk.life.handling import Handling
from desk.life.moves import Looked, Rating, ReplyText
from desk.orders import progress, register
from desk.orders.model import ProxyAct, WorkOrder
from desk.orders.progress import Progress
from desk.orders.routes import Number, Proof, Prover, WrittenNumber
from desk.personal_data.privacy import masked

Page = Annotated[int, Query(ge=1, le=200)]


class ProvenRating(Rating):
    """A rating with the proof that it is the citizen's, or from their conversation."""

    proof: Proof | None = None
    conversation_id: str | None = None

    def said(self) -> Rating:
        """The rating alone."""
        return Rating.model_validate(self.model_dump(include=set(Rating.model_fields)))


class NumberedRating(Rating):
    """A rating with the order's number as people write it, and the proof."""

    number: WrittenNumber
    proof: Proof

    def said(self) -> Rating:
        """The rating alone."""
        return Rating.model_validate(self.model_dump(include=set(Rating.model_fields)))


class Checked(BaseModel):
    """What a reply lacks; `passes`: it would go to review as it is."""

    passes: bool
    findings: list[Finding]


def create_router(database: Database, city: City, handling: Handling, prover: Prover, clock: Clock) -> APIRouter:
    """The routes over one database and one city's rules."""
    router = APIRouter(prefix="/api", tags=["after the reply"])

    @router.post("/work-orders/{number}/reply-check", dependencies=[open_to(Audience.STAFF)])
    async def check_reply(number: Number, reply: ReplyText, request: Request) -> Checked:
        """What a reply would lack, without replying."""
        who = principal(request)
        await database.read(lambda c: register.find_for(c, number, who))
        findings = await database.read(lambda c: handling.check_reply(c, number, reply))
        return Checked(passes=not any(finding.refuses for finding in findings), findings=findings)

    @router.get("/callbacks", dependencies=[open_to(Audience.STAFF, Role.SEAT, Role.DISPATCHER)])
    async def list_callbacks(after: Number | None = None, limit: Page = 50) -> list[callbacks.Due]:
        """The orders whose citizens have to be asked, the oldest reply first; `after` pages on from a number."""
        return await database.read(lambda c: callbacks.due(c, after=after, limit=limit))

    @router.post("/work-orders/{number}/rating", dependencies=[open_to(Audience.SERVICE)])
    async def rate(number: Number, rating: ProvenRating, request: Request) -> Progress:
        """评价 by the citizen, once after each reply; while the order waits for it, it is the call-back."""
        who = principal(request).name
        person = await prover.prove(number, rating.proof, rating.conversation_id, ProxyAct.RATE)
        now = clock()
        order = await database.write(lambda c: handling.rate(c, person, rating.said(), now, who))
        return progress.progress_of(order, city)

    @router.post("/rating", dependencies=[open_to(Audience.ANYONE), limited(Door.RATING)])
    async def rate_by_number(rating: NumberedRating) -> Progress:
        """评价 by whoever has the number and the proof."""
        person, now = await prover.identify(rating.number, rating.proof, ProxyAct.RATE), clock()
        order = await database.write(lambda c: handling.rate(c, person, rating.said(), now, "citizen"))
        return progress.progress_of(order, city)

    @router.get("/rechecks", dependencies=[open_to(Audience.STAFF, Role.SEAT, Role.DISPATCHER, Role.SUPERVISOR)])
    async def list_rechecks(after: Number | None = None, limit: Page = 50) -> list[rechecks.Recheck]:
        """The closed orders that have to be looked at again, the oldest first; `after` pages on from a number."""
        return await database.read(lambda c: rechecks.due(c, after=after, limit=limit))

    @router.post(
        "/work-orders/{number}/recheck",
        dependencies=[open_to(Audience.STAFF, Role.SEAT, Role.DISPATCHER, Role.SUPERVISOR)],
    )
    async def recheck(number: Number, looked: Looked, request: Request) -> WorkOrder:
        """Record what was found; a matter that has come back opens the order again, one level higher."""
        who, now = principal(request).name, clock()
        return masked(await database.write(lambda c: handling.recheck(c, number, looked, now, who)))

    return router
