"""The one shape of a channel: what it is given, and what it hands back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter

from core.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from intake.conversation import Conversation


class Attachments(Protocol):
    """Where files that citizens send are kept."""

    @property
    def largest(self) -> int:
        """Bytes of the largest file it takes."""

    async def keep(self, number: str, name: str, content: bytes) -> None:
        """Keep a file with an order, once for the same content. Raises Problem for a file it does not take."""


@dataclass(frozen=True, slots=True)
class House:
    """What a channel works with. Without `attachments` no files are taken."""

    conversation: Conversation
    database: Database
    city: City
    handling: Handling
    settings: Settings
    clock: Clock
    attachments: Attachments | None = None


CreateRouter = Callable[[House], APIRouter]
"""Makes a channel's doors; each names who may use it (`open_to`)."""
