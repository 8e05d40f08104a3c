"""Where platforms hand orders over by themselves: `/api/inbound/{source}`."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from core.access import Audience, open_to
from core.city import City
from core.clock import Clock
from core.database import Database
from core.limiting import By, Door, Limiter
from core.problems import invalid
from desk.exchange import inbound
from desk.exchange.imports import Outcome, Taken
from desk.exchange.sources import SourceOrder, Sources
from desk.orders.routes import known_codes
from desk.telling.carriers import Secrets

_ORDER = {"application/json": {"schema": {"$ref": f"#/components/schemas/{SourceOrder.__name__}"}}}
_SIGNED: dict[str, Any] = {"requestBody": {"required": True, "content": _ORDER}}
"""The body is read by hand: whoever did not sign learns nothing about what is wrong with it."""


def create_router(database: Database, city: City, secret_of: Secrets, clock: Clock) -> APIRouter:
    """The route over one database and one city; `secret_of` tells a platform's secret."""
    router = APIRouter(prefix="/api", tags=["exchange"])
    sources = Sources.of_city(city)

    @router.post(
        "/inbound/{source}",
        status_code=201,
        dependencies=[open_to(Audience.PLATFORM)],
        responses={200: {"model": Taken, "description": "The number was known"}},
        openapi_extra=_SIGNED,
    )
    async def take_signed(source: str, request: Request, response: Response) -> Taken:
        """Take in one order of a platform, signed by Standard Webhooks.

        A repeat of its `webhook-id` is answered as the first time.
        """
        body, now = await request.body(), clock()
        message_id = inbound.verified(secret_of(source), request.headers, body, now)
        limiter: Limiter = request.app.state.limiter
        await limiter.spend(Door.INBOUND, {By.SOURCE: source})
        platform = sources.named(source)
        try:
            order = SourceOrder.model_validate_json(body)
        except ValidationError as error:
            raise invalid(error.errors()) from error
        known_codes(order.category, order.area_code, city)
        taken = await database.write(lambda c: inbound.take_once(c, platform, message_id, body, order, now))
        response.status_code = 201 if taken.outcome is Outcome.OPENED else 200
        return taken

    return router
