"""Keeps rehearsed calls apart: they see the house as a real caller does, and leave nothing in it but a marked order."""

from datetime import datetime

from sqlalchemy import Connection

from ivr import flow
from ivr.line import House
from ivr.record.reading import SIMULATED


class Apart:
    """A house for all calls. Of a rehearsed one nobody is told, rung, texted or put on a list to be called back."""

    def __init__(self, house: House) -> None:
        self._house = house

    def facts(self, connection: Connection, caller: str | None, now: datetime) -> flow.Facts:
        """What is known of a calling number."""
        return self._house.facts(connection, caller, now)

    def meet(
        self,
        connection: Connection,
        need: flow.HouseNeed,
        state: flow.CallState,
        now: datetime,
    ) -> flow.Met:
        """What the flow needs to go on."""
        if _is_rehearsed(state) and isinstance(need, flow.KeepMessage):
            return flow.Kept(None)  # There is no recording to listen to.
        if _is_rehearsed(state) and isinstance(need, flow.ShareCard):
            return flow.Shared(sent=True)
        return self._house.meet(connection, need, state, now)

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        """What follows from a step that is being kept."""
        if not _is_rehearsed(step.state):
            self._house.keep(connection, step, event, now)

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: tuple[flow.Effect, ...], now: datetime
    ) -> None:
        """What follows from the end of a call."""
        if not _is_rehearsed(state):
            self._house.hung_up(connection, state, effects, now)


def _is_rehearsed(state: flow.CallState) -> bool:
    return state.call_sid.startswith(SIMULATED)
