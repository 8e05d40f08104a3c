"""Repeats: joining an order, similar orders, and the old order that a new one opens again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fakes import SetClock
from tests.unit.desk.conftest import Headers, Moves

pytestmark = pytest.mark.unit

Open = Callable[..., dict[str, Any]]


@pytest.fixture
def open_order(client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]) -> Open:
    """Opens an order like the cast's."""

    def open_it(**changes: Any) -> dict[str, Any]:
        response = client.post("/api/work-orders", json={**noise_complaint, **changes}, headers=as_bot)
        assert response.status_code == 201, response.text
        opened: dict[str, Any] = response.json()
        return opened

    return open_it


@pytest.fixture
def join(client: TestClient, as_bot: Headers) -> Callable[..., Any]:
    """Joins an order."""

    def joined(number: str, status: int, **said: Any) -> Any:
        response = client.post(f"/api/work-orders/{number}/supporters", json=said, headers=as_bot)
        assert response.status_code == status, response.text
        return response.json()

    return joined


@pytest.fixture
def events(client: TestClient, as_operator: Headers) -> Callable[[str], list[str]]:
    """The kinds of events of an order."""

    def kinds(number: str) -> list[str]:
        return [e["kind"] for e in client.get(f"/api/work-orders/{number}/events", headers=as_operator).json()]

    return kinds


# ---- "+1" ------------------------------------------------------------------------------------------------------------


def test_who_joins_gets_the_number_and_a_code_of_their_own(
    client: TestClient, as_bot: Headers, as_operator: Headers, open_order: Open, join: Any, events: Any
) -> None:
    order = open_order(conversation_id="web:1")
    number = order["number"]
    joined = join(number, 201, conversation_id="web:2", contact_phone="+8613971234568", text="我家也被吵")
    assert (joined["number"], joined["people"]) == (number, 2)
    assert join(number, 200, conversation_id="web:2")["query_code"] == joined["query_code"]
    assert join(number, 200, conversation_id="web:3", contact_phone="+8613971234568")["people"] == 2
    assert join(number, 200, conversation_id="web:1")["query_code"] == order["query_code"]
    assert client.get(f"/api/work-orders/{number}", headers=as_operator).json()["people"] == 2
    for proof in ("4568", joined["query_code"]):
        assert client.post("/api/progress", json={"number": number, "proof": proof}).status_code == 200
    more = {"proof": joined["query_code"], "text": "昨晚两点还在吵"}
    assert client.post(f"/api/work-orders/{number}/supplements", json=more, headers=as_bot).status_code == 200
    reached = client.get(f"/api/work-orders/{number}/contact?purpose=call_back", headers=as_operator).json()["people"]
    assert [person["contact_phone"] for person in reached] == ["+8613871234567", "+8613971234568"]
    assert events(number) == ["opened", "joined", "supplemented", "contact_viewed"]


def test_who_leaves_takes_nobody_with_them_and_the_last_one_withdraws_the_order(
    client: TestClient, as_bot: Headers, open_order: Open, join: Any, events: Any
) -> None:
    number = open_order(conversation_id="web:1")["number"]
    join(number, 201, conversation_id="web:2")
    url = f"/api/work-orders/{number}/withdrawal"
    assert client.post(url, json={"conversation_id": "web:1"}, headers=as_bot).json()["state"] == "pending_dispatch"
    assert client.post(url, json={"conversation_id": "web:1"}, headers=as_bot).json()["state"] == "pending_dispatch"
    assert client.post(url, json={"conversation_id": "web:2"}, headers=as_bot).json()["state"] == "withdrawn"
    assert events(number) == ["opened", "joined", "left", "withdraw"]


def test_who_has_left_may_join_again(client: TestClient, as_bot: Headers, open_order: Open, join: Any) -> None:
    number = open_order()["number"]
    first = join(number, 201, conversation_id="web:2")
    client.post(f"/api/work-orders/{number}/withdrawal", json={"conversation_id": "web:2"}, headers=as_bot)
    assert join(number, 201, conversation_id="web:2")["people"] == first["people"] == 2


