"""The special channels: lines opened by hand, leaders' sessions, deputies, proxies, other cities and lines."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import Role
from tests.fakes import SetClock
from tests.unit.desk.conftest import UNIT, Headers, SignIn

pytestmark = pytest.mark.unit

PROXY = {
    "name": "王小明",
    "phone": "+8613900001111",
    "relation": "女儿",
    "consent": "老人在电话中当面同意",
    "scope": ["progress", "supplement"],
    "until": "2026-12-24",
}
SESSION = {"starts_at": "2026-11-24T09:00:00+08:00", "leader": "副市长", "topic": "供暖供水"}


@pytest.fixture
def matter(noise_complaint: dict[str, Any]) -> dict[str, Any]:
    """The noise complaint as a clerk or a deputy writes it."""
    return {name: value for name, value in noise_complaint.items() if name not in ("line", "channel")}


@pytest.mark.parametrize(
    ("line", "change", "status", "told"),
    [
        ("finance", {}, 201, ""),
        ("suggestion", {"suggestion_class": "public_interest", "nature": "建议"}, 201, ""),
        ("suggestion", {}, 422, "public_interest, social_governance, state_organs"),
        ("suggestion", {"suggestion_class": "private"}, 422, "suggestion_class"),
        ("finance", {"suggestion_class": "state_organs"}, 422, "suggestion_class"),
        ("finance", {"line": "citizen"}, 422, "line"),
        ("deputy", {}, 422, "line"),
        ("leader", {}, 422, "line"),
        ("nowhere", {}, 422, "line"),
    ],
)
def test_a_seat_opens_orders_on_the_lines_that_have_no_door_of_their_own(
    client: TestClient,
    sign_in: SignIn,
    matter: dict[str, Any],
    line: str,
    change: dict[str, Any],
    status: int,
    told: str,
) -> None:
    body = {**matter, "line": line, **change}
    answer = client.post(f"/api/lines/{line}/work-orders", json=body, headers=sign_in(Role.SEAT))
    assert answer.status_code == status, answer.text
    assert told in answer.text
    if status == 201:
        assert (answer.json()["line"], answer.json()["contact_phone"]) == (line, "+86138****4567")


def test_a_repeat_of_a_seats_key_opens_no_second_order(
    client: TestClient, sign_in: SignIn, matter: dict[str, Any]
) -> None:
    headers = {**sign_in(Role.SEAT), "Idempotency-Key": "form-7"}
    body = {**matter, "line": "finance"}
    first, again = (client.post("/api/lines/finance/work-orders", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["number"] == again.json()["number"]


def test_who_filed_for_somebody_else_follows_the_order_with_the_own_phone_while_the_proxy_lasts(
    client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    opened = client.post("/api/work-orders", json={**noise_complaint, "filed_by": PROXY}, headers=as_bot).json()
    path = f"/api/work-orders/{opened['number']}"

    def progress(proof: str) -> int:
        return client.post("/api/progress", json={"number": opened["number"], "proof": proof}).status_code

    def ask(door: str, **said: str) -> int:
        return client.post(f"{path}/{door}", json={"proof": "1111", **said}, headers=as_bot).status_code

    assert (progress("4567"), progress("1111"), progress("2222")) == (200, 200, 404)
    assert (ask("supplements", text="又吵了"), ask("withdrawal"), ask("expeditings")) == (200, 403, 403)
    shown = client.get(path, headers=as_operator).json()["filed_by"]
    assert (shown["phone"], shown["name"], shown["consent"]) == ("+86139****1111", "王**", PROXY["consent"])
    contact = client.get(f"{path}/contact?purpose=verify", headers=as_operator).json()
    assert contact["filed_by"]["phone"] == PROXY["phone"]
    clock.forward(timedelta(days=31))
    assert (progress("4567"), progress("1111")) == (200, 403)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"suggestion_class": "public_interest"}, "suggestion_class"),
        ({"conversation_id": "web:of-somebody-else"}, "conversation_id"),
        ({"filed_by": PROXY, "contact_phone": None}, "contact_phone"),
        ({"category": "23"}, "category"),
        ({"text": " "}, "text"),
    ],
)
def test_what_a_deputy_cannot_say_is_refused_with_the_field(
    client: TestClient, sign_in: SignIn, matter: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    answer = client.post("/api/deputy/work-orders", json={**matter, **change}, headers=sign_in(Role.DEPUTY))
    assert answer.status_code == 422
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"filed_by": {**PROXY, "phone": "12"}}, "phone"),
        ({"filed_by": {**PROXY, "until": "soon"}}, "until"),
        ({"filed_by": {**PROXY, "scope": []}}, "scope"),
        ({"filed_by": {**PROXY, "consent": " "}}, "consent"),
        ({"filed_by": PROXY, "contact_phone": None}, "contact_phone"),
    ],
)
def test_a_proxy_that_is_not_clear_is_refused_with_the_field(
    client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    answer = client.post("/api/work-orders", json={**noise_complaint, **change}, headers=as_bot)
    assert answer.status_code == 422
    assert named in answer.json()["detail"]


def test_a_deputy_opens_follows_and_hurries_orders_for_constituents(
    client: TestClient, sign_in: SignIn, as_operator: Headers, matter: dict[str, Any]
) -> None:
    deputy = {**sign_in(Role.DEPUTY), "Idempotency-Key": "visit-1"}
    opened = client.post("/api/deputy/work-orders", json=matter, headers=deputy)
    assert (opened.status_code, opened.json()["state_name"], opened.json()["reply"]) == (201, "待派单", None)
    again = client.post("/api/deputy/work-orders", json=matter, headers=deputy)
    assert again.json()["number"] == opened.json()["number"]
    path = f"/api/deputy/work-orders/{opened.json()['number']}"
    assert client.post(f"{path}/expeditings", headers=deputy).status_code == 200
    moves = f"/api/work-orders/{opened.json()['number']}/moves"
    for move in (
        {"move": "dispatch", "unit": UNIT},
        {"move": "sign"},
        {"move": "reply", "text": "已责令停止夜间音响", "outcome": "solved", "override": "已当面说明"},
    ):
        assert client.post(moves, json=move, headers=as_operator).status_code == 200
    assert client.get(path, headers=deputy).json()["reply"] is None
    client.post(moves, json={"move": "approve_reply"}, headers=as_operator)
    [followed] = client.get("/api/deputy/work-orders", headers=deputy).json()
    assert (followed["reply"], followed["unit"]) == ("已责令停止夜间音响", UNIT)
    assert "contact_phone" not in followed


def test_a_deputy_sees_nothing_of_others_and_comes_in_by_no_door_of_the_staff(
    client: TestClient, sign_in: SignIn, as_bot: Headers, noise_complaint: dict[str, Any], matter: dict[str, Any]
) -> None:
    deputy, other = sign_in(Role.DEPUTY), sign_in(Role.DEPUTY)
    citizens = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"]
    mine = client.post("/api/deputy/work-orders", json=matter, headers=deputy).json()["number"]
    assert client.get("/api/deputy/work-orders", headers=other).json() == []
    assert client.get(f"/api/deputy/work-orders/{mine}", headers=other).status_code == 404
    assert client.get(f"/api/deputy/work-orders/{citizens}", headers=deputy).status_code == 404
    assert client.post(f"/api/deputy/work-orders/{citizens}/expeditings", headers=deputy).status_code == 404
    for door in ("", f"/{mine}", f"/{mine}/events", f"/{mine}/contact", f"/{mine}/moves"):
        assert client.get(f"/api/work-orders{door}", headers=deputy).status_code == 403, door
    assert client.get("/api/me", headers=deputy).json()["role"] == "deputy"
    assert client.post("/api/deputy/work-orders", json=matter, headers=sign_in(Role.SEAT)).status_code == 403


def test_the_orders_of_a_leaders_session_are_answered_in_five_working_days_and_told_in_its_bulletin(
    client: TestClient, sign_in: SignIn, as_operator: Headers, matter: dict[str, Any], clock: SetClock
) -> None:
    leader = sign_in(Role.LEADER)
    session = client.post("/api/leader-sessions", json=SESSION, headers=leader).json()
    assert session["ends_at"] == "2026-11-24T03:00:00Z"
    base = f"/api/leader-sessions/{session['id']}"
    asked = {**matter, "nature": "咨询"}
    orders = [
        client.post(f"{base}/work-orders", json={**asked, "unit": unit}, headers=leader).json()
        for unit in (UNIT, "咸安区公安局")
    ]
    assert [(o["line"], o["state"], o["session_id"]) for o in orders] == [("leader", "pending_sign", session["id"])] * 2
    clocks = client.get(f"/api/work-orders/{orders[0]['number']}/clocks", headers=as_operator).json()
    assert {clock["step"]: clock["due"] for clock in clocks}["finish"] == "2026-12-01T09:30:00Z"

    def move(order: dict[str, Any], **said: Any) -> None:
        path = f"/api/work-orders/{order['number']}/moves"
        assert client.post(path, json=said, headers=as_operator).status_code == 200

    for order in orders:
        move(order, move="sign")
    move(orders[0], move="reply", text="已办", outcome="solved", override="已电话说明")
    move(orders[0], move="approve_reply")
    move(orders[0], move="callback", reached=True, solved=True, satisfied=True)
    told = client.get(f"{base}/bulletin", headers=leader).json()
    assert not told["complete"]
    assert "尚有1件正在办理" in told["text"]
    clock.forward(timedelta(days=8))
    move(orders[1], move="reply", text="已办", outcome="solved", override="已电话说明")
    told = client.get(f"{base}/bulletin", headers=as_operator).json()
    assert told["complete"]
    assert told["figures"] == {"orders": 2, "answered": 2, "in_time": 1, "called": 1, "satisfied": 1}
    assert told["units"][UNIT]["in_time"] == 1
    assert "副市长2026年11月24日" in told["text"]
    assert "09:00至11:00" in told["text"]
    listed = client.get(f"{base}/work-orders", headers=as_operator).json()
    assert [order["number"] for order in listed] == [order["number"] for order in orders[::-1]]
    assert client.get("/api/leader-sessions", headers=as_operator).json()[0]["orders"] == 2


def test_a_session_that_does_not_fit_is_refused(
    client: TestClient, as_operator: Headers, matter: dict[str, Any]
) -> None:
    def enter(**change: Any) -> Any:
        return client.post("/api/leader-sessions", json={**SESSION, **change}, headers=as_operator)

    assert enter(starts_at="2026-11-24T09:00:00").status_code == 422
    assert enter(topic=" ").status_code == 422
    later = enter(starts_at="2026-11-25T09:00:00+08:00").json()["id"]
    assert enter(starts_at="2026-11-25T10:59:00+08:00").status_code == 409
    assert enter(starts_at="2026-11-25T11:00:00+08:00").status_code == 201
    early = client.post(f"/api/leader-sessions/{later}/work-orders", json=matter, headers=as_operator)
    assert (early.status_code, "2026-11-25 09:00" in early.json()["detail"]) == (409, True)
    assert client.get("/api/leader-sessions/99/bulletin", headers=as_operator).status_code == 404
    assert client.get(f"/api/leader-sessions/{10**20}/bulletin", headers=as_operator).status_code == 422
    page = client.get("/api/leader-sessions", params={"limit": 1}, headers=as_operator).json()
    following = {"before": page[0]["starts_at"]}
    [rest] = client.get("/api/leader-sessions", params=following, headers=as_operator).json()
    assert rest["id"] == later
    assert client.get("/api/leader-sessions?before=2026-11-24T00:00:00", headers=as_operator).status_code == 422


def test_an_order_for_a_unit_that_does_not_exist_is_not_opened_in_a_session(
    client: TestClient, as_operator: Headers, matter: dict[str, Any]
) -> None:
    session = client.post("/api/leader-sessions", json=SESSION, headers=as_operator).json()["id"]
    answer = client.post(
        f"/api/leader-sessions/{session}/work-orders", json={**matter, "unit": "咸安区环境局"}, headers=as_operator
    )
    assert (answer.status_code, answer.json()["nearest"][0]) == (422, UNIT)
    assert client.get("/api/work-orders", headers=as_operator).json() == []


def test_a_matter_of_another_of_the_nine_cities_is_taken_and_one_of_elsewhere_is_not_known(
    client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]
) -> None:
    def opened(area: str) -> Any:
        return client.post("/api/work-orders", json={**noise_complaint, "area_code": area}, headers=as_bot)

    assert opened("440100").status_code == 422
    taken = opened("429005").json()
    suggestion = client.get(f"/api/work-orders/{taken['number']}/suggestion", headers=as_operator).json()
    assert (suggestion["refer_to"], suggestion["certain"]) == ("潜江市", False)
    cities = client.get("/api/partner-cities", headers=as_operator).json()
    assert {city["name"] for city in cities} >= {
        "武汉市",
        "黄石市",
        "鄂州市",
        "黄冈市",
        "孝感市",
        "仙桃市",
        "天门市",
        "潜江市",
    }


def test_the_seat_is_told_which_other_line_it_is_and_what_to_do(client: TestClient, sign_in: SignIn) -> None:
    seat = sign_in(Role.SEAT)
    found = client.get("/api/other-lines", params={"category": "20", "text": "个税怎么退"}, headers=seat).json()
    assert [line["number"] for line in found] == ["12366"]
    assert "三方通话" in found[0]["advice"]
    assert len(client.get("/api/other-lines", headers=seat).json()) > 5
