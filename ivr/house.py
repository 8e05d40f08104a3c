"""The rest of the house as the phone sees it: who calls, who can be talked to, what is kept."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from core.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from intake.messages import Line
from ivr import flow, messages
from ivr.callers import Callers, leader_seat
from ivr.calls import Calls
from ivr.carriers.base import Recording, Waiting
from ivr.carriers.routes import Rooms
from ivr.line import Caller, Conversation, PhoneLine
from ivr.out import lists
from ivr.people import talks, tasks, waits
from ivr.people.rules import Rules
from ivr.people.switchboard import Switchboard
from ivr.prompts import load_prompts
from ivr.record.apart import Apart


class CityHouse:
    """The house of one city."""

    def __init__(self, city: City, callers: Callers, people: Rules) -> None:
        self._city = city
        self._callers = callers
        self._people = people

    def facts(self, connection: Connection, caller: str | None, now: datetime) -> flow.Facts:
        """What is known of a calling number."""
        return self._callers.facts_of(connection, caller, now)

    def meet(
        self,
        connection: Connection,
        need: flow.HouseNeed,
        state: flow.CallState,
        now: datetime,
    ) -> flow.Met:
        """What the flow needs to go on."""
        match need:
            case flow.Prove():
                return self._callers.prove(connection, state.caller, need.proof, now)
            case flow.FindSeat(line=Line.LEADER) if (number := leader_seat(connection, now)) is not None:
                return waits.rung(self._people, number)
            case flow.FindSeat():
                return waits.find_seat(connection, self._people, self._people.calendar, need, state, now)
            case flow.KeepMessage():
                return messages.keep(connection, self._city, need, state, now)
            case flow.ShareCard():
                return self._callers.share(connection, need, state, now)

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        """What follows from a step that is being kept: its effects, the queue that is entered or left, the notice."""
        if isinstance(event, flow.Returned):
            waits.returned(connection, step.state, event, now)
        self._do(connection, step.effects, step.state, now)
        for instruction in step.instructions:
            match instruction:
                case flow.Enqueue():
                    waits.entered(connection, step.state, instruction.queue, now)
                case flow.Connect(recorded=True):
                    messages.announced(connection, step.state.call_sid, now)

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: Sequence[flow.Effect], now: datetime
    ) -> None:
        """What follows from the end of a call."""
        waits.hung_up(connection, state, now)
        self._do(connection, effects, state, now)

    def _do(self, connection: Connection, effects: Sequence[flow.Effect], state: flow.CallState, now: datetime) -> None:
        for effect in effects:
            if isinstance(effect, flow.CallBack):
                tasks.make_task(connection, effect, state, now)
            else:
                self._callers.apply(connection, effect, state, now)


def open_line(
    conversation: Conversation, database: Database, settings: Settings, city: City, clock: Clock
) -> PhoneLine:
    """The phone line of a city, with the sentences that come with the project."""
    texts = bool(settings.sms_url)
    callers = Callers.of_city(city, Handling.of_city(city), on_elder_list=_is_elder, texts=texts)
    house = CityHouse(city, callers, Rules.of_city(city))
    return PhoneLine(conversation, Calls(database, clock), Apart(house), load_prompts(city.short_name))


def _is_elder(connection: Connection, number: str, now: datetime) -> bool:
    return lists.is_on_list(connection, number, lists.Kind.ELDER, now)


def rooms_of(database: Database, switchboard: Switchboard, clock: Clock) -> Rooms:
    """Who answers for the queue, the seats and the recordings."""

    async def waiting(caller: Caller, step: int, told: Waiting) -> tuple[flow.Instruction, ...]:
        del step
        now, rules, keys = clock(), switchboard.rules, told.keys or None
        return await database.write(lambda c: waits.waiting(c, rules, caller.call_sid, keys, now))

    async def left(call_sid: str) -> flow.Ended:
        return await database.read(lambda c: waits.wish_of(c, call_sid))

    async def whisper(call_sid: str) -> tuple[flow.Instruction, ...]:
        now, rules = clock(), switchboard.rules
        summary = await database.read(lambda c: talks.summary(c, rules, call_sid, now))
        return tuple(flow.Say(each) for each in (summary, rules.talk_notice) if each is not None)

    async def unanswered(caller: Caller) -> None:
        now = clock()
        await database.write(lambda c: tasks.missed_call(c, caller.number, caller.call_sid, now))

    async def recorded(carrier: str, told: Recording) -> None:
        now, status = clock(), "completed" if told.url else "absent"
        await database.write(
            lambda c: messages.recording_told(
                c, carrier, told.sid, status, told.url, told.seconds, now, call_sid=told.call_sid, talk=told.talk
            )
        )

    return Rooms(
        waiting=waiting,
        leg=switchboard.hear,
        whisper=whisper,
        recorded=recorded,
        ended=switchboard.ended,
        left=left,
        out_of_room=switchboard.out_of_room,
        unanswered=unanswered,
    )
