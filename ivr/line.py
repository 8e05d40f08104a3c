"""The phone line: runs the call flow, asks the house what it needs, keeps each step. It knows no carrier's format."""

import asyncio
import logging
import time
import traceback
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from intake.messages import Answer, Channel, InboundMessage
from ivr import flow
from ivr.calls import CONVERSATION, Call, Calls, Happened, Outcome
from ivr.prompts import Prompts

log = logging.getLogger(__name__)

HOLD_AFTER_SECONDS = 2.5
"""An answer that takes longer is come back for, and the caller hears that it is being worked on."""
LONGEST_STEP_SECONDS = 10.0
"""A carrier gives up after 15 s. The conversation answers in 3; this is for a database that hangs."""


class Conversation(Protocol):
    """What the phone needs of `intake.conversation.Conversation`."""

    async def handle(self, message: InboundMessage) -> Answer:
        """The answer to a message; a repeat of its id gets the same one."""

    async def abandon(self, conversation_id: str) -> None:
        """The citizen left: what was not filed goes to a person."""


class House(Protocol):
    """What the phone needs of the rest of the house. Every method takes the connection of a running transaction."""

    def facts(self, connection: Connection, caller: str | None, now: datetime) -> flow.Facts:
        """What is known of a calling number."""

    def meet(
        self,
        connection: Connection,
        need: flow.HouseNeed,
        state: flow.CallState,
        now: datetime,
    ) -> flow.Met:
        """What the flow needs to go on."""

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        """What follows from a step that is being kept: its effects, and the queue that is entered or left."""

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: tuple[flow.Effect, ...], now: datetime
    ) -> None:
        """What follows from the end of a call."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line, as the carrier tells it with every request."""

    carrier: str
    call_sid: str
    number: str | None


@dataclass(frozen=True, slots=True)
class Script:
    """What the carrier is to do now. What comes of it is step `next_step`.

    `failed`: this step went wrong. `held`: so many times the caller was asked to wait for this step.
    """

    instructions: tuple[flow.Instruction, ...]
    next_step: int
    failed: bool = False
    held: int = 0


