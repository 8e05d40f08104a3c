"""The WeChat official account (微信公众号)."""

from channels.wechat.routes import create_router
from channels.wechat.turns import carry

__all__ = ["carry", "create_router"]
