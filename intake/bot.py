"""Asking Rasa over HTTP, within a budget of time."""

from typing import Any, Protocol

import aiohttp

from intake.messages import Answer, Button, Expects, InboundMessage, Reply


class BotUnavailable(Exception):
    """The bot did not answer, answered too late, or answered something that is no answer."""


class Bot(Protocol):
    """Whoever answers citizens: Rasa, or a fake in tests."""

    async def ask(self, message: InboundMessage, *, emergency_told: bool, is_repeat: bool) -> Answer:
        """The answer to a message; `is_repeat`: it may have been asked before. Raises BotUnavailable."""
        ...

    async def is_ready(self) -> bool:
        """Whether it would answer now."""
        ...


class RasaBot:
    """Rasa behind its own channel (`bot/channel.py`) on the loopback address."""

    def __init__(self, url: str, token: str, budget_seconds: float) -> None:
        self._url = url
        self._token = token
        self._budget = budget_seconds
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, message: InboundMessage, *, emergency_told: bool, is_repeat: bool) -> Answer:
        """The bot's answer. A repeat of a message id gets the answer Rasa recorded for it."""
        body = {
            "sender": message.conversation_id,
            "message_id": message.message_id,
            "message": message.text,
            "channel": message.channel.value,
            "is_repeat": is_repeat,
            "metadata": {
                "line": message.line.value,
                "caller": message.caller,
                "message_id": message.message_id,
                "emergency_told": emergency_told,
            },
        }
        try:
            async with self._client().post(f"{self._url}/webhooks/hotline/webhook", json=body) as response:
                response.raise_for_status()
                return _answer(await response.json())
        except (aiohttp.ClientError, TimeoutError, KeyError, TypeError, ValueError) as error:
            raise BotUnavailable(type(error).__name__) from error

    async def is_ready(self) -> bool:
        """Whether Rasa has its model loaded."""
        try:
            async with self._client().get(f"{self._url}/webhooks/hotline/") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._budget),
                connector=aiohttp.TCPConnector(limit=0),
                headers={"Authorization": f"Bearer {self._token}"},
            )
        return self._session


def _answer(messages: list[dict[str, Any]]) -> Answer:
    """Rasa's messages as one answer: texts become replies, `custom` parts say what the texts mean.

    A reply without text carries only `custom`; `expects` there belongs to the reply before it.
    """
    custom: dict[str, Any] = {}
    replies = []
    for message in messages:
        custom |= message.get("custom") or {}
        if message.get("text"):
            buttons = tuple(Button(b["title"], b["payload"]) for b in message.get("buttons") or ())
            replies.append(Reply(message["text"], buttons, Expects.CHOICE if buttons else Expects.SPEECH))
    if replies and "expects" in custom:
        replies[-1] = Reply(replies[-1].text, replies[-1].buttons, Expects(custom["expects"]))
    if not replies:
        raise ValueError("no reply")
    return Answer(
        tuple(replies),
        work_order=custom.get("work_order"),
        ended=bool(custom.get("ended")),
        degraded=bool(custom.get("unfiled")),
        draft=custom.get("draft"),
    )
