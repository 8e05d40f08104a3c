"""The web application: all rooms behind one door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from channels.registry import create_routers
from core import problems
from core.access import Audience, Locksmith, Principal, open_to
from core.city import City
from core.clock import Clock, utc_now
from core.database import Database
from core.secrets import token, write_operator_token
from core.settings import Settings, get_settings
from desk import exchange_routes, people, people_routes, work_routes
from desk import routes as desk_routes
from desk.handling import Handling
from hotline import health, schema
from hotline.logs import configure
from intake.bot import Bot, RasaBot
from intake.conversation import Conversation
from ivr import routes as ivr_routes

LARGEST_BODY = 256 * 1024


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of; tests put their own in."""

    settings: Settings
    database: Database
    city: City
    bot: Bot
    clock: Clock


def create() -> FastAPI:
    """The application with its real parts, as uvicorn starts it."""
    settings = get_settings()
    configure(settings.log_level)
    database = Database(settings.database_url)
    schema.upgrade(database)
    write_operator_token(settings)
    bot = RasaBot(settings.rasa_url, token(settings, "service"), settings.bot_budget_seconds)
    return assemble(Parts(settings, database, City(settings.city_dir), bot, utc_now))


def assemble(parts: Parts) -> FastAPI:
    """The application made of these parts."""
    conversation = Conversation(parts.database, parts.bot, parts.city, parts.clock)
    app = FastAPI(
        title="连心桥 Lianxinqiao",
        version="0.1.0",
        lifespan=_lifespan(parts),
        docs_url="/docs",
        redoc_url=None,
        max_body_size=LARGEST_BODY,
        responses=problems.RESPONSES,
    )
    app.state.locksmith = _locksmith(parts)
    problems.install(app)
    app.include_router(exchange_routes.create_router(parts.database, parts.city, parts.clock))
    app.include_router(
        desk_routes.create_router(parts.database, parts.city, parts.clock, parts.settings.max_query_failures)
    )
    handling = Handling.of_city(parts.city)
    app.include_router(work_routes.create_router(parts.database, parts.city, handling, parts.clock))
    app.include_router(people_routes.create_router(parts.database, parts.clock))
    app.include_router(ivr_routes.create_router(conversation, parts.database, parts.settings, parts.city, parts.clock))
    app.include_router(_operations(parts))
    for router in create_routers(conversation, parts.settings):
        app.include_router(router)
    return app


def _locksmith(parts: Parts) -> Locksmith:
    async def signed_in(token: str) -> Principal | None:
        now = parts.clock()
        return await parts.database.read(lambda c: people.recognise(c, token, now))

    return Locksmith(token(parts.settings, "service"), token(parts.settings, "operator"), signed_in)


def _operations(parts: Parts) -> APIRouter:
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
        """Whether database, Rasa, action server and worker answer, each by name; 503 when one does not."""
        found = await health.readiness(parts.database, parts.bot, parts.settings, parts.clock)
        return JSONResponse(found, 200 if found["ready"] else 503)

    @router.get("/metrics", dependencies=[open_to(Audience.ANYONE)], response_class=Response, responses=figures)
    async def metrics() -> Response:
        """Figures for Prometheus; none of them is personal."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _lifespan(parts: Parts):  # type: ignore[no-untyped-def]
    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        yield
        if isinstance(parts.bot, RasaBot):
            await parts.bot.close()
        parts.database.close()

    return run
