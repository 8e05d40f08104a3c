"""Random lives of orders: whatever is tried in whatever order, the register stays true."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select, update

from core.access import Role
from core.city import City
from core.database import Database
from core.problems import Problem
from desk.access import people
from desk.life.handling import Handling
from desk.life.lifecycle import FROM, TO, Move
from desk.life.moves import MoveRequest
from desk.limits import recalculation
from desk.limits.clocks import Clocks
from desk.orders import register
from desk.orders.model import FINAL_STATES, Event, Line, NewWorkOrder, State, WorkOrder
from desk.orders.tables import clocks
from desk.oversight import decisions, joint, special_reports, supervision
from desk.oversight.joint import NewJointHandling, NewMeeting
from desk.oversight.report_texts import Writer
from desk.oversight.special_reports import Coordination, ReportRequest, ReportState
from desk.oversight.supervision import Level, NewSupervision, SupervisionRequest, SupervisionState
from desk.repeated.supporters import persons_of
from tests.system import ROOT

pytestmark = pytest.mark.unit

CITY = City(ROOT / "city")
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
SUPERVISION: TypeAdapter[SupervisionRequest] = TypeAdapter(SupervisionRequest)
REPORT: TypeAdapter[ReportRequest] = TypeAdapter(ReportRequest)
WITH_A_UNIT = frozenset(
    {
        State.PENDING_SIGN,
        State.IN_PROGRESS,
        State.RETURNING,
        State.WAITING_FOR_CITIZEN,
        State.EXTENSION_ASKED,
        State.PENDING_REVIEW,
        State.PENDING_CALLBACK,
        State.REDO,
        State.REFERRED,
    }
)
SAID: list[dict[str, Any]] = [
    {"move": "accept", "category": "09"},
    {"move": "reject", "reason": "诉讼中"},
    {"move": "dispatch", "unit": "咸安区生态环境局"},
    {"move": "dispatch", "unit": "咸安区公安局", "urgency": "danger"},
    {"move": "sign"},
    {"move": "return", "reason": "不属于", "clause": "第3条"},
    {"move": "grant_return"},
    {"move": "refuse_return", "reason": "归你局"},
    {"move": "ask_citizen", "question": "几号楼？"},
    {"move": "resume", "answer": "3号楼"},
    {"move": "ask_extension", "time": "3wd", "reason": "请专家"},
    {"move": "grant_extension"},
    {"move": "refuse_extension", "reason": "不复杂"},
    {"move": "contact", "note": "已联系"},
    {"move": "visit", "visitors": "执法队", "findings": "属实", "opinion": "整改"},
    {"move": "waive_visit", "reason": "材料足够"},
    {"move": "reply", "text": "已处理", "outcome": "solved"},
    {"move": "reply", "text": "已处理", "outcome": "solved", "override": "已当面答复", "note": "不等协办"},
    {"move": "approve_reply"},
    {"move": "refuse_reply", "reason": "太短"},
    {"move": "callback", "reached": False},
    {"move": "callback", "reached": False, "missed": "refused"},
    {"move": "callback", "reached": True, "solved": True, "satisfied": True},
    {"move": "callback", "reached": True, "solved": False, "satisfied": False},
    {"move": "close_unreached", "reason": "停机"},
    {"move": "reopen", "reason": "又来了"},
    {"move": "hand_down", "unit": "咸安区温泉街道"},
    {"move": "hand_down", "unit": "咸安区温泉街道泉塘社区"},
    {"move": "hand_down", "unit": "嘉鱼县鱼岳镇"},
    {"move": "hand_back", "reason": "要区里执法"},
    {"move": "refer", "city": "武汉市", "sent": "全文和联系方式"},
    {"move": "hand_over", "line": "110"},
    {"move": "receipt", "receipt": "WH-2026-0017"},
    {"move": "merge"},
    {"move": "unmerge", "reason": "地点不同"},
]
BESIDE: list[tuple[str, dict[str, Any]]] = [
    ("supervise", {"level": "hotline_office", "reason": "超期", "demand": "速办"}),
    ("supervise", {"level": "leader", "reason": "批示", "demand": "速办"}),
    ("supervision", {"move": "sign"}),
    ("supervision", {"move": "reply", "text": "已办"}),
    ("supervision", {"move": "accept"}),
    ("supervision", {"move": "refuse", "reason": "不实"}),
    ("supervision", {"move": "end", "reason": "不必了"}),
    ("coordinate", {"participants": ["甲局", "乙局"], "agreed": False, "note": "无果"}),
    ("report", {"move": "submit"}),
    ("report", {"move": "decide", "text": "由公安牵头", "unit": "咸安区公安局"}),
    ("report", {"move": "drop", "reason": "已商定"}),
    ("joint", {"assist_units": ["咸安区卫生健康局"], "reason": "涉及多家"}),
    (
        "meeting",
        {"participants": ["甲", "乙"], "agreed": "分头办", "tasks": [{"unit": "咸安区卫生健康局", "task": "查"}]},
    ),
]
WITHDRAWAL: tuple[str, dict[str, Any]] = ("withdraw", {})
MOVES: list[tuple[str, dict[str, Any]]] = [("move", said) for said in SAID]
# Lives that go deep are rare by chance: some begin with an order in its unit's hands, or before the leader.
OPENINGS: list[list[tuple[str, dict[str, Any]]]] = [
    [],
    [MOVES[0], MOVES[2], ("move", {"move": "sign"})],
    [MOVES[0], MOVES[2], BESIDE[7], BESIDE[7], ("report", {"move": "submit"})],
]
ANYTHING, WHAT_FITS = st.just(False), st.just(True)
tries = st.lists(
    st.tuples(st.integers(0, 10_000), st.one_of(WHAT_FITS, WHAT_FITS, ANYTHING), st.integers(1, 3000)),
    min_size=8,
    max_size=40,
)
"""Which one of what may be tried, whether only of what the order's state allows, and how many minutes later."""


