"""The staff's doors to an order's life: `/api/work-orders/{number}/moves`, its clocks, its suggested unit."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from core.access import Audience, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk import dispatch, register
from desk.clocks import StepClock
from desk.dispatch import Suggestion
from desk.handling import Handling
from desk.lifecycle import Move, may, moves_from
from desk.model import WorkOrder
from desk.moves import Accept, MoveRequest
from desk.privacy import masked
from desk.routes import Number, known_codes


def create_router(database: Database, city: City, handling: Handling, clock: Clock) -> APIRouter:
    """The routes over one database, one city and its time limits."""
    router = APIRouter(prefix="/api/work-orders/{number}", tags=["life of a work order"])

    @router.post("/moves", dependencies=[open_to(Audience.STAFF)])
    async def move(number: Number, wanted: Annotated[MoveRequest, Body()], request: Request) -> WorkOrder:
        """Do something with an order: `move` says what, the other fields what belongs to it."""
        if isinstance(wanted, Accept):
            known_codes(wanted.category, wanted.area_code, city)
        who, now = principal(request), clock()
        if not may(who.role, Move.CLOSE if wanted.move == "callback" else wanted.move):
            raise Problem(403, "Forbidden", f"move: {wanted.move} is not for a {who.role}", field="move")
        await database.read(lambda c: register.find_for(c, number, who))
        return masked(await database.write(lambda c: handling.move(c, number, wanted, now, who.name)), who)

    @router.get("/moves", dependencies=[open_to(Audience.STAFF)])
    async def list_moves(number: Number, request: Request) -> list[Move]:
        """What the order's state allows to who is asking."""
        who = principal(request)
        order = await database.read(lambda c: register.find_for(c, number, who))
        return moves_from(order.state, who.role)

    @router.get("/clocks", dependencies=[open_to(Audience.STAFF)])
    async def list_clocks(number: Number, request: Request) -> list[StepClock]:
        """The order's clocks: since when, until when, and which light each shows."""
        who = principal(request)
        await database.read(lambda c: register.find_for(c, number, who))
        return await database.read(lambda c: handling.clocks.of(c, register.row_of(c, number)["id"]))

    @router.get("/suggestion", dependencies=[open_to(Audience.STAFF)])
    async def suggest(number: Number, request: Request) -> Suggestion:
        """The unit the order should go to, with the reasons."""
        who = principal(request)
        order = await database.read(lambda c: register.find_for(c, number, who))
        return dispatch.suggest(order, city)

    return router
