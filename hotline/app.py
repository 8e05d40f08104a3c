"""The web application: all rooms behind one door."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from channels.base import House
from channels.registry import CARRIES, create_routers
from core import problems
from core.access import Audience, Locksmith, Principal, open_to
from core.calendar import WorkingCalendar
from core.city import City
from core.clock import Clock, utc_now
from core.database import Database
from core.limiting import Limiter, Proxies
from core.secrets import open_database, source_secret, token, vault, webhook_secret, write_operator_token
from core.settings import Settings, get_settings
from core.web import RealWeb, Web
from desk.access import api_tokens, oidc_routes, people, people_routes
from desk.access.oidc import Oidc
from desk.citizens import routes as citizen_routes
from desk.closing import after_routes
from desk.exchange import exchange_routes, inbound_routes
from desk.life.handling import Handling
from desk.orders import routes as desk_routes
from desk.orders import work_routes
from desk.orders.routes import Prover
from desk.oversight import supervision_routes
from desk.oversight.report_texts import Writer
from desk.personal_data import privacy_routes
from desk.repeated import repeat_routes
from desk.repeated.repeats import Repeats
from desk.special import special_routes
from desk.telling import notice_routes, webhook_routes
from desk.telling.backlog import backlog
from desk.units import unit_routes
from hotline import consulted, health, knowledge_drafts, metrics, schema
from hotline.logs import configure
from hotline.retention import erasure_of
from intake.attachments import routes as attachment_routes
from intake.attachments.attaching import Attachments
from intake.bot import Bot, RasaBot
from intake.conversation import Conversation
from intake.emergency import EmergencyScreen
from intake.gate import Gate
from intake.handover import routes as handover_routes
from intake.handover.keeping import Handovers
from intake.handover.rules import Rules as HandoverRules
from ivr.carriers import registry as phone
from ivr.house import rooms_of
from ivr.messages import routes as message_routes
from ivr.out import doors as out_doors
from ivr.out import routes as campaign_routes
from ivr.out.line import open_out_line
from ivr.out.words import load_words
from ivr.people import routes as seat_routes
from ivr.people.rules import Rules
from ivr.people.switchboard import Switchboard
from ivr.record import routes as record_routes
from knowledge import care_routes, keeping_routes
from knowledge import exchange_routes as knowledge_exchange
from knowledge import routes as knowledge_routes
from knowledge.answering import Knowledge
from knowledge.search.encoder import Encoder, get_encoder
from knowledge.stock import stock

LARGEST_BODY = 256 * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of; tests put their own in."""

    settings: Settings
    database: Database
    city: City
    bot: Bot
    clock: Clock
    web: Web = field(default_factory=RealWeb)
    encoder: Callable[[], Encoder] | None = get_encoder


def create() -> FastAPI:
    """The application with its real parts, as uvicorn starts it."""
    settings = get_settings()
    configure(settings.log_level)
    database = open_database(settings)
    schema.upgrade(database)
    write_operator_token(settings)
    city = City(settings.city_dir)
    stock(database, city, utc_now())
    bot = RasaBot(settings.rasa_url, token(settings, "service"), settings.bot_budget_seconds)
    return assemble(Parts(settings, database, city, bot, utc_now))


