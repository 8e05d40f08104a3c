"""The one shape of a channel: what it is given, and what it hands back."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter

from core.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from intake.attachments.attaching import Attachments
from intake.conversation import Conversation
from intake.gate import Gate


@dataclass(frozen=True, slots=True)
class House:
    """What a channel works with."""

    conversation: Conversation
    gate: Gate
    database: Database
    city: City
    attachments: Attachments
    handling: Handling
    settings: Settings
    clock: Clock


CreateRouter = Callable[[House], APIRouter]
"""Makes a channel's doors; each names who may use it (`open_to`)."""
