"""The desk's API: `/api/work-orders…` for the bot and the clerks, `/api/progress` for citizens."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from core.access import Audience, actor, open_to, principal
from core.city import Category, City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk import listing, progress, register
from desk.listing import Filters
from desk.model import Event, NewWorkOrder, Text, WorkOrder
from desk.privacy import masked
from desk.progress import Progress

Number = Annotated[str, StringConstraints(pattern=r"^\d{8}-\d{6}$")]
Proof = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=6, pattern=r"^\d+$")]


class ProgressQuery(BaseModel):
    """An order number as people write it, and the phone's last four digits or the query code."""

    number: Annotated[str, StringConstraints(max_length=60)]
    proof: Proof


class ListQuery(Filters):
    """The filters of a list, and which page of it."""

    before: Number | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class FollowUp(BaseModel):
    """Something a citizen wants done with an order: with a proof, or from the conversation that opened it."""

    proof: Proof | None = None
    conversation_id: str | None = None
    text: Text | None = None


class Contact(BaseModel):
    """How to reach the citizen; every look at it is written to the order's log."""

    contact_phone: str | None
    contact_name: str | None


def create_router(database: Database, city: City, clock: Clock, max_query_failures: int) -> APIRouter:
    """The desk's routes over one database and one city."""
    router = APIRouter(prefix="/api", tags=["work orders"])

    @router.post("/work-orders", status_code=201, dependencies=[open_to(Audience.SERVICE)])
    async def open_work_order(
        new: NewWorkOrder,
        request: Request,
        response: Response,
        idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
    ) -> WorkOrder:
        """Open a work order. A repeat with the same `Idempotency-Key` answers 200 with the order of the first time."""
        known_codes(new.category, new.area_code, city)
        who, now = actor(request), clock()
        opened = await database.write(lambda c: register.open_work_order(c, new, idempotency_key, now, who))
        response.status_code = 201 if opened.created else 200
        response.headers["Location"] = f"/api/work-orders/{opened.order.number}"
        return opened.order

    @router.get("/work-orders", dependencies=[open_to(Audience.STAFF)])
    async def list_work_orders(request: Request, query: Annotated[ListQuery, Query()]) -> list[WorkOrder]:
        """The newest orders first, personal data masked; `before` pages on from an order's number.

        People of a unit see the orders their unit is responsible for.
        """
        wanted = query.seen_by(principal(request))
        orders = await database.read(lambda c: listing.page(c, wanted, query.before, query.limit))
        return [masked(order) for order in orders]

    @router.get("/work-orders/{number}", dependencies=[open_to(Audience.STAFF)])
    async def get_work_order(number: Number, request: Request) -> WorkOrder:
        """One order, personal data masked."""
        who = principal(request)
        return masked(await database.read(lambda c: register.find_for(c, number, who)))

    @router.get("/work-orders/{number}/events", dependencies=[open_to(Audience.STAFF)])
    async def get_events(number: Number, request: Request) -> list[Event]:
        """The order's whole log, oldest first."""
        who = principal(request)
        order = await database.read(lambda c: register.find_for(c, number, who))
        return await database.read(lambda c: register.events_of(c, order.number))

    @router.get("/work-orders/{number}/contact", dependencies=[open_to(Audience.STAFF)])
    async def get_contact(number: Number, request: Request) -> Contact:
        """How to reach the citizen. The look is written to the order's log."""
        who, now = principal(request), clock()
        order = await database.write(lambda c: register.view_contact(c, number, now, who))
        return Contact(contact_phone=order.contact_phone, contact_name=order.contact_name)

    @router.post("/work-orders/{number}/supplements", dependencies=[open_to(Audience.SERVICE)])
    async def supplement(number: Number, follow_up: FollowUp, request: Request) -> Progress:
        """补充: add the citizen's words to the order."""
        if not follow_up.text:
            raise Problem(422, "Unprocessable Content", "text: missing; say what is to be added", field="text")
        text, who, now = follow_up.text, actor(request), clock()
        await _prove(number, follow_up)
        order = await database.write(lambda c: register.supplement(c, number, text, now, who))
        return progress.progress_of(order, city)

    @router.post("/work-orders/{number}/expeditings", dependencies=[open_to(Audience.SERVICE)])
    async def expedite(number: Number, follow_up: FollowUp, request: Request) -> Progress:
        """催办: note that the citizen asks for it to be hurried."""
        who, now = actor(request), clock()
        await _prove(number, follow_up)
        order = await database.write(lambda c: register.expedite(c, number, now, who))
        return progress.progress_of(order, city)

    @router.post("/work-orders/{number}/withdrawal", dependencies=[open_to(Audience.SERVICE)])
    async def withdraw(number: Number, follow_up: FollowUp, request: Request) -> Progress:
        """撤回 by the citizen."""
        who, now = actor(request), clock()
        await _prove(number, follow_up)
        order = await database.write(lambda c: register.withdraw(c, number, now, who))
        return progress.progress_of(order, city)

    @router.post("/progress", dependencies=[open_to(Audience.ANYONE)])
    async def ask_progress(query: ProgressQuery) -> Progress:
        """进度 of an order for whoever has its number and the proof."""
        return progress.progress_of(await _identified(query.number, query.proof), city)

    @router.get("/categories", dependencies=[open_to(Audience.ANYONE)])
    async def list_categories() -> list[Category]:
        """The 22 categories."""
        return list(city.categories.values())

    async def _identified(number: str, proof: str) -> WorkOrder:
        now = clock()
        order = await database.write(lambda c: progress.identify(c, number, proof, now, max_query_failures))
        if order is None:
            raise Problem(
                404,
                "Not Found",
                "number, proof: no order with this number and these digits; the proof is the last four digits of the "
                "contact phone or the six-digit query code",
            )
        return order

    async def _prove(number: str, follow_up: FollowUp) -> None:
        if follow_up.proof is not None:
            await _identified(number, follow_up.proof)
            return
        order = await database.read(lambda c: register.find(c, number))
        if not follow_up.conversation_id or order.conversation_id != follow_up.conversation_id:
            raise Problem(403, "Forbidden", "proof: missing, and the order was not opened in this conversation")

    return router


def known_codes(category: str | None, area_code: str | None, city: City) -> None:
    """Raise Problem 422 for a category or an area the city does not have."""
    if category is not None and category not in city.categories:
        raise Problem(422, "Unprocessable Content", f"category: {category!r} is not one of 01…22", field="category")
    if area_code is not None and area_code not in city.areas:
        detail = f"area_code: {area_code!r} is not in city/areas.csv"
        raise Problem(422, "Unprocessable Content", detail, field="area_code")
