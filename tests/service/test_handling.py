"""Lives of orders on both databases, as `tests/conversations/orders.yml` and `supervision.yml` tell them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from core.access import Principal, Role
from core.city import City
from core.database import Database
from core.problems import Problem
from desk.access import people
from desk.life.handling import Handling
from desk.life.moves import MoveRequest
from desk.orders import register
from desk.orders.model import NewWorkOrder
from desk.oversight import decisions, joint, special_reports, supervision
from desk.oversight.joint import NewJointHandling, NewMeeting, TaskDone
from desk.oversight.report_texts import Writer
from desk.oversight.special_reports import Coordination, ReportRequest, SpecialReport
from desk.oversight.supervision import NewSupervision, Supervision, SupervisionRequest
from tests.fakes import SetClock
from tests.system import ROOT

pytestmark = pytest.mark.service

SCENARIOS = [
    scenario
    for name in ("orders.yml", "supervision.yml")
    for scenario in yaml.safe_load((ROOT / "tests" / "conversations" / name).read_text("utf-8"))
]
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
SUPERVISION: TypeAdapter[SupervisionRequest] = TypeAdapter(SupervisionRequest)
REPORT: TypeAdapter[ReportRequest] = TypeAdapter(ReportRequest)
MOMENTS = ("until", "held_at", "visited_at")
ZONE = ZoneInfo("Asia/Shanghai")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


class Story:
    """One order, and the moves that are tried with it."""

    def __init__(
        self, connection: Connection, city: City, handling: Handling, order: NewWorkOrder, now: datetime
    ) -> None:
        self.connection = connection
        self.writer = Writer(city)
        self.handling = handling
        self.clocks = handling.clocks
        self.number = register.open_work_order(connection, order, None, now, "bot").order.number
        self.other = register.open_work_order(connection, order, None, now, "bot").order.number

    def step(self, step: dict[str, Any]) -> None:
        now = local(step["at"])
        for verb in ("do", *DOINGS):
            if verb in step:
                self.do(verb, step[verb], step.get("refused"), now)
        if "lights" in step:
            assert self.lights(now) == step["lights"], step["at"]
        if "state" in step:
            assert register.find(self.connection, self.number).state == step["state"], step["at"]
        if "supervision_is" in step:
            assert self.supervision().state == step["supervision_is"], step["at"]
        if "report_is" in step:
            assert self.report().state == step["report_is"], step["at"]

    def do(self, verb: str, said: dict[str, Any], refused: list[Any] | None, now: datetime) -> None:
        status, words = self.refusal(verb, said, now)
        expected, told = refused or (None, "")
        assert status == expected, f"{said}: {words}"
        assert told in words, f"{said}: {words}"

    def refusal(self, verb: str, said: dict[str, Any], now: datetime) -> tuple[int | None, str]:
        """The status and words with which something is refused; None when it is done."""
        said = with_moments(said)
        try:
            self.move(said, now) if verb == "do" else DOINGS[verb](self, said, now)
        except Problem as problem:
            return problem.status, problem.detail
        except ValidationError as error:
            return 422, str(error)
        return None, ""

    def move(self, said: dict[str, Any], now: datetime) -> None:
        numbers = {"itself": self.number, "other": self.other}
        request = REQUEST.validate_python({**said, **({"into": numbers[said["into"]]} if "into" in said else {})})
        self.handling.move(self.connection, self.number, request, now, "dispatcher")

    def supervision(self) -> Supervision:
        """The order's newest 督办单."""
        return supervision.list_supervisions(self.connection, work_order=self.number)[0]

    def supervise(self, said: dict[str, Any], now: datetime) -> None:
        who = Principal("supervisor", Role.SUPERVISOR)
        new = NewSupervision.model_validate(said)
        supervision.open_for(self.connection, self.clocks, self.number, new, now, who)

    def move_supervision(self, said: dict[str, Any], now: datetime) -> None:
        request = SUPERVISION.validate_python(said)
        supervision.make(self.connection, self.clocks, self.supervision().number, request, now, "wang")

    def report(self) -> SpecialReport:
        """The newest special report; every story has a database of its own."""
        return special_reports.list_reports(self.connection)[0]

    def coordinate(self, said: dict[str, Any], now: datetime) -> None:
        held, write = Coordination.model_validate(said), self.writer.special_report
        special_reports.coordinate(self.connection, self.clocks.rules, write, self.number, held, now, "dispatcher")

    def move_report(self, said: dict[str, Any], now: datetime) -> None:
        request = REPORT.validate_python(said)
        decisions.make(self.connection, self.handling, self.report().number, request, now, "leader")

    def handle_jointly(self, said: dict[str, Any], now: datetime) -> None:
        new = NewJointHandling.model_validate(said)
        joint.open_joint(self.connection, self.clocks, self.number, new, now, "dispatcher")

    def meet(self, said: dict[str, Any], now: datetime) -> None:
        joint.add_meeting(self.connection, self.number, NewMeeting.model_validate(said), now, "dispatcher")

    def finish_task(self, said: dict[str, Any], now: datetime) -> None:
        """`of` is the unit the task belongs to, `by` the unit of who says that it is done."""
        order_id = register.row_of(self.connection, self.number)["id"]
        tasks = joint.of(self.connection, order_id)[-1].tasks
        [task] = [task.id for task in tasks if task.unit == said["of"]]
        who = Principal("li", Role.HANDLER, said["by"])
        joint.finish_task(self.connection, self.number, task, TaskDone(note=said["note"]), now, who)

    def lights(self, now: datetime) -> list[str]:
        before = len(register.events_of(self.connection, self.number))
        self.handling.sweep(self.connection, now)
        events = register.events_of(self.connection, self.number)[before:]
        return [f"{event.data['step']}/{event.data['light']}" for event in events if event.kind == "light"]


