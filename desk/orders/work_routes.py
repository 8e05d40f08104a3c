"""The staff's doors to an order's life: `/api/work-orders/{number}/moves`, its clocks, its suggested unit."""

from typing import Annotated

from fastapi import APIRouter, Body, Request
from sqlalchemy import Connection

from core.access import Audience, Principal, Role, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk.life.handling import Handling
from desk.life.lifecycle import ANSWERS_FOR_IT, Move, may, moves_from
from desk.life.moves import Accept, MoveRequest
from desk.limits.clocks import StepClock
from desk.orders import register
from desk.orders.model import WorkOrder
from desk.orders.routes import Number, known_codes
from desk.personal_data.privacy import masked
from desk.repeated.repeats import Repeats
from desk.units import absence, dispatch, returns
from desk.units.dispatch import Suggestion
from desk.units.returns import Meter


def create_router(database: Database, city: City, handling: Handling, repeats: Repeats, clock: Clock) -> APIRouter:
    """The routes over one database, one city and its time limits."""
    router = APIRouter(prefix="/api/work-orders/{number}", tags=["life of a work order"])

    @router.post("/moves", dependencies=[open_to(Audience.STAFF)])
    async def move(number: Number, wanted: Annotated[MoveRequest, Body()], request: Request) -> WorkOrder:
        """Do something with an order: `move` says what, the other fields what belongs to it."""
        if isinstance(wanted, Accept):
            known_codes(wanted.category, wanted.area_code, city)
        who, now = principal(request), clock()
        order = await database.read(lambda c: register.find_for(c, number, who))
        if not _may(who, Move.CLOSE if wanted.move == "callback" else wanted.move, order):
            asked = f"a {who.role} of {who.unit}" if who.unit else f"a {who.role}"
            raise Problem(403, "Forbidden", f"move: {wanted.move} of this order is not for {asked}", field="move")

        def make(connection: Connection) -> WorkOrder:
            order = handling.move(connection, number, wanted, now, who.name)
            return repeats.reopen_old(connection, order, now) if isinstance(wanted, Accept) else order

        return masked(await database.write(make), who)

    @router.get("/moves", dependencies=[open_to(Audience.STAFF)])
    async def list_moves(number: Number, request: Request) -> list[Move]:
        """What the order's state allows to who is asking."""
        who = principal(request)
        order = await database.read(lambda c: register.find_for(c, number, who))
        return [move for move in moves_from(order.state) if _may(who, move, order) and _fits(move, order)]

    @router.get("/clocks", dependencies=[open_to(Audience.STAFF)])
    async def list_clocks(number: Number, request: Request) -> list[StepClock]:
        """The order's clocks: since when, until when, and which light each shows."""
        who = principal(request)
        return await database.read(lambda c: handling.clocks.of(c, register.row_for(c, number, who)["id"]))

    @router.get("/suggestion", dependencies=[open_to(Audience.STAFF)])
    async def suggest(number: Number, request: Request) -> Suggestion:
        """The unit the order should go to, with the reasons."""
        who, now = principal(request), clock()
        order, log = await database.read(lambda c: register.with_log(c, number, who))
        absent = await database.read(lambda c: absence.units_without_head(c, now))
        return dispatch.suggest(order, city, returns.granted(log), absent)

    @router.get("/returns", dependencies=[open_to(Audience.STAFF)])
    async def measure_returns(number: Number, request: Request) -> Meter:
        """Each dispatch, who had the order how long, why it was returned, and what that cost.

        From the binding dispatch on, also the row of the table that decides.
        """
        who, now = principal(request), clock()
        order, log = await database.read(lambda c: register.with_log(c, number, who))
        suggested = dispatch.suggest(order, city)
        binding = order.dispatches + (order.unit is None) >= handling.clocks.rules.binding_dispatch
        decides = city.responsibilities.row(suggested.row) if binding and suggested.row else None
        return returns.measure(order, log, decides, now)

    def _fits(move: Move, order: WorkOrder) -> bool:
        """Whether a move that the state allows can be made of this very order."""
        if move is Move.HAND_BACK:
            return order.working_unit is not None
        return move not in (Move.REFER, Move.HAND_OVER) or order.unit in (None, city.units.office)

    def _may(who: Principal, move: Move, order: WorkOrder) -> bool:
        """Whether somebody may make a move of this order.

        Dispatchers are the people of the hotline office. Who assists or was handed the work makes no move that only
        the responsible unit answers for.
        """
        if who.unit not in (None, order.unit) and move in ANSWERS_FOR_IT:
            return False
        of_the_office = who.role is Role.DISPATCHER and order.unit == city.units.office
        return may(who.role, move) or (of_the_office and may(Role.UNIT_HEAD, move))

    return router
