"""The web application: all rooms behind one door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from channels.registry import create_routers
from core import problems
from core.access import Audience, Locksmith, Principal, open_to
from core.city import City
from core.clock import Clock, utc_now
from core.database import Database
from core.secrets import open_database, token, vault, write_operator_token
from core.settings import Settings, get_settings
from core.web import RealWeb, Web
from desk import api_tokens, oidc_routes, people, people_routes, privacy_routes, work_routes
from desk import routes as desk_routes
from desk.handling import Handling
from desk.oidc import Oidc
from hotline import health, schema
from hotline.logs import configure
from hotline.retention import erasure_of
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
    web: Web = field(default_factory=RealWeb)


def create() -> FastAPI:
    """The application with its real parts, as uvicorn starts it."""
    settings = get_settings()
    configure(settings.log_level)
    database = open_database(settings)
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
    )
    app.state.locksmith = _locksmith(parts)
    problems.install(app)
    app.include_router(
        desk_routes.create_router(parts.database, parts.city, parts.clock, parts.settings.max_query_failures)
    )
    handling = Handling.of_city(parts.city)
    app.include_router(work_routes.create_router(parts.database, parts.city, handling, parts.clock))
    app.include_router(people_routes.create_router(parts.database, parts.clock))
    app.include_router(
        privacy_routes.create_router(parts.database, erasure_of(parts.city, parts.settings), parts.clock)
    )
    app.include_router(_single_sign_on(parts))
    app.include_router(ivr_routes.create_router(conversation, parts.database, parts.settings, parts.city, parts.clock))
    app.include_router(_operations(parts))
    for router in create_routers(conversation, parts.settings):
        app.include_router(router)
    return app


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


def _operations(parts: Parts) -> APIRouter:
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", dependencies=[open_to(Audience.ANYONE)])
    async def healthz() -> dict[str, str]:
        """Whether this process answers."""
        return {"status": "ok"}

    @router.get("/readyz", dependencies=[open_to(Audience.ANYONE)])
    async def readyz() -> JSONResponse:
        """Whether database, Rasa, action server and worker answer, each by name; 503 when one does not."""
        found = await health.readiness(parts.database, parts.bot, parts.settings, parts.clock)
        return JSONResponse(found, 200 if found["ready"] else 503)

    @router.get("/metrics", dependencies=[open_to(Audience.ANYONE)])
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
