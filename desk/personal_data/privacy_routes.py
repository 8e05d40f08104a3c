"""Doors to who a citizen is: confidential orders, who looked, erasing. The contact: `desk/orders/routes.py`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from core.access import Audience, Role, actor, open_to, principal
from core.clock import Clock
from core.database import Database
from desk.orders import register
from desk.orders.model import Short, WorkOrder
from desk.orders.routes import Number, Written, telephone
from desk.personal_data import looks
from desk.personal_data.erasure import Erasure
from desk.personal_data.looks import Look
from desk.personal_data.privacy import masked


class Confidentiality(BaseModel):
    """保密 or not, and why."""

    model_config = ConfigDict(extra="forbid")

    confidential: bool
    reason: Short


class Reason(BaseModel):
    """Why it is done."""

    model_config = ConfigDict(extra="forbid")

    reason: Short


def create_router(database: Database, erasure: Erasure, clock: Clock) -> APIRouter:
    """The routes over one database and one set of rules."""
    router = APIRouter(prefix="/api", tags=["personal data"])

    @router.post("/work-orders/{number}/confidentiality", dependencies=[open_to(Audience.STAFF, Role.DISPATCHER)])
    async def set_confidential(number: Number, wanted: Confidentiality, request: Request) -> WorkOrder:
        """Keep from all but the hotline who the citizen is, or lift it again."""
        who, now, reason = principal(request), clock(), wanted.reason
        order = await database.write(
            lambda c: register.set_confidential(c, number, wanted.confidential, reason, now, who.name)
        )
        return masked(order, who)

    @router.post("/work-orders/{number}/erasure", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def erase(number: Number, why: Reason, request: Request) -> WorkOrder:
        """Remove at once what identifies the citizen of an order that has ended; a second time changes nothing."""
        who, now = actor(request), clock()
        return masked(await database.write(lambda c: erasure.erase(c, number, why.reason, now, who)))

    @router.get("/looks", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_looks(
        number: Number | None = None,
        actor: Annotated[str | None, Query(max_length=50)] = None,
        phone: Written | None = None,
        before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[Look]:
        """The newest looks first: at an order, by one of the staff, at all orders of a citizen's phone number."""
        searched = telephone(phone) if phone else None
        return await database.read(
            lambda c: looks.list_looks(c, number=number, actor=actor, phone=searched, before=before, limit=limit)
        )

    return router
