"""The desk's API: `/api/work-orders…` for the bot and the clerks, `/api/progress` for citizens."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, StringConstraints

from core.access import Audience, Principal, Role, actor, open_to, principal
from core.city import Category, City
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk import looks, progress, register
from desk.looks import Purpose, ToldLook
from desk.model import CategoryId, Event, Line, NewWorkOrder, Short, State, Text, WorkOrder, e164
from desk.privacy import masked
from desk.progress import Progress

Number = Annotated[str, StringConstraints(pattern=r"^\d{8}-\d{6}$")]
SEARCHERS = frozenset({Role.SEAT, Role.DISPATCHER, Role.ADMIN})
"""Who may look for a citizen's orders by the phone number."""
Written = Annotated[str, Query(min_length=3, max_length=40, description="A telephone number, in any way of writing it")]
Proof = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=6, pattern=r"^\d+$")]


class ProgressQuery(BaseModel):
    """An order number as people write it, and the phone's last four digits or the query code."""

    number: Annotated[str, StringConstraints(max_length=60)]
    proof: Proof


class FollowUp(BaseModel):
    """Something a citizen wants done with an order: with a proof, or from the conversation that opened it."""

    proof: Proof | None = None
    conversation_id: str | None = None
    text: Text | None = None


class Contact(BaseModel):
    """How to reach the citizen; every look at it is written to the order's log."""

    contact_phone: str | None
    contact_name: str | None
    id_number: str | None


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
    async def list_work_orders(
        request: Request,
        category: CategoryId | None = None,
        line: Line | None = None,
        state: State | None = None,
        conversation_id: str | None = None,
        phone: Written | None = None,
        before: Number | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[WorkOrder]:
        """The newest orders first, personal data masked; `before` pages on from an order's number.

        People of a unit see the orders their unit is responsible for. Only the hotline searches by `phone`, and each
        search is a look that is written down.
        """
        who, now = principal(request), clock()
        wanted: dict[str, Any] = {
            "category": category,
            "line": line,
            "state": state,
            "conversation_id": conversation_id,
            "unit": who.unit,
            "before": before,
            "limit": limit,
        }
        if phone is None:
            orders = await database.read(lambda c: register.list_orders(c, **wanted))
        else:
            number = _searched(phone, who)
            orders = await database.write(lambda c: register.search_by_phone(c, number, who, now, **wanted))
        return [masked(order, who) for order in orders]

    @router.get("/work-orders/{number}", dependencies=[open_to(Audience.STAFF)])
    async def get_work_order(number: Number, request: Request) -> WorkOrder:
        """One order, personal data masked."""
        who = principal(request)
        return masked(await database.read(lambda c: register.find_for(c, number, who)), who)

    @router.get("/work-orders/{number}/events", dependencies=[open_to(Audience.STAFF)])
    async def get_events(number: Number, request: Request) -> list[Event]:
        """The order's whole log, oldest first."""
        who = principal(request)
        order = await database.read(lambda c: register.find_for(c, number, who))
        return await database.read(lambda c: register.events_of(c, order.number))

    @router.get("/work-orders/{number}/contact", dependencies=[open_to(Audience.STAFF)])
    async def get_contact(number: Number, request: Request, purpose: Purpose, note: Short | None = None) -> Contact:
        """How to reach the citizen, for a purpose; `other` needs a note. The look is written down, for the citizen too.

        403 for a confidential order, except for seats and dispatchers.
        """
        if purpose is Purpose.OTHER and note is None:
            raise Problem(
                422, "Unprocessable Content", "note: missing; say what for when purpose is other", field="note"
            )
        who, now = principal(request), clock()
        order = await database.write(lambda c: register.view_contact(c, number, purpose, note, now, who))
        return Contact.model_validate(order, from_attributes=True)

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

    @router.post("/progress/looks", dependencies=[open_to(Audience.ANYONE)])
    async def ask_looks(
        query: ProgressQuery,
        before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[ToldLook]:
        """Who looked at the citizen's contact, for the citizen: when, which unit or role, what for; newest first."""
        order = await _identified(query.number, query.proof)
        return await database.read(lambda c: looks.looks_for_citizen(c, order.number, before, limit))

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


def _searched(phone: str, who: Principal) -> str:
    """The number that is searched for in E.164. Raises Problem 403 or 422."""
    if who.role not in SEARCHERS:
        raise Problem(403, "Forbidden", f"phone: searching by it is not for a {who.role}", field="phone")
    return telephone(phone)


def telephone(phone: str) -> str:
    """A telephone number in E.164. Raises Problem 422 for what is none."""
    if (number := e164(phone)) is None:
        detail = f"phone: {phone!r} is not a telephone number; write it like 13871234567 or +8613871234567"
        raise Problem(422, "Unprocessable Content", detail, field="phone")
    return number


def known_codes(category: str | None, area_code: str | None, city: City) -> None:
    """Raise Problem 422 for a category or an area the city does not have."""
    if category is not None and category not in city.categories:
        raise Problem(422, "Unprocessable Content", f"category: {category!r} is not one of 01…22", field="category")
    if area_code is not None and area_code not in city.areas:
        detail = f"area_code: {area_code!r} is not in city/areas.csv"
        raise Problem(422, "Unprocessable Content", detail, field="area_code")
