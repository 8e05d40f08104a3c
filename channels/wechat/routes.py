"""The door of the WeChat official account. WeChat signs what it sends; without a token nothing is let in."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from channels.base import House
from channels.wechat import wire
from channels.wechat.reception import Reception
from channels.wechat.rules import Rules
from channels.wechat.wire import Secret
from core.access import Audience, open_to
from core.problems import Problem

NOTHING_NOW = "success"
"""WeChat shows nothing, and does not ask again."""


def create_router(house: House) -> APIRouter:
    """`GET` and `POST /wechat`."""
    settings = house.settings
    reception = Reception(
        house,
        Rules.of_city(house.city),
        answers_later=bool(settings.wechat_app_secret.get_secret_value()),
        by_sms=bool(settings.sms_url),
    )
    router = APIRouter(tags=["wechat"], dependencies=[open_to(Audience.WECHAT)])

    def secret() -> Secret:
        if not (token := settings.wechat_token.get_secret_value()):
            raise Problem(
                403, "Forbidden", "signature: not signed, as far as can be told: HOTLINE_WECHAT_TOKEN is not set"
            )
        return Secret(token, settings.wechat_app_id, settings.wechat_aes_key.get_secret_value())

    @router.get("/wechat")
    async def verify(request: Request) -> Response:
        """WeChat's question, when the address is entered in its console, whether we know the token."""
        wire.check(secret(), request.query_params)
        return PlainTextResponse(request.query_params.get("echostr", ""))

    @router.post("/wechat")
    async def receive(request: Request) -> Response:
        """A message or an event; the answer is a passive reply, or `success` when there is none in time."""
        known, now = secret(), house.clock()
        incoming = wire.read(known, request.query_params, await request.body(), now)
        answer = await reception.answer(incoming)
        if answer is None:
            return PlainTextResponse(NOTHING_NOW)
        return Response(wire.reply(known, incoming, answer, house.clock()), media_type="application/xml")

    return router
