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

    async def admit(self, message: InboundMessage, connection: HTTPConnection | None = None) -> None:
        """Let a message in; `connection` is the citizen's own, where there is one.

        Raises Problem 429 when too many came before it.
        """
        who = {By.CONVERSATION: message.conversation_id}
        if self._screen.warning(message.text) is not None:
            return
        if connection is None:
            await self._limiter.spend(Door(message.channel), who)
        else:
            await self._limiter.spend_from(Door(message.channel), connection, who)

    async def knock(self, door: Door, connection: HTTPConnection, text: str) -> None:
        """Let somebody in at a door who says this in no conversation. Raises Problem 429."""
        if self._screen.warning(text) is None:
            await self._limiter.spend_from(door, connection, {})
