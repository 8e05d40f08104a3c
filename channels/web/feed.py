"""What a page is told without having asked: what seats say, how the wait for one goes, notices of its orders."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import Connection, select, union
from sqlalchemy.exc import SQLAlchemyError

from core.clock import Clock
from core.database import Database
from desk.orders.tables import work_orders
from desk.telling.noticeboard import notices
from desk.telling.notices import CITIZEN
from intake.handover import keeping
from intake.handover.tables import HandoverState, handovers, remarks

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
OVERLAP = timedelta(seconds=10)
"""What another process writes may be seen some seconds after the moment it bears."""
MOST = 200


class RemarkOut(BaseModel):
    """Something said to the citizen; `id` stays the same."""

    id: str
    author: Literal["seat", "system", "notice"]
    text: str
    at: datetime
    number: str | None = None


class PersonOut(BaseModel):
    """A person the citizen waits for or talks to; `ahead`: how many wait before."""

    state: HandoverState
    ahead: int


class Feed(BaseModel):
    """All of it, the oldest first."""

    person: PersonOut | None
    remarks: list[RemarkOut]


def read(connection: Connection, conversation_id: str) -> Feed:
    """What a conversation is told."""
    said = [
        RemarkOut(id=f"remark-{each.id}", author=each.author.value, text=each.text, at=each.said_at)
        for each in keeping.remarks_of(connection, conversation_id)
    ]
    found = keeping.under_way(connection, conversation_id)
    person = found and PersonOut(state=found.state, ahead=keeping.ahead_of(connection, found))
    return Feed(person=person, remarks=sorted([*said, *_notices(connection, conversation_id)], key=lambda r: r.at))


class Watcher:
    """Brings news to open pages: one question to the database a second for all of them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._pages: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    async def now(self, conversation_id: str) -> Feed:
        """What a conversation has been told."""
        return await self._database.read(lambda c: read(c, conversation_id))

    async def feeds(self, conversation_id: str) -> AsyncIterator[Feed]:
        """What it has been told, and all of that again whenever there is more; without end."""
        news = asyncio.Event()
        self._pages[conversation_id].add(news)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        last = Feed(person=None, remarks=[])
        try:
            while True:
                if (feed := await self.now(conversation_id)) != last:
                    yield feed
                    last = feed
                await news.wait()
                news.clear()
        finally:
            self._pages[conversation_id].discard(news)
            if not self._pages[conversation_id]:
                del self._pages[conversation_id]

    async def _watch(self) -> None:
        waited: set[str] = set()
        while self._pages:
            await asyncio.sleep(PAUSE_SECONDS)
            since = self._clock() - OVERLAP
            try:
                told, waiting = await self._database.read(lambda c: _news(c, since))  # noqa: B023 - called at once
            except SQLAlchemyError as error:
                log.error("news not read", extra={"error": type(error).__name__})
                continue
            for conversation_id in told | waiting | waited:
                for news in self._pages.get(conversation_id, ()):
                    news.set()
            waited = waiting


def _notices(connection: Connection, conversation_id: str) -> list[RemarkOut]:
    query = (
        select(notices.c.id, notices.c.text, notices.c.told_at, work_orders.c.number)
        .join(work_orders, work_orders.c.id == notices.c.work_order_id)
        .where(
            work_orders.c.conversation_id == conversation_id,
            notices.c.recipient == CITIZEN,
            notices.c.told_at.is_not(None),
        )
        .order_by(notices.c.told_at.desc(), notices.c.id.desc())
        .limit(MOST)
    )
    rows = connection.execute(query).all()
    return [
        RemarkOut(id=f"notice-{r.id}", author="notice", text=r.text, at=r.told_at, number=r.number)
        for r in reversed(rows)
    ]


def _news(connection: Connection, since: datetime) -> tuple[set[str], set[str]]:
    """The conversations something was said or told in since a moment, and those that wait for a person."""
    said = select(remarks.c.conversation_id).where(remarks.c.said_at >= since)
    told = (
        select(work_orders.c.conversation_id)
        .join(notices, notices.c.work_order_id == work_orders.c.id)
        .where(notices.c.recipient == CITIZEN, notices.c.told_at >= since, work_orders.c.conversation_id.is_not(None))
    )
    waiting = select(handovers.c.conversation_id).where(handovers.c.state == HandoverState.WAITING)
    return set(connection.execute(union(said, told)).scalars()), set(connection.execute(waiting).scalars())
