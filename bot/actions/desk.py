"""Talking to the desk and the knowledge base: with a time-out, with retries, and never opening an order twice."""

import asyncio
import logging
import os
from typing import Any, Dict, Optional

import aiohttp

logger = logging.getLogger(__name__)

TRY_SECONDS = 0.8
PAUSES = (0.1, 0.3)
# aiohttp raises asyncio's own time-out, which Python 3.10 does not yet count among TimeoutError.
SILENT = (asyncio.TimeoutError, aiohttp.ClientError)


class DeskUnavailable(Exception):
    """The desk did not answer; nothing is known about the request, and it may be sent again."""


class DeskRefused(Exception):
    """The desk answered that it will not: `status` says why (404 no such order, 409 too late, 429 too many tries)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Desk:
    """The desk behind `HOTLINE_DESK_URL`, opened by `HOTLINE_SERVICE_TOKEN`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: Optional[aiohttp.ClientSession] = None

    async def open_order(self, order: Dict[str, Any], key: str) -> Dict[str, Any]:
        """Open an order, once for each `key` however often it is tried."""
        return await self._post("/api/work-orders", order, {"Idempotency-Key": key})

    async def similar(self, known: Dict[str, Any], conversation_id: str) -> Optional[Dict[str, Any]]:
        """The open order that is most alike, or None; None too when the desk is slow or down, for filing goes on."""
        try:
            found = await self._post_once(
                "/api/work-orders/similar", {**known, "conversation_id": conversation_id}, None
            )
        except (*SILENT, DeskRefused):
            return None
        return found[0] if found else None

    async def join(self, number: str, joining: Dict[str, Any]) -> Dict[str, Any]:
        """Join an open order, once for each conversation however often it is tried."""
        return await self._post(f"/api/work-orders/{number}/supporters", joining)

    async def progress(self, number: str, proof: str) -> Dict[str, Any]:
        """What the citizen may know of an order but its history: what a conversation tells is kept with it."""
        followed = await self._post("/api/progress", {"number": number, "proof": proof})
        return {name: value for name, value in followed.items() if name != "history"}

    async def follow_up(self, number: str, action: str, proof: str, text: Optional[str] = None) -> Dict[str, Any]:
        """Do `action` (expeditings, supplements, withdrawal) with an order."""
        return await self._post(f"/api/work-orders/{number}/{action}", {"proof": proof, "text": text})

    async def ask(self, question: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """What the knowledge base makes of a question; None when it is slow or down, for filing goes on."""
        answered: Optional[Dict[str, Any]] = await self._ask_knowledge("", question)
        return answered

    async def choose(self, question_id: int, entry_id: str) -> Optional[Dict[str, Any]]:
        """The entry that was meant; None when it tells nothing any more, or the knowledge base does not answer."""
        entry: Optional[Dict[str, Any]] = await self._ask_knowledge(f"/{question_id}/choice", {"entry_id": entry_id})
        return entry

    async def settle(self, question_id: int, outcome: str, order_number: Optional[str] = None) -> None:
        """Note what became of an answer; it is a figure, and nobody waits for it."""
        await self._ask_knowledge(f"/{question_id}/outcome", {"outcome": outcome, "order_number": order_number})

    async def send_text(self, question_id: int, phone: str) -> bool:
        """Have what a question was answered with sent as a text message; whether it is on its way."""
        return await self._ask_knowledge(f"/{question_id}/text", {"phone": phone}) is not None

    async def _ask_knowledge(self, path: str, body: Dict[str, Any]) -> Any:
        try:
            return await self._post_once(f"/api/knowledge/questions{path}", body, None)
        except (*SILENT, DeskRefused) as error:
            logger.warning("knowledge base silent: %s", type(error).__name__)
            return None

    async def _post(self, path: str, body: Dict[str, Any], headers: Optional[Dict[str, str]] = None) -> Dict[str, Any]:
        # Only a request with a key, or one that changes nothing, may be repeated after it may have arrived.
        is_repeatable = headers or path == "/api/progress" or path.endswith("/supporters")
        pauses = PAUSES if is_repeatable else ()
        for pause in (*pauses, None):
            try:
                answer: Dict[str, Any] = await self._post_once(path, body, headers)
                return answer
            except SILENT as error:
                if pause is None:
                    raise DeskUnavailable(type(error).__name__) from error
                await asyncio.sleep(pause)
        raise AssertionError("the last try has no pause")

    async def _post_once(self, path: str, body: Dict[str, Any], headers: Optional[Dict[str, str]]) -> Any:
        async with self._client().post(self._url + path, json=body, headers=headers) as response:
            if response.status >= 500:
                raise aiohttp.ClientPayloadError(f"status {response.status}")
            answer = await response.json(content_type=None)
            if response.status >= 400:
                raise DeskRefused(response.status, str(answer.get("detail")))
            return answer

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TRY_SECONDS)
            self._session = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        return self._session


_desk: Optional[Desk] = None


def get_desk() -> Desk:
    """The desk of this process."""
    global _desk
    if _desk is None:
        _desk = Desk(os.environ["HOTLINE_DESK_URL"], os.environ["HOTLINE_SERVICE_TOKEN"])
    return _desk
