"""The account's access token: one for all workers, in one row of the database, sealed.

`stable_token` answers the same token until it is about to end; the old one is good for five minutes more.
https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import Connection, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from channels.wechat.tables import wechat_tokens
from core.clock import Clock
from core.database import Database

REFRESHED_BEFORE = timedelta(minutes=5)
LEASE = timedelta(seconds=10)
"""Longer than a request for a token takes."""
WAIT_SECONDS = 0.2

Fetch = Callable[[str, str], Awaitable[tuple[str, timedelta]]]
"""Asks WeChat, with the account's id and secret, for the token and how long it is good."""


class Tokens:
    """Holds the token; one worker at a time fetches a new one, and the others wait for it."""

    def __init__(self, database: Database, app_id: str, secret: str, clock: Clock) -> None:
        self._database = database
        self._app_id = app_id
        self._secret = secret
        self._clock = clock

    async def token(self, fetch: Fetch, stale: str | None = None) -> str:
        """A token that is good; not `stale`, which WeChat has refused. Raises what `fetch` raises."""
        while True:
            known = await self._database.read(self._known)
            if known is not None and known != stale:
                return known
            if await self._database.write(lambda c: self._lease(c, stale)):
                return await self._renew(fetch)
            await asyncio.sleep(WAIT_SECONDS)

    async def _renew(self, fetch: Fetch) -> str:
        try:
            token, lasts = await fetch(self._app_id, self._secret)
        except Exception:
            await self._database.write(lambda c: self._change(c, leased_until=None))
            raise
        ends_at = self._clock() + lasts
        await self._database.write(lambda c: self._change(c, token=token, ends_at=ends_at, leased_until=None))
        return token

    def _known(self, connection: Connection) -> str | None:
        soon = self._clock() + REFRESHED_BEFORE
        query = select(wechat_tokens.c.token).where(
            wechat_tokens.c.app_id == self._app_id, wechat_tokens.c.ends_at > soon
        )
        token: str | None = connection.execute(query).scalar()
        return token

    def _lease(self, connection: Connection, stale: str | None) -> bool:
        """Whether it is for us to fetch a new token: nobody does, and nobody has since we looked."""
        now = self._clock()
        insert = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
        connection.execute(insert(wechat_tokens).values(app_id=self._app_id).on_conflict_do_nothing())
        free = or_(wechat_tokens.c.leased_until.is_(None), wechat_tokens.c.leased_until <= now)
        mine = update(wechat_tokens).where(wechat_tokens.c.app_id == self._app_id, free)
        if connection.execute(mine.values(leased_until=now + LEASE)).rowcount == 0:
            return False
        if self._known(connection) in (None, stale):
            return True
        self._change(connection, leased_until=None)
        return False

    def _change(self, connection: Connection, **values: object) -> None:
        connection.execute(update(wechat_tokens).where(wechat_tokens.c.app_id == self._app_id).values(**values))
