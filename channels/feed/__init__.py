"""The public feed: which requests were taken in and settled lately, as RSS and JSON Feed, by area and category."""

from channels.feed.routes import create_router

__all__ = ["create_router"]
