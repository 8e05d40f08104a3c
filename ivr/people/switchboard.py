"""The switchboard: what seats decide is kept first, then the carrier is asked; what it does not do is undone.

The carrier's doors ask it what a telephone hears (`hear`) and tell it of calls that have ended (`ended`).
"""

import logging
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import Connection

from core.access import Principal
from core.clock import Clock
from core.database import Database
from core.problems import Unavailable
from desk.orders.model import Line
from ivr.carriers.base import NotDone
from ivr.flow import Instruction
from ivr.people import legs as script
from ivr.people import meeting, talks
from ivr.people.acts import Acts, Bring, Drop, Ring
from ivr.people.rules import Rules
from ivr.people.talks import Offer, Talk

log = logging.getLogger(__name__)


class Dialler(Protocol):
    """What the switchboard asks of a carrier (`ivr.carriers.base.Dialler`); raises `NotDone` like it."""

    async def call(self, to: str, flow_url: str, seconds: int = 30) -> str:
        """Ring a telephone; returns the carrier's id of the call."""

    async def redirect(self, call_sid: str, url: str) -> None:
        """Let a call that is running go on with what `url` says."""

    async def hang_up(self, call_sid: str) -> None:
        """End a call."""


Diallers = Callable[[str], Dialler]
"""The way out of a carrier, by its name."""


class Switchboard:
    """Rings seats, brings callers to them, and rings others into their talks."""

    def __init__(self, database: Database, rules: Rules, diallers: Diallers, base: str, clock: Clock) -> None:
        self._database = database
        self.rules = rules
        self._diallers = diallers
        self._base = base
        self._clock = clock

    async def next(self, line: Line, login: str) -> Offer | None:
        """Take the next one for a seat and ring its telephone; None where nobody waits.

        Raises Problem 409, or Unavailable when the telephone cannot be rung: then the caller is back in the queue.
        """
        now = self._clock()
        taken = await self._database.write(lambda c: talks.take_next(c, self.rules, line, login, now))
        if taken is None:
            return None
        await self._do_or_refuse(taken[1])
        return taken[0]

    async def call_back(self, task_id: int, login: str) -> Offer:
        """Take a call-back and ring the seat for it. Raises Problem 404, 409, Unavailable."""
        now = self._clock()
        offer, acts = await self._database.write(lambda c: talks.call_back(c, self.rules, task_id, login, now))
        await self._do_or_refuse(acts)
        return offer

    async def invite(self, talk_id: int, subject: str, who: Principal) -> Talk:
        """Ring 政策专员 into a talk. Raises Problem 404, 409, 422, Unavailable."""
        now = self._clock()
        acts = await self._database.write(lambda c: meeting.invite(c, self.rules, talk_id, subject, who, now))
        await self._do_or_refuse(acts)
        return await self._database.read(lambda c: talks.find(c, talk_id, who))

    async def end(self, talk_id: int, who: Principal) -> Talk:
        """The seat ends its talk. Raises Problem 404."""
        now = self._clock()
        acts = await self._database.write(lambda c: talks.end_by_seat(c, talk_id, who, now))
        await self._do(acts)
        return await self._database.read(lambda c: talks.find(c, talk_id, who))

    async def hear(self, token: str, call_sid: str, pressed: str | None) -> tuple[Instruction, ...]:
        """What a telephone that was rung, or a caller who was brought, hears now; for the carrier's doors.

        `pressed`: the key of this request, None for none. The next request of this call asks the same again.
        """
        now = self._clock()
        heard = await self._database.write(lambda c: meeting.hear(c, self.rules, token, call_sid, pressed, now))
        if await self._do(heard.acts):
            return heard.instructions
        return script.leaving(self.rules.words.not_connected)

    async def ended(self, call_sid: str) -> None:
        """A call has ended that may be one of ours; for the carrier's doors. A repeat changes nothing."""
        now = self._clock()
        await self._do(await self._database.write(lambda c: meeting.ended(c, call_sid, now)))

    async def out_of_room(self, token: str) -> int | None:
        """Somebody came out of the room; the step with which a caller's call goes on. For the carrier's doors."""
        now = self._clock()
        step, acts = await self._database.write(lambda c: meeting.out_of_room(c, token, now))
        await self._do(acts)
        return step

    async def _do_or_refuse(self, acts: Acts) -> None:
        if not await self._do(acts):
            raise Unavailable("the telephone could not be rung: the carrier refuses or does not answer")

    async def _do(self, acts: Acts) -> bool:
        """Whether the carrier did all it was asked; what it did not do is undone."""
        for act in acts.acts:
            try:
                await self._ask(acts.carrier, act)
            except NotDone as error:
                log.warning(
                    "a carrier did not do what it was asked", extra={"carrier": acts.carrier, "why": str(error)}
                )
                await self._undo(acts.talk, act)
                return False
        return True

    async def _ask(self, carrier: str, act: Ring | Bring | Drop) -> None:
        dialler = self._diallers(carrier)
        match act:
            case Ring():
                seconds = self.rules.seats.ring_seconds
                call_sid = await dialler.call(act.telephone, self._address(carrier, "seat", act.token), seconds)
                await self._database.write(lambda c: meeting.note_call(c, act.token, call_sid))
            case Bring():
                await dialler.redirect(act.call_sid, self._address(carrier, "join", act.token))
            case Drop():
                await dialler.hang_up(act.call_sid)

    async def _undo(self, talk_id: int, act: Ring | Bring | Drop) -> None:
        now = self._clock()

        def undo(connection: Connection) -> None:
            meeting.undo(connection, talk_id, act, now)

        await self._database.write(undo)

    def _address(self, carrier: str, door: str, token: str) -> str:
        return f"{self._base}/ivr/{carrier}/{door}/{token}"
