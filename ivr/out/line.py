"""The line of outgoing calls: runs the flow of an attempt's call and keeps each step. It knows no carrier's format."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from core.city import City
from core.clock import Clock
from core.database import Database
from desk.life.handling import Handling
from desk.orders.register import by_id
from ivr.flow import HangUp, HungUp, Say, Started
from ivr.line import LONGEST_STEP_SECONDS, Script, log_failure
from ivr.out import attempts
from ivr.out.endings import RESULTS, Ending
from ivr.out.flow import OutEvent, OutState, OutStep, Result, Where, advance, settled
from ivr.out.planning import Planner
from ivr.out.recording import Recorder
from ivr.out.rules import Campaign
from ivr.out.words import OutWords, load_words

NOTHING_MORE = Script((HangUp(),), 1)
"""What a call is told that is not ours, or whose attempt is over."""


class OutLine:
    """Takes what happens on an outgoing call and says what comes next; never raises towards who answered.

    An attempt belongs to the first call that names it: another one is ended without a word.
    """

    def __init__(
        self, database: Database, campaign: Campaign, handling: Handling, words: OutWords, clock: Clock
    ) -> None:
        self._database = database
        self._campaign = campaign
        self._planner = Planner(campaign, handling.aftercare.callbacks)
        self._recorder = Recorder(campaign, handling, words)
        self._words = words
        self._clock = clock

    async def take(self, attempt: str, call_sid: str, machine: bool = False) -> Script:
        """The call of an attempt was answered; by a `machine` hears nothing. A repeat gets what was said last."""
        return await self._safely(attempt, lambda c, now: self._take(c, attempt, call_sid, machine, now))

    async def step(self, attempt: str, call_sid: str, step: int, event: OutEvent) -> Script:
        """Something happened in step `step` of the call. A repeated step gets the same script."""
        return await self._safely(attempt, lambda c, now: self._step(c, attempt, call_sid, step, event, now))

    async def heard_machine(self, attempt: str, call_sid: str) -> bool:
        """The carrier found out later that a machine has answered; returns whether the call is to be ended.

        Somebody who has answered a question already is no machine.
        """
        now = self._clock()
        return await self._database.write(lambda c: self._heard_machine(c, attempt, call_sid, now))

    async def over(self, attempt: str, call_sid: str, ending: Ending, seconds: int | None = None) -> None:
        """The call is over, after so many seconds of talk where the carrier tells them. A repeat changes nothing."""
        now = self._clock()
        await self._database.write(lambda c: self._over(c, attempt, call_sid, ending, seconds, now))

    async def close_silent(self, limit: int = 100) -> int:
        """End the attempts of which nothing was heard for `silent_after`, for the worker; returns how many."""
        now = self._clock()
        calendar, limits = self._campaign.hours.calendar, self._campaign.rules.silent_after
        since = now - (limits.end(now, calendar) - now)
        silent = await self._database.read(lambda c: attempts.silent_since(c, since, limit))
        for attempt in silent:
            await self._database.write(lambda c, a=attempt: self._lost(c, a, since, now))  # type: ignore[misc]
        return len(silent)

    async def give_up(self, attempt: str, result: Result) -> None:
        """The carrier has told that it does not place an attempt."""
        now = self._clock()
        await self._database.write(lambda c: self._give_up(c, attempt, result, now))

    async def placed(self, attempt: str, call_sid: str) -> None:
        """The carrier has taken an attempt as this call."""
        now = self._clock()
        await self._database.write(lambda c: attempts.placed(c, attempt, call_sid, now))

    async def tell_again(self, since: datetime, limit: int = 20) -> None:
        """Tell the desk the results since a moment that it refused before, for the worker."""
        now = self._clock()
        for attempt in await self._database.read(lambda c: attempts.untold(c, since, limit)):
            await self._database.write(lambda c, a=attempt: self._recorder.tell_again(c, a, now))  # type: ignore[misc]

    async def _safely(self, attempt: str, work: Callable[[Connection, datetime], Script]) -> Script:
        now = self._clock()
        try:
            async with asyncio.timeout(LONGEST_STEP_SECONDS):
                return await self._database.write(lambda c: work(c, now))
        except Exception as error:
            log_failure("outgoing call failed", error, attempt=attempt)
            return Script((Say(self._words.trouble), HangUp()), 1, failed=True)

    def _mine(self, connection: Connection, attempt: str, call_sid: str) -> RowMapping | None:
        row = attempts.locked(connection, attempt)
        return None if row is None or row["call_sid"] not in (None, call_sid) else row

    def _take(self, connection: Connection, attempt: str, call_sid: str, machine: bool, now: datetime) -> Script:
        row = self._mine(connection, attempt, call_sid)
        if row is None or row["ended_at"] is not None:
            return NOTHING_MORE
        if row["state"] is not None:
            return _script(row)
        attempts.placed(connection, attempt, call_sid, now)
        if machine:
            self._recorder.finish(connection, row, Result.MACHINE, None, now)
            return NOTHING_MORE
        order = by_id(connection, row["work_order_id"])
        state = self._begun(order, now)
        still = order["redone"] == row["round"] and self._planner.waits_for(connection, order, row["person"])
        step = advance(state, Started(), self._words) if still else settled(state, self._words)
        return self._keep(connection, row, step, now)

    def _step(
        self, connection: Connection, attempt: str, call_sid: str, step: int, event: OutEvent, now: datetime
    ) -> Script:
        row = self._mine(connection, attempt, call_sid)
        state = None if row is None else attempts.state_of(row)
        if row is None or state is None:
            return NOTHING_MORE
        if step <= state.step:
            return _script(row)
        if row["ended_at"] is not None:
            return NOTHING_MORE
        return self._keep(connection, row, advance(replace(state, step=step), event, self._words), now)

    def _heard_machine(self, connection: Connection, attempt: str, call_sid: str, now: datetime) -> bool:
        row = self._mine(connection, attempt, call_sid)
        state = None if row is None else attempts.state_of(row)
        if row is None or (state is not None and state.where is not Where.GREETING):
            return False
        self._recorder.finish(connection, row, Result.MACHINE, None, now)
        return True

    def _over(
        self,
        connection: Connection,
        attempt: str,
        call_sid: str,
        ending: Ending,
        seconds: int | None,
        now: datetime,
    ) -> None:
        row = self._mine(connection, attempt, call_sid)
        if row is None:
            return
        if row["ended_at"] is None:
            attempts.placed(connection, attempt, call_sid, now)
            self._hung_up(connection, row, RESULTS[ending], now)
        if seconds is not None:
            attempts.note(connection, attempt, seconds=seconds)

    def _lost(self, connection: Connection, attempt: str, since: datetime, now: datetime) -> None:
        row = attempts.locked(connection, attempt)
        if row is not None and row["updated_at"] < since:
            self._hung_up(connection, row, Result.LOST, now)

    def _give_up(self, connection: Connection, attempt: str, result: Result, now: datetime) -> None:
        row = attempts.locked(connection, attempt)
        if row is not None and row["state"] is None:
            self._recorder.finish(connection, row, result, None, now)

    def _hung_up(self, connection: Connection, row: RowMapping, unanswered: Result, now: datetime) -> None:
        """End an attempt with what was answered; with `unanswered` where nothing was asked."""
        state = attempts.state_of(row)
        if state is None:
            self._recorder.finish(connection, row, unanswered, None, now)
            return
        self._keep(connection, row, advance(state, HungUp(), self._words), now)

    def _keep(self, connection: Connection, row: RowMapping, step: OutStep, now: datetime) -> Script:
        attempts.keep(connection, row, step, now)
        if step.state.result is not None:
            self._recorder.finish(connection, row, step.state.result, step.state, now)
        return Script(step.instructions, step.state.step + 1)

    def _begun(self, order: RowMapping, now: datetime) -> OutState:
        category = self._campaign.city.categories.get(order["category"] or "")
        matter = self._words.matter.format(category=category.name) if category else self._words.matter_unknown
        return OutState(
            city=self._campaign.city.short_name,
            matter=matter,
            unit=order["unit"] or self._words.unit_unknown,
            questions=self._campaign.rules.asked(order["line"]),
            slots=self._campaign.hours.slots(now, self._words.slots),
        )


def open_out_line(database: Database, city: City, handling: Handling, clock: Clock) -> OutLine:
    """The line of outgoing calls of a city, with the sentences that come with the project."""
    return OutLine(database, Campaign(city), handling, load_words(), clock)


def _script(row: RowMapping) -> Script:
    state = attempts.state_of(row)
    return Script(attempts.said_last(row), (state.step if state else 0) + 1)
