"""The phone line: runs the call flow, asks the conversation, keeps each step. It knows no carrier's format."""

import asyncio
import logging
import traceback
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from core.city import City
from core.clock import Clock
from core.database import Database
from intake.messages import Answer, Channel, InboundMessage
from ivr import flow
from ivr.calls import CONVERSATION, Call, Calls, Outcome
from ivr.prompts import Prompts, load_prompts

log = logging.getLogger(__name__)

# A carrier gives up after 15 s. The conversation answers in 3; this is for a database that hangs.
LONGEST_STEP_SECONDS = 10.0


class Conversation(Protocol):
    """What the phone needs of `intake.conversation.Conversation`."""

    async def handle(self, message: InboundMessage) -> Answer:
        """The answer to a message; a repeat of its id gets the same one."""

    async def abandon(self, conversation_id: str) -> None:
        """The citizen left: what was not filed goes to a person."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line, as the carrier tells it with every request."""

    carrier: str
    call_sid: str
    number: str | None


@dataclass(frozen=True, slots=True)
class Script:
    """What the carrier is to do now. What comes of it is step `next_step`; `failed`: this step went wrong."""

    instructions: tuple[flow.Instruction, ...]
    next_step: int
    failed: bool = False


class PhoneLine:
    """Takes what happens on a call and says what comes next; never raises towards a caller."""

    def __init__(self, conversation: Conversation, calls: Calls, prompts: Prompts) -> None:
        self._conversation = conversation
        self._calls = calls
        self.prompts = prompts

    async def take(self, caller: Caller) -> Script:
        """A call comes in. A call that is known (the carrier asks again) gets what it was told last."""
        return await self._safely(caller, 0, flow.Started(), failed_before=False)

    async def step(self, caller: Caller, step: int, event: flow.Event, failed_before: bool = False) -> Script:
        """Something happened in step `step` of a call. A repeated step gets the same script and does nothing twice.

        `failed_before`: the step before this one went wrong; a second failure ends the call.
        """
        return await self._safely(caller, step, event, failed_before)

    async def over(self, call_sid: str, outcome: Outcome) -> None:
        """The call is over: what was said but not filed goes to a person. A repeat changes nothing."""
        call = await self._calls.find(call_sid)
        if call is None:
            return
        # Before the end is noted, so that a failure leaves the call to `close_lost_calls`.
        await self._abandon(call.state)
        last = await self._calls.end(call_sid, outcome)
        if last is not None and last != call.state:
            await self._abandon(last)  # A step came in between.

    async def close_lost_calls(self, silent_since: datetime) -> int:
        """End the calls whose end no carrier told, for the worker to call now and then; return how many."""
        lost = await self._calls.silent_since(silent_since)
        for call_sid in lost:
            await self.over(call_sid, Outcome.LOST)
        return len(lost)

    async def _safely(self, caller: Caller, step: int, event: flow.Event, failed_before: bool) -> Script:
        state = flow.CallState(caller.call_sid, caller.number)
        try:
            async with asyncio.timeout(LONGEST_STEP_SECONDS):
                call = await self._calls.find(caller.call_sid)
                state = call.state if call else state
                return await self._go_on(caller, call, step, event)
        except Exception as error:
            # Neither the message nor the local variables are logged: both may hold what the caller said.
            where = "".join(traceback.format_tb(error.__traceback__))
            facts = {"call": caller.call_sid, "step": step, "error": type(error).__name__, "where": where}
            log.error("phone step failed", extra=facts)
            sorry = flow.apologise(state, failed_before, self.prompts)
            return Script(sorry.instructions, step + 1, failed=True)

    async def _go_on(self, caller: Caller, call: Call | None, step: int, event: flow.Event) -> Script:
        if call is not None and step <= call.state.step:
            return _script(call)
        state = call.state if call else flow.CallState(caller.call_sid, caller.number)
        if call is None and not isinstance(event, flow.Heard):
            event = flow.Started()  # Keys and silence mean nothing in a call we know nothing of; words do.
        answer = await self._answer(replace(state, step=step), event)
        kept = await self._calls.save(caller.carrier, answer)
        if kept.over:
            await self._abandon(kept.state)
        return _script(kept)

    async def _answer(self, state: flow.CallState, event: flow.Event) -> flow.Step:
        step = flow.advance(state, event, self.prompts)
        if step.ask is None:
            return step
        message = InboundMessage(
            channel=Channel.PHONE,
            conversation_id=_conversation_id(state.call_sid),
            message_id=str(state.step),
            text=step.ask,
            line=state.line,
            caller=state.caller,
        )
        return flow.answered(step, await self._conversation.handle(message), self.prompts)

    async def _abandon(self, state: flow.CallState) -> None:
        if state.messages:
            await self._conversation.abandon(_conversation_id(state.call_sid))


def open_line(conversation: Conversation, database: Database, city: City, clock: Clock) -> PhoneLine:
    """The phone line of a city, with the sentences that come with the project."""
    return PhoneLine(conversation, Calls(database, clock), load_prompts(city.short_name))


def _script(call: Call) -> Script:
    return Script(call.instructions, call.state.step + 1)


def _conversation_id(call_sid: str) -> str:
    return CONVERSATION + call_sid
