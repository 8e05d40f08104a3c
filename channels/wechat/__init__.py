"""The WeChat official account (微信公众号)."""

from channels.wechat.routes import create_router

__all__ = ["create_router"]
