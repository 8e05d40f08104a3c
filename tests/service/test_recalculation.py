"""The time limits change while orders are under way, on both databases. City rules before; 3 working days after."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import TypeAdapter
from sqlalchemy import Connection

from core.access import Principal, Role
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from desk.life.moves import MoveRequest
from desk.limits import recalculation
from desk.orders import register
from desk.orders.model import NewWorkOrder
from desk.oversight import joint, supervision
from desk.oversight.joint import NewJointHandling, NewMeeting
from desk.oversight.supervision import NewSupervision
from hotline.worker import Worker
from tests.fakes import FakeBot, SetClock
from tests.system import ROOT

pytestmark = pytest.mark.service

REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
ZONE = ZoneInfo("Asia/Shanghai")
UNIT, OTHER_UNIT = "咸安区生态环境局", "咸安区公安局"
MONITOR = Principal("supervisor", Role.SUPERVISOR)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


Changed = Callable[..., City]


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    """Makes a city whose ordinary orders have other time limits, and may have other days off."""

    def city(holidays: tuple[str, ...] = (), **limits: str) -> City:
        folder = tmp_path / f"city-{len(list(tmp_path.iterdir()))}"
        copytree(ROOT / "city", folder)
        deadlines = yaml.safe_load((folder / "deadlines.yml").read_text("utf-8"))
        deadlines["rules"][-1] |= limits
        (folder / "deadlines.yml").write_text(yaml.safe_dump(deadlines, allow_unicode=True), "utf-8")
        calendar = yaml.safe_load((folder / "calendar.yml").read_text("utf-8"))
        calendar["holidays"] = [datetime.fromisoformat(day).date() for day in holidays]
        (folder / "calendar.yml").write_text(yaml.safe_dump(calendar), "utf-8")
        return City(folder)

    return city


class Desk:
    """Orders that live under one set of rules after the other."""

    def __init__(self, connection: Connection, city: City, matter: dict[str, Any]) -> None:
        self.connection = connection
        self.handling = Handling.of_city(city)
        self.matter = NewWorkOrder.model_validate(matter)

    def sent(self, at: str = "2026-11-24 09:00") -> str:
        """An order that is sent to its unit."""
        number = register.open_work_order(self.connection, self.matter, None, local(at), "bot").order.number
        self.move(number, at, move="dispatch", unit=UNIT)
        return number

    def move(self, number: str, at: str, **said: Any) -> None:
        self.handling.move(self.connection, number, REQUEST.validate_python(said), local(at), "somebody")

    def change_rules(self, city: City, at: str) -> int:
        """Put the orders under another city's rules; returns how many clocks moved."""
        self.handling = Handling.of_city(city)
        moved = 0
        while (batch := recalculation.recalculate(self.connection, self.handling.clocks, local(at))).orders:
            moved += batch.moved
        assert recalculation.count_stale(self.connection, self.handling.clocks) == 0
        return moved

    def sweep(self, at: str) -> None:
        self.handling.sweep(self.connection, local(at))

    def due(self, number: str) -> dict[str, datetime]:
        """When the running clocks of an order end."""
        order_id = register.row_of(self.connection, number)["id"]
        running = [clock for clock in self.handling.clocks.of(self.connection, order_id) if clock.ended_at is None]
        return {clock.step.value: clock.due for clock in running}

    def lights(self, number: str, step: str = "finish") -> list[str]:
        """The lights of a step that were told, in their order."""
        events = register.events_of(self.connection, number)
        return [event.data["light"] for event in events if event.kind == "light" and event.data["step"] == step]

    def changes(self, number: str) -> list[dict[str, str]]:
        """What the order's log says of clocks that moved."""
        events = register.events_of(self.connection, number)
        return [change for event in events if event.kind == "clock_changed" for change in event.data["clocks"]]


Told = Callable[[Desk], None]


@pytest.fixture
def tell(database: Database, city: City, noise_complaint: dict[str, Any]) -> Callable[[Told], Any]:
    """Lets a story happen in one transaction."""

    def told(story: Told) -> Any:
        return database.write(lambda c: story(Desk(c, city, noise_complaint)))

    return told


