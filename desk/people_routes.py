"""Signing in and out, and who is of the staff: `/api/sessions`, `/api/me`, `/api/users`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from core.access import Audience, Principal, Role, bearer, open_to, principal
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk import people
from desk.model import Phone
from desk.people import NewUser, Session, User


class Credentials(BaseModel):
    """What somebody signs in with."""

    model_config = ConfigDict(extra="forbid")

    login: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NewPhone(BaseModel):
    """A phone; none: no text messages."""

    model_config = ConfigDict(extra="forbid")

    phone: Phone | None


def create_router(database: Database, clock: Clock) -> APIRouter:
    """The routes over one database."""
    router = APIRouter(prefix="/api", tags=["staff"])

    @router.post("/sessions", status_code=201, dependencies=[open_to(Audience.ANYONE)])
    async def sign_in(given: Credentials) -> Session:
        """Sign in; the answer's token opens the doors of the staff as `Authorization: Bearer`."""
        now = clock()
        stored = await database.read(lambda c: people.hash_of(c, given.login, now))
        if not await asyncio.to_thread(people.fits, stored, given.password):
            await database.write(lambda c: people.count_failure(c, given.login, now))
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

    @router.get("/users", dependencies=[open_to(Audience.STAFF, Role.AUDITOR)])
    async def list_users() -> list[User]:
        """All users."""
        return await database.read(people.list_users)

    @router.post("/users", status_code=201, dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def add_user(new: NewUser) -> User:
        """Let somebody in."""
        kept, now = await asyncio.to_thread(people.hashed_password, new.password), clock()
        return await database.write(lambda c: people.add_user(c, new, kept, now))

    @router.delete("/users/{login}", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def deactivate(login: str) -> User:
        """Let somebody in no longer; what they did stays in the logs under their login."""
        return await database.write(lambda c: people.deactivate(c, login))

    @router.put("/users/{login}/phone", dependencies=[open_to(Audience.STAFF, Role.ADMIN)])
    async def set_phone(login: str, wanted: NewPhone) -> User:
        """Where somebody's urgent text messages go."""
        return await database.write(lambda c: people.set_phone(c, login, wanted.phone))

    return router
