"""The phone without a carrier, a bot or a socket: a scripted conversation, and forms posted straight into the app."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import Connection

from core.clock import utc_now
from core.database import Database
from core.problems import Unavailable, install
from core.sealing import Vault
from core.settings import Settings
from intake.messages import Answer, InboundMessage, Reply
from ivr import flow
from ivr.calls import Calls, call_steps, calls
from ivr.carriers.registry import carriers_of, phone_router
from ivr.carriers.routes import NO_ROOMS, Rooms
from ivr.line import PhoneLine
from ivr.prompts import Prompts, load_prompts
from tests.telephone import Post
from tests.telephones import LOCAL, PUBLIC_URL, SECRET, posting_to
from tests.twiml import TwimlCaller


@pytest.fixture(scope="session")
def prompts() -> Prompts:
    return load_prompts("咸宁")


@dataclass
class ScriptedConversation:
    """Answers in order, then goes on with the last answer; remembers what it was told. An exception is raised."""

    script: list[Answer | Exception] = field(default_factory=lambda: [Answer((Reply("请问在哪里？"),))])
    told: list[InboundMessage] = field(default_factory=list)
    abandoned: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    down: bool = False

    async def handle(self, message: InboundMessage) -> Answer:
        key = (message.conversation_id, message.message_id)
        if key in self.answers:
            return self.answers[key]
        self.told.append(message)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Exception):
            raise answer
        self.answers[key] = answer
        return answer

    async def abandon(self, conversation_id: str) -> None:
        if self.down:
            raise Unavailable("the database does not answer")
        self.abandoned.append(conversation_id)

    def will_answer(self, *answers: Answer | Exception) -> None:
        """What comes next."""
        self.script = list(answers)

    @property
    def texts(self) -> list[str]:
        """What was said to it."""
        return [message.text for message in self.told]


@dataclass
class FakeHouse:
    """The house beside the conversation: what a test says of it, and what was asked of it."""

    known: flow.Facts = field(default_factory=flow.Facts)
    seat: flow.SeatFound = field(default_factory=flow.SeatFound)
    proof: str = "246810"
    orders: tuple[flow.OpenOrder, ...] = ()
    proofs: list[str] = field(default_factory=list)
    messages: list[flow.KeepMessage] = field(default_factory=list)
    effects: list[flow.Effect] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    left: list[flow.Where] = field(default_factory=list)

    def facts(self, connection: Connection, caller: str | None, now: datetime) -> flow.Facts:
        del connection, caller, now
        return self.known

    def meet(
        self,
        connection: Connection,
        need: flow.HouseNeed,
        state: flow.CallState,
        now: datetime,
    ) -> flow.Met:
        del connection, now
        match need:
            case flow.Prove():
                self.proofs.append(need.proof)
                barred = state.proofs >= 3 and need.proof != self.proof
                return flow.Proved(self.orders if need.proof == self.proof else None, barred)
            case flow.FindSeat():
                return self.seat
            case flow.KeepMessage():
                self.messages.append(need)
                return flow.Kept("20261124-000018")
            case flow.ShareCard():
                return flow.Shared(sent=True)

    def keep(self, connection: Connection, step: flow.Step, event: flow.Event, now: datetime) -> None:
        del connection, event, now
        self.effects += step.effects
        self.queued += [each.queue for each in step.instructions if isinstance(each, flow.Enqueue)]

    def hung_up(
        self, connection: Connection, state: flow.CallState, effects: tuple[flow.Effect, ...], now: datetime
    ) -> None:
        del connection, now
        self.effects += effects
        self.left.append(state.where)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'calls.db'}", Vault(b"a secret of the tests"))
    calls.create(database.engine)
    call_steps.create(database.engine)
    yield database
    database.close()


@pytest.fixture
def conversation() -> ScriptedConversation:
    return ScriptedConversation()


@pytest.fixture
def house() -> FakeHouse:
    return FakeHouse()


def phone_line(conversation: ScriptedConversation, database: Database, prompts: Prompts, house: FakeHouse) -> PhoneLine:
    return PhoneLine(conversation, Calls(database, utc_now), house, prompts)


def phone_app(phone: PhoneLine, rooms: Rooms = NO_ROOMS, **settings: str) -> FastAPI:
    app = FastAPI()
    install(app)
    configured = Settings(_env_file=None, **settings)  # type: ignore[arg-type]
    carriers = carriers_of(configured, utc_now, Vault(b"a secret of the tests"))
    app.include_router(phone_router(phone, carriers, configured, ["咸安区", "温泉街道"], rooms))
    return app


@pytest.fixture
def phone(conversation: ScriptedConversation, database: Database, prompts: Prompts, house: FakeHouse) -> PhoneLine:
    return phone_line(conversation, database, prompts, house)


@pytest.fixture
def post(phone: PhoneLine) -> Post:
    return posting_to(phone_app(phone, twilio_auth_token=SECRET, public_url=PUBLIC_URL))


Dial = Callable[..., TwimlCaller]


@pytest.fixture
def dial(post: Post) -> Dial:
    """A telephone: `dial(number=…)` makes a call that signs as Twilio does."""

    def _dial(**about: str) -> TwimlCaller:
        about = {"public_url": PUBLIC_URL, "auth_token": SECRET, **about}
        return TwimlCaller(post, LOCAL, **about)

    return _dial
