"""The doors to the campaign and to the lists of numbers, for the staff."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Connection

from core.access import Audience, Role, actor, open_to
from core.city import City
from core.clock import Clock
from core.database import Database
from desk.life.handling import Handling
from desk.orders.model import Phone, Short
from desk.orders.register import row_of
from ivr.out import attempts, lists
from ivr.out.attempts import Figures, Switch, Tried
from ivr.out.lists import Entry, Kind, NewEntry, Removal
from ivr.out.planning import Planned, Planner
from ivr.out.rules import Campaign

Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


class CampaignState(Switch):
    """How the campaign stands: `places_calls` False is a dry run; `open`: it may call now, else from `opens_at`."""

    places_calls: bool
    open: bool
    opens_at: datetime
    under_way: int
    today: Figures


class PauseReason(BaseModel):
    """Why the campaign is to pause."""

    model_config = ConfigDict(extra="forbid")

    reason: Short


class Sought(BaseModel):
    """A number that is looked up on the lists; in a body, since addresses stand in logs."""

    model_config = ConfigDict(extra="forbid")

    phone: Phone


def create_router(database: Database, city: City, handling: Handling, clock: Clock, *, places_calls: bool) -> APIRouter:
    """The routes over one database and one city's rules. Raises pydantic's ValidationError or BadCalendar."""
    router = APIRouter(prefix="/api", tags=["call-back campaign"])
    campaign = Campaign(city)
    planner = Planner(campaign, handling.aftercare.callbacks)
    overseen = open_to(Audience.STAFF, Role.SUPERVISOR, Role.DISPATCHER)
    listing = open_to(Audience.STAFF, Role.SEAT, Role.DISPATCHER)

    async def state() -> CampaignState:
        now = clock()
        switch = await database.read(attempts.switch)
        return CampaignState(
            **switch.model_dump(),
            places_calls=places_calls,
            open=campaign.hours.are_open(now),
            opens_at=campaign.hours.from_then(now),
            under_way=await database.read(attempts.under_way),
            today=await database.read(lambda c: attempts.figures(c, campaign.hours.day(now))),
        )

    @router.get("/campaign", dependencies=[overseen])
    async def show_campaign() -> CampaignState:
        """自动回访: whether it runs, when it may call, calls under way, today's figures."""
        return await state()

    @router.post("/campaign/pause", dependencies=[overseen])
    async def pause(why: PauseReason, request: Request) -> CampaignState:
        """Place no more calls; those under way go on."""
        who, now = actor(request), clock()
        await database.write(lambda c: attempts.pause(c, why.reason, now, who))
        return await state()

    @router.post("/campaign/resume", dependencies=[overseen])
    async def resume(request: Request) -> CampaignState:
        """Place calls again."""
        who, now = actor(request), clock()
        await database.write(lambda c: attempts.resume(c, now, who))
        return await state()

    @router.get("/campaign/preview", dependencies=[overseen])
    async def preview(limit: Limit = 50) -> list[Planned]:
        """Whom it would call when, and whom it leaves to people and why; the oldest reply first, phones masked."""
        now = clock()
        return await database.read(lambda c: planner.plan(c, now, limit))

    @router.get(
        "/campaign/attempts", dependencies=[open_to(Audience.STAFF, Role.SUPERVISOR, Role.DISPATCHER, Role.SEAT)]
    )
    async def list_attempts(
        number: Annotated[str | None, Query(pattern=r"^\d{8}-\d{6}$")] = None,
        before: AwareDatetime | None = None,
        limit: Limit = 50,
    ) -> list[Tried]:
        """The newest attempts first, of one order or of all; `before` pages on from a `claimed_at`."""

        def found(connection: Connection) -> list[Tried]:
            order_id = None if number is None else row_of(connection, number)["id"]
            return attempts.tries(connection, order_id, before, limit)

        return await database.read(found)

    @router.get("/phone-lists", dependencies=[listing])
    async def list_numbers(kind: Kind | None = None, before: Before = None, limit: Limit = 50) -> list[Entry]:
        """The numbers on the lists, masked, the newest first; `before` pages on from an id."""
        now = clock()
        return await database.read(lambda c: lists.entries(c, kind, now, before=before, limit=limit))

    @router.post("/phone-lists/search", dependencies=[listing])
    async def find_number(sought: Sought) -> list[Entry]:
        """On which lists a number stands."""
        now = clock()
        return await database.read(lambda c: lists.entries(c, None, now, phone=sought.phone))

    @router.post("/phone-lists", status_code=201, dependencies=[listing])
    async def add_number(new: NewEntry, request: Request, response: Response) -> Entry:
        """Put a number on a list (免打扰, 老年人); 200 with its entry when it stands there already."""
        who, now = actor(request), clock()
        entry, is_new = await database.write(lambda c: lists.add(c, new, now, who))
        response.status_code = 201 if is_new else 200
        return entry

    @router.post("/phone-lists/{entry}/removal", dependencies=[listing])
    async def remove_number(
        entry: Annotated[int, Path(ge=1, le=2**31 - 1)], removal: Removal, request: Request
    ) -> Entry:
        """Take a number off its list, and why; a second time changes nothing."""
        who, now = actor(request), clock()
        return await database.write(lambda c: lists.remove(c, entry, removal.reason, now, who))

    return router
