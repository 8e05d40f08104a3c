"""Webhooks and what leaves the house, for administrators: `/api/webhooks`, `/api/deliveries`."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import StringConstraints
from sqlalchemy import Connection

from core.access import Audience, Role, open_to
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk.telling import deliveries, webhooks
from desk.telling.carriers import Secrets, check_url
from desk.telling.deliveries import Delivery, DeliveryState
from desk.telling.notice_routes import BeforeId, Id
from desk.telling.webhooks import NewWebhook, Webhook

WebhookId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class MadeWebhook(Webhook):
    """A fresh webhook: the secret its signatures are verified with is told once."""

    secret: str


def create_router(database: Database, clock: Clock, secret_of: Secrets, *, private_addresses: bool) -> APIRouter:
    """The routes over one database; `private_addresses`: whether webhooks may lead into private networks."""
    router = APIRouter(prefix="/api", tags=["webhooks"])
    admin = open_to(Audience.STAFF, Role.ADMIN)

    @router.get("/webhooks", dependencies=[admin])
    async def list_webhooks(
        limit: Annotated[int, Query(ge=1, le=200)] = 50, offset: Annotated[int, Query(ge=0, le=100_000)] = 0
    ) -> list[Webhook]:
        """All webhooks, the newest first, each with its last result."""
        return await database.read(lambda c: webhooks.list_all(c, limit, offset))

    @router.post("/webhooks", status_code=201, dependencies=[admin])
    async def add_webhook(new: NewWebhook) -> MadeWebhook:
        """Have events told to a URL, signed by Standard Webhooks."""
        check_url(new.url, private_addresses=private_addresses)
        now = clock()
        made = await database.write(lambda c: webhooks.add(c, new, now))
        return MadeWebhook(**made.model_dump(), secret=secret_of(made.id))

    @router.post("/webhooks/{webhook_id}/test", status_code=202, dependencies=[admin])
    async def test_webhook(webhook_id: WebhookId) -> Delivery:
        """Send `{"type": "test"}` to a webhook; `/api/deliveries` shows what came of it."""
        now = clock()

        def send(connection: Connection) -> Delivery:
            hook = webhooks.find(connection, webhook_id)
            if not hook.active:
                raise Problem(409, "Conflict", f"id: webhook {webhook_id} is disabled; enable it first", field="id")
            payload = {"type": "test", "timestamp": now.isoformat(), "data": {}}
            deliveries.add_webhooks(connection, [(hook, None, payload)], now)
            return deliveries.list_deliveries(connection, webhook_id=webhook_id, limit=1)[0]

        return await database.write(send)

    @router.post("/webhooks/{webhook_id}/enable", dependencies=[admin])
    async def enable_webhook(webhook_id: WebhookId) -> Webhook:
        """Tell a disabled webhook events from now on; what it missed can be retried."""

        def enable(connection: Connection) -> Webhook:
            webhooks.switch(connection, webhook_id, on=True)
            return webhooks.find(connection, webhook_id)

        return await database.write(enable)

    @router.delete("/webhooks/{webhook_id}", dependencies=[admin])
    async def disable_webhook(webhook_id: WebhookId) -> Webhook:
        """Tell a webhook nothing any more; what waits for it is given up."""
        now = clock()

        def disable(connection: Connection) -> Webhook:
            deliveries.stop_webhook(connection, webhook_id, "webhook disabled", now)
            return webhooks.find(connection, webhook_id)

        return await database.write(disable)

    @router.get("/deliveries", dependencies=[admin])
    async def list_deliveries(
        state: DeliveryState | None = None,
        webhook: WebhookId | None = None,
        before: BeforeId = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> list[Delivery]:
        """What left the house or is to leave it, newest first; `state=dead` is what was given up."""
        return await database.read(
            lambda c: deliveries.list_deliveries(c, state=state, webhook_id=webhook, before=before, limit=limit)
        )

    @router.post("/deliveries/{delivery_id}/retry", dependencies=[admin])
    async def retry_delivery(delivery_id: Id) -> Delivery:
        """Try a delivery that was given up again, from the first try on."""
        now = clock()
        return await database.write(lambda c: deliveries.retry(c, delivery_id, now))

    return router
