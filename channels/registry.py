"""Every channel by name."""

from collections.abc import Callable

from fastapi import APIRouter

from channels import web
from core.settings import Settings
from desk.orders.model import Channel
from intake.conversation import Conversation

CHANNELS: dict[Channel, Callable[[Conversation, Settings], APIRouter]] = {
    Channel.WEB: web.create_router,
}


def create_routers(conversation: Conversation, settings: Settings) -> list[APIRouter]:
    """The routes of all channels."""
    return [create_router(conversation, settings) for create_router in CHANNELS.values()]
