"""Every channel by name."""

from fastapi import APIRouter

from channels import web, wechat
from channels.base import CreateRouter, House
from desk.orders.model import Channel

CHANNELS: dict[Channel, CreateRouter] = {
    Channel.WEB: web.create_router,
    Channel.WECHAT: wechat.create_router,
}


def create_routers(house: House) -> list[APIRouter]:
    """The routes of all channels."""
    return [create_router(house) for create_router in CHANNELS.values()]
