"""Every channel by name."""

from fastapi import APIRouter

from channels import feed, open311, web, wechat
from channels.base import CreateRouter, House
from desk.orders.model import Channel
from intake.handover.keeping import Carry

CHANNELS: dict[Channel, CreateRouter] = {
    Channel.WEB: web.create_router,
    Channel.WECHAT: wechat.create_router,
    Channel.OPEN311: open311.create_router,
}
CARRIES: dict[Channel, Carry] = {Channel.WECHAT: wechat.carry}
"""How what a seat says reaches the citizen, where their page does not fetch it."""
TELLING: tuple[CreateRouter, ...] = (feed.create_router,)
"""Doors that tell what anyone may know, and take nothing in."""


def create_routers(house: House) -> list[APIRouter]:
    """The routes of all channels, and of what is told beside them."""
    return [create_router(house) for create_router in (*CHANNELS.values(), *TELLING)]
