"""The way to the organisation's sign-in and back: `/api/oidc/login`, `/api/oidc/callback`."""

import hmac
import json
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Cookie, Query
from fastapi.responses import RedirectResponse

from core.access import Audience, open_to
from core.clock import Clock
from core.database import Database
from core.limiting import Door, limited
from core.problems import Problem
from core.sealing import CannotOpen, Vault
from desk.access import people
from desk.access.oidc import Attempt, Oidc

COOKIE = "sign_in"
PATH = "/api/oidc"
LASTS = timedelta(minutes=10)


def create_router(database: Database, vault: Vault, provider: Oidc | None, console_url: str, clock: Clock) -> APIRouter:
    """The routes to one provider; without one they answer 404."""
    router = APIRouter(prefix=PATH, tags=["staff"])

    @router.get("/login", status_code=303, dependencies=[open_to(Audience.ANYONE), limited(Door.SIGN_IN)])
    async def login() -> RedirectResponse:
        """Go and sign in at the organisation's sign-in."""
        address, attempt = await _known(provider).begin(clock() + LASTS)
        answer = RedirectResponse(address, 303)
        # Lax, because the browser comes back from another site.
        answer.set_cookie(
            COOKIE,
            vault.seal(json.dumps(attempt.to_json())),
            max_age=int(LASTS.total_seconds()),
            path=PATH,
            secure=console_url.startswith("https:"),
            httponly=True,
            samesite="lax",
        )
        return answer

    @router.get("/callback", status_code=303, dependencies=[open_to(Audience.ANYONE), limited(Door.SIGN_IN)])
    async def callback(
        state: Annotated[str, Query(max_length=200)],
        code: Annotated[str | None, Query(max_length=2000)] = None,
        error: Annotated[str | None, Query(max_length=200)] = None,
        sign_in: Annotated[str | None, Cookie(max_length=2000)] = None,
    ) -> RedirectResponse:
        """Back from there, with a session as of `POST /api/sessions`, handed to the console in the address's fragment.

        A fragment is sent to no server and stands in no log.
        """
        known, now = _known(provider), clock()
        attempt = _attempt(vault, sign_in)
        if not hmac.compare_digest(attempt.state.encode(), state.encode()) or attempt.until < now.timestamp():
            raise Problem(403, "Forbidden", "state: not that of a sign-in begun here within the last 10 minutes")
        if code is None:
            raise Problem(403, "Forbidden", f"error: the provider let nobody in: {error or 'no code'}")
        who = await known.finish(attempt, code, now)
        session = await database.write(lambda c: people.open_session(c, who, now))
        told = urlencode({"token": session.token, "expires_at": session.expires_at.isoformat()})
        answer = RedirectResponse(f"{console_url}#{told}", 303)
        answer.delete_cookie(COOKIE, path=PATH)
        return answer

    return router


def _known(provider: Oidc | None) -> Oidc:
    if provider is None:
        detail = "there is no other sign-in here: HOTLINE_OIDC_ISSUER and HOTLINE_OIDC_CLIENT_ID are not set"
        raise Problem(404, "Not Found", detail)
    return provider


def _attempt(vault: Vault, kept: str | None) -> Attempt:
    try:
        return Attempt(**json.loads(vault.open(kept or "")))
    except CannotOpen as error:
        raise Problem(403, "Forbidden", "sign_in: this browser has not begun to sign in; begin again") from error
