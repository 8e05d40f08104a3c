"""The doors by which somebody sees all orders of their own telephone."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from core.access import Audience, open_to
from core.city import City
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from desk.citizens import checks, timeline
from desk.citizens.timeline import OwnOrder
from desk.orders.model import e164

MOBILE = "+861"
CheckId = Annotated[str, StringConstraints(min_length=20, max_length=64)]


class Asked(BaseModel):
    """The telephone whose orders are wanted, in any way of writing it."""

    phone: Annotated[str, StringConstraints(max_length=20)]


class Begun(BaseModel):
    """What the check goes on with, and how long the code can be used."""

    check: str
    until: datetime


class Code(BaseModel):
    """The code that arrived."""

    check: CheckId
    code: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\d{6}$")]


class Proved(BaseModel):
    """A check that was proved."""

    check: CheckId


def create_router(database: Database, city: City, clock: Clock, *, sends_texts: bool) -> APIRouter:
    """The routes over one database; without a gateway for text messages nothing can be proved."""
    router = APIRouter(
        prefix="/api/citizens", tags=["citizens"], dependencies=[open_to(Audience.ANYONE), limited(Door.PHONE_CHECK)]
    )

    @router.post("/checks", status_code=202)
    async def begin(asked: Asked) -> Begun:
        """Have a code sent to a telephone."""
        if not sends_texts:
            raise Problem(409, "Conflict", checks.say("no_gateway"))
        phone, now = e164(asked.phone), clock()
        if phone is None or not phone.startswith(MOBILE):
            detail = checks.say("not_a_mobile", value=repr(asked.phone))
            raise Problem(422, "Unprocessable Content", detail, field="phone")
        check = await database.write(lambda c: checks.begin(c, phone, now))
        return Begun(check=check, until=now + checks.VALID_FOR)

    @router.post("/checks/code", status_code=204)
    async def prove(given: Code) -> None:
        """Prove with the code that the telephone is one's own."""
        now = clock()
        if (refused := await database.write(lambda c: checks.prove(c, given.check, given.code, now))) is not None:
            raise refused

    @router.post("/orders")
    async def list_orders(proved: Proved) -> list[OwnOrder]:
        """All orders of the proved telephone, by whichever door they came, the newest first."""
        now = clock()
        phone = await database.read(lambda c: checks.phone_of(c, proved.check, now))
        if phone is None:
            raise checks.unknown()
        return await database.read(lambda c: timeline.orders_of(c, phone, city, now))

    return router
