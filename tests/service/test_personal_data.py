"""What becomes of personal data in the course of time, on both databases."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from core.city import City
from core.database import Database, vault_of
from core.problems import Problem
from core.sealing import CannotOpen, Vault
from core.settings import Settings
from desk.life.handling import Handling
from desk.orders import listing, register
from desk.orders.listing import Wanted
from desk.orders.model import NewWorkOrder
from desk.personal_data.erasure import BATCH, Erasure
from desk.repeated.supporters import persons_of
from hotline import schema
from hotline.resealing import reseal
from hotline.retention import erasure_of, remove_due
from hotline.worker import Worker
from intake import inbox
from intake.messages import Answer, Channel, InboundMessage, Reply
from ivr.calls import Calls, Happened
from ivr.flow import CallState, Heard, Step
from tests.fakes import FakeBot, SetClock

pytestmark = pytest.mark.service

PHONE, NAME, WORDS = "+8613871234567", "欧阳先生", "我住淦河大道88号3单元"
YEARS = timedelta(days=3 * 366)


@pytest.fixture
def erasure(city: City, settings: Settings) -> Erasure:
    return erasure_of(city, settings)


class Town:
    """Orders and conversations of one database."""

    def __init__(self, database: Database, city: City, clock: SetClock, complaint: dict[str, Any]) -> None:
        self.database = database
        self.clock = clock
        self._handling = Handling.of_city(city)
        self._complaint = complaint

    def open(self, conversation_id: str, key: str | None = None, **changes: Any) -> str:
        body = {**self._complaint, "contact_name": NAME, "conversation_id": conversation_id, **changes}
        new = NewWorkOrder.model_validate(body)
        opened = self.database.write_now(
            lambda c: register.open_work_order(c, new, key or f"key {conversation_id}", self.clock(), "bot")
        )
        return opened.order.number

    def withdraw(self, number: str) -> None:
        self.database.write_now(lambda c: register.supplement(c, number, WORDS, self.clock(), "bot"))
        self.database.write_now(lambda c: self.leave(c, number))

    def leave(self, connection: Connection, number: str) -> None:
        [citizen, *_] = persons_of(connection, register.row_of(connection, number))
        self._handling.leave(connection, citizen, self.clock(), "bot")

    def say(self, conversation_id: str) -> None:
        said = InboundMessage(Channel.WEB, conversation_id, "m1", WORDS, caller=PHONE)

        def keep(connection: Connection) -> None:
            accepted = inbox.accept(connection, said, self.clock())
            draft = {"contact_phone": PHONE}
            inbox.store_answer(connection, accepted.id, Answer((Reply(PHONE),), draft=draft), self.clock())

        self.database.write_now(keep)

    def stored(self, table: str) -> str:
        return str(self.database.read_now(lambda c: c.execute(text(f"SELECT * FROM {table}")).fetchall()))

    def count(self, table: str) -> int:
        return int(self.database.read_now(lambda c: c.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()))


@pytest.fixture
def town(database: Database, city: City, clock: SetClock, noise_complaint: dict[str, Any]) -> Town:
    return Town(database, city, clock, noise_complaint)


async def test_an_order_that_ended_long_ago_no_longer_tells_whose_it_was(town: Town, erasure: Erasure) -> None:
    town.say("web:1")
    number = town.open("web:1")
    town.withdraw(number)
    town.clock.forward(YEARS - timedelta(days=30))
    assert await remove_due(town.database, erasure, town.clock) == (0, 0)
    town.clock.forward(timedelta(days=30))
    assert await remove_due(town.database, erasure, town.clock) == (1, 0)
    assert await remove_due(town.database, erasure, town.clock) == (0, 0)

    order = town.database.read_now(lambda c: register.find(c, number))
    assert (order.contact_phone, order.contact_name, order.place, order.conversation_id) == (None, None, None, None)
    assert (order.category, order.area_code, order.state) == ("09", "421202001", "withdrawn")
    assert order.text == "（个人信息已按规定删除）"
    events = town.database.read_now(lambda c: register.events_of(c, number))
    assert [event.kind for event in events] == ["opened", "supplemented", "withdraw", "erased"]
    assert events[1].data == {"erased": True}
    assert events[3].data == {"after_years": 3}
    for table in ("work_orders", "work_order_events", "inbox", "idempotency_keys"):
        assert "淦河" not in town.stored(table)
        assert "web:1" not in town.stored(table)
    assert town.count("inbox") == 0


async def test_an_open_order_and_one_that_ended_lately_are_left_alone(town: Town, erasure: Erasure) -> None:
    open_one, late = town.open("web:1"), town.open("web:2")
    town.clock.forward(YEARS)
    town.withdraw(late)
    assert await remove_due(town.database, erasure, town.clock) == (0, 0)
    for number in (open_one, late):
        assert town.database.read_now(lambda c, n=number: register.find(c, n)).contact_phone == PHONE  # type: ignore[misc]


async def test_a_look_at_an_order_does_not_keep_it_longer(town: Town, erasure: Erasure) -> None:
    number = town.open("web:1")
    town.withdraw(number)
    town.clock.forward(YEARS)
    town.database.write_now(
        lambda c: register.add_event(c, register.row_of(c, number)["id"], "contact_viewed", {}, town.clock(), "x")
    )
    assert await remove_due(town.database, erasure, town.clock) == (1, 0)


async def test_what_was_said_goes_with_the_last_order_of_a_conversation(town: Town, erasure: Erasure) -> None:
    town.say("web:1")
    first, second = (town.open("web:1", key=f"matter {matter}") for matter in (1, 2))
    for number in (first, second):
        assert town.count("inbox") == 1
        town.withdraw(number)
        town.database.write_now(lambda c, n=number: erasure.erase(c, n, "x", town.clock(), "admin"))  # type: ignore[misc]
    assert town.count("inbox") == 0


async def test_the_bots_own_memory_forgets_with_the_order(town: Town, erasure: Erasure, settings: Settings) -> None:
    with closing(sqlite3.connect(settings.tracker_file)) as memory, memory:
        memory.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, sender_id VARCHAR(255), data TEXT)")
        memory.executemany("INSERT INTO events (sender_id, data) VALUES (?, ?)", [("web:1", PHONE), ("web:2", PHONE)])
    number = town.open("web:1")
    town.withdraw(number)
    town.database.write_now(lambda c: erasure.erase(c, number, "x", town.clock(), "admin"))
    with closing(sqlite3.connect(settings.tracker_file)) as memory:
        assert memory.execute("SELECT sender_id FROM events").fetchall() == [("web:2",)]


async def test_conversations_without_an_order_go_by_themselves(
    town: Town, erasure: Erasure, database: Database
) -> None:
    town.say("web:nothing came of it")
    town.say("web:1")
    town.open("web:1")
    kept = Calls(database, town.clock)
    for call_sid in ("CA1", "CA2"):
        step = Step(CallState(call_sid, PHONE, prompt=(WORDS,)))
        await kept.save("twilio", step, Happened(Heard(WORDS), 3), lambda _connection, _now: None)
    town.open("phone:CA2")
    town.clock.forward(timedelta(days=366))
    assert await remove_due(database, erasure, town.clock) == (0, 2)
    assert (town.count("inbox"), town.count("calls")) == (1, 1)
    assert await kept.find("CA2") is not None


async def test_the_worker_removes_what_is_due(
    town: Town, settings: Settings, city: City, bot: FakeBot, clock: SetClock
) -> None:
    number = town.open("web:1")
    town.withdraw(number)
    clock.forward(YEARS)
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(settings, town.database, bot, city, clock).run(stop))
    async with asyncio.timeout(30):
        while (await town.database.read(lambda c: register.find(c, number))).erased_at is None:
            await asyncio.sleep(0)
    stop.set()
    await working


async def test_many_orders_are_erased_in_batches(town: Town, erasure: Erasure) -> None:
    numbers = [town.open(f"web:{i}") for i in range(BATCH + 1)]
    for number in numbers:
        town.database.write_now(lambda c, n=number: town.leave(c, n))  # type: ignore[misc]
    town.clock.forward(YEARS)
    assert town.database.write_now(lambda c: erasure.erase_due(c, town.clock())) == BATCH
    assert await remove_due(town.database, erasure, town.clock) == (1, 0)


def test_an_order_is_erased_at_once_when_it_has_ended_and_only_once(town: Town, erasure: Erasure) -> None:
    number = town.open("web:1")

    def erase() -> Any:
        return town.database.write_now(lambda c: erasure.erase(c, number, "市民要求删除", town.clock(), "admin"))

    with pytest.raises(Problem, match="only an order that has ended"):
        erase()
    town.withdraw(number)
    erased, again = erase(), erase()
    assert erased == again
    assert erased.erased_at == town.clock()
    events = town.database.read_now(lambda c: register.events_of(c, number))
    assert [(e.actor, e.data) for e in events if e.kind == "erased"] == [("admin", {"reason": "市民要求删除"})]


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE work_order_events SET data = '{"reason": "x"}'""",
        """UPDATE work_order_events SET data = '{"erased": false}'""",
        """UPDATE work_order_events SET data = '{"erased": true}', actor = 'x'""",
        """UPDATE work_order_events SET data = '{"erased": true}', kind = 'x'""",
        "DELETE FROM work_order_events",
    ],
)
def test_the_log_lets_only_what_it_says_be_erased(town: Town, statement: str) -> None:
    town.open("web:1")
    with pytest.raises(DBAPIError, match="append-only"):
        town.database.write_now(lambda c: c.execute(text(statement)))


