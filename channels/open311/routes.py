"""The doors of Open311 GeoReport v2. Reading needs no key; filing needs an API token of the role application."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from channels.base import House
from channels.open311 import told
from channels.open311.asked import Filed, ListAsked, OneAsked, Paged, invalid, read, read_form
from channels.open311.filing import Filing
from channels.open311.services import Services
from channels.open311.texts import shown, text
from channels.open311.wire import Fault, Format, Refused, answer, moment, refusal
from core.access import Audience, Role, open_to
from core.limiting import Door
from core.problems import Problem
from desk.access import api_tokens
from desk.published import changes, orders
from desk.published.orders import PublishedOrder
from desk.repeated.repeats import Repeats
from intake.attachments.kinds import LARGEST_FILE
from intake.emergency import EmergencyScreen

PREFIX = "/open311/v2"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
LONGEST_KEY = 150
LARGEST_FORM = LARGEST_FILE + 64 * 1024
"""A file, and all that is in a form beside it."""
ANYWHERE = {"Access-Control-Allow-Origin": "*"}
"""Whatever page reads what is public."""


class _Answering(APIRoute):
    """A route that refuses in the format it was asked for."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except Refused as error:
                refused = error
            except Problem as error:
                refused = Refused(Fault(error.status if error.status in (403, 404, 429) else 400, error.detail))
            except HTTPException as error:
                refused = Refused(Fault(400, str(error.detail)))
            return refusal(refused.faults, _format(request, Format.XML), refused.status)

        return handle_or_refuse


