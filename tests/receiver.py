"""Somebody outside who is told of events: verifies every signature, remembers what came, fails when told to."""

import json
from collections import Counter
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """An HTTP server; what it does not accept is answered 400, as a real one would."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.ids: Counter[str] = Counter()
        self.payloads: list[dict[str, Any]] = []
        self.texts: list[dict[str, Any]] = []
        self.refused = 0
        self.answers: list[web.Response] = []
        application = web.Application()
        application.router.add_post("/hook", self._hook)
        application.router.add_post("/sms", self._sms)
        self._server = TestServer(application)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    def url(self, path: str) -> str:
        """Its address."""
        return str(self._server.make_url(path))

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert self.secret is not None
        try:
            payload = Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.refused += 1
            return web.Response(status=400, text="bad signature")
        self.ids[request.headers["webhook-id"]] += 1
        self.payloads.append(payload)
        return self.answers.pop(0) if self.answers else web.Response(status=204)

    async def _sms(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != "Bearer the-key":
            self.refused += 1
            return web.Response(status=401)
        self.texts.append(json.loads(await request.read()))
        return self.answers.pop(0) if self.answers else web.Response(status=202)