def test_after_resealing_the_new_key_alone_opens_everything(town: Town, database: Database, clock: SetClock) -> None:
    number = town.open("web:1")
    town.say("web:1")

    def use(keys: Vault) -> None:
        database.engine.dialect.vault = keys  # type: ignore[attr-defined]

    def found() -> list[str]:
        return [
            order.number
            for order in database.read_now(lambda c: listing.page(c, Wanted(traces=tuple(vault_of(c).traces(PHONE)))))
        ]

    use(Vault(b"new"))
    with pytest.raises(CannotOpen):
        database.read_now(lambda c: register.find(c, number))
    use(Vault(b"new", b"a secret of the tests"))
    assert found() == [number]
    assert sum(reseal(database)) == 2
    assert sum(reseal(database)) == 0
    use(Vault(b"new"))
    assert found() == [number]
    assert database.read_now(lambda c: register.find(c, number)).contact_name == NAME
    assert database.read_now(lambda c: inbox.history(c, "web:1"))[0].text == WORDS


def test_the_rows_of_an_older_version_are_sealed_by_the_migration_and_opened_by_going_back(
    town: Town, database: Database
) -> None:
    from alembic import command

    number, report = town.open("web:1"), town.open("web:2", nature="举报")
    town.say("web:1")

    def go(to: str) -> None:
        def run(connection: Connection) -> None:
            config = schema._config()
            config.attributes["connection"] = connection
            command.downgrade(config, to)

        database.migrate_now(run)

    go("0002")
    assert PHONE in town.stored("work_orders")
    assert WORDS in town.stored("inbox")
    schema.upgrade(database)
    for secret in (PHONE, NAME, WORDS):
        assert secret not in town.stored("work_orders") + town.stored("inbox")
    order = database.read_now(lambda c: register.find(c, number))
    assert (order.contact_phone, order.contact_name) == (PHONE, NAME)
    assert len(database.read_now(lambda c: listing.page(c, Wanted(traces=tuple(vault_of(c).traces(PHONE)))))) == 2
    assert database.read_now(lambda c: register.find(c, report)).confidential
    [turn] = database.read_now(lambda c: inbox.history(c, "web:1"))
    assert turn.answer is not None
    assert turn.answer.draft == {"contact_phone": PHONE}


def test_a_database_opened_without_keys_takes_no_personal_data(town: Town, database: Database) -> None:
    number = town.open("web:1")
    database.engine.dialect.vault = None  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="open_database"):
        database.read_now(lambda c: register.find(c, number))
    with pytest.raises(RuntimeError, match="open_database"):
        database.read_now(vault_of)
