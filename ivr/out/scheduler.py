"""The campaign's rounds: whom it calls now, one after the other, through the carrier's `Dialler`."""

import logging
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from core.clock import Clock
from core.database import Database
from desk.life.handling import Handling
from ivr.out import attempts
from ivr.out.attempts import Attempt
from ivr.out.flow import Result
from ivr.out.line import OutLine
from ivr.out.planning import Place, Planner
from ivr.out.rules import Campaign
from ivr.out.words import load_words

log = logging.getLogger(__name__)

REST = timedelta(minutes=10)
"""After the carrier failed nothing is dialled for so long: the citizens are not used up as attempts that failed."""
TOLD_AGAIN_EVERY = timedelta(minutes=10)
TOLD_AGAIN_FOR = timedelta(days=30)


class NotPlaced(Exception):
    """The carrier says that it has not placed the call; `bad_number`: and never will, because of the number."""

    def __init__(self, reason: str, *, bad_number: bool = False) -> None:
        super().__init__(reason)
        self.bad_number = bad_number


class Dialler(Protocol):
    """A carrier that places calls."""

    name: str
    """As it stands in the addresses of its routes: twilio, jambonz."""

    async def call(self, to: str, flow_url: str, status_url: str, seconds: int) -> str:
        """Ring a number in E.164 for so many seconds; returns the call's id at once, without waiting for an answer.

        The carrier asks `flow_url` when somebody answers and tells `status_url` how the call ended. Raises NotPlaced
        when it is certain that nothing rings; with any other exception it is not known.
        """


class Runner:
    """Runs the campaign in one process. Without a dialler it places nothing."""

    def __init__(
        self,
        database: Database,
        campaign: Campaign,
        handling: Handling,
        clock: Clock,
        dialler: Dialler | None = None,
        address: str = "",
    ) -> None:
        """`address` is where the carrier reaches us, without a slash at its end."""
        self._database = database
        self._campaign = campaign
        self._clock = clock
        self._dialler = dialler
        self._address = address
        self.planner = Planner(campaign, handling.aftercare.callbacks)
        self.line = OutLine(database, campaign, handling, load_words(), clock)
        self._after: Place | None = None
        self._rests_until: datetime | None = None
        self._told_at: datetime | None = None

    async def round(self) -> int:
        """Close what is lost, tell the desk what it did not take, call whom it is time to call; returns how many."""
        await self.line.close_silent()
        now = self._clock()
        if self._told_at is None or now - self._told_at >= TOLD_AGAIN_EVERY:
            self._told_at = now
            await self.line.tell_again(now - TOLD_AGAIN_FOR)
        if self._dialler is None or not self._may_dial(now):
            return 0
        free = await self._database.read(self._free)
        if free <= 0:
            return 0
        after = self._after
        found, self._after = await self._database.read(lambda c: self.planner.callable_now(c, now, free, after))
        called = 0
        for number, person in found:
            called += await self._call(self._dialler, number, person)
        return called

    def _may_dial(self, now: datetime) -> bool:
        rested = self._rests_until is None or self._rests_until <= now
        return rested and self._campaign.hours.are_open(now)

    def _free(self, connection: Connection) -> int:
        if attempts.switch(connection).paused:
            return 0
        return self._campaign.rules.at_once - attempts.under_way(connection)

    async def _call(self, dialler: Dialler, number: str, person: str) -> bool:
        now = self._clock()
        if not self._may_dial(now):
            return False
        claimed = await self._database.write(lambda c: self.planner.claim(c, number, person, dialler.name, now))
        return claimed is not None and await self._dial(dialler, claimed)

    async def _dial(self, dialler: Dialler, attempt: Attempt) -> bool:
        place = f"{self._address}/ivr/{dialler.name}/out/{attempt.id}"
        rings = self._campaign.rules.ring_seconds
        try:
            call_sid = await dialler.call(attempt.phone, f"{place}/step/0", f"{place}/status", rings)
        except NotPlaced as refused:
            log.warning("call not placed", extra={"attempt": attempt.id, "bad_number": refused.bad_number})
            await self.line.give_up(attempt.id, Result.WRONG_NUMBER if refused.bad_number else Result.FAILED)
            if not refused.bad_number:
                self._rests_until = self._clock() + REST
            return False
        except Exception as error:
            # It may ring all the same: the attempt stays under way, and what the carrier tells of it counts.
            log.warning(
                "not known whether a call was placed", extra={"attempt": attempt.id, "error": type(error).__name__}
            )
            self._rests_until = self._clock() + REST
            return False
        await self.line.placed(attempt.id, call_sid)
        return True
