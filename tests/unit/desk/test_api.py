"""The desk's API as the bot, an operator and a stranger see it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

pytestmark = pytest.mark.unit

Headers = dict[str, str]


@pytest.fixture
def order(client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]) -> dict[str, Any]:
    """An order that is open."""
    opened: dict[str, Any] = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()
    return opened


def test_the_bot_opens_an_order_and_gets_its_number(
    client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]
) -> None:
    response = client.post("/api/work-orders", json=noise_complaint, headers=as_bot)

    assert response.status_code == 201
    assert response.json()["number"].startswith("20261124-")
    assert response.headers["Location"] == f"/api/work-orders/{response.json()['number']}"
    assert response.json()["state"] == "pending_dispatch"


def test_a_repeat_with_the_same_key_answers_200_with_the_same_order(
    client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]
) -> None:
    headers = {**as_bot, "Idempotency-Key": "filing-1"}
    first = client.post("/api/work-orders", json=noise_complaint, headers=headers)
    again = client.post("/api/work-orders", json=noise_complaint, headers=headers)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["number"] == first.json()["number"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"category": "23"}, "category"),
        ({"area_code": "110000"}, "area_code"),
        ({"contact_phone": "12"}, "contact_phone"),
        ({"credit_code": "91421200MA000000A0"}, "credit_code"),
        ({"text": "   "}, "text"),
        ({"text": "长" * 10_001}, "text"),
        ({"confidence": 1.5}, "confidence"),
        ({"nature": "骂人"}, "nature"),
        ({"line": "deputy"}, "line"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_bad_field_is_refused_by_name_with_what_is_allowed(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    noise_complaint: dict[str, Any],
    change: dict[str, Any],
    named: str,
) -> None:
    response = client.post("/api/work-orders", json={**noise_complaint, **change}, headers=as_bot)

    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert named in response.json()["detail"]
    assert client.get("/api/work-orders", headers=as_operator).json() == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_body_that_is_no_order_is_refused(client: TestClient, as_bot: Headers, body: bytes) -> None:
    headers = {**as_bot, "Content-Type": "application/json"}
    response = client.post("/api/work-orders", content=body, headers=headers)
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


def test_a_list_masks_who_the_citizen_is(client: TestClient, as_operator: Headers, order: dict[str, Any]) -> None:
    (listed,) = client.get("/api/work-orders", headers=as_operator).json()

    assert listed["contact_phone"] == "+86138****4567"
    assert listed["query_code"] == "******"
    assert (listed["number"], listed["category"], listed["line"]) == (order["number"], "09", "citizen")


def test_a_look_at_the_phone_number_is_written_down(
    client: TestClient, as_operator: Headers, order: dict[str, Any]
) -> None:
    shown = client.get(f"/api/work-orders/{order['number']}/contact?purpose=call_back", headers=as_operator)
    events = client.get(f"/api/work-orders/{order['number']}/events", headers=as_operator).json()

    assert shown.json()["contact_phone"] == "+8613871234567"
    assert [(e["kind"], e["actor"]) for e in events] == [("opened", "bot"), ("contact_viewed", "operator")]


def test_a_list_can_be_narrowed_and_paged(
    client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]
) -> None:
    numbers = []
    for line in ("citizen", "enterprise", "citizen"):
        answer = client.post("/api/work-orders", json={**noise_complaint, "line": line}, headers=as_bot)
        numbers.append(answer.json()["number"])

    def listed(query: str) -> list[str]:
        return [o["number"] for o in client.get(f"/api/work-orders?{query}", headers=as_operator).json()]

    assert listed("line=enterprise") == [numbers[1]]
    assert listed("limit=1") == [numbers[2]]
    assert listed(f"before={numbers[2]}&limit=1") == [numbers[1]]
    assert listed("category=01") == []


def test_a_citizen_sees_the_progress_with_the_phones_tail(client: TestClient, order: dict[str, Any]) -> None:
    response = client.post("/api/progress", json={"number": order["number"].replace("-", " "), "proof": "4567"})

    assert response.status_code == 200
    assert response.json()["state_name"] == "待派单"
    assert response.json()["created_at"] == "2026-11-24T09:30:00+08:00"
    assert "text" not in response.json()


def test_a_number_alone_opens_nothing(client: TestClient, order: dict[str, Any]) -> None:
    assert client.post("/api/progress", json={"number": order["number"], "proof": "0000"}).status_code == 404
    assert client.get(f"/api/work-orders/{order['number']}").status_code == 401
    mistyped = order["number"][:-1] + str((int(order["number"][-1]) + 1) % 10)
    assert client.post("/api/progress", json={"number": mistyped, "proof": "4567"}).status_code == 422


def test_guessing_is_answered_with_wait(client: TestClient, order: dict[str, Any]) -> None:
    for guess in range(5):
        client.post("/api/progress", json={"number": order["number"], "proof": f"000{guess}"})
    response = client.post("/api/progress", json={"number": order["number"], "proof": "4567"})

    assert response.status_code == 429
    assert response.headers["Retry-After"] == "3600"


def test_a_citizen_can_add_hurry_and_withdraw_with_the_proof(
    client: TestClient, as_bot: Headers, as_operator: Headers, order: dict[str, Any]
) -> None:
    base = f"/api/work-orders/{order['number']}"
    assert (
        client.post(f"{base}/supplements", json={"proof": "4567", "text": "又吵了"}, headers=as_bot).status_code == 200
    )
    assert client.post(f"{base}/expeditings", json={"proof": "4567"}, headers=as_bot).status_code == 200
    withdrawn = client.post(f"{base}/withdrawal", json={"proof": order["query_code"]}, headers=as_bot)
    too_late = client.post(f"{base}/expeditings", json={"proof": "4567"}, headers=as_bot)

    assert withdrawn.json()["state"] == "withdrawn"
    assert too_late.status_code == 409
    kinds = [e["kind"] for e in client.get(f"{base}/events", headers=as_operator).json()]
    assert kinds == ["opened", "supplemented", "expedited", "withdraw"]


def test_nothing_is_changed_without_a_proof(client: TestClient, as_bot: Headers, order: dict[str, Any]) -> None:
    base = f"/api/work-orders/{order['number']}"
    assert client.post(f"{base}/withdrawal", json={}, headers=as_bot).status_code == 403
    assert client.post(f"{base}/withdrawal", json={"proof": "0000"}, headers=as_bot).status_code == 404
    assert client.post(f"{base}/withdrawal", json={"conversation_id": "web:x"}, headers=as_bot).status_code == 403


def test_only_the_bot_opens_orders(client: TestClient, as_operator: Headers, noise_complaint: dict[str, Any]) -> None:
    assert client.post("/api/work-orders", json=noise_complaint).status_code == 401
    assert client.post("/api/work-orders", json=noise_complaint, headers=as_operator).status_code == 403
    wrong = {"Authorization": "Bearer guess"}
    assert client.post("/api/work-orders", json=noise_complaint, headers=wrong).status_code == 401
    assert client.get("/api/work-orders", headers=wrong).status_code == 401


def test_the_bot_sees_no_list_of_orders(client: TestClient, as_bot: Headers) -> None:
    assert client.get("/api/work-orders", headers=as_bot).status_code == 403


def test_an_unknown_order_is_a_clear_404(client: TestClient, as_operator: Headers) -> None:
    response = client.get("/api/work-orders/20261124-000017", headers=as_operator)
    assert response.status_code == 404
    assert "20261124-000017" in response.json()["detail"]
