"""Lives of orders on both databases, as `tests/conversations/orders.yml` tells them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from core.city import City
from core.database import Database
from core.problems import Problem
from desk import register
from desk.handling import Handling
from desk.model import NewWorkOrder
from desk.moves import MoveRequest
from tests.fakes import SetClock
from tests.system import ROOT

pytestmark = pytest.mark.service

SCENARIOS = yaml.safe_load((ROOT / "tests" / "conversations" / "orders.yml").read_text("utf-8"))
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
ZONE = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


class Story:
    """One order, and the moves that are tried with it."""

    def __init__(self, connection: Connection, handling: Handling, order: NewWorkOrder, now: datetime) -> None:
        self.connection = connection
        self.handling = handling
        self.number = register.open_work_order(connection, order, None, now, "bot").order.number
        self.other = register.open_work_order(connection, order, None, now, "bot").order.number

    def step(self, step: dict[str, Any]) -> None:
        now = local(step["at"])
        if "do" in step:
            self.do(step["do"], step.get("refused"), now)
        if "lights" in step:
            assert self.lights(now) == step["lights"], step["at"]
        if "state" in step:
            assert register.find(self.connection, self.number).state == step["state"], step["at"]

    def do(self, said: dict[str, Any], refused: list[Any] | None, now: datetime) -> None:
        status, words = self.refusal(said, now)
        expected, told = refused or (None, "")
        assert status == expected, f"{said}: {words}"
        assert told in words, f"{said}: {words}"

    def refusal(self, said: dict[str, Any], now: datetime) -> tuple[int | None, str]:
        """The status and words with which a move is refused; None when it is made."""
        numbers = {"itself": self.number, "other": self.other}
        try:
            request = REQUEST.validate_python({**said, **({"into": numbers[said["into"]]} if "into" in said else {})})
            self.handling.move(self.connection, self.number, request, now, "dispatcher")
        except Problem as problem:
            return problem.status, problem.detail
        except ValidationError as error:
            return 422, str(error)
        return None, ""

    def lights(self, now: datetime) -> list[str]:
        before = len(register.events_of(self.connection, self.number))
        self.handling.sweep(self.connection, now)
        events = register.events_of(self.connection, self.number)[before:]
        return [f"{event.data['step']}/{event.data['light']}" for event in events if event.kind == "light"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["title"])
async def test_in_the_life_of_an_order(
    database: Database, city: City, noise_complaint: dict[str, Any], clock: SetClock, scenario: dict[str, Any]
) -> None:
    handling = Handling.of_city(city)
    order = NewWorkOrder.model_validate({**noise_complaint, **scenario.get("order", {})})

    def live(connection: Connection) -> None:
        story = Story(connection, handling, order, local("2026-11-24 08:55"))
        for step in scenario["steps"]:
            story.step(step)
        order_id = register.row_of(connection, story.number)["id"]
        due = {clock.step.value: clock.due for clock in handling.clocks.of(connection, order_id)}
        wanted = {step: local(at) for step, at in scenario.get("clocks", {}).items()}
        assert {step: due[step] for step in wanted} == wanted
        kinds = iter(event.kind for event in register.events_of(connection, story.number))
        missing = [kind for kind in scenario.get("log", []) if kind not in kinds]
        assert missing == []

    await database.write(live)


async def test_a_certain_order_is_sent_by_itself_and_an_unsure_one_waits(
    database: Database, city: City, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    handling = Handling.of_city(city)

    def open_order(connection: Connection, **changes: Any) -> str:
        new = NewWorkOrder.model_validate({**noise_complaint, **changes})
        return register.open_work_order(connection, new, None, clock(), "bot").order.number

    def live(connection: Connection) -> None:
        sure, unsure = open_order(connection), open_order(connection, confidence=0.4)
        nowhere, person = open_order(connection, area_code=None), open_order(connection, needs_person=True)
        seen, sent = handling.dispatch_certain(connection, city, 0, clock())
        assert sent == 1
        assert register.find(connection, sure).unit == "咸安区生态环境局"
        for number in (unsure, nowhere):
            assert register.find(connection, number).state == "pending_dispatch"
        assert register.find(connection, person).state == "pending_acceptance"
        assert handling.dispatch_certain(connection, city, seen, clock()) == (seen, 0)
        [_, dispatched] = register.events_of(connection, sure)
        assert dispatched.actor == "automatic dispatch"
        assert "生态环境局" in dispatched.data["note"]

    await database.write(live)