async def test_what_runs_gets_its_new_end_and_the_log_tells_the_old_and_the_new(
    tell: Callable[[Told], Any], changed: Changed
) -> None:
    def story(desk: Desk) -> None:
        number = desk.sent()
        desk.move(number, "2026-11-24 10:00", move="sign")
        assert desk.due(number)["finish"] == local("2026-12-01 17:30")
        assert desk.change_rules(changed(sign="4h", finish="3wd"), "2026-11-25 09:00") == 1
        assert desk.due(number)["finish"] == local("2026-11-27 17:30")
        assert desk.due(number)["first_reply"] == local("2026-12-01 17:30")
        [change] = desk.changes(number)
        assert change["step"] == "finish"
        assert datetime.fromisoformat(change["before"]) == local("2026-12-01 17:30")
        assert datetime.fromisoformat(change["due"]) == local("2026-11-27 17:30")

    await tell(story)


async def test_a_day_off_of_the_calendar_moves_all_clocks_that_run_over_it_in_one_entry(
    tell: Callable[[Told], Any], changed: Changed
) -> None:
    def story(desk: Desk) -> None:
        number = desk.sent()
        assert desk.change_rules(changed(holidays=("2026-11-25",)), "2026-11-24 11:00") == 4
        events = [event for event in register.events_of(desk.connection, number) if event.kind == "clock_changed"]
        assert len(events) == 1
        assert desk.due(number)["sign"] == local("2026-11-26 17:30")

    await tell(story)


async def test_the_same_rules_written_otherwise_change_nothing(tell: Callable[[Told], Any], changed: Changed) -> None:
    def story(desk: Desk) -> None:
        number = desk.sent()
        assert desk.change_rules(changed(source="另一个来源"), "2026-11-25 09:00") == 0
        assert desk.changes(number) == []

    await tell(story)


async def test_a_light_that_is_late_at_once_is_told_once_and_one_that_was_told_stays(
    tell: Callable[[Told], Any], changed: Changed, city: City
) -> None:
    def story(desk: Desk) -> None:
        number = desk.sent()
        desk.sweep("2026-11-27 10:00")
        assert desk.lights(number) == ["yellow"]
        desk.change_rules(changed(finish="2wd"), "2026-11-27 10:00")
        assert desk.lights(number) == ["yellow"]
        desk.sweep("2026-11-27 10:05")
        assert desk.lights(number) == ["yellow", "orange", "red"]
        desk.change_rules(city, "2026-11-27 11:00")
        desk.change_rules(changed(finish="2wd"), "2026-11-27 11:30")
        for at in ("2026-11-27 12:00", "2026-12-04 12:00"):
            desk.sweep(at)
        assert desk.lights(number) == ["yellow", "orange", "red"]

    await tell(story)


async def test_an_end_that_a_person_has_set_stays(tell: Callable[[Told], Any], changed: Changed) -> None:
    def story(desk: Desk) -> None:
        extended, assigned, unit = desk.sent(), desk.sent(), desk.sent()
        desk.move(extended, "2026-11-24 10:00", move="sign")
        desk.move(extended, "2026-11-24 11:00", move="ask_extension", time="3wd", reason="等检测报告")
        desk.move(extended, "2026-11-24 11:30", move="grant_extension")
        until = local("2026-12-03 12:00")
        desk.handling.assign(desk.connection, assigned, OTHER_UNIT, until, local("2026-11-24 11:00"), "leader")
        new = NewSupervision(reason="多次反映", demand="限期办结", until=until)
        clocks = desk.handling.clocks
        supervision.open_for(desk.connection, clocks, unit, new, local("2026-11-24 11:00"), MONITOR)
        desk.change_rules(changed(finish="2wd", supervision_reply="1wd"), "2026-11-24 12:00")
        assert desk.due(extended)["finish"] == local("2026-12-04 17:30")
        assert desk.due(assigned)["finish"] == until
        assert desk.due(unit)["supervision_reply"] == until
        assert desk.due(unit)["finish"] == local("2026-11-26 17:30")
        assert desk.changes(extended) == desk.changes(assigned) == []

    await tell(story)


