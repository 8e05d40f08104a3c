"""The worker: work that nobody waits for."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

from core.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from hotline import heartbeat
from intake.bot import Bot
from intake.conversation import Conversation
from intake.sweep import sweep
from ivr.phone import open_line

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
CALL_IS_LOST_AFTER = timedelta(hours=1)


class Worker:
    """One round after the other; a part of a round that fails is logged and tried again in the next."""

    def __init__(self, settings: Settings, database: Database, bot: Bot, city: City, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._conversation = Conversation(database, bot, city, clock)
        self._phone = open_line(self._conversation, database, city, clock)
        self._triage_after = timedelta(seconds=settings.triage_after_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            for part in (self._beat, self._sweep_inbox, self._close_lost_calls):
                try:
                    await part()
                except Exception:
                    log.exception("a round of the worker failed")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)

    async def _beat(self) -> None:
        now = self._clock()
        await self._database.write(lambda c: heartbeat.beat(c, "worker", now))

    async def _sweep_inbox(self) -> None:
        if kept := await sweep(self._database, self._conversation, self._clock, self._triage_after):
            log.warning("unanswered messages kept for a person", extra={"count": kept})

    async def _close_lost_calls(self) -> None:
        if lost := await self._phone.close_lost_calls(self._clock() - CALL_IS_LOST_AFTER):
            log.warning("calls closed whose end nobody told", extra={"count": lost})
