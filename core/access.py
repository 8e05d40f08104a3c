"""Who may use a route. Every route declares its audience; a test compares the declarations with the app."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
    JAMBONZ = "jambonz"
    """The telephone carrier the city runs itself: the same."""
    APPLICATION = "application"
    """A city's or a developer's application: its requests bring an API key, which their route verifies."""
    WECHAT = "wechat"
    """WeChat's servers: the same."""
    PLATFORM = "platform"
    """Another platform that hands orders over by itself: the route verifies the signature."""
    SERVICE = "service"
    """The bot: the service token."""
    STAFF = "staff"
    """People of the staff who are signed in, and the operator's token, which is an administrator's; no outsiders."""
    SIGNED_IN = "signed in"
    """The staff, and the outsiders too."""


CARRIERS = frozenset({Audience.TWILIO, Audience.JAMBONZ, Audience.WECHAT, Audience.PLATFORM})
"""Those who sign their requests; their routers verify it."""

PROVED_TO_ROUTES = CARRIERS | {Audience.APPLICATION}
"""Those who prove who they are with something else than a bearer token; their routes verify it."""

OPERATOR = "operator"
"""The name under which whoever holds the operator's token acts, and is told things."""


class Role(StrEnum):
    """What somebody who signs in does."""

    SEAT = "seat"
    """话务员: takes messages and calls citizens back."""
    DISPATCHER = "dispatcher"
    """派单员 of the hotline office."""
    HANDLER = "handler"
    """经办人 of a unit."""
    UNIT_HEAD = "unit_head"
    """负责人 of a unit."""
    SUPERVISOR = "supervisor"
    """督办员."""
    LEADER = "leader"
    """领导: looks, and has things looked into."""
    AUDITOR = "auditor"
    """审计: looks at everything and changes nothing."""
    DEPUTY = "deputy"
    """人大代表: opens orders for constituents and sees these alone. Not of the staff: comes in where named only."""
    APPLICATION = "application"
    """An application that files requests for people (Open311) and does nothing else. Not of the staff."""
    ADMIN = "admin"
    """管理员: may do everything."""


UNIT_ROLES = frozenset({Role.HANDLER, Role.UNIT_HEAD})
"""Roles that belong to one unit and see only its orders."""

PEOPLE = tuple(role for role in Role if role is not Role.APPLICATION)
"""Roles a person may have; the others are for API tokens alone."""

OUTSIDERS = frozenset({Role.DEPUTY, Role.APPLICATION})
"""Roles that sign in and are not of the staff: no door is theirs that does not name them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `role` is None for the bot; `unit` is set for those who see only its orders."""

    name: str
    role: Role | None
    unit: str | None = None


Recognise = Callable[[str], Awaitable[Principal | None]]
"""Tells whose token of a signed-in person it is."""


class Locksmith:
    """Knows the tokens; one is kept at `app.state.locksmith`."""

    def __init__(self, service_token: str, operator_token: str, people: Recognise) -> None:
        self._machines = {
            service_token.encode(): Principal("bot", None),
            operator_token.encode(): Principal(OPERATOR, Role.ADMIN),
        }
        self._people = people

    async def principal(self, token: str) -> Principal | None:
        """Whose token it is, or None when it is nobody's."""
        for known, principal in self._machines.items():
            if hmac.compare_digest(known, token.encode()):
                return principal
        return await self._people(token)


def open_to(audience: Audience, *roles: Role) -> Any:
    """The dependency that declares a route's audience, and asks for a token where one is needed.

    Of the staff only `roles` may, when any are named; an administrator always may. An outsider may only where their
    role is named, or at a door for everybody who is signed in.
    """
    return Depends(_declare(audience, frozenset(roles)))


def audience_of(dependency: Callable[..., Any]) -> str | None:
    """The audience a dependency declares, as docs/doors.md writes it (`staff: dispatcher, seat`), or None."""
    return getattr(dependency, "declared", None)


def bearer(request: Request) -> str:
    """The bearer token of a request, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def principal(request: Request) -> Principal:
    """Who is asking at a locked door."""
    found: Principal = request.state.principal
    return found


def actor(request: Request) -> str:
    """Who is asking, for the event log."""
    return principal(request).name


def _declare(audience: Audience, roles: frozenset[Role]) -> Any:
    async def unlocked() -> None:
        return None

    async def locked(request: Request) -> None:
        token = bearer(request)
        if not token:
            raise Problem(401, "Unauthorized", "Authorization: Bearer <token> is missing")
        locksmith: Locksmith = request.app.state.locksmith
        who = await locksmith.principal(token)
        if who is None:
            raise Problem(401, "Unauthorized", "Authorization: the token is not known or has run out; sign in again")
        if not _admits(audience, roles, who):
            allowed = ", ".join(sorted(roles)) or audience.value
            raise Problem(403, "Forbidden", f"this door is for {allowed}, and not for {who.role or who.name}")
        request.state.principal = who

    check: Any = unlocked if audience is Audience.ANYONE or audience in PROVED_TO_ROUTES else locked
    check.declared = f"{audience.value}: {', '.join(sorted(roles))}" if roles else audience.value
    return check


def _admits(audience: Audience, roles: frozenset[Role], who: Principal) -> bool:
    if audience is Audience.SERVICE:
        return who.role is None
    if who.role is None:
        return False
    if roles:
        return who.role in roles or who.role is Role.ADMIN
    return audience is Audience.SIGNED_IN or who.role not in OUTSIDERS
