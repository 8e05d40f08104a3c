"""The rest of the house as the phone sees it: who calls, who can be talked to, what is kept."""

from datetime import datetime

from sqlalchemy import Connection

from core.city import City
from core.clock import Clock
from core.database import Database
from ivr import flow
from ivr.calls import Calls
from ivr.line import Conversation, PhoneLine
from ivr.prompts import load_prompts
from ivr.record.apart import Apart


class CityHouse:
    """The house of one city."""

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
        del connection, state, now
        match need:
            case flow.Prove():
                return flow.Proved(None)
            case flow.FindSeat():
                return flow.SeatFound()
            case flow.KeepMessage():
                return flow.Kept(None)

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        """What follows from a step that is being kept."""

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: tuple[flow.Effect, ...], now: datetime
    ) -> None:
        """What follows from the end of a call."""


def open_line(conversation: Conversation, database: Database, city: City, clock: Clock) -> PhoneLine:
    """The phone line of a city, with the sentences that come with the project."""
    return PhoneLine(conversation, Calls(database, clock), Apart(CityHouse()), load_prompts(city.short_name))
