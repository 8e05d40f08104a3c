"""The web chat: the page, its WebSocket, and plain HTTP for whoever cannot have one."""

from channels.web.routes import create_router

__all__ = ["create_router"]
