"""Who may know who a citizen is, and what the citizen is told of it."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import UNIT_ROLES, Role
from core.database import Database
from desk.orders.words import words
from desk.personal_data.looks import SEARCH, Purpose
from tests.unit.desk.conftest import UNIT, SignIn

pytestmark = pytest.mark.unit

Headers = dict[str, str]
Open = Callable[..., dict[str, Any]]
NAME, ID_NUMBER, EMAIL = "欧阳先生", "11010519491231002X", "ouyang@example.com"


@pytest.fixture
def open_order(client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]) -> Open:
    """Opens an order and sends it to its unit; returns it as the bot got it."""

    def opened(**changes: Any) -> dict[str, Any]:
        body = {**noise_complaint, "contact_name": NAME, "id_number": ID_NUMBER, "contact_email": EMAIL, **changes}
        answer = client.post("/api/work-orders", json=body, headers=as_bot)
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        move = {"move": "dispatch", "unit": UNIT}
        sent = client.post(f"/api/work-orders/{order['number']}/moves", json=move, headers=as_operator)
        assert sent.status_code == 200, sent.text
        return order

    return opened


def contact(client: TestClient, number: str, headers: Headers, **asked: str) -> Any:
    return client.get(f"/api/work-orders/{number}/contact", params={"purpose": "handle", **asked}, headers=headers)


def test_nothing_of_the_citizen_lies_open_in_the_database(
    client: TestClient, open_order: Open, sqlite: Database
) -> None:
    message = {"session_id": "s" * 30, "message_id": "m1", "text": "我叫欧阳，电话13871234567", "line": "citizen"}
    assert client.post("/chat/messages", json=message).status_code == 200
    open_order()

    def stored(table: str) -> str:
        return str(sqlite.read_now(lambda c: c.exec_driver_sql(f"SELECT * FROM {table}").fetchall()))

    for table in ("work_orders", "work_order_events", "idempotency_keys", "inbox"):
        for secret in ("13871234567", "欧阳", ID_NUMBER, EMAIL):
            assert secret not in stored(table), table
    assert "淦河大道88号" in stored("work_orders"), "the table was read"


@pytest.mark.parametrize(
    "written", ["13871234567", "+86 138 7123 4567", "138-7123-4567", "１３８７１２３４５６７", "0086 13871234567"]
)
def test_a_seat_finds_a_citizens_orders_in_any_way_of_writing_the_number(
    client: TestClient, sign_in: SignIn, open_order: Open, written: str
) -> None:
    mine = [open_order()["number"], open_order(contact_phone="138 7123 4567")["number"]]
    open_order(contact_phone="+8613871234568")
    found = client.get("/api/work-orders", params={"phone": written}, headers=sign_in(Role.SEAT)).json()
    assert [order["number"] for order in found] == mine[::-1]
    assert all("7123" not in order["contact_phone"] for order in found)


def test_what_is_no_number_is_not_searched_for(client: TestClient, as_operator: Headers) -> None:
    for written in ("12345678901234", "不知道吧", "+86"):
        answer = client.get("/api/work-orders", params={"phone": written}, headers=as_operator)
        assert (answer.status_code, "phone" in answer.json()["detail"]) == (422, True), written


@pytest.mark.parametrize("role", [Role.HANDLER, Role.UNIT_HEAD, Role.SUPERVISOR, Role.LEADER, Role.AUDITOR])
def test_only_the_hotline_searches_by_number(client: TestClient, sign_in: SignIn, role: Role) -> None:
    assert client.get("/api/work-orders?phone=13871234567", headers=sign_in(role)).status_code == 403


def test_a_bad_identity_number_is_refused(client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]) -> None:
    for bad in ("110105194912310026", "1", "", "x" * 100):
        answer = client.post("/api/work-orders", json={**noise_complaint, "id_number": bad}, headers=as_bot)
        assert (answer.status_code, "id_number" in answer.json()["detail"]) == (422, True)


def test_the_unit_learns_who_the_citizen_is_for_a_purpose_and_the_citizen_is_told(
    client: TestClient, sign_in: SignIn, open_order: Open
) -> None:
    order = open_order()
    handler, seat = sign_in(Role.HANDLER), sign_in(Role.SEAT)
    shown = contact(client, order["number"], handler, purpose="visit", note="上门看噪声").json()
    assert shown == {
        "contact_phone": "+8613871234567",
        "contact_email": EMAIL,
        "contact_name": NAME,
        "id_number": ID_NUMBER,
        "filed_by": None,
        "people": [{"person": order["number"], "contact_phone": "+8613871234567"}],
        "proxies": [],
    }
    client.get("/api/work-orders?phone=13871234567", headers=seat)

    told = client.post("/api/progress/looks", json={"number": order["number"], "proof": "4567"})
    assert [(look["by"], look["purpose"]) for look in told.json()] == [
        ("话务员", "按电话号码查找工单"),
        (UNIT, "上门走访"),
    ]
    assert told.json()[1]["at"] == "2026-11-24T09:30:00+08:00"
    assert "handler@" not in told.text
    [last] = client.post("/api/progress/looks?limit=1", json={"number": order["number"], "proof": "4567"}).json()
    [first] = client.post(
        f"/api/progress/looks?before={last['id']}", json={"number": order["number"], "proof": "4567"}
    ).json()
    assert first["by"] == UNIT
    assert client.post("/api/progress/looks", json={"number": order["number"], "proof": "0000"}).status_code == 404


@pytest.mark.parametrize(
    ("asked", "named"),
    [({"purpose": ""}, "purpose"), ({"purpose": "curiosity"}, "purpose"), ({"purpose": "other"}, "note")],
)
def test_without_a_purpose_nobody_is_told_who_the_citizen_is(
    client: TestClient, as_operator: Headers, open_order: Open, asked: dict[str, str], named: str
) -> None:
    answer = contact(client, open_order()["number"], as_operator, **asked)
    assert (answer.status_code, named in answer.json()["detail"]) == (422, True)
    assert client.get("/api/looks", headers=as_operator).json() == []


def test_an_auditor_sees_the_looks_at_an_order_by_somebody_and_at_a_citizen(
    client: TestClient, sign_in: SignIn, open_order: Open
) -> None:
    one, two = open_order()["number"], open_order(contact_phone="+8613871234568")["number"]
    handler, head, auditor = sign_in(Role.HANDLER), sign_in(Role.UNIT_HEAD), sign_in(Role.AUDITOR)
    for number, who in ((one, handler), (two, handler), (two, head)):
        assert contact(client, number, who).status_code == 200

    def seen(**asked: Any) -> list[tuple[str, str]]:
        answer = client.get("/api/looks", params=asked, headers=auditor).json()
        return [(look["number"], look["role"]) for look in answer]

    assert seen() == [(two, "unit_head"), (two, "handler"), (one, "handler")]
    assert seen(number=one) == [(one, "handler")]
    assert seen(phone="138 7123 4568") == [(two, "unit_head"), (two, "handler")]
    login = client.get("/api/me", headers=handler).json()["name"]
    assert seen(actor=login) == [(two, "handler"), (one, "handler")]
    assert seen(limit=1) == [(two, "unit_head")]


def test_every_purpose_has_its_word() -> None:
    assert set(words()["purposes"]) == {*Purpose, SEARCH}


# ---- confidential orders --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"confidential": True}, {"nature": "举报"}], ids=["asked for", "举报"])
@pytest.mark.parametrize("role", sorted({Role.SUPERVISOR, Role.LEADER, Role.AUDITOR} | UNIT_ROLES))
def test_of_a_confidential_order_nobody_else_learns_who_the_citizen_is(
    client: TestClient, sign_in: SignIn, open_order: Open, role: Role, changes: dict[str, Any]
) -> None:
    order = open_order(**changes, conversation_id="web:secret", company_name="咸宁某公司")
    headers = sign_in(role)
    refused = contact(client, order["number"], headers)
    assert (refused.status_code, "confidential" in refused.json()["detail"]) == (403, True)
    [listed] = client.get("/api/work-orders", headers=headers).json()
    one = client.get(f"/api/work-orders/{order['number']}", headers=headers).json()
    for shown in (listed, one):
        assert shown["confidential"] is True
        hidden = ("contact_phone", "contact_email", "contact_name", "id_number", "company_name", "conversation_id")
        assert [shown[field] for field in hidden] == [None] * len(hidden)


@pytest.mark.parametrize("role", [Role.SEAT, Role.DISPATCHER, Role.ADMIN])
def test_the_hotline_itself_reaches_the_citizen_of_a_confidential_order(
    client: TestClient, sign_in: SignIn, open_order: Open, role: Role
) -> None:
    order, headers = open_order(confidential=True), sign_in(role)
    assert contact(client, order["number"], headers).json()["contact_name"] == NAME
    [listed] = client.get("/api/work-orders", headers=headers).json()
    assert (listed["contact_phone"], listed["contact_name"]) == ("+86138****4567", "欧**")
    assert listed["contact_email"] == "o***@example.com"
    assert listed["id_number"] == "*" * 14 + "002X"


def test_a_dispatcher_makes_an_order_confidential_and_lifts_it_with_a_reason(
    client: TestClient, sign_in: SignIn, open_order: Open
) -> None:
    number = open_order()["number"]
    dispatcher, handler = sign_in(Role.DISPATCHER), sign_in(Role.HANDLER)
    path = f"/api/work-orders/{number}/confidentiality"
    assert client.post(path, json={"confidential": True}, headers=dispatcher).status_code == 422
    assert client.post(path, json={"confidential": True, "reason": "市民要求"}, headers=handler).status_code == 403
    set_it = client.post(path, json={"confidential": True, "reason": "市民要求"}, headers=dispatcher)
    assert set_it.json()["confidential"] is True
    assert contact(client, number, handler).status_code == 403
    client.post(path, json={"confidential": False, "reason": "市民同意公开"}, headers=dispatcher)
    assert contact(client, number, handler).status_code == 200
    events = client.get(f"/api/work-orders/{number}/events", headers=handler).json()
    told = [(e["data"]["confidential"], e["data"]["reason"]) for e in events if e["kind"] == "confidentiality"]
    assert told == [(True, "市民要求"), (False, "市民同意公开")]


def test_an_order_that_turns_out_to_be_a_report_becomes_confidential(
    client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]
) -> None:
    body = {**noise_complaint, "needs_person": True}
    number = client.post("/api/work-orders", json=body, headers=as_bot).json()["number"]
    move = {"move": "accept", "nature": "举报"}
    accepted = client.post(f"/api/work-orders/{number}/moves", json=move, headers=as_operator)
    assert accepted.json()["confidential"] is True


# ---- erasing --------------------------------------------------------------------------------------------------------


def test_an_administrator_erases_an_order_that_has_ended_and_nobody_can_prove_it_theirs_any_more(
    client: TestClient, as_bot: Headers, as_operator: Headers, open_order: Open
) -> None:
    order = open_order()
    path = f"/api/work-orders/{order['number']}"
    why = {"reason": "市民要求删除"}
    assert client.post(f"{path}/erasure", json=why, headers=as_operator).status_code == 409
    client.post(f"{path}/withdrawal", json={"proof": "4567"}, headers=as_bot)
    assert client.post(f"{path}/erasure", json={"reason": " "}, headers=as_operator).status_code == 422
    for _ in range(2):
        erased = client.post(f"{path}/erasure", json=why, headers=as_operator).json()
        assert (erased["contact_phone"], erased["contact_name"], erased["category"]) == (None, None, "09")
        assert erased["contact_email"] is None
        assert erased["erased_at"] == "2026-11-24T01:30:00Z"
    for proof in ("4567", order["query_code"]):
        assert client.post("/api/progress", json={"number": order["number"], "proof": proof}).status_code == 404
    assert client.get("/api/work-orders?phone=13871234567", headers=as_operator).json() == []


def test_an_erased_order_is_not_taken_up_again(client: TestClient, as_operator: Headers, open_order: Open) -> None:
    one, two = open_order()["number"], open_order()["number"]
    client.post(f"/api/work-orders/{one}/moves", json={"move": "merge", "into": two}, headers=as_operator)
    erased = client.post(f"/api/work-orders/{one}/erasure", json={"reason": "市民要求删除"}, headers=as_operator)
    assert erased.json()["state"] == "merged"
    again = {"move": "unmerge", "reason": "不是一件事"}
    refused = client.post(f"/api/work-orders/{one}/moves", json=again, headers=as_operator)
    assert (refused.status_code, "erased" in refused.json()["detail"]) == (409, True)
