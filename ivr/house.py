"""The rest of the house as the phone sees it: who calls, who can be talked to, what is kept."""

from datetime import datetime

from sqlalchemy import Connection

from core.city import City
from core.clock import Clock
from core.database import Database
from ivr import flow
from ivr.calls import Calls
from ivr.line import Conversation, PhoneLine
from ivr.people import tasks, waits
from ivr.people.rules import Rules
from ivr.prompts import load_prompts


class CityHouse:
    """The house of one city."""

    def __init__(self, people: Rules) -> None:
        self._people = people

    def facts(self, connection: Connection, caller: str | None, now: datetime) -> flow.Facts:
        """What is known of a calling number."""
        del connection, caller, now
        return flow.Facts()

    def meet(
        self,
        connection: Connection,
        need: flow.Prove | flow.FindSeat | flow.KeepMessage,
        state: flow.CallState,
        now: datetime,
    ) -> flow.Met:
        """What the flow needs to go on."""
        match need:
            case flow.Prove():
                return flow.Proved(None)
            case flow.FindSeat():
                return waits.find_seat(connection, self._people, self._people.calendar, need, state, now)
            case flow.KeepMessage():
                return flow.Kept(None)

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        """What follows from a step that is being kept."""
        if isinstance(event, flow.Returned):
            waits.returned(connection, step.state, event, now)
        self._owe(connection, step.effects, step.state, now)
        for instruction in step.instructions:
            if isinstance(instruction, flow.Enqueue):
                waits.entered(connection, step.state, instruction.queue, now)

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: tuple[flow.Effect, ...], now: datetime
    ) -> None:
        """What follows from the end of a call."""
        waits.hung_up(connection, state, now)
        self._owe(connection, effects, state, now)

    def _owe(
        self, connection: Connection, effects: tuple[flow.Effect, ...], state: flow.CallState, now: datetime
    ) -> None:
        for effect in effects:
            if isinstance(effect, flow.CallBack):
                tasks.make_task(connection, effect, state, now)


def open_line(conversation: Conversation, database: Database, city: City, clock: Clock) -> PhoneLine:
    """The phone line of a city, with the sentences that come with the project."""
    return PhoneLine(
        conversation, Calls(database, clock), CityHouse(Rules.of_city(city)), load_prompts(city.short_name)
    )