DOINGS: dict[str, Callable[[Story, dict[str, Any], datetime], None]] = {
    "supervise": Story.supervise,
    "supervision": Story.move_supervision,
    "coordinate": Story.coordinate,
    "report": Story.move_report,
    "joint": Story.handle_jointly,
    "meeting": Story.meet,
    "task": Story.finish_task,
}


def with_moments(said: dict[str, Any]) -> dict[str, Any]:
    """What is said, its times read as the city's."""
    read: dict[str, Any] = {key: local(value) if key in MOMENTS else value for key, value in said.items()}
    if "tasks" in read:
        read["tasks"] = [with_moments(task) for task in read["tasks"]]
    return read


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["title"])
async def test_in_the_life_of_an_order(
    database: Database, city: City, noise_complaint: dict[str, Any], clock: SetClock, scenario: dict[str, Any]
) -> None:
    handling = Handling.of_city(city)
    order = NewWorkOrder.model_validate({**noise_complaint, **scenario.get("order", {})})

    def live(connection: Connection) -> None:
        story = Story(connection, city, handling, order, local("2026-11-24 08:55"))
        for login, unit in scenario.get("people", {}).items():
            new = people.NewUser(login=login, name="经办人", role=Role.HANDLER, unit=unit, password="not used here")
            people.add_user(connection, new, "", clock(), "test")
        for step in scenario["steps"]:
            story.step(step)
        order_id = register.row_of(connection, story.number)["id"]
        due = {clock.step.value: clock.due for clock in handling.clocks.of(connection, order_id)}
        wanted = {step: local(at) for step, at in scenario.get("clocks", {}).items()}
        assert {step: due[step] for step in wanted} == wanted
        kinds = iter(event.kind for event in register.events_of(connection, story.number))
        missing = [kind for kind in scenario.get("log", []) if kind not in kinds]
        assert missing == []
        for told in scenario.get("report_tells", []):
            assert told in story.report().text
        for hidden in scenario.get("report_hides", []):
            assert hidden not in story.report().text

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
        seen, sent = handling.dispatch_certain(connection, 0, clock())
        assert sent == 1
        assert register.find(connection, sure).unit == "咸安区生态环境局"
        for number in (unsure, nowhere):
            assert register.find(connection, number).state == "pending_dispatch"
        assert register.find(connection, person).state == "pending_acceptance"
        assert handling.dispatch_certain(connection, seen, clock()) == (seen, 0)
        [_, dispatched] = register.events_of(connection, sure)
        assert dispatched.actor == "automatic dispatch"
        assert "生态环境局" in dispatched.data["note"]

    await database.write(live)
