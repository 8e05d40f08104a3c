"""The page of moves, and the staff's doors to it."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from fastapi.testclient import TestClient

from core.city import City
from desk.life import moves
from desk.life.handling import Handling
from desk.life.lifecycle import FROM, TO, WHO, Move, moves_from
from desk.orders.model import FINAL_STATES, State, WorkOrder
from desk.orders.words import words
from desk.units import dispatch

pytestmark = pytest.mark.unit

Headers = dict[str, str]


@pytest.fixture
def order(client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]) -> dict[str, Any]:
    """An order that waits for its unit."""
    opened: dict[str, Any] = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()
    return opened


def test_every_move_has_its_line_on_the_page() -> None:
    assert set(FROM) == set(TO) == set(Move)


def test_the_documented_page_is_the_page() -> None:
    document = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| \S* \| (\S+) \| (\S+) \| (.*) \|$", document, re.MULTILINE)
    names = words()["states"]
    shown = {move: (set(sources.split("、")), target, set(who.split("、"))) for move, sources, target, who in rows}
    page = {
        move: (
            {names[state] for state in FROM[move]},
            names[target] if (target := TO[move]) else "不变",
            {words()["roles"][role] for role in WHO[move]} or {"市民"},
        )
        for move in Move
    }
    assert shown == page


def test_every_state_is_reached_and_every_open_one_is_left() -> None:
    reached = {state for state in TO.values() if state} | {State.PENDING_ACCEPTANCE}
    assert reached == set(State)
    assert all(moves_from(state) for state in set(State) - FINAL_STATES)


def test_every_open_state_can_come_to_an_end() -> None:
    ends = set(FINAL_STATES)
    for _ in State:
        ends |= {state for state in State for move in moves_from(state) if TO[move] in ends}
    assert ends == set(State)


def test_every_move_can_be_asked_for_and_has_its_chinese_name() -> None:
    requests = get_args(get_args(moves.MoveRequest)[0])
    asked = {get_args(request.model_fields["move"].annotation)[0] for request in requests}
    by_callback = {Move.CLOSE, Move.REDO}
    by_citizen = {Move.WITHDRAW}
    by_decision = {Move.ASSIGN}
    assert {str(move) for move in asked} == set(Move) - by_callback - by_citizen - by_decision | {"callback"}
    assert all(hasattr(Handling, f"_{move}") for move in asked)
    assert set(Move) - by_citizen <= set(words()["events"])


def test_an_order_goes_to_the_countys_unit_and_the_city_keeps_what_only_it_has(
    city: City, noise_complaint: dict[str, Any]
) -> None:
    def suggestion(**changes: Any) -> dispatch.Suggestion:
        kept: dict[str, Any] = {
            "number": "20261124-000015",
            "query_code": "123456",
            "conversation_id": None,
            "message_id": None,
            "state": "pending_dispatch",
            "automatic": False,
            "urgency": "ordinary",
            "complex": False,
            "unit": None,
            "assist_units": [],
            "dispatches": 0,
            "extended": False,
            "redone": 0,
            "created_at": "2026-11-24T01:30:00Z",
            "updated_at": "2026-11-24T01:30:00Z",
        }
        return dispatch.suggest(WorkOrder.model_validate({**noise_complaint, **kept, **changes}), city)

    assert suggestion().unit == "咸安区生态环境局"
    assert suggestion().certain
    assert "咸安区温泉街道" in suggestion().reasons[1]
    assert suggestion(area_code=None).unit == "咸宁市生态环境局"
    assert not suggestion(area_code=None).certain
    assert not suggestion(confidence=0.5).certain
    assert suggestion(category=None).unit is None
    assert "咸宁市住房公积金中心" in suggestion(category="20").assist_units


def test_an_order_is_dispatched_by_the_suggestion_and_its_progress_names_the_unit(
    client: TestClient, as_operator: Headers, order: dict[str, Any]
) -> None:
    number = order["number"]
    suggested = client.get(f"/api/work-orders/{number}/suggestion", headers=as_operator).json()
    move = {"move": "dispatch", "unit": suggested["unit"], "assist_units": suggested["assist_units"]}
    sent = client.post(f"/api/work-orders/{number}/moves", json=move, headers=as_operator).json()
    assert (sent["state"], sent["unit"], sent["dispatches"]) == ("pending_sign", "咸安区生态环境局", 1)
    assert "****" in sent["contact_phone"]
    clocks = client.get(f"/api/work-orders/{number}/clocks", headers=as_operator).json()
    assert {clock["step"] for clock in clocks} == {"sign", "return", "first_reply", "finish"}
    progress = client.post("/api/progress", json={"number": number, "proof": "4567"}).json()
    assert (progress["unit"], progress["state_name"]) == ("咸安区生态环境局", "待签收")


def test_what_may_be_done_next_is_told(client: TestClient, as_operator: Headers, order: dict[str, Any]) -> None:
    allowed = client.get(f"/api/work-orders/{order['number']}/moves", headers=as_operator).json()
    assert allowed == ["reject", "dispatch", "refer", "hand_over", "merge", "assign", "withdraw"]


@pytest.mark.parametrize(
    ("move", "status", "told"),
    [
        ({"move": "fly"}, 422, "move"),
        ({"move": "dispatch"}, 422, "unit"),
        ({"move": "sign"}, 409, "pending_sign"),
        ({"move": "sign", "extra": 1}, 422, "extra"),
        ({"move": "accept", "category": "99"}, 422, "category"),
        ({"move": "merge", "into": "20261124-999999"}, 404, "20261124-999999"),
        ({}, 422, "move"),
    ],
)
def test_a_move_that_cannot_be_made_is_refused_with_the_reason(
    client: TestClient, as_operator: Headers, order: dict[str, Any], move: dict[str, Any], status: int, told: str
) -> None:
    response = client.post(f"/api/work-orders/{order['number']}/moves", json=move, headers=as_operator)
    assert response.status_code == status, response.text
    assert told in response.text
    assert client.get(f"/api/work-orders/{order['number']}", headers=as_operator).json()["state"] == order["state"]


def test_nobody_moves_an_order_without_a_key(client: TestClient, order: dict[str, Any]) -> None:
    response = client.post(f"/api/work-orders/{order['number']}/moves", json={"move": "sign"})
    assert response.status_code == 401


def test_the_citys_time_limits_can_be_used(city: City) -> None:
    assert Handling.of_city(city).clocks.calendar.knows(2026)
    assert yaml.safe_load((Path(__file__).parents[3] / "city" / "deadlines.yml").read_text("utf-8"))["rules"]
