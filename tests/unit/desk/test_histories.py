"""Random lives of orders: whatever is tried in whatever order, the register stays true."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import Connection, func, select

from core.city import City
from core.database import Database
from core.problems import Problem
from desk import register
from desk.handling import Handling
from desk.lifecycle import FROM, TO, Move
from desk.model import FINAL_STATES, Event, NewWorkOrder, State
from desk.moves import MoveRequest
from desk.tables import clocks
from tests.system import ROOT

pytestmark = pytest.mark.unit

CITY = City(ROOT / "city")
REQUEST: TypeAdapter[MoveRequest] = TypeAdapter(MoveRequest)
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
    {"move": "reply", "text": "已处理", "outcome": "solved"},
    {"move": "reply", "text": "已处理", "outcome": "solved", "override": "已当面答复"},
    {"move": "approve_reply"},
    {"move": "refuse_reply", "reason": "太短"},
    {"move": "callback", "reached": False},
    {"move": "callback", "reached": False, "missed": "refused"},
    {"move": "callback", "reached": True, "solved": True, "satisfied": True},
    {"move": "callback", "reached": True, "solved": False, "satisfied": False},
    {"move": "reopen", "reason": "又来了"},
    {"move": "hand_down", "unit": "咸安区温泉街道"},
    {"move": "hand_down", "unit": "咸安区温泉街道泉塘社区"},
    {"move": "hand_down", "unit": "嘉鱼县鱼岳镇"},
    {"move": "hand_back", "reason": "要区里执法"},
    {"move": "refer", "city": "武汉市", "sent": "全文和联系方式"},
    {"move": "hand_over", "line": "110"},
    {"move": "receipt", "receipt": "WH-2026-0017"},
]
tries = st.lists(st.tuples(st.sampled_from(SAID), st.integers(1, 3000)), min_size=1, max_size=40)


class Undo(Exception):
    """Takes the example's transaction back."""


@pytest.fixture(scope="module")
def handling() -> Handling:
    """The moves under the city's limits."""
    return Handling.of_city(CITY)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=tries, person=st.booleans(), line=st.sampled_from(["citizen", "enterprise"]))
def test_whatever_is_tried_the_register_stays_true(
    sqlite: Database,
    handling: Handling,
    noise_complaint: dict[str, Any],
    tries: list[tuple[dict[str, Any], int]],
    person: bool,
    line: str,
) -> None:
    order = NewWorkOrder.model_validate({**noise_complaint, "needs_person": person, "line": line})

    def live(connection: Connection) -> None:
        now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        number = register.open_work_order(connection, order, None, now, "bot").order.number
        for said, minutes in tries:
            now += timedelta(minutes=minutes)
            before = register.find(connection, number)
            try:
                handling.move(connection, number, REQUEST.validate_python(said), now, "somebody")
            except Problem:
                assert register.find(connection, number) == before
            handling.sweep(connection, now)
            check(connection, number, now)
        raise Undo

    with pytest.raises(Undo):
        sqlite.write_now(live)


def check(connection: Connection, number: str, now: datetime) -> None:
    """Whether what the register says of an order fits together."""
    order = register.find(connection, number)
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


def replayed(events: list[Event]) -> State:
    """The state the log of an order leads to; every step of it is on the page."""
    state = State(events[0].data["state"])
    for event in events:
        if event.kind in set(Move):
            move = Move(event.kind)
            assert state in FROM[move], f"{move} from {state}"
            state = TO[move] or state
    return state
