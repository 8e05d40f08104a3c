"""Units as a tree, work handed down, heads who are away, and what returns cost."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import Role
from tests.fakes import SetClock
from tests.unit.desk.conftest import UNIT, Headers, SignIn

pytestmark = pytest.mark.unit

TOWN = "咸安区温泉街道"


class Desk:
    """One order, as the dispatcher and others move it."""

    def __init__(self, client: TestClient, office: Headers, number: str) -> None:
        self.client = client
        self.office = office
        self.path = f"/api/work-orders/{number}"
        self.number = number

    def move(self, move: str, headers: Headers | None = None, **said: Any) -> Any:
        answer = self.client.post(f"{self.path}/moves", json={"move": move, **said}, headers=headers or self.office)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, move: str, headers: Headers, **said: Any) -> int:
        return self.client.post(f"{self.path}/moves", json={"move": move, **said}, headers=headers).status_code

    def returned(self, clock: SetClock, unit: str, reason: str, days: int = 1) -> None:
        self.move("dispatch", unit=unit)
        self.move("return", reason=reason, clause=f"职责表：{reason}")
        clock.forward(timedelta(days=days))
        self.move("grant_return")


@pytest.fixture
def desk(client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]) -> Desk:
    """An order that waits for its unit."""
    opened = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()
    return Desk(client, as_operator, opened["number"])


def test_the_tree_shows_bureaus_counties_and_how_much_each_has_to_do(client: TestClient, desk: Desk) -> None:
    desk.move("dispatch", unit=UNIT)
    city = client.get("/api/units", headers=desk.office).json()
    assert city["name"] == "咸宁市"
    assert {"咸宁市生态环境局", "咸安区"} <= {unit["name"] for unit in city["units"]}
    county = client.get("/api/units?under=咸安区&depth=2", headers=desk.office).json()
    named = {unit["name"]: unit for unit in county["units"]}
    assert (named[UNIT]["open_orders"], named["咸安区公安局"]["open_orders"]) == (1, 0)
    assert "咸安区温泉街道泉塘社区" in {unit["name"] for unit in named[TOWN]["units"]}
    assert client.get("/api/units?under=咸安区环境局", headers=desk.office).json()["nearest"][0] == UNIT
    assert client.get("/api/units?depth=9", headers=desk.office).status_code == 422


def test_a_town_that_was_handed_the_work_signs_contacts_and_replies_and_the_bureaus_head_passes_it(
    client: TestClient, sign_in: SignIn, desk: Desk
) -> None:
    head, town, others = sign_in(Role.UNIT_HEAD), sign_in(Role.UNIT_HEAD, TOWN), sign_in(Role.HANDLER, "咸安区永安街道")
    desk.move("dispatch", unit=UNIT)
    assert client.get(desk.path, headers=town).status_code == 404
    handed = desk.move("hand_down", head, unit=TOWN, note="请先到现场")
    assert (handed["unit"], handed["working_unit"]) == (UNIT, TOWN)
    assert [order["number"] for order in client.get("/api/work-orders", headers=town).json()] == [desk.number]
    assert client.get(desk.path, headers=others).status_code == 404
    assert "return" not in client.get(f"{desk.path}/moves", headers=town).json()
    desk.move("sign", town)
    desk.move("contact", town, note="已联系")
    assert desk.refused("ask_extension", town, time="3wd", reason="忙") == 403
    desk.move("reply", town, text="已劝导", outcome="explained", override="已当面说明")
    assert desk.refused("approve_reply", town) == 403
    assert desk.move("approve_reply", head)["state"] == "pending_callback"


def test_handing_back_is_offered_only_for_what_was_handed_down(client: TestClient, desk: Desk) -> None:
    def offered() -> list[str]:
        allowed: list[str] = client.get(f"{desk.path}/moves", headers=desk.office).json()
        return allowed

    desk.move("dispatch", unit=UNIT)
    assert "hand_back" not in offered()
    desk.move("hand_down", unit=TOWN)
    assert "hand_back" in offered()
    assert desk.move("hand_back", reason="要区局执法")["working_unit"] is None


def test_the_log_of_a_dispatch_says_which_row_of_which_table_spoke_for_it(client: TestClient, desk: Desk) -> None:
    suggestion = client.get(f"{desk.path}/suggestion", headers=desk.office).json()
    desk.move("dispatch", unit="咸安区公安局")
    [*_, dispatched] = client.get(f"{desk.path}/events", headers=desk.office).json()
    assert dispatched["data"]["row"] == suggestion["row"] == "09-09"
    assert dispatched["data"]["table"] == suggestion["table"]
    assert dispatched["data"]["suggested"] == UNIT
    page = client.get("/api/responsibilities?category=09&after=09-08&limit=1", headers=desk.office).json()
    assert (page["version"], page["rows"][0]["id"]) == (suggestion["table"], "09-09")


def test_returns_are_measured_and_the_third_dispatch_names_the_row_that_decides(
    client: TestClient, desk: Desk, clock: SetClock
) -> None:
    def meter() -> Any:
        return client.get(f"{desk.path}/returns", headers=desk.office).json()

    assert (meter()["stays"], meter()["days_lost"]) == ([], 0)
    desk.returned(clock, UNIT, "不是工业噪声")
    suggestion = client.get(f"{desk.path}/suggestion", headers=desk.office).json()
    assert suggestion["unit"] != UNIT
    assert any("职责表：不是工业噪声" in reason for reason in suggestion["reasons"])
    assert meter()["decides"] is None
    desk.returned(clock, "咸安区公安局", "不是治安", days=2)
    shown = meter()
    assert [(s["unit"], s["minutes"], s["clause"]) for s in shown["stays"]] == [
        (UNIT, 1440, "职责表：不是工业噪声"),
        ("咸安区公安局", 2880, "职责表：不是治安"),
    ]
    assert (shown["returns"], shown["days_lost"], shown["decides"]["id"]) == (2, 3.0, "09-09")
    desk.move("dispatch", unit=UNIT)
    assert desk.refused("return", desk.office, reason="还是不属于", clause="第3条") == 409
    assert meter()["decides"]["id"] == "09-09"


def test_a_return_that_was_refused_lets_the_unit_be_suggested_and_costs_no_days(client: TestClient, desk: Desk) -> None:
    desk.move("dispatch", unit=UNIT)
    desk.move("return", reason="不属于", clause="第3条")
    desk.move("refuse_return", reason="归你局")
    shown = client.get(f"{desk.path}/returns", headers=desk.office).json()
    assert (shown["stays"][0]["granted"], shown["days_lost"]) == (False, 0)
    assert client.get(f"{desk.path}/suggestion", headers=desk.office).json()["unit"] == UNIT


def test_orders_returned_twice_are_listed_by_page(
    client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any], clock: SetClock
) -> None:
    numbers = []
    for returns in (2, 1, 2):
        opened = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()
        desk = Desk(client, as_operator, opened["number"])
        for unit in (UNIT, "咸安区公安局")[:returns]:
            desk.returned(clock, unit, "不属于")
        numbers.append(desk.number)

    def listed(query: str = "") -> list[str]:
        return [order["number"] for order in client.get(f"/api/returns{query}", headers=as_operator).json()]

    assert listed() == [numbers[2], numbers[0]]
    assert listed("?limit=1") == [numbers[2]]
    assert listed(f"?before={numbers[2]}") == [numbers[0]]
    assert listed("?at_least=1") == numbers[::-1]
    assert client.get("/api/returns?limit=0", headers=as_operator).status_code == 422


def test_while_a_head_is_away_the_stand_in_is_named_in_suggestion_and_list(
    client: TestClient, sign_in: SignIn, desk: Desk, clock: SetClock
) -> None:
    head = sign_in(Role.UNIT_HEAD)
    login = client.get("/api/me", headers=head).json()["name"]
    until = (clock() + timedelta(days=3)).isoformat()
    away = client.put(f"/api/users/{login}/absence", json={"until": until}, headers=head)
    assert away.json()["away_until"] is not None
    suggestion = client.get(f"{desk.path}/suggestion", headers=desk.office).json()
    assert suggestion["stand_in"] == "分管热线工作的副职（B角）"
    desk.move("dispatch", unit=UNIT)

    def stand_in() -> Any:
        return client.get("/api/work-orders", headers=desk.office).json()[0]["stand_in"]

    assert stand_in() == "分管热线工作的副职（B角）"
    county = client.get("/api/units?under=咸安区", headers=desk.office).json()
    assert [unit["name"] for unit in county["units"] if unit["away"]] == [UNIT]
    clock.forward(timedelta(days=3))
    assert stand_in() is None


def test_an_absence_is_set_by_oneself_the_head_or_an_administrator(
    client: TestClient, sign_in: SignIn, as_operator: Headers, clock: SetClock
) -> None:
    handler, head, foreign = sign_in(Role.HANDLER), sign_in(Role.UNIT_HEAD), sign_in(Role.UNIT_HEAD, TOWN)
    path = f"/api/users/{client.get('/api/me', headers=handler).json()['name']}/absence"
    later = {"until": (clock() + timedelta(days=1)).isoformat()}
    assert client.put(path, json=later, headers=head).status_code == 200
    assert client.put(path, json={"until": None}, headers=handler).json()["away_until"] is None
    assert client.put(path, json=later, headers=foreign).status_code == 403
    assert client.put(path, json={"until": clock().isoformat()}, headers=as_operator).status_code == 422
    assert client.put(path, json={"until": "2026-12-01T08:00:00"}, headers=as_operator).status_code == 422
    assert client.put("/api/users/nobody/absence", json=later, headers=as_operator).status_code == 404


def test_dispatchers_are_the_people_of_the_hotline_office(client: TestClient, sign_in: SignIn, desk: Desk) -> None:
    dispatcher = sign_in(Role.DISPATCHER)
    referred = desk.move("refer", dispatcher, city="武汉市", sent="全文")
    assert (referred["referred_to"], referred["unit"]) == ("武汉市", "咸宁市政务服务便民热线办公室")
    progress = client.post("/api/progress", json={"number": desk.number, "proof": "4567"}).json()
    assert (progress["state_name"], progress["referred_to"]) == ("已转办", "武汉市")
    desk.move("receipt", dispatcher, receipt="WH-17")
    assert (
        desk.move("reply", dispatcher, text="武汉市答复", outcome="explained", override="已电话说明")["state"]
        == "pending_review"
    )


def test_a_dispatcher_does_not_reply_for_another_unit(sign_in: SignIn, desk: Desk) -> None:
    desk.move("dispatch", unit=UNIT)
    desk.move("sign")
    assert desk.refused("reply", sign_in(Role.DISPATCHER), text="已处理", outcome="solved") == 403


@pytest.mark.parametrize(
    "sent", [{"move": "refer", "city": "武汉市", "sent": "全文"}, {"move": "hand_over", "line": "110"}]
)
def test_the_office_returns_to_nobody_what_it_sent_elsewhere(
    desk: Desk, as_operator: Headers, sent: dict[str, Any]
) -> None:
    desk.move(**sent)
    desk.move("reply", text="对方已答复", outcome="explained", override="已电话说明")
    desk.move("refuse_reply", reason="没有说清")
    assert desk.refused("return", as_operator, reason="不属于", clause="第3条") == 409
