"""The chat's WebSocket: frames in, answers out, one message at a time, pings at any time.

Client frames: `{"type":"message","message_id","text","line"}` and `{"type":"ping"}`. Server frames:
`typing` when the work on a message begins; `ack` and `answer` when its turn is stored and answered;
`remarks` with what the page is told unasked, all of it, whenever there is more (`channels/web/feed.py`);
`error` with `message_id` (null when the frame has none), `detail`, and `retryable`: whether the same message may be
sent again; `pong`. A bad frame is answered with an error and the socket stays open.
"""

import asyncio
import json
import logging
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from channels.web.feed import Watcher
from channels.web.order import InOrder
from channels.web.texts import allowed, text
from channels.web.wire import AnswerOut, Said, conversation_id, invalid, refusal
from core.problems import Problem
from intake.gate import Gate

log = logging.getLogger(__name__)

LONGEST_FRAME = 16 * 1024
LONGEST_QUEUE = 32
FRAME_TYPES = ("message", "ping")


class BadFrame(Exception):
    """A frame we cannot take; `message_id` is the one it names, if any."""

    def __init__(self, detail: str, message_id: str | None = None, *, retryable: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.message_id = message_id
        self.retryable = retryable


class ChatSocket:
    """One open socket of a session."""

    def __init__(
        self, websocket: WebSocket, session_id: str, conversation: InOrder, watcher: Watcher, gate: Gate
    ) -> None:
        self._websocket = websocket
        self._session_id = session_id
        self._conversation = conversation
        self._watcher = watcher
        self._gate = gate
        self._waiting: asyncio.Queue[Said | None] = asyncio.Queue(LONGEST_QUEUE + 1)
        self._gone = False

    async def serve(self) -> None:
        """Serve until the client leaves. What it said before it left is still handled."""
        worker = asyncio.create_task(self._work())
        follower = asyncio.create_task(self._follow())
        try:
            await self._listen()
        finally:
            self._gone = True
            follower.cancel()
            self._waiting.put_nowait(None)
            await worker

    async def _listen(self) -> None:
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                return
            try:
                await self._take(parse_frame(received.get("text")))
            except BadFrame as bad:
                await self._send_error(bad)

    async def _follow(self) -> None:
        try:
            async for feed in self._watcher.feeds(conversation_id(self._session_id)):
                await self._send({"type": "remarks", **feed.model_dump(mode="json")})
        except Exception:
            # The page asks again when it connects again.
            log.exception("news not brought to a page")

    async def _take(self, frame: Said | None) -> None:
        if frame is None:
            await self._send({"type": "pong"})
        elif self._waiting.qsize() >= LONGEST_QUEUE:
            raise BadFrame(allowed("queue"), frame.message_id, retryable=True)
        else:
            try:
                await self._gate.admit(frame.to_message(self._session_id), self._websocket)
            except Problem as problem:
                raise BadFrame(problem.detail, frame.message_id, retryable=True) from problem
            self._waiting.put_nowait(frame)

    async def _work(self) -> None:
        while (said := await self._waiting.get()) is not None:
            try:
                await self._answer(said)
            except Problem as problem:
                await self._send_error(BadFrame(problem.detail, said.message_id, retryable=problem.status >= 500))
            except Exception:
                log.exception("web message not handled")
                await self._send_error(BadFrame(text("failed"), said.message_id, retryable=True))

    async def _answer(self, said: Said) -> None:
        await self._send({"type": "typing"})
        answer = await self._conversation.handle(said.to_message(self._session_id))
        await self._send({"type": "ack", "message_id": said.message_id})
        body = AnswerOut.of(answer).model_dump(mode="json")
        await self._send({"type": "answer", "message_id": said.message_id, **body})

    async def _send_error(self, bad: BadFrame) -> None:
        frame = {"type": "error", "message_id": bad.message_id, "detail": bad.detail, "retryable": bad.retryable}
        await self._send(frame)

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._gone:
            return
        try:
            await self._websocket.send_json(frame)
        except (WebSocketDisconnect, RuntimeError):
            # The client left between two frames; it fetches the answer when it is back.
            self._gone = True


def parse_frame(raw: str | None) -> Said | None:
    """The message in a frame, or None for a ping. Raises BadFrame."""
    frame = _json_object(raw)
    kind, message_id = frame.get("type"), frame.get("message_id")
    known_id = message_id if isinstance(message_id, str) else None
    if kind not in FRAME_TYPES:
        raise BadFrame(invalid("type", kind), known_id)
    if kind == "ping":
        return None
    try:
        return Said.model_validate(frame)
    except ValidationError as error:
        raise BadFrame(refusal(error.errors()).detail, known_id) from error


def _json_object(raw: str | None) -> dict[str, Any]:
    if raw is None or len(raw) > LONGEST_FRAME:
        raise BadFrame(invalid("frame", raw))
    try:
        frame = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadFrame(invalid("frame", raw)) from error
    if not isinstance(frame, dict):
        raise BadFrame(invalid("frame", raw))
    return frame