def test_who_joins_a_merged_order_joins_the_one_that_is_handled(open_order: Open, join: Any, make_move: Moves) -> None:
    into, merged = open_order()["number"], open_order()["number"]
    make_move(merged, "merge", into=into)
    joined = join(merged, 201, conversation_id="web:2")
    assert (joined["number"], joined["people"]) == (into, 3)
    make_move(merged, "unmerge", reason="地点不同")
    assert join(into, 201, conversation_id="web:3")["people"] == 3


def test_the_citizen_of_a_merged_order_may_withdraw_and_is_counted_out_once(
    client: TestClient, as_bot: Headers, as_operator: Headers, open_order: Open, make_move: Moves, events: Any
) -> None:
    into, merged = open_order(conversation_id="web:1")["number"], open_order(conversation_id="web:2")["number"]
    make_move(merged, "merge", into=into)
    url = f"/api/work-orders/{merged}/withdrawal"
    assert client.post(url, json={"conversation_id": "web:2"}, headers=as_bot).json()["state"] == "merged"
    assert events(into)[-1] == "left"
    make_move(merged, "unmerge", reason="地点不同")
    assert client.get(f"/api/work-orders/{into}", headers=as_operator).json()["people"] == 1


@pytest.mark.parametrize(
    ("said", "status", "named"),
    [
        ({}, 422, "conversation_id"),
        ({"conversation_id": ""}, 422, "conversation_id"),
        ({"conversation_id": "web:2", "contact_phone": "12"}, 422, "contact_phone"),
        ({"conversation_id": "web:2", "text": "长" * 10_001}, 422, "text"),
    ],
)
def test_a_bad_joining_is_refused_by_name(
    open_order: Open, join: Any, said: dict[str, Any], status: int, named: str
) -> None:
    assert named in join(open_order()["number"], status, **said)["detail"]


def test_nobody_joins_what_is_over_or_is_not_there(
    client: TestClient, open_order: Open, join: Any, make_move: Moves
) -> None:
    number = open_order()["number"]
    make_move(number, "reject", reason="已进入诉讼程序")
    join(number, 409, conversation_id="web:2")
    join("20261124-000017", 404, conversation_id="web:2")
    assert client.post(f"/api/work-orders/{number}/supporters", json={"conversation_id": "x"}).status_code == 401


# ---- similar orders --------------------------------------------------------------------------------------------------


def offers(client: TestClient, as_bot: Headers, **known: Any) -> list[dict[str, Any]]:
    body = {"text": "烧烤店半夜还在放音乐，吵得睡不着", "category": "09", "area_code": "421202001", **known}
    response = client.post("/api/work-orders/similar", json=body, headers=as_bot)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


def test_who_is_filing_hears_how_many_have_told_of_the_same_and_nothing_personal(
    client: TestClient, as_bot: Headers, open_order: Open, join: Any, clock: SetClock
) -> None:
    order = open_order(place="淦河大道88号2单元501室")
    join(order["number"], 201, conversation_id="web:2")
    [offer] = offers(client, as_bot, place="淦河大道八十八号")
    assert (offer["number"], offer["people"], offer["place"]) == (order["number"], 2, "淦河大道88号")
    assert set(offer) == {"number", "people", "category", "category_name", "place", "since", "score"}
    assert offers(client, as_bot, place="淦河大道99号") == []
    assert offers(client, as_bot, place="淦河大道88号", text="化粪池溢出来，满院子污水") == []
    clock.forward(timedelta(hours=73))
    assert offers(client, as_bot, place="淦河大道88号") == []


def test_ones_own_order_a_report_and_a_companys_order_are_not_offered(
    client: TestClient, as_bot: Headers, open_order: Open
) -> None:
    open_order(conversation_id="web:1")
    open_order(nature="举报")
    open_order(line="enterprise")
    assert offers(client, as_bot, place="淦河大道88号", conversation_id="web:1") == []


