"""One message of a session at a time."""

import asyncio
from weakref import WeakValueDictionary

from channels.web.wire import conversation_id
from intake.conversation import Conversation
from intake.messages import Answer, InboundMessage, Turn


class InOrder:
    """A conversation that handles the messages of each session one after the other, in the order they came.

    A session's lock lives as long as somebody waits for it.
    """

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(self, message: InboundMessage) -> Answer:
        """The answer, once all messages that came before have theirs. Raises as Conversation.handle."""
        lock = self._locks.setdefault(message.conversation_id, asyncio.Lock())
        async with lock:
            return await self._conversation.handle(message)

    async def history(self, session_id: str) -> list[Turn]:
        """The turns of a session, oldest first."""
        return await self._conversation.history(conversation_id(session_id))
