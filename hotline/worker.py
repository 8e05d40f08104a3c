"""The worker: work that nobody waits for."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime, timedelta

from core.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from desk.handling import Handling
from hotline import heartbeat
from hotline.retention import erasure_of, remove_due
from intake.bot import Bot
from intake.conversation import Conversation
from intake.sweep import sweep
from ivr.phone import open_line

log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
CALL_IS_LOST_AFTER = timedelta(hours=1)
REMOVE_EVERY = timedelta(days=1)


class Worker:
    """One round after the other; a part of a round that fails is logged and tried again in the next."""

    def __init__(self, settings: Settings, database: Database, bot: Bot, city: City, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._conversation = Conversation(database, bot, city, clock)
        self._phone = open_line(self._conversation, database, city, clock)
        self._handling = Handling.of_city(city)
        self._city = city
        self._dispatches = settings.automatic_dispatch
        self._seen = 0
        self._erasure = erasure_of(city, settings)
        self._removed_at: datetime | None = None
        self._triage_after = timedelta(seconds=settings.triage_after_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            for part in (
                self._beat,
                self._sweep_inbox,
                self._close_lost_calls,
                self._dispatch,
                self._change_lights,
                self._remove_old,
            ):
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

    async def _dispatch(self) -> None:
        if not self._dispatches:
            return
        now, sent = self._clock(), 0
        while True:
            seen, more = await self._database.write(
                lambda c: self._handling.dispatch_certain(c, self._city, self._seen, now)
            )
            sent += more
            if seen == self._seen:
                break
            self._seen = seen
        if sent:
            log.info("orders dispatched", extra={"count": sent})

    async def _change_lights(self) -> None:
        now = self._clock()
        if not self._handling.clocks.calendar.knows(now.astimezone(self._handling.clocks.calendar.zone).year):
            log.warning("holidays of this year are not known; weekends alone are days off", extra={"year": now.year})
        while changed := await self._database.write(lambda c: self._handling.sweep(c, now)):
            log.info("lights changed", extra={"count": changed})

    async def _close_lost_calls(self) -> None:
        if lost := await self._phone.close_lost_calls(self._clock() - CALL_IS_LOST_AFTER):
            log.warning("calls closed whose end nobody told", extra={"count": lost})

    async def _remove_old(self) -> None:
        now = self._clock()
        if self._removed_at is not None and now - self._removed_at < REMOVE_EVERY:
            return
        orders, conversations = await remove_due(self._database, self._erasure, self._clock)
        self._removed_at = now
        if orders or conversations:
            log.info("personal data removed", extra={"orders": orders, "conversations": conversations})