def create_router(house: House) -> APIRouter:
    """All doors over one house."""
    services = Services(house.city)
    database, city = house.database, house.city
    filing = Filing(services, city, Repeats.of_city(city, house.handling))
    screen = EmergencyScreen(city.read("emergencies.yml"))
    about = {"city": city.name, "hotline": city.read("city.yml")["hotline"]}
    # The services are read once, now: whoever keeps a copy knows by this when to ask again.
    changed_at = moment(house.clock())
    # It has a description of its own, the specification's.
    router = APIRouter(prefix=PREFIX, tags=["open311"], route_class=_Answering, include_in_schema=False)

    def for_us(given: str | None) -> None:
        """Raise Refused for a request that is for another city."""
        if given and given != city.jurisdiction_id:
            said = {"value": shown(given), "allowed": city.jurisdiction_id}
            raise Refused(Fault(404, text("unknown_jurisdiction", **said)))

    def asked(request: Request) -> Format:
        """The format of an answer. Raises Refused for another one, and for another city."""
        for_us(request.query_params.get("jurisdiction_id"))
        return _format(request)

    @router.get("/discovery.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def discovery(request: Request) -> Response:
        """Where the interface is, which formats it has, and who gives out keys."""
        form = asked(request)
        endpoint = {
            "specification": SPECIFICATION,
            "url": (house.settings.public_url or house.settings.web_url) + PREFIX,
            "changeset": changed_at,
            "type": "production",
            "formats": [known.media_type for known in Format],
        }
        found = {
            "changeset": changed_at,
            "contact": text("contact", **about),
            "key_service": text("key_service", **about),
            "endpoints": [endpoint],
        }
        return _public("discovery", found, form)

    @router.get("/services.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def list_services(request: Request) -> Response:
        """The services: the city's categories."""
        return _public("services", services.listed(), asked(request))

    @router.get("/services/{code}.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def define_service(code: str, request: Request) -> Response:
        """What may be asked for a service."""
        form = asked(request)
        _known(services, [code])
        return _public("service_definition", services.definition(code), form)

    @router.post("/requests.{format}", dependencies=[open_to(Audience.APPLICATION)], max_body_size=LARGEST_FORM)
    async def file_request(request: Request) -> Response:
        """File a request; sent again with its `Idempotency-Key`, or within ten minutes, it is the same one."""
        form, given = asked(request), await read_form(request)
        for_us(given.fields.get("jurisdiction_id"))
        who = await _application(house, given.fields.get("api_key") or request.query_params.get("api_key"))
        filed = read(Filed, given.fields)
        key = request.headers.get("Idempotency-Key")
        if key is not None and len(key) > LONGEST_KEY:
            raise Refused(invalid("Idempotency-Key", key))
        picture = None if given.media is None else await house.attachments.look(await given.media.read())
        warning = screen.warning(filed.description or "")
        await house.gate.knock(Door.OPEN311, request, filed.description or "")
        new, now = filing.order(filed, given.attributes, danger=warning is not None), house.clock()
        order = await database.write(lambda c: filing.open(c, new, filed.media_url, key, now, who))
        if picture is not None:
            await house.attachments.keep_with_order(order.number, picture)
        notice = text("filed", number=order.number, query_code=order.query_code, **about)
        made = {
            "service_request_id": order.number,
            "service_notice": (warning or "") + notice,
            "account_id": filed.account_id,
        }
        response = answer("service_requests", [made], form)
        response.headers["Cache-Control"] = "no-store"
        return response

    @router.get("/tokens/{token}.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def find_by_token(token: str, request: Request) -> Response:
        """Nothing: every request has its number at once."""
        asked(request)
        raise Refused(Fault(404, text("unknown_token", value=shown(token))))

    @router.get("/requests.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def list_requests(request: Request) -> Response:
        """The newest published requests; those that are named, whatever else is asked."""
        form, wanted = asked(request), read(ListAsked, request.query_params)
        if wanted.service_request_id:
            found = await database.read(lambda c: orders.numbered(c, wanted.service_request_id))
        else:
            _known(services, wanted.service_code)
            since, until = wanted.span(house.clock())
            which = orders.Wanted(since, until, wanted.service_code, wanted.closed)
            found = await database.read(lambda c: orders.page(c, which, wanted.page_size, wanted.offset))
        return _public("service_requests", await tell(found, extended=wanted.extensions), form)

    @router.get("/requests/{number}.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def get_request(number: str, request: Request) -> Response:
        """One published request."""
        form, wanted = asked(request), read(OneAsked, request.query_params)
        found = await database.read(lambda c: orders.numbered(c, [number]))
        if not found:
            raise Refused(Fault(404, text("unknown_request", value=shown(number))))
        return _public("service_requests", await tell(found, extended=wanted.extensions), form)

    @router.get("/servicerequestupdates.{format}", dependencies=[open_to(Audience.ANYONE)])
    async def list_updates(request: Request) -> Response:
        """What has become of published requests, the oldest change first (mySociety's extension)."""
        form, wanted = asked(request), read(Paged, request.query_params)
        which = changes.Wanted(*wanted.span(house.clock()))
        found = await database.read(lambda c: changes.page(c, which, wanted.page_size, wanted.offset))
        return _public("service_request_updates", [told.update(change) for change in found], form)

    async def tell(found: Sequence[PublishedOrder], *, extended: bool) -> list[dict[str, Any]]:
        listed = [told.request(order, services, city) for order in found]
        if not extended:
            return listed

        def histories(connection: Connection) -> dict[str, list[changes.Change]]:
            return changes.of_orders(connection, [order.id for order in found])

        known = await database.read(histories)
        return [
            {**one, **told.extension(order, known.get(order.number, []))}
            for one, order in zip(listed, found, strict=True)
        ]

    return router


async def _application(house: House, key: str | None) -> str:
    """The name of the application a key belongs to. Raises Refused."""
    if not key:
        raise Refused(Fault(403, text("missing_key")))
    now = house.clock()
    found = await house.database.read(lambda c: api_tokens.recognise(c, key, now))
    if found is None or found.principal.role is not Role.APPLICATION:
        raise Refused(Fault(403, text("invalid_key")))
    if found.to_note:
        await house.database.write(lambda c: api_tokens.note_use(c, found.id, now))
    return found.principal.name


def _known(services: Services, codes: Sequence[str]) -> None:
    """Raise Refused for services the city does not have."""
    if faults := [Fault(404, text("unknown_service", value=shown(code))) for code in codes if code not in services]:
        raise Refused(*faults)


def _format(request: Request, otherwise: Format | None = None) -> Format:
    """The format an address ends with; `otherwise` or Refused where it is none of ours."""
    written = request.path_params["format"]
    if written in set(Format):
        return Format(written)
    if otherwise is None:
        raise Refused(Fault(404, text("unknown_format", value=shown(written))))
    return otherwise


def _public(root: str, content: Any, form: Format) -> Response:
    response = answer(root, content, form)
    response.headers.update(ANYWHERE)
    return response
