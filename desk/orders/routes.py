"""The desk's API: `/api/work-orders…` for the bot and the clerks, `/api/progress` for citizens."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Connection

from core.access import Audience, Principal, Role, actor, open_to, principal
from core.city import Area, Category, City
from core.clock import Clock, to_city_time
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from desk.closing import expediting
from desk.life.handling import Handling
from desk.orders import listing, progress, proxies, register
from desk.orders.following import Followed
from desk.orders.listing import Filters
from desk.orders.model import PUBLIC_LINES, Event, FiledBy, NewWorkOrder, ProxyAct, Short, Text, WorkOrder, e164
from desk.orders.progress import Progress
from desk.orders.proxies import Proxy
from desk.personal_data import looks
from desk.personal_data.looks import Purpose, ToldLook
from desk.personal_data.privacy import masked, masked_phone
from desk.repeated import supporters
from desk.repeated.repeats import Repeats
from desk.repeated.supporters import Person, persons_of
from desk.units import absence

Number = Annotated[str, StringConstraints(pattern=r"^\d{8}-\d{6}$")]
WrittenNumber = Annotated[str, StringConstraints(max_length=60)]
SEARCHERS = frozenset({Role.SEAT, Role.DISPATCHER, Role.ADMIN})
"""Who may look for a citizen's orders by the phone number."""
ENDS_PROXIES = (Role.SEAT, Role.DISPATCHER)
"""Whom the citizen asks to end a proxy."""
ProxyId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Written = Annotated[str, StringConstraints(min_length=3, max_length=40)]
Proof = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=6, pattern=r"^\d+$")]


class ProgressQuery(BaseModel):
    """An order number as people write it, and the phone's last four digits or the query code."""

    number: WrittenNumber
    proof: Proof


class ListQuery(Filters):
    """The filters of a list, and which page of it."""

    phone: Written | None = Field(None, description="A citizen's telephone number, in any way of writing it")
    before: Number | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class FollowUp(BaseModel):
    """Something a citizen wants done with an order: with a proof, or from the conversation that opened it."""

    proof: Proof | None = None
    conversation_id: str | None = None
    text: Text | None = None


class Hurried(Progress):
    """An order that was hurried; `counted`: this time was noted, otherwise it may be hurried again `again_at`."""

    counted: bool
    again_at: datetime | None


class Reach(BaseModel):
    """How to reach somebody concerned by an order, as call-backs name them."""

    person: str
    contact_phone: str | None


class Contact(BaseModel):
    """How to reach the citizen and all concerned; every look at it is written to the order's log."""

    contact_phone: str | None
    contact_email: str | None
    contact_name: str | None
    id_number: str | None
    filed_by: FiledBy | None = None
    people: list[Reach]
    proxies: list[Proxy] = Field(default=[], description="家人同办: who of the family may act for the citizen now")


class Prover:
    """Finds out who asks: by number and proof, or by the conversation in which they filed or joined."""

    def __init__(self, database: Database, clock: Clock, max_query_failures: int) -> None:
        self._database = database
        self._clock = clock
        self._most = max_query_failures

    async def identify(self, number: str, proof: str, act: ProxyAct = ProxyAct.PROGRESS) -> Person:
        """Whose number and proof they are. Raises Problem 404, 422 or 429, and 403 for what a proxy may not do."""
        now = self._clock()
        person = await self._database.write(lambda c: progress.recognise(c, number, proof, now, self._most, act))
        if person is None:
            raise Problem(
                404,
                "Not Found",
                "number, proof: no order with this number and these digits; the proof is the last four digits of the "
                "contact phone or the six-digit query code",
            )
        return person

    async def prove(self, number: str, proof: str | None, conversation_id: str | None, act: ProxyAct) -> Person:
        """Who wants something done with an order. Raises Problem 403, or as `identify`."""
        if proof is not None:
            return await self.identify(number, proof, act)
        people = await self._database.read(lambda c: persons_of(c, register.row_of(c, number)))
        for person in people:
            if conversation_id and person.conversation_id == conversation_id:
                return person
        raise Problem(403, "Forbidden", "proof: missing, and the order was not opened or joined in this conversation")


