"""Pictures, voices and videos: fetched from WeChat by the worker, durably, and kept as every file of a citizen is.

Every function takes the connection of a running transaction.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from channels.wechat.api import Api, Refused
from channels.wechat.tables import MediaState, wechat_media
from core.clock import Clock
from core.database import Database
from core.problems import Problem
from desk.telling.deliveries import backoff
from intake.attachments.attaching import Attachments
from intake.attachments.keeping import Origin
from intake.attachments.kinds import Kind

log = logging.getLogger(__name__)

MOST_BYTES = 10 * 1024 * 1024
"""WeChat's own limit for pictures and videos; a voice has 2 MB."""
MOST_TRIES = 9
"""Back-offs of about ten hours; WeChat keeps a file for three days."""
LEASE = timedelta(seconds=90)
FETCH_SECONDS = 60.0
AT_ONCE = 4
"""Files worked on side by side: each may be in memory as a whole."""


@dataclass(frozen=True, slots=True)
class _Job:
    id: int
    conversation_id: str
    message_id: str
    media_id: str
    kind: str
    attempts: int


def add(connection: Connection, conversation_id: str, message_id: str, kind: str, media_id: str, now: datetime) -> None:
    """Have a message's file fetched."""
    new = {
        "conversation_id": conversation_id,
        "message_id": message_id,
        "media_id": media_id,
        "kind": kind,
        "state": MediaState.WAITING,
        "attempts": 0,
        "due_at": now,
    }
    connection.execute(insert(wechat_media).values(new))


class Fetcher:
    """Fetches what is due and hands it over."""

    def __init__(
        self,
        database: Database,
        api: Api,
        attachments: Attachments,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._api = api
        self._attachments = attachments
        self._clock = clock
        self._jitter = jitter

    async def round(self) -> int:
        """Fetch what is due, at most `AT_ONCE` files; returns how many it were."""
        now = self._clock()
        jobs = await self._database.write(lambda c: _take(c, now))
        await asyncio.gather(*[self._fetch(job) for job in jobs])
        return len(jobs)

    async def _fetch(self, job: _Job) -> None:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                content = await self._api.fetch_media(job.media_id, MOST_BYTES)
            origin = Origin(job.conversation_id, job.message_id)
            await self._attachments.keep_for(origin, content, spoken=job.kind == Kind.VOICE)
        except Exception as error:
            await self._failed(job, error)
            return
        await self._database.write(lambda c: _end(c, job, MediaState.KEPT, None))

    async def _failed(self, job: _Job, error: Exception) -> None:
        # Neither the id nor the address is logged: whoever has them may have the picture.
        why = str(error) if isinstance(error, Refused) else type(error).__name__
        permanent = isinstance(error, ValueError | Problem) or (isinstance(error, Refused) and error.permanent)
        if permanent or job.attempts >= MOST_TRIES:
            log.error("file given up", extra={"kind": job.kind, "attempts": job.attempts, "error": why})
            await self._database.write(lambda c: _end(c, job, MediaState.FAILED, why))
            return
        due = self._clock() + backoff(job.attempts, self._jitter())
        await self._database.write(lambda c: _end(c, job, MediaState.WAITING, why, due))


def _take(connection: Connection, now: datetime) -> list[_Job]:
    due = (
        select(wechat_media.c.id)
        .where(wechat_media.c.state == MediaState.WAITING, wechat_media.c.due_at <= now)
        .order_by(wechat_media.c.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(due).scalars().all()
    if not ids:
        return []
    columns = [wechat_media.c[name] for name in ("id", "conversation_id", "message_id", "media_id", "kind", "attempts")]
    taken = update(wechat_media).where(wechat_media.c.id.in_(ids))
    taken = taken.values(due_at=now + LEASE, attempts=wechat_media.c.attempts + 1)
    return [_Job(**row) for row in connection.execute(taken.returning(*columns)).mappings()]


def _end(
    connection: Connection, job: _Job, state: MediaState, error: str | None, due_at: datetime | None = None
) -> None:
    """Note what came of it, unless another worker has taken it meanwhile."""
    mine = update(wechat_media).where(wechat_media.c.id == job.id, wechat_media.c.attempts == job.attempts)
    values: dict[str, object] = {"state": state, "last_error": error and error[:100]}
    values |= {"media_id": None} if due_at is None else {"due_at": due_at}
    connection.execute(mine.values(**values))