async def test_an_order_that_waits_for_its_citizen_stands_still_and_then_runs_by_the_new_rules(
    tell: Callable[[Told], Any], changed: Changed
) -> None:
    def story(desk: Desk) -> None:
        number = desk.sent()
        desk.move(number, "2026-11-24 10:00", move="sign")
        desk.move(number, "2026-11-25 08:30", move="ask_citizen", question="请提供店名")
        desk.change_rules(changed(finish="3wd"), "2026-11-25 09:00")
        desk.sweep("2026-12-25 09:00")
        assert desk.lights(number) == []
        desk.move(number, "2026-11-26 08:30", move="resume", answer="店名是甲")
        assert desk.due(number)["finish"] == local("2026-11-30 17:30")

    await tell(story)


async def test_what_shows_the_end_beside_the_clock_follows_it(tell: Callable[[Told], Any], changed: Changed) -> None:
    def story(desk: Desk) -> None:
        number, at = desk.sent(), local("2026-11-24 10:00")
        clocks, connection = desk.handling.clocks, desk.connection
        desk.move(number, "2026-11-24 09:30", move="sign")
        supervision.open_for(connection, clocks, number, NewSupervision(reason="多次反映", demand="办结"), at, MONITOR)
        new = NewJointHandling(assist_units=[OTHER_UNIT], reason="需要公安配合")
        joint.open_joint(connection, clocks, number, new, at, "dispatcher")
        tasks = [
            {"unit": OTHER_UNIT, "task": "夜间巡查"},
            {"unit": UNIT, "task": "监测", "until": local("2026-11-26 12:00")},
        ]
        meeting = {"held_at": at, "participants": ["甲局", "乙局"], "agreed": "联合检查", "tasks": tasks}
        joint.add_meeting(connection, number, NewMeeting.model_validate(meeting), at, "dispatcher")
        desk.change_rules(changed(supervision_reply="2wd", joint="4wd"), "2026-11-24 11:00")
        [demanded] = supervision.list_supervisions(connection, work_order=number)
        assert demanded.due == desk.due(number)["supervision_reply"] == local("2026-11-26 17:30")
        [together] = joint.of(connection, register.row_of(connection, number)["id"])
        assert together.due == desk.due(number)["joint"] == local("2026-11-30 17:30")
        assert [task.due for task in together.tasks] == [local("2026-11-30 17:30"), local("2026-11-26 12:00")]

    await tell(story)


async def test_a_recalculation_that_was_broken_off_goes_on_where_it_was(
    tell: Callable[[Told], Any], changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recalculation, "BATCH", 3)

    def story(desk: Desk) -> None:
        numbers = [desk.sent() for _ in range(5)]
        desk.handling = Handling.of_city(changed(finish="3wd"))
        clocks = desk.handling.clocks
        planned = recalculation.preview(desk.connection, clocks)
        assert (len(planned), sum(each.moves for each in planned)) == (20, 5)
        assert recalculation.recalculate(desk.connection, clocks, local("2026-11-24 10:00")).orders < 5
        while recalculation.recalculate(desk.connection, clocks, local("2026-11-24 10:00")).orders:
            pass
        assert [len(desk.changes(number)) for number in numbers] == [1] * 5
        assert recalculation.preview(desk.connection, clocks) == []

    await tell(story)


async def test_a_worker_that_is_started_with_other_rules_puts_the_orders_under_them(
    database: Database,
    city: City,
    noise_complaint: dict[str, Any],
    settings: Settings,
    clock: SetClock,
    changed: Changed,
) -> None:
    number = await database.write(lambda c: Desk(c, city, noise_complaint).sent())
    stop, other = asyncio.Event(), changed(finish="3wd")
    clocks = Handling.of_city(other).clocks
    working = asyncio.create_task(Worker(settings, database, FakeBot(), other, clock).run(stop))
    async with asyncio.timeout(30):
        while await database.read(lambda c: recalculation.count_stale(c, clocks)):
            await asyncio.sleep(0.05)
    stop.set()
    await working
    due = await database.read(lambda c: Desk(c, other, noise_complaint).due(number))
    assert due["finish"] == local("2026-11-27 17:30")
