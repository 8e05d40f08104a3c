"""The seats' stage: the city's rules, callers who wait, and a carrier that keeps what it was asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from core.access import Principal, Role
from core.city import City
from core.database import Database, metadata
from desk.orders.model import Line
from intake import inbox
from intake.messages import Answer, Channel, InboundMessage, Reply
from ivr.carriers.base import NotDone
from ivr.flow import CallState, Facts, Where
from ivr.people import seats, waits
from ivr.people.rules import Rules
from ivr.people.seats import Duty
from ivr.people.switchboard import Switchboard
from tests.conftest import VAULT
from tests.fakes import SetClock

T = TypeVar("T")
SEAT = Principal("seat.li", Role.SEAT)
OTHER = Principal("seat.wang", Role.SEAT)
DISPATCHER = Principal("dispatcher.zhao", Role.DISPATCHER)


@pytest.fixture(scope="session")
def rules(city: City) -> Rules:
    """The city's rules, with a telephone for the specialists of 用地."""
    made = Rules.of_city(city)
    specialists = tuple(
        each.model_copy(update={"number": "+8607158888001"}) if each.subject == "用地" else each
        for each in made.seats.specialists
    )
    return replace(made, seats=made.seats.model_copy(update={"specialists": specialists}))


@dataclass
class Carrier:
    """Keeps what it was asked; refuses while `down`, and is as strict about ids as a carrier."""

    rung: list[tuple[str, str]] = field(default_factory=list)
    brought: list[tuple[str, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    down: bool = False

    async def call(
        self, to: str, flow_url: str, seconds: int = 30, *, status_url: str | None = None, detect_machine: bool = False
    ) -> str:
        if self.down:
            raise NotDone("down", permanent=False)
        self.rung.append((to, flow_url))
        return f"CA-out-{len(self.rung)}"

    async def redirect(self, call_sid: str, url: str) -> None:
        if self.down:
            raise NotDone("no such call", permanent=True)
        self.brought.append((call_sid, url))

    async def hang_up(self, call_sid: str) -> None:
        self.ended.append(call_sid)

    async def fetch_recording(self, url: str) -> bytes:
        raise NotDone("nothing was recorded", permanent=True)

    async def delete_recording(self, sid: str) -> None:
        raise NotDone("nothing was recorded", permanent=True)

    @property
    def token(self) -> str:
        """What the telephone that was rung last asks with."""
        return self.rung[-1][1].rpartition("/")[2]


@dataclass
class Room:
    """The house by night: who calls, who sits there, and what time it is."""

    database: Database
    rules: Rules
    clock: SetClock
    carrier: Carrier = field(default_factory=Carrier)

    @property
    def switchboard(self) -> Switchboard:
        return Switchboard(self.database, self.rules, lambda _: self.carrier, "https://12345.example", self.clock)

    def do(self, work: Callable[[Connection, datetime], T]) -> T:
        """Something in a transaction, now."""
        now = self.clock()
        return self.database.write_now(lambda c: work(c, now))

    def on_duty(self, who: Principal = SEAT, *dialects: str, lines: tuple[Line, ...] = (Line.CITIZEN,)) -> None:
        duty = Duty(lines=list(lines), dialects=list(dialects), telephone="sip:801@pbx.example.gov.cn")
        self.do(lambda c, now: seats.go_on_duty(c, self.rules, who.name, duty, now))

    def enter(self, call_sid: str, caller: str | None = "+8613907241234", step: int = 3, **about: Any) -> CallState:
        """Somebody begins to wait."""
        state = calling(call_sid, caller, step, **about)
        queue = self.rules.seats.lines[self.rules.seats.line(state.line)].queue
        self.do(lambda c, now: waits.entered(c, state, queue, now))
        return state

    def said(self, call_sid: str, text: str, draft: dict[str, Any] | None) -> None:
        """What the caller told the bot before."""
        message = InboundMessage(Channel.PHONE, f"phone:{call_sid}", "1", text)

        def tell(connection: Connection, now: datetime) -> None:
            accepted = inbox.accept(connection, message, now)
            inbox.store_answer(connection, accepted.id, Answer((Reply("请问在哪里？"),), draft=draft), now)

        self.do(tell)


def calling(call_sid: str, caller: str | None = "+8613907241234", step: int = 3, **about: Any) -> CallState:
    """A call that waits for a person."""
    elder = about.pop("elder", False)
    return CallState(call_sid, caller, step=step, where=Where.WAITING, facts=Facts(elder=elder), **about)


@pytest.fixture
def room(tmp_path: Path, rules: Rules) -> Iterator[Room]:
    """Tuesday, half past nine in the morning, and nobody there yet."""
    database = Database(f"sqlite:///{tmp_path / 'phone.db'}", VAULT)
    metadata.create_all(database.engine)
    yield Room(database, rules, SetClock(datetime(2026, 11, 24, 1, 30, tzinfo=UTC)))
    database.close()