def assemble(parts: Parts) -> FastAPI:
    """The application made of these parts."""
    knowledge = Knowledge(parts.database, parts.city, parts.clock, parts.encoder)
    handovers = Handovers(HandoverRules.of_city(parts.city), CARRIES)
    conversation = Conversation(parts.database, parts.bot, parts.city, parts.clock, handovers)
    app = FastAPI(
        title="连心桥 Lianxinqiao",
        version="0.1.0",
        lifespan=_lifespan(parts, knowledge),
        docs_url="/docs",
        redoc_url=None,
        max_body_size=LARGEST_BODY,
        responses=problems.RESPONSES,
    )
    app.state.locksmith = _locksmith(parts)
    proxies, trace = Proxies(parts.settings.trusted_proxies), vault(parts.settings).trace
    app.state.limiter = Limiter.of_city(parts.city, trace, parts.settings.limits_url, proxies)
    gate = Gate(app.state.limiter, EmergencyScreen(parts.city.read("emergencies.yml")))
    problems.install(app)
    app.include_router(exchange_routes.create_router(parts.database, parts.city, parts.clock))
    platform_secret = partial(source_secret, parts.settings)
    app.include_router(inbound_routes.create_router(parts.database, parts.city, platform_secret, parts.clock))
    handling = Handling.of_city(parts.city)
    repeats = Repeats.of_city(parts.city, handling)
    prover = Prover(parts.database, parts.clock, parts.settings.max_query_failures)
    app.include_router(repeat_routes.create_router(parts.database, parts.city, repeats, parts.clock))
    app.include_router(desk_routes.create_router(parts.database, parts.city, handling, repeats, prover, parts.clock))
    app.include_router(work_routes.create_router(parts.database, parts.city, handling, repeats, parts.clock))
    app.include_router(after_routes.create_router(parts.database, parts.city, handling, prover, parts.clock))
    app.include_router(special_routes.create_router(parts.database, parts.city, handling, parts.clock))
    app.include_router(supervision_routes.create_router(parts.database, Writer(parts.city), handling, parts.clock))
    app.include_router(unit_routes.create_router(parts.database, parts.city, parts.clock))
    app.include_router(people_routes.create_router(parts.database, parts.city, parts.clock))
    app.include_router(
        citizen_routes.create_router(parts.database, parts.city, parts.clock, sends_texts=bool(parts.settings.sms_url))
    )
    app.include_router(notice_routes.create_router(parts.database, prover, parts.clock))
    app.include_router(
        webhook_routes.create_router(
            parts.database,
            parts.clock,
            partial(webhook_secret, parts.settings),
            private_addresses=parts.settings.webhook_private_addresses,
        )
    )
    app.include_router(
        privacy_routes.create_router(parts.database, erasure_of(parts.city, parts.settings), parts.clock)
    )
    app.include_router(_single_sign_on(parts))
    switchboard = _switchboard(parts)
    out_line = open_out_line(parts.database, parts.city, handling, parts.clock)
    rooms = replace(rooms_of(parts.database, switchboard, parts.clock), placed=out_doors.placed(out_line))
    app.include_router(
        phone.create_router(conversation, parts.database, parts.settings, parts.city, parts.clock, rooms)
    )
    for carrier in phone.carriers_of(parts.settings, parts.clock).by_name.values():
        app.include_router(out_doors.out_router(carrier, out_line, parts.settings, load_words()))
    app.include_router(message_routes.create_router(parts.database, parts.settings, parts.clock))
    app.include_router(seat_routes.create_router(parts.database, switchboard, parts.clock))
    app.include_router(
        campaign_routes.create_router(
            parts.database,
            parts.city,
            handling,
            parts.clock,
            places_calls=parts.settings.campaign_places_calls,
        )
    )
    app.include_router(record_routes.create_router(parts.database, parts.settings, parts.clock))
    app.include_router(_operations(parts, knowledge, handling.clocks.calendar))
    app.include_router(handover_routes.create_router(parts.database, parts.city, handovers, parts.clock))
    attachments = Attachments(parts.database, parts.settings.attachments_dir, parts.clock)
    app.include_router(attachment_routes.create_router(parts.database, attachments, parts.clock))
    app.include_router(
        knowledge_routes.create_router(
            parts.database,
            knowledge,
            parts.clock,
            send=consulted.send_text if parts.settings.sms_url else None,
            asked_for_person=consulted.asked_for_person,
        )
    )
    app.include_router(care_routes.create_router(parts.database, knowledge, parts.clock))
    app.include_router(keeping_routes.create_router(parts.database, parts.city, parts.clock))
    app.include_router(knowledge_exchange.create_router(parts.database, parts.city, parts.clock))
    app.include_router(knowledge_drafts.create_router(parts.database, parts.city, knowledge, parts.clock))
    house = House(conversation, gate, parts.database, parts.city, attachments, handling, parts.settings, parts.clock)
    for router in create_routers(house):
        app.include_router(router)
    return app


def _switchboard(parts: Parts) -> Switchboard:
    base = parts.settings.public_url or parts.settings.web_url
    diallers = partial(phone.dialler_for, settings=parts.settings)
    return Switchboard(parts.database, Rules.of_city(parts.city), diallers, base, parts.clock)


def _locksmith(parts: Parts) -> Locksmith:
    async def signed_in(token: str) -> Principal | None:
        now = parts.clock()
        if (who := await parts.database.read(lambda c: people.recognise(c, token, now))) is not None:
            return who
        if (machine := await parts.database.read(lambda c: api_tokens.recognise(c, token, now))) is None:
            return None
        if machine.to_note:
            await parts.database.write(lambda c: api_tokens.note_use(c, machine.id, now))
        return machine.principal

    return Locksmith(token(parts.settings, "service"), token(parts.settings, "operator"), signed_in)


def _single_sign_on(parts: Parts) -> APIRouter:
    settings = parts.settings
    address = settings.public_url or settings.web_url
    provider = None
    if settings.oidc_issuer:
        secret, back = settings.oidc_client_secret.get_secret_value(), f"{address}{oidc_routes.PATH}/callback"
        provider = Oidc(settings.oidc_issuer, settings.oidc_client_id, secret, back, parts.web)
    return oidc_routes.create_router(parts.database, vault(settings), provider, f"{address}/console", parts.clock)


def _operations(parts: Parts, knowledge: Knowledge, calendar: WorkingCalendar) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", dependencies=[open_to(Audience.ANYONE)])
    async def healthz() -> dict[str, str]:
        """Whether this process answers."""
        return {"status": "ok"}

    not_ready: dict[int | str, Any] = {
        503: {"description": "A part does not answer", "content": {"application/json": {}}}
    }
    figures: dict[int | str, Any] = {200: {"description": "Prometheus's text format", "content": {"text/plain": {}}}}

    @router.get("/readyz", dependencies=[open_to(Audience.ANYONE)], responses=not_ready)
    async def readyz() -> JSONResponse:
        """Whether database, Rasa, action server, worker and knowledge base answer, each by name; 503 when one does not.

        Warnings tell, each by name, what somebody should see to although everything answers.
        """
        is_read = knowledge.shelf.is_made
        found = await health.readiness(parts.database, parts.bot, is_read, parts.settings, calendar, parts.clock)
        return JSONResponse(found, 200 if found["ready"] else 503)

    @router.get("/metrics", dependencies=[open_to(Audience.ANYONE)], response_class=Response, responses=figures)
    async def show_metrics() -> Response:
        """Figures for Prometheus; none of them is personal."""
        with suppress(SQLAlchemyError):  # The other figures are wanted most when the database does not answer.
            metrics.show(await parts.database.read(backlog), parts.clock())
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _lifespan(parts: Parts, knowledge: Knowledge):  # type: ignore[no-untyped-def]
    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        reading = asyncio.create_task(knowledge.shelf.refresh())
        yield
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        if isinstance(parts.bot, RasaBot):
            await parts.bot.close()
        parts.database.close()

    return run
