"""Scenarios of calls, replayed on a test's telephone, whichever carrier it is connected through.

The format is told in docs/simulator.md and read by `ivr.record.scenario`; the files stand in
`tests/conversations/phone/`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from intake.messages import Answer, InboundMessage, Reply
from ivr import flow
from ivr.carriers.base import Waiting
from ivr.line import Caller
from ivr.record.reading import Timeline
from ivr.record.scenario import Scenario, Step, read_scenarios
from tests.telephone import Telephone

CONVERSATIONS = Path(__file__).parent / "conversations"
FOLDER = CONVERSATIONS / "phone"
NOISE = ("呃", 0.1)
TALK_SECONDS = 60
NOT_SPOKEN = str.maketrans("", "", " \t\n-*·，。；：？！、“”（）,.;:?!()\"'")


def all_scenarios() -> list[Scenario]:
    """The scenarios of the folder, file by file."""
    return [scenario for path in sorted(FOLDER.glob("*.yml")) for scenario in read_scenarios(path)]


@dataclass
class ScriptedBot:
    """Answers as a scenario says, in order; one message more than it knows is a failure of the test."""

    scenario: Scenario
    told: list[InboundMessage] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)

    async def handle(self, message: InboundMessage) -> Answer:
        """The next answer; a repeat of a message gets the same one."""
        ids = [each.message_id for each in self.told]
        if message.message_id in ids:
            return self._answer(ids.index(message.message_id))
        self.told.append(message)
        return self._answer(len(self.told) - 1)

    async def abandon(self, conversation_id: str) -> None:
        """The caller left."""
        self.abandoned.append(conversation_id)

    def _answer(self, number: int) -> Answer:
        if number >= len(self.scenario.bot):
            # A story that was cut off is told when the call is over; nobody hears that answer.
            return Answer((Reply("…"),))
        return self.scenario.bot[number].answer()


@dataclass
class ScriptedHouse:
    """The house beside the bot as a scenario says; `tasks` are why somebody has to be called back."""

    scenario: Scenario
    tasks: list[flow.Why] = field(default_factory=list)
    wish: flow.Ended = flow.Ended.NOBODY

    def facts(self, connection: Connection, caller: str | None, now: datetime) -> flow.Facts:
        """What is known of a calling number."""
        del connection, caller, now
        house = self.scenario.house
        return flow.Facts(known=house.known, elder=house.elder, leader=house.leader, texts=house.texts)

    def meet(
        self,
        connection: Connection,
        need: flow.HouseNeed,
        state: flow.CallState,
        now: datetime,
    ) -> flow.Met:
        """What the flow needs to go on."""
        del connection, now
        house = self.scenario.house
        match need:
            case flow.Prove():
                if house.proof is not None and need.proof == house.proof:
                    return flow.Proved(tuple(flow.OpenOrder(**each.model_dump()) for each in house.orders))
                return flow.Proved(None, barred=state.proofs >= 3)
            case flow.FindSeat():
                seat = house.seat.model_dump()
                return flow.SeatFound(**{**seat, "dialects": tuple(seat["dialects"])})
            case flow.KeepMessage():
                return flow.Kept(house.message)
            case flow.ShareCard():
                return flow.Shared(sent=True)

    async def left(self, call_sid: str) -> flow.Ended:
        """What the caller wanted who left the queue."""
        del call_sid
        return self.wish

    async def waiting(self, caller: Caller, step: int, told: Waiting) -> tuple[flow.Instruction, ...]:
        """What a waiting caller hears: 1 asks for a call-back, # goes on with the bot."""
        del caller, step
        if told.keys:
            self.wish = flow.Ended.CALL_BACK if told.keys == "1" else flow.Ended.LEFT
            return (flow.LeaveQueue(),)
        return (flow.Say("请稍候。"), flow.Listen())

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        """What follows from a step."""
        del connection, event, now
        self._owe(step.effects)

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: tuple[flow.Effect, ...], now: datetime
    ) -> None:
        """What follows from the end of a call."""
        del connection, state, now
        self._owe(effects)

    def _owe(self, effects: tuple[flow.Effect, ...]) -> None:
        self.tasks += [each.why for each in effects if isinstance(each, flow.CallBack)]


async def replay(scenario: Scenario, caller: Telephone) -> None:
    """Make the call of a scenario. Raises AssertionError, with the step, where it does not go as it says."""
    heard = await caller.start()
    for number, step in enumerate(scenario.steps, 1):
        where = f"{scenario.name}: step {number}"
        _check_heard(step.hear, heard, where)
        assert not caller.ended, f"{where}: the call is over"
        try:
            heard = await _do(step, caller)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
    _check_heard(scenario.end.hear, heard, f"{scenario.name}: at the end")


def check_end(scenario: Scenario, told: Timeline, house: ScriptedHouse | None = None) -> None:
    """Hold what the scenario says of the end against the record of the call, and against who has to be called back."""
    end = scenario.end
    if end.order is not None:
        assert (told.state["order"] is not None) == end.order, f"{scenario.name}: order {told.state['order']}"
    if end.ended is not None:
        assert told.outcome == end.ended, f"{scenario.name}: ended by {told.outcome}"
    if end.where is not None:
        assert told.where == end.where, f"{scenario.name}: at {told.where}"
    if end.task is not None and house is not None:
        assert (list(map(str, house.tasks)) or ["none"]) == [end.task], f"{scenario.name}: tasks {house.tasks}"


async def _do(step: Step, caller: Telephone) -> str:
    if step.say is not None:
        return await caller.say(step.say.words, step.say.confidence)
    if step.press is not None:
        return await caller.press(step.press)
    if step.noise:
        return await caller.say(*NOISE)
    if step.silence:
        return await caller.silence()
    if step.record is not None:
        return await caller.leave_message(step.record)
    if step.queue is not None:
        return await _leave_queue(step.queue, caller)
    await caller.hang_up()
    return ""


async def _leave_queue(how: flow.Ended, caller: Telephone) -> str:
    match how:
        case flow.Ended.TALKED:
            return await caller.talk(TALK_SECONDS)
        case flow.Ended.NOBODY:
            return await caller.nobody()
        case _:
            # The keys of the waiting script: 1 to be called back, # to go on with the bot.
            return await caller.press("1" if how is flow.Ended.CALL_BACK else "#")


def _check_heard(wanted: list[str], heard: str, where: str) -> None:
    """Each sentence has to be heard, one after the other, however digits are grouped and breath is taken."""
    position, spoken = 0, heard.translate(NOT_SPOKEN)
    for sentence in wanted:
        plain = sentence.translate(NOT_SPOKEN)
        found = spoken.find(plain, position)
        assert found >= 0, f"{where}: not heard: {sentence}\nheard: {heard}"
        position = found + len(plain)
