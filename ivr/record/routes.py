"""Doors to the record of calls, and to the simulated telephone."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy import Connection

from core.access import Audience, Role, open_to, principal
from core.clock import Clock, to_city_time
from core.database import Database
from core.problems import Problem
from core.settings import Settings
from desk.orders.model import Line, Short
from desk.personal_data.looks import Purpose
from ivr.record import looks, reading
from ivr.record.funnel import LONGEST_DAYS, Funnel, funnel
from ivr.record.looks import CallLook
from ivr.record.reading import CallFilters, CallRow, Timeline
from ivr.record.relay import Answered, Relay, Wanted
from ivr.record.scenario import scenario_of, written

CallSid = Annotated[str, Path(min_length=1, max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]
WHO = (Role.SUPERVISOR, Role.AUDITOR, Role.DISPATCHER)


class CallQuery(CallFilters):
    """Which calls, and which page of them."""

    before: Annotated[str, Query(max_length=64)] | None = None
    limit: Limit = 50


class Simulator(BaseModel):
    """Whether calls can be rehearsed, and what is dialled."""

    on: bool
    number: str


def create_router(database: Database, settings: Settings, clock: Clock) -> APIRouter:
    """The routes over one database."""
    router = APIRouter(prefix="/api", tags=["phone"])
    relay = Relay(settings)

    @router.get("/phone/funnel", dependencies=[open_to(Audience.STAFF, *WHO, Role.LEADER)])
    async def show_funnel(
        first_day: Annotated[date | None, Query(alias="from")] = None,
        last_day: Annotated[date | None, Query(alias="until")] = None,
        line: Line | None = None,
    ) -> Funnel:
        """How far callers come and where they stop, by the city's days; by default the last seven."""
        last = last_day or to_city_time(clock()).date()
        first = first_day or last - timedelta(days=6)
        check_days(first, last)
        return await database.read(lambda c: funnel(c, first, last, line))

    @router.get("/phone/calls", dependencies=[open_to(Audience.STAFF, *WHO)])
    async def list_calls(wanted: Annotated[CallQuery, Query()]) -> list[CallRow]:
        """The newest calls first, callers masked; `before` pages on from the id of a call."""
        return await database.read(lambda c: reading.list_calls(c, wanted, wanted.before, wanted.limit))

    @router.get("/phone/calls/{call_sid}", dependencies=[open_to(Audience.STAFF, *WHO)])
    async def show_call(call_sid: CallSid, request: Request) -> Timeline:
        """A call step by step, personal data masked; of a confidential matter no words."""
        who = principal(request)
        return await database.read(lambda c: reading.masked_timeline(c, call_sid, who))

    @router.get("/phone/calls/{call_sid}/whole", dependencies=[open_to(Audience.STAFF, *WHO)])
    async def show_whole_call(
        call_sid: CallSid, request: Request, purpose: Purpose, note: Short | None = None
    ) -> Timeline:
        """A call with the caller and all that was said, for a purpose; `other` needs a note. The look is written down.

        403 for a confidential matter, except for dispatchers.
        """
        if purpose is Purpose.OTHER and note is None:
            detail = "note: missing; say what for when purpose is other"
            raise Problem(422, "Unprocessable Content", detail, field="note")
        who, now = principal(request), clock()

        def look(connection: Connection) -> Timeline:
            whole = reading.whole_timeline(connection, call_sid, who)
            looks.write_down(connection, call_sid, who, purpose, note, now)
            reading.tell_citizen(connection, call_sid, who, purpose, note, now)
            return whole

        return await database.write(look)

    @router.get("/phone/calls/{call_sid}/scenario", dependencies=[open_to(Audience.STAFF, *WHO)])
    async def save_scenario(call_sid: CallSid, request: Request) -> Response:
        """A call as a scenario file, with invented numbers and names; not of a confidential matter."""
        who = principal(request)
        made = await database.read(lambda c: scenario_of(c, reading.not_secret(c, call_sid, who)))
        headers = {"Content-Disposition": f'attachment; filename="{call_sid[:12]}.yml"'}
        return Response(written(made), media_type="application/yaml", headers=headers)

    @router.get("/phone/call-looks", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_call_looks(
        call_sid: Annotated[str | None, Query(max_length=64)] = None,
        actor: Annotated[str | None, Query(max_length=50)] = None,
        before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
        limit: Limit = 50,
    ) -> list[CallLook]:
        """Who looked at whole calls, when and what for, the newest first."""
        return await database.read(lambda c: looks.list_looks(c, call_sid, actor, before, limit))

    @router.get("/simulator", dependencies=[open_to(Audience.STAFF, Role.SUPERVISOR)])
    async def simulator() -> Simulator:
        """Whether calls can be rehearsed here."""
        return Simulator(on=settings.simulator, number="12345")

    @router.post("/simulator/requests", dependencies=[open_to(Audience.STAFF, Role.SUPERVISOR)])
    async def relay_request(wanted: Wanted, request: Request) -> Answered:
        """Make one request of a carrier for a rehearsed call: signed, through the phone's own doors."""
        return await relay.post(request.app, wanted)

    return router


def check_days(first: date, last: date) -> None:
    """Raises Problem 422 for days in the wrong order, or too many."""
    if not 0 <= (last - first).days < LONGEST_DAYS:
        detail = f"from, until: {first} to {last}; until is from or later, and at most {LONGEST_DAYS} days are counted"
        raise Problem(422, "Unprocessable Content", detail, field="from")