def test_similar_orders_need_no_place_and_no_category_and_refuse_unknown_ones(
    client: TestClient, as_bot: Headers, as_operator: Headers
) -> None:
    bare = {"text": "吵"}
    assert client.post("/api/work-orders/similar", json=bare, headers=as_bot).json() == []
    for change in ({"text": ""}, {"category": "99"}, {"area_code": "110000"}, {"more": 1}):
        response = client.post("/api/work-orders/similar", json={**bare, **change}, headers=as_bot)
        assert response.status_code == 422
    assert client.post("/api/work-orders/similar", json=bare, headers=as_operator).status_code == 403


def test_the_dispatcher_sees_similar_orders_with_the_reasons(
    client: TestClient, as_operator: Headers, open_order: Open
) -> None:
    first = open_order()["number"]
    elsewhere = open_order(place="永安大道3号")["number"]
    other = open_order(text="烧烤店半夜还在放音乐，吵得睡不着", place="淦河大道")["number"]
    listed = client.get(f"/api/work-orders/{other}/similar", headers=as_operator).json()
    assert [one["number"] for one in listed] == [first]
    assert listed[0]["alike"]
    assert listed[0]["reasons"][:2] == ["同一道路、小区或村", "类别相同"]
    assert elsewhere not in str(listed)


# ---- the matter that comes back --------------------------------------------------------------------------------------


@pytest.fixture
def closed(open_order: Open, answered: Callable[..., None], make_move: Moves) -> str:
    """The number of an order that is closed."""
    number = str(open_order()["number"])
    answered(number)
    make_move(number, "callback", reached=True, solved=True, satisfied=True)
    return number


def test_the_same_matter_at_the_same_spot_opens_the_old_order_again_one_level_higher(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    closed: str,
    open_order: Open,
    events: Any,
    clock: SetClock,
) -> None:
    clock.forward(timedelta(days=80))
    again = open_order(
        text="烧烤店又在半夜放音乐，吵得睡不着", place="淦河大道八十八号", contact_phone="+8613971234568"
    )
    assert (again["state"], again["number"] != closed) == ("merged", True)
    old = client.get(f"/api/work-orders/{closed}", headers=as_operator).json()
    assert (old["state"], old["level"], old["people"]) == ("redo", 1, 2)
    assert events(closed)[-3:] == ["reopen", "escalated", "merged_here"]
    assert events(again["number"]) == ["opened", "merge"]
    assert client.post("/api/progress", json={"number": again["number"], "proof": "4568"}).status_code == 200
    [offer] = offers(client, as_bot, place="淦河大道88号")
    assert (offer["number"], offer["people"]) == (closed, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"place": "淦河大道"},
        {"place": "淦河大道90号"},
        {"category": "10"},
        {"line": "enterprise"},
        {"area_code": None},
        {"text": "化粪池溢出来，满院子都是污水"},
        {"needs_person": True},
    ],
    ids=str,
)
def test_what_is_not_surely_the_same_opens_nothing(closed: str, open_order: Open, change: dict[str, Any]) -> None:
    assert open_order(**change)["state"] in ("pending_dispatch", "pending_acceptance")


def test_a_matter_of_long_ago_is_a_new_one(closed: str, open_order: Open, clock: SetClock) -> None:
    clock.forward(timedelta(days=91))
    assert open_order()["state"] == "pending_dispatch"


def test_an_order_a_person_had_to_read_first_opens_the_old_one_when_it_is_accepted(
    closed: str, open_order: Open, make_move: Moves
) -> None:
    read = open_order(category=None, needs_person=True)["number"]
    assert make_move(read, "accept", category="09")["state"] == "merged"


def test_taken_apart_again_the_old_order_stays_open(
    client: TestClient, as_operator: Headers, closed: str, open_order: Open, make_move: Moves
) -> None:
    again = open_order()["number"]
    assert make_move(again, "unmerge", reason="不是同一家店")["state"] == "pending_dispatch"
    old = client.get(f"/api/work-orders/{closed}", headers=as_operator).json()
    assert (old["state"], old["people"]) == ("redo", 1)
