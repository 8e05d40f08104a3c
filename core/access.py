"""Who may use a route. Every route declares its audience; a test compares the declarations with the app."""

import hmac
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from fastapi import Depends, Request

from core.problems import Problem


class Audience(StrEnum):
    """The people and machines a door is for."""

    ANYONE = "anyone"
    """No lock: citizens. What the answer may contain is the route's own care."""
    TWILIO = "twilio"
    """The telephone carrier: the route's router verifies the signature."""
    SERVICE = "service"
    """The bot, and whoever may do all the operator may not undo: machines with the service token."""
    OPERATOR = "operator"
    """The people who run the system: the operator's token. The service token opens these doors too."""


class Locksmith:
    """Knows the tokens; one is kept at `app.state.locksmith`."""

    def __init__(self, service_token: str, operator_token: str) -> None:
        self._tokens = {Audience.SERVICE: service_token, Audience.OPERATOR: operator_token}

    def admits(self, audience: Audience, token: str) -> bool:
        """Whether the bearer of `token` may use a door for `audience`."""
        allowed = [Audience.SERVICE] if audience is Audience.SERVICE else [Audience.SERVICE, Audience.OPERATOR]
        return any(hmac.compare_digest(self._tokens[a].encode(), token.encode()) for a in allowed)

    def actor(self, token: str) -> str:
        """Who holds `token`, for the event log."""
        return "bot" if hmac.compare_digest(self._tokens[Audience.SERVICE].encode(), token.encode()) else "operator"


def open_to(audience: Audience) -> Any:
    """The dependency that declares a route's audience and, where a token is needed, asks for it."""
    return Depends(_declare(audience))


def audience_of(dependency: Callable[..., Any]) -> Audience | None:
    """The audience a dependency declares, or None where it declares none."""
    return getattr(dependency, "audience", None)


def bearer(request: Request) -> str:
    """The bearer token of a request, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def actor(request: Request) -> str:
    """Who is asking, for the event log."""
    locksmith: Locksmith = request.app.state.locksmith
    return locksmith.actor(bearer(request))


def _declare(audience: Audience) -> Any:
    async def unlocked() -> None:
        return None

    async def locked(request: Request) -> None:
        token = bearer(request)
        if not token:
            raise Problem(401, "Unauthorized", "Authorization: Bearer <token> is missing")
        locksmith: Locksmith = request.app.state.locksmith
        if not locksmith.admits(audience, token):
            raise Problem(403, "Forbidden", f"this token does not open a door for {audience.value}")

    check: Any = unlocked if audience in (Audience.ANYONE, Audience.TWILIO) else locked
    check.audience = audience
    return check