def create_router(
    database: Database, city: City, handling: Handling, repeats: Repeats, prover: Prover, clock: Clock
) -> APIRouter:
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
        if new.line not in PUBLIC_LINES:
            allowed = ", ".join(sorted(PUBLIC_LINES))
            raise Problem(422, "Unprocessable Content", f"line: {new.line} is not for the bot; it opens {allowed}")
        who, now = actor(request), clock()
        opened = await database.write(lambda c: repeats.open(c, new, idempotency_key, now, who))
        response.status_code = 201 if opened.created else 200
        response.headers["Location"] = f"/api/work-orders/{opened.order.number}"
        return opened.order

    @router.get("/work-orders", dependencies=[open_to(Audience.STAFF)])
    async def list_work_orders(request: Request, query: Annotated[ListQuery, Query()]) -> list[WorkOrder]:
        """The newest orders first, personal data masked; `before` pages on from an order's number.

        People of a unit see the orders their unit is responsible for or was handed down. Only the hotline searches by
        `phone`, and each search is a look that is written down.
        """
        who, now = principal(request), clock()
        wanted = query.seen_by(who)
        if query.phone is None:
            orders = await database.read(lambda c: listing.page(c, wanted, query.before, query.limit))
        else:
            phone = _searched(query.phone, who)
            orders = await database.write(
                lambda c: listing.search_by_phone(c, phone, wanted, who, now, query.before, query.limit)
            )
        absent = await database.read(lambda c: absence.units_without_head(c, now))
        return [masked(absence.with_stand_in(order, absent, city.units), who) for order in orders]

    @router.get("/work-orders/{number}", dependencies=[open_to(Audience.STAFF)])
    async def get_work_order(number: Number, request: Request) -> WorkOrder:
        """One order, personal data masked."""
        who = principal(request)
        return masked(await database.read(lambda c: register.find_for(c, number, who)), who)

    @router.get("/work-orders/{number}/events", dependencies=[open_to(Audience.STAFF)])
    async def get_events(number: Number, request: Request) -> list[Event]:
        """The order's whole log, oldest first."""
        who = principal(request)
        _, log = await database.read(lambda c: register.with_log(c, number, who))
        return log

    @router.get("/work-orders/{number}/contact", dependencies=[open_to(Audience.STAFF)])
    async def get_contact(number: Number, request: Request, purpose: Purpose, note: Short | None = None) -> Contact:
        """How to reach the citizen and who has joined, for a purpose; `other` needs a note.

        The look is written down, for the citizen too. 403 for a confidential order, except for seats and dispatchers.
        """
        if purpose is Purpose.OTHER and note is None:
            raise Problem(
                422, "Unprocessable Content", "note: missing; say what for when purpose is other", field="note"
            )
        who, now = principal(request), clock()

        def look(connection: Connection) -> Contact:
            order = register.view_contact(connection, number, purpose, note, now, who)
            row = register.row_of(connection, number)
            people = supporters.concerned(connection, row)
            return Contact(
                contact_phone=order.contact_phone,
                contact_email=order.contact_email,
                contact_name=order.contact_name,
                id_number=order.id_number,
                filed_by=order.filed_by,
                people=[Reach(person=person.id, contact_phone=person.phone) for person in people],
                proxies=proxies.of_order(connection, row["id"]),
            )

        return await database.write(look)

    @router.get("/work-orders/{number}/proxies", dependencies=[open_to(Audience.STAFF, *ENDS_PROXIES)])
    async def list_proxies(number: Number, request: Request) -> list[Proxy]:
        """家人同办: who of the citizen's family may act for them now, the phones masked."""
        who = principal(request)
        found = await database.read(lambda c: proxies.of_order(c, register.row_for(c, number, who)["id"]))
        return [proxy.model_copy(update={"phone": masked_phone(proxy.phone)}) for proxy in found]

    @router.delete(
        "/work-orders/{number}/proxies/{proxy}",
        status_code=204,
        dependencies=[open_to(Audience.STAFF, *ENDS_PROXIES)],
    )
    async def end_proxy(number: Number, proxy: ProxyId, request: Request) -> None:
        """End it, because the citizen or the family member asks for that. A second time changes nothing."""
        who, now = actor(request), clock()
        await database.write(lambda c: proxies.end(c, number, proxy, now, who))

    @router.post("/work-orders/{number}/supplements", dependencies=[open_to(Audience.SERVICE)])
    async def supplement(number: Number, follow_up: FollowUp, request: Request) -> Progress:
        """补充: add the citizen's words to the order."""
        if not follow_up.text:
            raise Problem(422, "Unprocessable Content", "text: missing; say what is to be added", field="text")
        text, who, now = follow_up.text, actor(request), clock()
        person = await prover.prove(number, follow_up.proof, follow_up.conversation_id, ProxyAct.SUPPLEMENT)

        def add(connection: Connection) -> WorkOrder:
            register.supplement(connection, supporters.number_of(connection, person), text, now, who)
            return register.find(connection, person.number)

        return progress.progress_of(await database.write(add), city)

    @router.post("/work-orders/{number}/expeditings", dependencies=[open_to(Audience.SERVICE)])
    async def expedite(number: Number, follow_up: FollowUp, request: Request) -> Hurried:
        """催办: note that the citizen asks for it to be hurried; so soon after the last time nothing is noted."""
        who, now = actor(request), clock()
        person = await prover.prove(number, follow_up.proof, follow_up.conversation_id, ProxyAct.EXPEDITE)
        rules, calendar = handling.aftercare.expediting, handling.clocks.calendar

        def hurry(connection: Connection) -> tuple[datetime | None, WorkOrder]:
            handled = supporters.number_of(connection, person)
            again = expediting.expedite(connection, handled, rules, calendar, now, who)
            return again, register.find(connection, person.number)

        again, order = await database.write(hurry)
        told = progress.progress_of(order, city).model_dump()
        return Hurried(**told, counted=again is None, again_at=to_city_time(again) if again else None)

    @router.post("/work-orders/{number}/withdrawal", dependencies=[open_to(Audience.SERVICE)])
    async def withdraw(number: Number, follow_up: FollowUp, request: Request) -> Progress:
        """撤回 by a citizen; an order others have joined goes on for them."""
        who, now = actor(request), clock()
        person = await prover.prove(number, follow_up.proof, follow_up.conversation_id, ProxyAct.WITHDRAW)
        order = await database.write(lambda c: handling.leave(c, person, now, who))
        return progress.progress_of(order, city)

    @router.post("/progress", dependencies=[open_to(Audience.ANYONE), limited(Door.PROGRESS)])
    async def ask_progress(query: ProgressQuery) -> Followed:
        """进度 of an order for whoever has its number and the proof."""
        person, now = await prover.identify(query.number, query.proof), clock()
        return await database.read(lambda c: Followed.by(person, c, city, now))

    @router.post("/progress/looks", dependencies=[open_to(Audience.ANYONE), limited(Door.PROGRESS)])
    async def ask_looks(
        query: ProgressQuery,
        before: Annotated[int | None, Query(ge=1, le=2**31)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[ToldLook]:
        """Who looked at the citizen's contact, for the citizen: when, which unit or role, what for; newest first."""
        person = await prover.identify(query.number, query.proof)
        return await database.read(lambda c: looks.looks_for_citizen(c, person.number, before, limit))

    @router.get("/categories", dependencies=[open_to(Audience.ANYONE)])
    async def list_categories() -> list[Category]:
        """The 22 categories."""
        return list(city.categories.values())

    @router.get("/areas", dependencies=[open_to(Audience.ANYONE)])
    async def list_areas() -> list[Area]:
        """The areas of the city by code: 6 digits a county, 9 a town or street, 12 a community or village."""
        return list(city.areas.values())

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
    if area_code is not None and not city.has_place(area_code):
        detail = f"area_code: {area_code!r} is neither in city/areas.csv nor in a city of city/partner_cities.yml"
        raise Problem(422, "Unprocessable Content", detail, field="area_code")
