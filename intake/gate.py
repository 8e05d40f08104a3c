"""Whether a message may come in now. Whoever tells of danger never waits."""

from starlette.requests import HTTPConnection

from core.limiting import By, Door, Limiter
from intake.emergency import EmergencyScreen
from intake.messages import InboundMessage


class Gate:
    """Limits the written channels by address and conversation."""

    def __init__(self, limiter: Limiter, screen: EmergencyScreen) -> None:
        self._limiter = limiter
        self._screen = screen

    async def admit(self, message: InboundMessage, connection: HTTPConnection) -> None:
        """Let a message in that came over a connection. Raises Problem 429 when too many came before it."""
        if self._screen.warning(message.text) is None:
            door = Door(message.channel)
            await self._limiter.spend_from(door, connection, {By.CONVERSATION: message.conversation_id})
