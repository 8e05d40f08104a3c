"""Signing in and out, who may sign in, other systems' tokens, and the audit log of all that."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from core.access import Audience, Principal, Role, actor, bearer, open_to, principal
from core.city import City
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from desk.access import api_tokens, audit, people
from desk.access.api_tokens import ApiToken, MadeToken, NewToken
from desk.access.people import NewUser, Password, Session, User, UserChange
from desk.orders.model import Phone

Before = Annotated[int | None, Query(ge=1, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=200)]


class Credentials(BaseModel):
    """What somebody signs in with."""

    model_config = ConfigDict(extra="forbid")

    login: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NewPhone(BaseModel):
    """A phone; none: no text messages."""

    model_config = ConfigDict(extra="forbid")

    phone: Phone | None


class NewPassword(BaseModel):
    """The password an administrator gives somebody."""

    model_config = ConfigDict(extra="forbid")

    password: Password


class OwnPassword(NewPassword):
    """One's own next password, and the present one as a proof."""

    present: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def create_router(database: Database, city: City, clock: Clock) -> APIRouter:
    """The routes over one database; the units of people are those of `city`."""
    router = APIRouter(prefix="/api", tags=["staff"])

    @router.post("/sessions", status_code=201, dependencies=[open_to(Audience.ANYONE), limited(Door.SIGN_IN)])
    async def sign_in(given: Credentials) -> Session:
        """Sign in; the answer's token opens the doors of the staff as `Authorization: Bearer`."""
        now = clock()
        if not await _fits(given.login, given.password):
            raise Problem(401, "Unauthorized", "login, password: they do not fit")
        return await database.write(lambda c: people.open_session(c, given.login, now))

    @router.delete("/sessions", status_code=204, dependencies=[open_to(Audience.SIGNED_IN)])
    async def sign_out(request: Request) -> None:
        """Sign out: the token opens nothing any more."""
        token = bearer(request)
        await database.write(lambda c: people.sign_out(c, token))

    @router.get("/me", dependencies=[open_to(Audience.SIGNED_IN)])
    async def me(request: Request) -> Principal:
        """Who is signed in."""
        return principal(request)

    @router.post("/me/password", status_code=204, dependencies=[open_to(Audience.SIGNED_IN)])
    async def change_password(given: OwnPassword, request: Request) -> None:
        """Give oneself another password; all one's other sessions end."""
        login, token, now = actor(request), bearer(request), clock()
        if not await _fits(login, given.present):
            raise Problem(403, "Forbidden", f"present: not the password of {login}", field="present")
        kept = await asyncio.to_thread(people.hashed_password, given.password)
        await database.write(lambda c: people.change_password(c, login, kept, token, now))

    @router.get("/users", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_users() -> list[User]:
        """All users."""
        return await database.read(people.list_users)

    @router.post("/users", status_code=201, dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def add_user(new: NewUser, request: Request) -> User:
        """Let somebody in."""
        known(new.unit)
        kept, who, now = await asyncio.to_thread(people.hashed_password, new.password), actor(request), clock()
        return await database.write(lambda c: people.add_user(c, new, kept, now, who))

    @router.patch("/users/{login}", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def change_user(login: str, wanted: UserChange, request: Request) -> User:
        """Change somebody's name, role or unit, or let them in again; what is not named stays."""
        known(wanted.unit)
        who, now = actor(request), clock()
        return await database.write(lambda c: people.change(c, login, wanted, now, who))

    @router.post("/users/{login}/password", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def reset_password(login: str, given: NewPassword, request: Request) -> User:
        """Give somebody another password; their sessions end."""
        kept, who, now = await asyncio.to_thread(people.hashed_password, given.password), actor(request), clock()
        return await database.write(lambda c: people.reset_password(c, login, kept, now, who))

    @router.delete("/users/{login}", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def deactivate(login: str, request: Request) -> User:
        """Let somebody in no longer; what they did stays in the logs under their login."""
        who, now = actor(request), clock()
        return await database.write(lambda c: people.deactivate(c, login, now, who))

    @router.post("/tokens", status_code=201, dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def make_token(new: NewToken, request: Request) -> MadeToken:
        """Make an API token for another system; the answer tells it this once."""
        known(new.unit)
        who, now = actor(request), clock()
        return await database.write(lambda c: api_tokens.make(c, new, now, who))

    @router.get("/tokens", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_tokens(before: Before = None, limit: Limit = 50) -> list[ApiToken]:
        """The newest API tokens first, without what opens doors; `before` pages on from an id."""
        return await database.read(lambda c: api_tokens.list_tokens(c, before, limit))

    @router.delete("/tokens/{token_id}", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def revoke_token(token_id: Annotated[int, Path(ge=1, le=2**31)], request: Request) -> ApiToken:
        """End an API token at once."""
        who, now = actor(request), clock()
        return await database.write(lambda c: api_tokens.revoke(c, token_id, now, who))

    @router.get("/audit", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_audit(
        subject: Annotated[str | None, Query(max_length=50)] = None, before: Before = None, limit: Limit = 50
    ) -> list[audit.Entry]:
        """What was done with users and API tokens, the newest first; `before` pages on from an id."""
        return await database.read(lambda c: audit.entries(c, subject, before, limit))

    def known(unit: str | None) -> None:
        if unit is not None:
            city.units.require(unit, "unit")

    async def _fits(login: str, password: str) -> bool:
        """Whether it is the user's password; a misfit is counted. Raises Problem 429 after too many."""
        now = clock()
        stored = await database.read(lambda c: people.hash_of(c, login, now))
        if await asyncio.to_thread(people.fits, stored, password):
            return True
        await database.write(lambda c: people.count_failure(c, login, now))
        return False

    @router.put("/users/{login}/phone", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def set_phone(login: str, wanted: NewPhone) -> User:
        """Where somebody's urgent text messages go."""
        return await database.write(lambda c: people.set_phone(c, login, wanted.phone))

    return router
