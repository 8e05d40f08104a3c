"""The doors to repeats: similar orders for dispatchers and for filing, and "+1"."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core.access import Audience, Role, actor, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from desk.orders import register
from desk.orders.model import AreaCode, CategoryId, Phone, Short, Text
from desk.orders.progress import Progress, progress_of
from desk.orders.routes import Number, known_codes
from desk.repeated import similar, supporters
from desk.repeated.repeats import Offer, Repeats, SimilarOrder


class Known(BaseModel):
    """What is known of a request that is being filed."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    category: CategoryId | None = None
    area_code: AreaCode | None = None
    place: Short | None = None
    conversation_id: Annotated[str, StringConstraints(max_length=200)] | None = None


class Joining(BaseModel):
    """Somebody who joins an order; the phone is for the call-back."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    contact_phone: Phone | None = None
    text: Text | None = Field(None, description="What they add, in their own words")


class Joined(Progress):
    """The order somebody has joined, and the code with which they ask after it."""

    query_code: str
    people: int
    joined_at: datetime


def create_router(database: Database, city: City, repeated: Repeats, clock: Clock) -> APIRouter:
    """The routes over one database and one city's rules."""
    router = APIRouter(prefix="/api/work-orders", tags=["repeats"])

    @router.post("/similar", dependencies=[open_to(Audience.SERVICE)])
    async def find_similar(known: Known) -> list[Offer]:
        """Open orders the citizen may join instead of opening one more; nothing in them is personal."""
        known_codes(known.category, known.area_code, city)
        request = similar.Request(known.text, known.category, known.area_code, known.place)
        now = clock()
        return await database.read(lambda c: repeated.offers(c, request, known.conversation_id, now))

    @router.get("/{number}/similar", dependencies=[open_to(Audience.STAFF, Role.SEAT, Role.DISPATCHER)])
    async def list_similar(
        number: Number, request: Request, limit: Annotated[int, Query(ge=1, le=50)] = 10
    ) -> list[SimilarOrder]:
        """Orders that may be about the same matter, the most alike first: candidates for merging."""
        who, now = principal(request), clock()
        order = await database.read(lambda c: register.find_for(c, number, who))
        return await database.read(lambda c: repeated.similar_to(c, order, now, limit))

    @router.post("/{number}/supporters", status_code=201, dependencies=[open_to(Audience.SERVICE)])
    async def join(number: Number, joining: Joining, request: Request, response: Response) -> Joined:
        """Join an open order ("+1"). Once for each conversation and phone: a repeat answers 200 with the same code."""
        who, now = actor(request), clock()
        person, is_new = await database.write(
            lambda c: supporters.join(c, number, joining.conversation_id, joining.contact_phone, joining.text, now, who)
        )
        order = await database.read(lambda c: register.find(c, person.number))
        response.status_code = 201 if is_new else 200
        told = progress_of(order, city).model_dump()
        return Joined(**told, query_code=person.query_code, people=order.people, joined_at=now)

    return router