class Undo(Exception):
    """Takes the example's transaction back."""


@pytest.fixture(scope="module")
def handling() -> Handling:
    """The moves under the city's limits."""
    return Handling.of_city(CITY)


@pytest.fixture(scope="module")
def writer() -> Writer:
    """The reports by the city's templates."""
    from tests.system import ROOT

    return Writer(City(ROOT / "city"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=tries, opening=st.sampled_from(OPENINGS), person=st.booleans(), line=st.sampled_from(list(Line)))
def test_whatever_is_tried_the_register_stays_true(
    sqlite: Database,
    handling: Handling,
    writer: Writer,
    noise_complaint: dict[str, Any],
    tries: list[tuple[int, bool, int]],
    opening: list[tuple[str, dict[str, Any]]],
    person: bool,
    line: Line,
) -> None:
    kind = {"suggestion_class": "public_interest"} if line is Line.SUGGESTION else {}
    order = NewWorkOrder.model_validate({**noise_complaint, "needs_person": person, "line": line, **kind})

    def live(connection: Connection) -> None:
        now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        for unit in ("咸安区生态环境局", "咸安区公安局"):
            new = people.NewUser(login=unit, name="经办人", role=Role.HANDLER, unit=unit, password="not used here")
            people.add_user(connection, new, "", now, "test")
        other = register.open_work_order(connection, order, None, now, "bot").order.number
        number = register.open_work_order(connection, order, None, now, "bot").order.number
        desk = Desk(connection, handling, writer, number, other)
        for what, said in opening:
            now += timedelta(minutes=1)
            with suppress(Problem):
                getattr(desk, what)(said, now)
        for which, fits, minutes in tries:
            now += timedelta(minutes=minutes)
            before = register.find(connection, number)
            choice = fitting(before.state) if fits else [*MOVES, *BESIDE, WITHDRAWAL]
            what, said = choice[which % len(choice)]
            try:
                getattr(desk, what)(said, now)
            except Problem:
                assert register.find(connection, number) == before
            handling.sweep(connection, now)
            check(connection, number, now)
            check_recalculation(connection, handling.clocks)
        raise Undo

    with pytest.raises(Undo):
        sqlite.write_now(live)


def fitting(state: State) -> list[tuple[str, dict[str, Any]]]:
    """What the page allows in a state, and what goes on beside it."""
    page = {str(move): states for move, states in FROM.items()} | {"callback": FROM[Move.CLOSE]}
    return [("move", said) for said in SAID if state in page[said["move"]]] + BESIDE


class Desk:
    """What may be tried with one order."""

    def __init__(self, connection: Connection, handling: Handling, writer: Writer, number: str, other: str) -> None:
        self.connection = connection
        self.handling = handling
        self.writer = writer
        self.number = number
        self.other = other

    def move(self, said: dict[str, Any], now: datetime) -> None:
        needs: dict[str, dict[str, Any]] = {"merge": {"into": self.other}, "visit": {"visited_at": now}}
        self.handling.move(
            self.connection,
            self.number,
            REQUEST.validate_python({**said, **needs.get(said["move"], {})}),
            now,
            "somebody",
        )

    def withdraw(self, said: dict[str, Any], now: datetime) -> None:
        citizen, *_ = persons_of(self.connection, register.row_of(self.connection, self.number))
        self.handling.leave(self.connection, citizen, now, "bot")

    def supervise(self, said: dict[str, Any], now: datetime) -> None:
        order, new = register.locked(self.connection, self.number), NewSupervision.model_validate(said)
        supervision.open_supervision(self.connection, self.handling.clocks, order, new, now, "supervisor")

    def supervision(self, said: dict[str, Any], now: datetime) -> None:
        for found in supervision.list_supervisions(self.connection, limit=1):
            request: SupervisionRequest = SUPERVISION.validate_python(said)
            supervision.make(self.connection, self.handling.clocks, found.number, request, now, found.unit)

    def coordinate(self, said: dict[str, Any], now: datetime) -> None:
        held, rules = Coordination.model_validate(said), self.handling.clocks.rules
        special_reports.coordinate(
            self.connection, rules, self.writer.special_report, self.number, held, now, "somebody"
        )

    def report(self, said: dict[str, Any], now: datetime) -> None:
        until = {"until": now + timedelta(days=3)} if said["move"] == "decide" else {}
        for found in special_reports.list_reports(self.connection, limit=1):
            request: ReportRequest = REPORT.validate_python({**said, **until})
            decisions.make(self.connection, self.handling, found.number, request, now, "leader")

    def joint(self, said: dict[str, Any], now: datetime) -> None:
        new = NewJointHandling.model_validate(said)
        joint.open_joint(self.connection, self.handling.clocks, self.number, new, now, "somebody")

    def meeting(self, said: dict[str, Any], now: datetime) -> None:
        held = NewMeeting.model_validate({**said, "held_at": now})
        joint.add_meeting(self.connection, self.number, held, now, "somebody")


def check(connection: Connection, number: str, now: datetime) -> None:
    """Whether what the register says of an order fits together."""
    order = register.find(connection, number)
    if order.state not in (State.MERGED, State.WITHDRAWN):
        assert (order.unit is not None) == (order.state in WITH_A_UNIT or order.state is State.CLOSED)
    if order.working_unit is not None:
        assert order.unit is not None
        assert CITY.units.is_below(order.working_unit, order.unit)
    assert order.state is not State.REFERRED or (order.unit == CITY.units.office and order.referred_to)
    events = register.events_of(connection, number)
    assert order.returns == sum(event.kind == Move.RETURN for event in events)
    assert replayed(events) is order.state
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert all(one.at <= other.at for one, other in pairwise(events))
    lights = [(event.data["step"], event.data["light"], event.data["due"]) for event in events if event.kind == "light"]
    assert len(lights) == len(set(lights))
    overlooked = select(func.count()).select_from(clocks).where(clocks.c.next_change <= now)
    assert connection.execute(overlooked).scalar_one() == 0
    running = select(func.count()).select_from(clocks).where(clocks.c.next_change.is_not(None))
    if order.state in FINAL_STATES:
        assert connection.execute(running).scalar_one() == 0
    check_beside(connection, order, clocks_running(connection, order.number))


def check_recalculation(connection: Connection, rules: Clocks) -> None:
    """The same rules give every running clock the end it has, whatever has happened to it."""
    connection.execute(update(clocks).values(rules=""))
    moved = [each for each in recalculation.preview(connection, rules) if each.moves]
    connection.execute(update(clocks).values(rules=rules.fingerprint))
    assert moved == []


def check_beside(connection: Connection, order: WorkOrder, running: set[str]) -> None:
    """Whether what goes on beside an order fits its state, and its clocks run."""
    found = supervision.list_supervisions(connection, work_order=order.number)
    demanded = [one for one in found if one.state in supervision.OPEN]
    assert len(demanded) <= 1
    assert all(one.unit == order.unit for one in demanded)
    states = {one.state for one in demanded}
    assert ("supervision_sign" in running) == (states == {SupervisionState.OPENED})
    assert ("supervision_reply" in running) == (not states.isdisjoint({"opened", "signed"}))
    assert [one.number for one in found] == sorted((one.number for one in found), reverse=True)
    together = joint.of(connection, register.row_of(connection, order.number)["id"])
    assert ("joint" in running) == any(one.ended_at is None for one in together)
    reports = [one for one in special_reports.list_reports(connection) if one.ended_at is None]
    assert len(reports) <= 1
    if any(one.state is ReportState.DECIDED for one in reports):
        assert [one.level for one in demanded] == [Level.LEADER]
    if order.state in FINAL_STATES:
        assert (demanded, reports) == ([], [])
        assert running == set()


def clocks_running(connection: Connection, number: str) -> set[str]:
    """The steps of an order whose clocks run."""
    order_id = register.row_of(connection, number)["id"]
    query = select(clocks.c.step).where(clocks.c.work_order_id == order_id, clocks.c.ended_at.is_(None))
    return set(connection.execute(query).scalars())


def replayed(events: list[Event]) -> State:
    """The state the log of an order leads to; every step of it is on the page."""
    state = State(events[0].data["state"])
    for event in events:
        if event.kind in set(Move):
            move = Move(event.kind)
            assert state in FROM[move], f"{move} from {state}"
            state = TO[move] or state
    return state
