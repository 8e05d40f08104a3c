"""The doors of the web chat. They are open to anyone; a session's id, which cannot be guessed, is its only key."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from channels.base import House
from channels.web import origin
from channels.web.feed import Feed, Watcher
from channels.web.order import InOrder
from channels.web.page import create_page_router
from channels.web.places import create_place_router
from channels.web.socket import ChatSocket
from channels.web.texts import text
from channels.web.uploads import add_uploads
from channels.web.wire import UNGUESSABLE_LENGTH, AnswerOut, Id, Posted, TurnOut, conversation_id, refusal
from core.access import Audience, open_to
from core.problems import Problem
from core.settings import Settings
from intake.attachments import keeping

SESSION_ID = TypeAdapter(Id)


class _RefusingInChinese(APIRoute):
    """A route whose findings about bad input are for the citizen's page, in Chinese."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise refusal(error.errors()) from error

        return handle_or_refuse


def create_router(house: House) -> APIRouter:
    """The page, the WebSocket and the plain HTTP doors."""
    router = APIRouter()
    settings = house.settings
    dist = settings.project_root / "console" / "dist"
    router.include_router(create_page_router(dist, settings.map_origin, settings.framing_origins))
    router.include_router(_create_chat_router(house))
    router.include_router(create_place_router(house.city, settings))
    return router


def _create_chat_router(house: House) -> APIRouter:
    conversation = InOrder(house.conversation, house.attachments)
    watcher = Watcher(house.database, house.clock)
    router = APIRouter(
        prefix="/chat", tags=["web chat"], dependencies=[open_to(Audience.ANYONE)], route_class=_RefusingInChinese
    )

    @router.post("/messages")
    async def post_message(posted: Posted, request: Request, response: Response) -> AnswerOut:
        """Say something and get the answer; a repeat of the same message_id gets the same answer."""
        response.headers["Cache-Control"] = "no-store"
        message = posted.to_message(posted.session_id)
        await house.gate.admit(message, request)
        return AnswerOut.of(await conversation.handle(message))

    @router.get("/history")
    async def history(session_id: Annotated[Id, Query()], response: Response) -> list[TurnOut]:
        """What was said in a session, oldest first; only for ids that nobody can guess."""
        if len(session_id) < UNGUESSABLE_LENGTH:
            raise Problem(404, "Not Found", text("history_not_found"))
        response.headers["Cache-Control"] = "no-store"
        files = await house.database.read(lambda c: keeping.of_messages(c, conversation_id(session_id)))
        return [TurnOut.of(turn, files.get(turn.message_id)) for turn in await conversation.history(session_id)]

    @router.get("/remarks")
    async def remarks(session_id: Annotated[Id, Query()], response: Response) -> Feed:
        """What seats said, how the wait for one goes, and notices of the session's orders; only for unguessable ids."""
        if len(session_id) < UNGUESSABLE_LENGTH:
            raise Problem(404, "Not Found", text("history_not_found"))
        response.headers["Cache-Control"] = "no-store"
        return await watcher.now(conversation_id(session_id))

    @router.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        """The same by WebSocket; the frames are told in `channels/web/socket.py`."""
        try:
            session_id = _admit(websocket, house.settings)
        except Problem as problem:
            await websocket.send_denial_response(problem.response())
            return
        # uvicorn writes the address of an accepted socket into its log; the session's id is a key.
        websocket.scope["query_string"] = b""
        await websocket.accept()
        await ChatSocket(websocket, session_id, conversation, watcher, house.gate).serve()

    add_uploads(router, conversation, house)
    return router


def _admit(websocket: WebSocket, settings: Settings) -> str:
    """The session id of a socket that may be opened. Raises Problem."""
    if not origin.is_own(websocket, settings.public_url):
        detail = text("foreign_origin", value=websocket.headers["origin"])
        raise Problem(403, "Forbidden", detail)
    try:
        return SESSION_ID.validate_python(websocket.query_params.get("session_id", ""))
    except ValidationError as error:
        raise refusal([{**found, "loc": ("session_id",)} for found in error.errors()]) from error
