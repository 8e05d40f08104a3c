"""The special channels: orders on other lines, leaders' sessions, deputies; and who else may handle a matter."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from core.access import Audience, Role, actor, open_to
from core.city import City
from core.clock import Clock
from core.database import Database
from core.elsewhere import OtherLine, PartnerCity
from core.problems import Problem
from desk.closing import expediting
from desk.life.handling import Handling
from desk.orders import listing, register
from desk.orders.listing import Wanted
from desk.orders.model import Line, NewWorkOrder, WorkOrder
from desk.orders.routes import Number, known_codes
from desk.personal_data.privacy import masked
from desk.special import deputies
from desk.special import leader_sessions as sessions
from desk.special.deputies import DeputyOrder, Followed
from desk.special.leader_sessions import Bulletin, HandedOver, LeaderSession, NewSession, SessionRules

ORDERED_BY_STAFF = frozenset(Line) - {Line.DEPUTY, Line.LEADER}
"""Lines a seat opens orders on; deputies and leaders' sessions have doors of their own."""
LOOK = (Role.DISPATCHER, Role.LEADER, Role.SUPERVISOR, Role.AUDITOR, Role.SEAT)
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]
SessionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Limit = Annotated[int, Query(ge=1, le=200)]


def create_router(database: Database, city: City, handling: Handling, clock: Clock) -> APIRouter:
    """The routes over one database, one city and its time limits."""
    router = APIRouter(prefix="/api", tags=["special channels"])
    rules = SessionRules.model_validate(city.read("leader_sessions.yml"))

    @router.post(
        "/lines/{line}/work-orders", status_code=201, dependencies=[open_to(Audience.STAFF, Role.SEAT, Role.DISPATCHER)]
    )
    async def open_on_line(
        line: Line, new: NewWorkOrder, request: Request, response: Response, key: Key = None
    ) -> WorkOrder:
        """Open an order on a line by hand: 金融服务接诉即办, 人民建议征集, or for somebody who cannot do it (帮办代办).

        A repeat with the same `Idempotency-Key` answers 200 with the order of the first time.
        """
        if line not in ORDERED_BY_STAFF or new.line is not line:
            allowed = ", ".join(sorted(ORDERED_BY_STAFF))
            detail = f"line: {new.line} at the door of {line}; both have to be the same, one of {allowed}"
            raise Problem(422, "Unprocessable Content", detail, field="line")
        known_codes(new.category, new.area_code, city)
        who, now = actor(request), clock()
        scoped = key and f"line:{who}:{key}"
        opened = await database.write(lambda c: register.open_work_order(c, new, scoped, now, who))
        response.status_code = 201 if opened.created else 200
        return masked(opened.order)

    @router.get("/partner-cities", dependencies=[open_to(Audience.STAFF)])
    async def list_partner_cities() -> list[PartnerCity]:
        """The cities of 跨市通办 an order can be referred to."""
        return list(city.elsewhere.cities.values())

    @router.get("/other-lines", dependencies=[open_to(Audience.STAFF)])
    async def list_other_lines(
        category: Annotated[str | None, Query(pattern=r"^\d{2}$")] = None,
        text: Annotated[str | None, Query(max_length=2000)] = None,
    ) -> list[OtherLine]:
        """The other public lines and what the seat does on the telephone; with a text, those whose matter it may be."""
        if text is None:
            return list(city.elsewhere.lines.values())
        return city.elsewhere.lines_for(category, text)

    @router.post(
        "/leader-sessions", status_code=201, dependencies=[open_to(Audience.STAFF, Role.DISPATCHER, Role.LEADER)]
    )
    async def open_session(new: NewSession, request: Request) -> LeaderSession:
        """领导接听: enter a session into the calendar."""
        who, now = actor(request), clock()
        ends_at = rules.window.end(new.starts_at, handling.clocks.calendar)
        return await database.write(lambda c: sessions.open_session(c, new, ends_at, now, who))

    @router.get("/leader-sessions", dependencies=[open_to(Audience.STAFF, *LOOK)])
    async def list_sessions(before: datetime | None = None, limit: Limit = 50) -> list[LeaderSession]:
        """The sessions, the latest first; `before` pages on from a session's start."""
        if before is not None and before.tzinfo is None:
            raise Problem(422, "Unprocessable Content", f"before: {before} has no time zone", field="before")
        return await database.read(lambda c: sessions.list_sessions(c, before, limit))

    @router.post(
        "/leader-sessions/{session}/work-orders",
        status_code=201,
        dependencies=[open_to(Audience.STAFF, Role.DISPATCHER, Role.LEADER)],
    )
    async def hand_over(session: SessionId, handed: HandedOver, request: Request) -> WorkOrder:
        """Open an order in a session, and send it to its unit on the spot when one is named."""
        known_codes(handed.category, handed.area_code, city)
        who, now = actor(request), clock()
        return masked(await database.write(lambda c: sessions.hand_over(c, session, handed, handling, now, who)))

    @router.get("/leader-sessions/{session}/work-orders", dependencies=[open_to(Audience.STAFF, *LOOK)])
    async def list_session_orders(
        session: SessionId, before: Number | None = None, limit: Limit = 50
    ) -> list[WorkOrder]:
        """The orders of a session, the newest first, personal data masked."""
        await database.read(lambda c: sessions.find_session(c, session))
        orders = await database.read(lambda c: listing.page(c, Wanted(session_id=session), before, limit))
        return [masked(order) for order in orders]

    @router.get("/leader-sessions/{session}/bulletin", dependencies=[open_to(Audience.STAFF, *LOOK)])
    async def show_bulletin(session: SessionId) -> Bulletin:
        """通报: what has become of the orders of a session by now; `complete` once all are answered."""
        found = await database.read(lambda c: sessions.find_session(c, session))
        outcomes = await database.read(lambda c: sessions.outcomes(c, session))
        return sessions.bulletin(found, outcomes, rules.bulletin)

    @router.post("/deputy/work-orders", status_code=201, dependencies=[open_to(Audience.SIGNED_IN, Role.DEPUTY)])
    async def open_for_constituent(matter: DeputyOrder, request: Request, key: Key = None) -> Followed:
        """人大代表通道: open an order for a constituent. A repeat of `Idempotency-Key` opens no second one."""
        known_codes(matter.category, matter.area_code, city)
        who, now = actor(request), clock()
        order = await database.write(lambda c: deputies.open_order(c, matter, key, now, who))
        return await database.read(lambda c: deputies.follow(c, order))

    @router.get("/deputy/work-orders", dependencies=[open_to(Audience.SIGNED_IN, Role.DEPUTY)])
    async def list_followed(request: Request, before: Number | None = None, limit: Limit = 50) -> list[Followed]:
        """The orders the deputy opened, the newest first."""
        who = actor(request)
        orders = await database.read(lambda c: listing.page(c, Wanted(deputy=who), before, limit))
        return await database.read(lambda c: [deputies.follow(c, order) for order in orders])

    @router.get("/deputy/work-orders/{number}", dependencies=[open_to(Audience.SIGNED_IN, Role.DEPUTY)])
    async def follow(number: Number, request: Request) -> Followed:
        """One of the deputy's orders: its state and the approved reply."""
        who = actor(request)
        order = await database.read(lambda c: deputies.find_own(c, number, who))
        return await database.read(lambda c: deputies.follow(c, order))

    @router.post("/deputy/work-orders/{number}/expeditings", dependencies=[open_to(Audience.SIGNED_IN, Role.DEPUTY)])
    async def expedite(number: Number, request: Request) -> Followed:
        """催办 of one of the deputy's orders; 429 so soon after the last time."""
        who, now = actor(request), clock()
        order = await database.read(lambda c: deputies.find_own(c, number, who))
        rules, calendar = handling.aftercare.expediting, handling.clocks.calendar
        again = await database.write(lambda c: expediting.expedite(c, number, rules, calendar, now, who))
        if again is not None:
            wait = int((again - now).total_seconds()) + 1
            raise Problem(429, "Too Many Requests", f"number: {number} was hurried just now", retry_after=wait)
        return await database.read(lambda c: deputies.follow(c, order))

    return router
