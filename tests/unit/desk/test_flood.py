"""Too many knocks are refused at the citizens' doors; too many orders of one sender are read by a person, none lost."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.limiting import Limiter, LimitRules
from tests.fakes import SetClock
from tests.unit.desk.conftest import Headers

pytestmark = pytest.mark.unit

PASS = 20
"""Orders of one sender in an hour that need nobody, as city/limits.yml has it."""


def test_a_flood_from_one_number_waits_for_a_person_and_none_is_lost(
    client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    def send(number: int, **changes: Any) -> dict[str, Any]:
        headers = {**as_bot, "Idempotency-Key": f"filing-{number}"}
        answer = client.post("/api/work-orders", json={**noise_complaint, "place": None, **changes}, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    sent = [send(number, conversation_id=f"web:{number}") for number in range(PASS + 3)]
    assert [order["state"] for order in sent] == ["pending_dispatch"] * PASS + ["pending_acceptance"] * 3
    assert send(0, conversation_id="web:0")["number"] == sent[0]["number"]
    listed = client.get("/api/work-orders?limit=200", headers=as_operator).json()
    assert {order["number"] for order in listed} == {order["number"] for order in sent}
    log = client.get(f"/api/work-orders/{sent[-1]['number']}/events", headers=as_operator).json()
    assert log[0]["data"] == {"state": "pending_acceptance", "reason": "flood"}

    assert send(100, contact_phone="+8613900001111")["state"] == "pending_dispatch"
    clock.forward(timedelta(hours=1))
    assert send(101)["state"] == "pending_dispatch"


@pytest.mark.parametrize(
    ("path", "body", "locked"),
    [
        ("/api/progress", {"number": "20261124-000017", "proof": "4567"}, False),
        ("/api/rating", {"number": "20261124-000017", "proof": "4567", "solved": True}, False),
        ("/api/sessions", {"login": "nobody", "password": "correct horse battery"}, False),
        ("/api/imports/province/orders", {"source_number": "P-1", "text": "路灯不亮"}, True),
    ],
)
def test_a_citizens_door_says_in_chinese_when_to_come_again(
    client: TestClient, as_operator: Headers, path: str, body: dict[str, Any], locked: bool
) -> None:
    by = {"account" if locked else "address": "2/day"}
    doors = dict.fromkeys(("progress", "rating", "sign_in", "imports"), by)
    rules = LimitRules.model_validate({"refusal": "请在 {seconds} 秒后再试。", "doors": doors})
    client.app.state.limiter = Limiter(rules, str, "memory://")  # type: ignore[attr-defined]
    answers = [client.post(path, json=body, headers=as_operator if locked else {}) for _ in range(3)]
    assert [answer.status_code == 429 for answer in answers] == [False, False, True]
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json()["detail"] == f"请在 {answers[2].headers['Retry-After']} 秒后再试。"
