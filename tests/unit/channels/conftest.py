"""A web chat with a conversation whose answers the test decides."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from channels.base import House
from channels.registry import create_routers
from core import problems
from core.city import City
from core.database import Database
from core.limiting import Limiter
from core.problems import Unavailable
from core.settings import Settings
from desk.life.handling import Handling
from intake.attachments.attaching import Attachments
from intake.conversation import Conversation
from intake.emergency import EmergencyScreen
from intake.gate import Gate
from intake.messages import Answer, Button, InboundMessage, Reply, Turn
from tests.fakes import FakeBot, SetClock

ORDER = {"number": "20261124-0001-7", "query_code": "314159", "category": "09", "state": "pending_dispatch"}


class FakeConversation:
    """Keeps what it is told like the real one; answers 「…」 with the text, and is unavailable on 「存不下」.

    A text that begins with 慢 is answered only after `release` is set.
    """

    def __init__(self) -> None:
        self.handled: list[InboundMessage] = []
        self.release = asyncio.Event()
        self._turns: dict[str, dict[str, Turn]] = defaultdict(dict)

    async def handle(self, message: InboundMessage) -> Answer:
        turns = self._turns[message.conversation_id]
        if message.message_id in turns:
            stored = turns[message.message_id].answer
            assert stored is not None
            return stored
        if message.text == "存不下":
            raise Unavailable("系统暂时不能接收消息，请稍后再发一次。")
        if message.text.startswith("慢"):
            await self.release.wait()
        if message.text == "坏":
            raise ZeroDivisionError
        self.handled.append(message)
        answer = Answer(
            (Reply(f"「{message.text}」", (Button("是的", "对"),)),),
            work_order=ORDER if message.text == "确认" else None,
            degraded=message.text == "机器人不在",
            draft={"contact_phone": "+8613871234567"},
        )
        turns[message.message_id] = Turn(message.message_id, message.text, datetime(2026, 11, 24, tzinfo=UTC), answer)
        return answer

    async def history(self, conversation_id: str) -> list[Turn]:
        return list(self._turns[conversation_id].values())


def house_of(settings: Settings, database: Database, city: City, handling: Handling, clock: SetClock) -> House:
    """A house whose bot only echoes."""
    conversation = Conversation(database, FakeBot(), city, clock)
    attachments = Attachments(database, settings.attachments_dir, clock)
    gate = Gate(Limiter.of_city(city, str, "memory://"), EmergencyScreen(city.read("emergencies.yml")))
    return House(conversation, gate, database, city, attachments, handling, settings, clock)


@pytest.fixture
def conversation() -> FakeConversation:
    return FakeConversation()


@pytest.fixture
def chat(
    conversation: FakeConversation, settings: Settings, sqlite: Database, city: City, clock: SetClock
) -> Iterator[TestClient]:
    """A client of the channels' routes alone."""
    settings.public_url = "https://12345.example.gov.cn"
    app = FastAPI()
    problems.install(app)
    house = replace(house_of(settings, sqlite, city, Handling.of_city(city), clock), conversation=conversation)  # type: ignore[arg-type]
    for router in create_routers(house):
        app.include_router(router)
    with TestClient(app) as client:
        yield client
