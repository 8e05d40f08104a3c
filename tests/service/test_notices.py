"""Who is told what, on both databases, as `tests/conversations/notices.yml` tells it; and workers side by side."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select

from core.access import Role
from core.city import City
from core.database import Database
from core.secrets import vault
from core.settings import Settings
from desk.access.people import users
from desk.closing import expediting
from desk.life.handling import Handling
from desk.life.moves import MoveRequest
from desk.orders import register
from desk.orders.model import NewWorkOrder
from desk.orders.tables import work_order_events
from desk.repeated.supporters import persons_of
from desk.telling.backlog import backlog
from desk.telling.noticeboard import NoticeState, notices
from desk.telling.outbox import Outbox
from hotline import schema
from hotline.seed import Town, plans
from hotline.worker import Worker
from tests.fakes import FakeBot, SetClock
from tests.system import ROOT

pytestmark = pytest.mark.service

SCENARIOS = yaml.safe_load((ROOT / "tests" / "conversations" / "notices.yml").read_text("utf-8"))
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
ZONE = ZoneInfo("Asia/Shanghai")
UNIT, OTHER_UNIT = "咸安区生态环境局", "咸安区公安局"
CAST = {
    "handler": UNIT,
    "unit_head": UNIT,
    "other_handler": OTHER_UNIT,
    "seat": None,
    "dispatcher": None,
    "supervisor": None,
    "leader": None,
}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def let_in(connection: Connection, without: tuple[str, ...] = ()) -> None:
    """The cast, each under the name of its role."""
    for login, unit in CAST.items():
        role = login.removeprefix("other_")
        if role not in without:
            values = {"login": login, "name": login, "role": Role(role), "unit": unit, "password_hash": "-"}
            connection.execute(insert(users).values(**values, active=True, created_at=local("2026-11-01 08:00")))


class Story:
    """One order, what is done with it, and what is told of it."""

    def __init__(self, connection: Connection, city: City, order: NewWorkOrder, now: datetime) -> None:
        self.connection = connection
        self.handling = Handling.of_city(city)
        self.outbox = Outbox.of_city(city, self.handling.clocks.calendar, ())
        self.number = register.open_work_order(connection, order, None, now, "bot").order.number
        self.round(now)

    def step(self, step: dict[str, Any]) -> None:
        now, before = local(step["at"]), self.told()
        if "do" in step:
            self.handling.move(self.connection, self.number, REQUEST.validate_python(step["do"]), now, "dispatcher")
        if "say" in step:
            self.citizen_says(step["say"], now)
        dropped = self.dropped()
        self.round(now)
        told = [notice for id_, notice in self.told().items() if id_ not in before]
        assert {who for who, _ in told} == set(step["told"]), step["at"]
        assert all(step["told"][who] in text for who, text in told), f"{step['at']}: {told}"
        if "dropped" in step:
            assert dict(self.dropped() - dropped) == step["dropped"], step["at"]

    def citizen_says(self, what: str, now: datetime) -> None:
        """The citizen supplements, expedites or withdraws."""
        if what == "supplement":
            register.supplement(self.connection, self.number, "又吵了", now, "bot")
        elif what == "expedite":
            rules, calendar = self.handling.aftercare.expediting, self.handling.clocks.calendar
            expediting.expedite(self.connection, self.number, rules, calendar, now, "bot")
        else:
            assert what == "withdraw"
            citizen, *_ = persons_of(self.connection, register.row_of(self.connection, self.number))
            self.handling.leave(self.connection, citizen, now, "bot")

    def round(self, now: datetime) -> None:
        self.handling.sweep(self.connection, now)
        self.outbox.hand_on(self.connection, now)
        self.outbox.tell_due(self.connection, now)

    def told(self) -> dict[int, tuple[str, str]]:
        query = select(notices).where(notices.c.state == NoticeState.TOLD)
        return {row["id"]: (row["recipient"], row["text"]) for row in self.connection.execute(query).mappings()}

    def dropped(self) -> set[tuple[str, str]]:
        query = select(notices.c.kind, notices.c.reason).where(notices.c.state == NoticeState.DROPPED)
        return {(kind, reason) for kind, reason in self.connection.execute(query)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["title"])
async def test_who_is_told(
    database: Database, city: City, noise_complaint: dict[str, Any], scenario: dict[str, Any]
) -> None:
    order = NewWorkOrder.model_validate({**noise_complaint, **scenario.get("order", {})})

    def live(connection: Connection) -> None:
        let_in(connection, tuple(scenario.get("without", ())))
        story = Story(connection, city, order, local(scenario.get("opened", "2026-11-24 08:55")))
        for step in scenario["steps"]:
            story.step(step)

    await database.write(live)


async def test_events_of_before_the_feature_and_of_invented_orders_are_told_to_nobody(
    database: Database, city: City, clock: SetClock
) -> None:
    town = Town(city, Handling.of_city(city), clock(), seed=7)
    await database.write(lambda c: town.play(c, plans(10, clock(), seed=7)))
    assert (await database.read(backlog)).events == 0


async def test_two_workers_at_once_tell_dispatch_and_light_everything_once(
    postgresql_url: Callable[[], str], city: City, noise_complaint: dict[str, Any], settings: Settings, clock: SetClock
) -> None:
    count = 120
    url = postgresql_url()
    databases = [Database(url, vault(settings)), Database(url, vault(settings))]
    schema.upgrade(databases[0])
    new = NewWorkOrder.model_validate(noise_complaint)

    def open_all(connection: Connection) -> None:
        let_in(connection)
        for _ in range(count):
            register.open_work_order(connection, new, None, clock(), "bot")

    def events(connection: Connection) -> Counter[tuple[int, str, str]]:
        query = select(work_order_events.c.work_order_id, work_order_events.c.kind, work_order_events.c.data)
        return Counter((order, kind, data.get("light", "")) for order, kind, data in connection.execute(query))

    async def work_until(done: Callable[[Connection], bool]) -> None:
        stop = asyncio.Event()
        workers = [Worker(settings, database, FakeBot(), city, clock) for database in databases]
        running = [asyncio.create_task(worker.run(stop)) for worker in workers]
        async with asyncio.timeout(60):
            while not await databases[0].read(done):
                await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*running)

    def is_settled(connection: Connection, events_of_an_order: int) -> bool:
        left = backlog(connection)
        return sum(events(connection).values()) >= events_of_an_order * count and left.events == left.notices == 0

    await databases[0].write(open_all)
    clock.forward(timedelta(minutes=16))
    await work_until(lambda c: is_settled(c, 2))
    clock.forward(timedelta(days=2))
    await work_until(lambda c: is_settled(c, 5))

    counted = await databases[0].read(events)
    assert set(counted.values()) == {1}, counted.most_common(3)
    assert {(kind, light) for _, kind, light in counted} == {
        ("opened", ""),
        ("dispatch", ""),
        ("light", "yellow"),
        ("light", "orange"),
        ("light", "red"),
    }
    for database in databases:
        database.close()
