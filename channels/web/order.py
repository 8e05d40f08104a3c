"""One message of a session at a time."""

import asyncio
from weakref import WeakValueDictionary

from channels.web.wire import conversation_id
from intake.attachments.attaching import Attachments
from intake.conversation import Conversation
from intake.messages import Answer, InboundMessage, Turn


class InOrder:
    """A conversation that handles the messages of each session one after the other, in the order they came.

    A session's lock lives as long as somebody waits for it.
    """

    def __init__(self, conversation: Conversation, attachments: Attachments) -> None:
        self._conversation = conversation
        self._attachments = attachments
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(self, message: InboundMessage) -> Answer:
        """The answer, once all messages that came before have theirs. Raises as Conversation.handle."""
        async with self._turn(message):
            return await self._conversation.handle(message)

    async def attach(self, message: InboundMessage, content: bytes, *, spoken: bool) -> Answer:
        """The answer to a file, in its turn. Raises as Attachments.attach."""
        async with self._turn(message):
            return await self._attachments.attach(message, content, spoken=spoken)

    async def history(self, session_id: str) -> list[Turn]:
        """The turns of a session, oldest first."""
        return await self._conversation.history(conversation_id(session_id))

    def _turn(self, message: InboundMessage) -> asyncio.Lock:
        return self._locks.setdefault(message.conversation_id, asyncio.Lock())