class PhoneLine:
    """Takes what happens on a call and says what comes next; never raises towards a caller."""

    def __init__(self, conversation: Conversation, calls: Calls, house: House, prompts: Prompts) -> None:
        self._conversation = conversation
        self._calls = calls
        self._house = house
        self.prompts = prompts
        self._running: dict[tuple[str, int], asyncio.Task[Script]] = {}

    async def take(self, caller: Caller) -> Script:
        """A call comes in. A call that is known (the carrier asks again) gets what it was told last."""
        return await self.step(caller, 0, flow.Started())

    async def step(self, caller: Caller, step: int, event: flow.Event, failed_before: bool = False) -> Script:
        """Something happened in step `step` of a call. A repeated step gets the same script and does nothing twice.

        `failed_before`: the step before this one went wrong; a second failure ends the call.
        """
        key = (caller.call_sid, step)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._safely(caller, step, event, failed_before))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await self._wait_for(task, caller, step, 0)

    async def come_back(self, caller: Caller, step: int, held: int, failed_before: bool = False) -> Script:
        """The caller was asked to wait for the answer to step `step`, `held` times so far."""
        task = self._running.get((caller.call_sid, step))
        if task is None:
            # Answered meanwhile; or the process that worked on it is gone, and what was said is in the inbox.
            task = asyncio.create_task(self._safely(caller, step, None, failed_before))
        return await self._wait_for(task, caller, step, held)

    async def over(self, call_sid: str, outcome: Outcome) -> None:
        """The call is over: what was said but not filed goes to a person. A repeat changes nothing."""
        call = await self._calls.find(call_sid)
        if call is None:
            return
        # Before the end is noted, so that a failure leaves the call to `close_lost_calls`.
        await self._abandon(call.state)
        last = await self._calls.end(call_sid, outcome, lambda c, now: self._hung_up(c, call.state, now))
        if last is not None and last != call.state:
            await self._abandon(last)  # A step came in between.

    async def close_lost_calls(self, silent_since: datetime) -> int:
        """End the calls whose end no carrier told, for the worker to call now and then; return how many."""
        lost = await self._calls.silent_since(silent_since)
        for call_sid in lost:
            await self.over(call_sid, Outcome.LOST)
        return len(lost)

    async def _wait_for(self, task: asyncio.Task[Script], caller: Caller, step: int, held: int) -> Script:
        done, _ = await asyncio.wait({task}, timeout=HOLD_AFTER_SECONDS)
        if done:
            return task.result()
        state = flow.CallState(caller.call_sid, caller.number)
        return Script(flow.hold(state, held, self.prompts).instructions, step, held=held + 1)

    async def _safely(self, caller: Caller, step: int, event: flow.Event | None, failed_before: bool) -> Script:
        state = flow.CallState(caller.call_sid, caller.number)
        try:
            async with asyncio.timeout(LONGEST_STEP_SECONDS):
                call = await self._calls.find(caller.call_sid)
                state = call.state if call else state
                return await self._go_on(caller, call, step, event)
        except Exception as error:
            log_failure("phone step failed", error, call=caller.call_sid, step=step)
            sorry = flow.apologise(state, failed_before, self.prompts)
            return Script(sorry.instructions, step + 1, failed=True)

    async def _go_on(self, caller: Caller, call: Call | None, step: int, event: flow.Event | None) -> Script:
        if call is not None and step <= call.state.step:
            return _script(call)
        if event is None:
            raise LookupError("the answer that was waited for is lost")
        began = time.monotonic()
        state = call.state if call else flow.CallState(caller.call_sid, caller.number)
        if call is None and not isinstance(event, flow.Heard):
            # Keys and silence mean nothing in a call we know nothing of; words do.
            event = flow.Started(await self._calls.ask(lambda c, now: self._house.facts(c, caller.number, now)))
        answer = await self._answer(replace(state, step=step), event)
        happened = Happened(event, round((time.monotonic() - began) * 1000))
        kept = await self._calls.save(
            caller.carrier, answer, happened, lambda c, now: self._house.keep(c, answer, event, now)
        )
        if kept.over:
            await self._abandon(kept.state)
        return _script(kept)

    async def _answer(self, state: flow.CallState, event: flow.Event) -> flow.Step:
        step = flow.advance(state, event, self.prompts)
        while (need := step.need) is not None:
            after = flow.met(step, await self._meet(need, step.state), self.prompts)
            step = replace(after, effects=(*step.effects, *after.effects))
        return step

    async def _meet(self, need: flow.Need, state: flow.CallState) -> flow.Met:
        if isinstance(need, flow.Ask):
            return await self._conversation.handle(_message(state, str(state.step), need.text))
        return await self._calls.ask(lambda c, now: self._house.meet(c, need, state, now))

    def _hung_up(self, connection: Connection, state: flow.CallState, now: datetime) -> None:
        effects = flow.advance(state, flow.HungUp(), self.prompts).effects
        self._house.hung_up(connection, state, effects, now)

    async def _abandon(self, state: flow.CallState) -> None:
        if state.where is flow.Where.STORY:
            await self._conversation.handle(_message(state, f"{state.step}:story", "，".join(state.pieces)))
        elif not state.messages:
            return
        await self._conversation.abandon(_conversation_id(state.call_sid))


def log_failure(what: str, error: Exception, **facts: object) -> None:
    """Log what went wrong on a call, and where: no message and no local variables, which may hold what was said."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(what, extra={**facts, "error": type(error).__name__, "where": where})


def _script(call: Call) -> Script:
    return Script(call.instructions, call.state.step + 1)


def _message(state: flow.CallState, message_id: str, text: str) -> InboundMessage:
    return InboundMessage(
        channel=Channel.PHONE,
        conversation_id=_conversation_id(state.call_sid),
        message_id=message_id,
        text=text,
        line=state.line,
        caller=state.caller,
    )


def _conversation_id(call_sid: str) -> str:
    return CONVERSATION + call_sid
