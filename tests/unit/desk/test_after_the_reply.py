"""What follows a reply: its check, the call-back of all concerned, ratings, re-checks, hurrying."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.city import City
from core.database import Database
from desk.closing import rechecks
from desk.closing.aftercare import read_aftercare
from desk.life.handling import Handling
from desk.orders.words import words
from tests.fakes import SetClock
from tests.unit.desk.conftest import GOOD_REPLY, Headers, Moves

pytestmark = pytest.mark.unit

Answered = Callable[..., None]


@pytest.fixture
def order(client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]) -> dict[str, Any]:
    """An order that is open, of a conversation."""
    body = {**noise_complaint, "conversation_id": "web:1"}
    opened: dict[str, Any] = client.post("/api/work-orders", json=body, headers=as_bot).json()
    return opened


@pytest.fixture
def number(order: dict[str, Any]) -> str:
    """The number of that order."""
    return str(order["number"])


def kinds(client: TestClient, as_operator: Headers, number: str) -> list[str]:
    events = client.get(f"/api/work-orders/{number}/events", headers=as_operator).json()
    return [event["kind"] for event in events]


def last(client: TestClient, as_operator: Headers, number: str, kind: str) -> dict[str, Any]:
    events = client.get(f"/api/work-orders/{number}/events", headers=as_operator).json()
    data: dict[str, Any] = [event["data"] for event in events if event["kind"] == kind][-1]
    return data


def join(client: TestClient, as_bot: Headers, number: str, **said: Any) -> dict[str, Any]:
    body = {"conversation_id": "web:2", "contact_phone": "+8613971234568", **said}
    joined: dict[str, Any] = client.post(f"/api/work-orders/{number}/supporters", json=body, headers=as_bot).json()
    return joined


# ---- the reply -------------------------------------------------------------------------------------------------------


def test_a_reply_can_be_checked_without_being_given(
    client: TestClient, as_operator: Headers, as_bot: Headers, number: str
) -> None:
    added = {"conversation_id": "web:1", "text": "请问什么时候能处理好？"}
    client.post(f"/api/work-orders/{number}/supplements", json=added, headers=as_bot)
    url = f"/api/work-orders/{number}/reply-check"
    poor = client.post(url, json={"text": "请自行联系", "outcome": "planned"}, headers=as_operator).json()
    found = {finding["kind"]: finding for finding in poor["findings"]}
    assert not poor["passes"]
    assert set(found) == {"short", "point", "action", "date", "contact", "blame"}
    assert "什么时候能处理好" in found["point"]["says"]
    good = {"text": GOOD_REPLY.replace("已责令", "11月25日已责令"), "outcome": "solved"}
    assert client.post(url, json=good, headers=as_operator).json() == {"passes": True, "findings": []}
    assert "reply" not in kinds(client, as_operator, number)


def test_a_poor_reply_is_refused_by_what_it_lacks_and_goes_on_only_with_a_reason(
    client: TestClient, as_operator: Headers, make_move: Moves, number: str
) -> None:
    make_move(number, "dispatch", unit="咸安区生态环境局")
    make_move(number, "sign")
    refused = make_move(number, "reply", 422, text="已处理", outcome="solved")
    assert {finding["kind"] for finding in refused["findings"]} == {"short", "contact"}
    make_move(number, "reply", text="已处理", outcome="solved", override="已当面向市民说明")
    told = last(client, as_operator, number, "reply")
    assert told["override"] == "已当面向市民说明"
    assert "short" in told["findings"]


def test_the_citizen_reads_the_reply_once_it_is_approved_and_never_the_note(
    client: TestClient, make_move: Moves, number: str
) -> None:
    def progress() -> dict[str, Any]:
        told: dict[str, Any] = client.post("/api/progress", json={"number": number, "proof": "4567"}).json()
        return told

    make_move(number, "dispatch", unit="咸安区生态环境局")
    make_move(number, "sign")
    make_move(number, "reply", text=GOOD_REPLY, outcome="solved", note="店主是熟人，注意方式")
    assert progress()["reply"] is None
    make_move(number, "approve_reply")
    told = progress()
    assert (told["reply"], told["outcome_name"]) == (GOOD_REPLY, "已解决")
    assert told["replied_at"] == "2026-11-24T09:30:00+08:00"
    assert "熟人" not in str(told)


# ---- call-backs ------------------------------------------------------------------------------------------------------


def test_who_has_to_be_asked_is_listed_oldest_first_with_the_attempts(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    make_move: Moves,
    answered: Answered,
    clock: SetClock,
    noise_complaint: dict[str, Any],
    number: str,
) -> None:
    later = client.post("/api/work-orders", json={**noise_complaint, "place": "长安大道5号"}, headers=as_bot).json()
    answered(number)
    clock.forward(timedelta(minutes=5))
    answered(later["number"])
    make_move(number, "callback", reached=False, missed="no_answer")
    listed = client.get("/api/callbacks", headers=as_operator).json()
    assert [due["number"] for due in listed] == [number, later["number"]]
    [person] = listed[0]["people"]
    assert (person["phone"], person["attempts"], person["missed"]) == ("+86138****4567", 1, ["no_answer"])
    assert listed[0]["due"] is not None
    assert [d["number"] for d in client.get(f"/api/callbacks?after={number}", headers=as_operator).json()] == [
        later["number"]
    ]
    assert client.get("/api/callbacks?limit=0", headers=as_operator).status_code == 422


def test_a_few_satisfied_do_not_close_an_order_over_who_was_not_asked(
    client: TestClient, as_bot: Headers, as_operator: Headers, make_move: Moves, answered: Answered, number: str
) -> None:
    join(client, as_bot, number)
    answered(number)
    [due] = client.get("/api/callbacks", headers=as_operator).json()
    citizen, supporter = (person["person"] for person in due["people"])
    make_move(number, "callback", person=citizen, reached=True, solved=True, satisfied=True)
    make_move(number, "callback", 409, person=citizen, reached=True, solved=True, satisfied=True)
    state = make_move(number, "callback", person=supporter, reached=False)["state"]
    assert state == "pending_callback"
    state = make_move(number, "callback", person=supporter, reached=True, solved=True, satisfied=True)["state"]
    assert state == "closed"


def test_who_leaves_before_being_asked_keeps_nobody_waiting(
    client: TestClient, as_bot: Headers, make_move: Moves, answered: Answered, number: str
) -> None:
    join(client, as_bot, number)
    answered(number)
    assert make_move(number, "callback", reached=True, solved=True, satisfied=True)["state"] == "pending_callback"
    url = f"/api/work-orders/{number}/withdrawal"
    assert client.post(url, json={"conversation_id": "web:2"}, headers=as_bot).json()["state"] == "closed"


def test_one_unsatisfied_has_it_done_again_and_who_replied_reads_why(
    client: TestClient, as_bot: Headers, as_operator: Headers, make_move: Moves, answered: Answered, number: str
) -> None:
    join(client, as_bot, number)
    answered(number)
    supporter = client.get("/api/callbacks", headers=as_operator).json()[0]["people"][1]["person"]
    said = {"reached": True, "solved": False, "satisfied": False, "note": "周末照旧"}
    assert make_move(number, "callback", person=supporter, **said)["state"] == "redo"
    told = last(client, as_operator, number, "redo")
    assert (told["reason"], told["replied_by"], told["unit"]) == ("周末照旧", "operator", "咸安区生态环境局")
    answered(number, again=True)
    people = client.get("/api/callbacks", headers=as_operator).json()[0]["people"]
    assert [person["attempts"] for person in people] == [0, 0]


def test_the_second_time_everybody_is_asked_before_it_goes_up(
    client: TestClient, as_bot: Headers, as_operator: Headers, make_move: Moves, answered: Answered, number: str
) -> None:
    supporter = f"{number}+{1}"
    join(client, as_bot, number)
    answered(number)
    unsatisfied = {"reached": True, "solved": False, "satisfied": False, "note": "照旧"}
    make_move(number, "callback", **unsatisfied)
    answered(number, again=True)
    assert make_move(number, "callback", **unsatisfied)["state"] == "pending_callback"
    done = make_move(number, "callback", person=supporter, reached=True, solved=True, satisfied=True)
    assert done["state"] == "closed"
    assert last(client, as_operator, number, "escalated")["to"] == "hotline_office"


def test_citizens_answer_by_themselves_once_and_it_is_the_call_back(
    client: TestClient, as_bot: Headers, as_operator: Headers, answered: Answered, number: str
) -> None:
    said = {"number": number, "proof": "4567", "solved": True, "satisfied": True, "service_satisfied": True}
    assert client.post("/api/rating", json=said).status_code == 409
    answered(number)
    assert client.post("/api/rating", json={**said, "proof": "0000"}).status_code == 404
    assert client.post("/api/rating", json={**said, "satisfied": None}).status_code == 422
    rated = client.post("/api/rating", json=said)
    assert (rated.status_code, rated.json()["state"]) == (200, "closed")
    assert client.post("/api/rating", json=said).status_code == 409
    assert kinds(client, as_operator, number)[-2:] == ["rated", "close"]


def test_the_bot_hands_in_a_rating_from_the_conversation(
    client: TestClient, as_bot: Headers, answered: Answered, number: str
) -> None:
    answered(number)
    url, said = f"/api/work-orders/{number}/rating", {"solved": False, "satisfied": False, "note": "没有变化"}
    assert client.post(url, json={**said, "conversation_id": "web:9"}, headers=as_bot).status_code == 403
    rated = client.post(url, json={**said, "conversation_id": "web:1"}, headers=as_bot)
    assert rated.json()["state"] == "redo"


def test_the_citizen_of_a_merged_order_gets_the_reply_and_is_asked_too(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    make_move: Moves,
    answered: Answered,
    noise_complaint: dict[str, Any],
    number: str,
) -> None:
    body = {**noise_complaint, "contact_phone": "+8613971234569"}
    merged = client.post("/api/work-orders", json=body, headers=as_bot).json()["number"]
    make_move(merged, "merge", into=number)
    answered(number)
    told = client.post("/api/progress", json={"number": merged, "proof": "4569"}).json()
    assert (told["state_name"], told["reply"]) == ("已并单", GOOD_REPLY)
    [due] = client.get("/api/callbacks", headers=as_operator).json()
    assert [person["person"] for person in due["people"]] == [number, merged]
    rated = client.post("/api/rating", json={"number": merged, "proof": "4569", "solved": True, "satisfied": True})
    assert rated.json()["number"] == merged
    assert make_move(number, "callback", reached=True, solved=True, satisfied=True)["state"] == "closed"


# ---- re-checks -------------------------------------------------------------------------------------------------------


def test_a_closed_matter_is_looked_at_again_after_28_days_and_opened_when_it_has_come_back(
    client: TestClient,
    as_operator: Headers,
    make_move: Moves,
    answered: Answered,
    sqlite: Database,
    clock: SetClock,
    number: str,
) -> None:
    def due() -> list[str]:
        sqlite.write_now(lambda c: rechecks.make_due(c, clock(), 100))
        return [recheck["number"] for recheck in client.get("/api/rechecks", headers=as_operator).json()]

    def look(status: int, **found: Any) -> dict[str, Any]:
        response = client.post(f"/api/work-orders/{number}/recheck", json=found, headers=as_operator)
        assert response.status_code == status, response.text
        order: dict[str, Any] = response.json()
        return order

    answered(number)
    make_move(number, "callback", reached=True, solved=True, satisfied=True)
    clock.forward(timedelta(days=27))
    assert due() == []
    look(409, holds=True)
    clock.forward(timedelta(days=1))
    assert due() == due() == [number]
    assert client.get(f"/api/rechecks?after={number}", headers=as_operator).json() == []
    look(422, holds=False)
    opened = look(200, holds=False, note="音响又响了")
    assert (opened["state"], opened["level"]) == ("redo", 1)
    assert last(client, as_operator, number, "escalated") == {"to": "unit_head", "because": "came_back", "level": 1}
    assert due() == []
    assert kinds(client, as_operator, number).count("recheck_due") == 1


def test_a_matter_that_holds_is_looked_at_once(
    client: TestClient,
    as_operator: Headers,
    make_move: Moves,
    answered: Answered,
    sqlite: Database,
    clock: SetClock,
    number: str,
) -> None:
    answered(number)
    make_move(number, "callback", reached=True, solved=True, satisfied=True)
    clock.forward(timedelta(days=28))
    sqlite.write_now(lambda c: rechecks.make_due(c, clock(), 100))
    url = f"/api/work-orders/{number}/recheck"
    assert client.post(url, json={"holds": True}, headers=as_operator).json()["state"] == "closed"
    assert client.post(url, json={"holds": True}, headers=as_operator).status_code == 409


# ---- hurrying --------------------------------------------------------------------------------------------------------


def hurry(client: TestClient, as_bot: Headers, number: str) -> dict[str, Any]:
    response = client.post(f"/api/work-orders/{number}/expeditings", json={"proof": "4567"}, headers=as_bot)
    assert response.status_code == 200, response.text
    hurried: dict[str, Any] = response.json()
    return hurried


def test_an_order_hurried_again_at_once_is_told_when_it_may_be(
    client: TestClient, as_bot: Headers, as_operator: Headers, clock: SetClock, number: str
) -> None:
    assert hurry(client, as_bot, number)["counted"]
    clock.forward(timedelta(minutes=9))
    again = hurry(client, as_bot, number)
    assert (again["counted"], again["again_at"]) == (False, "2026-11-24T09:40:00+08:00")
    assert kinds(client, as_operator, number).count("expedited") == 1


def test_the_third_hurry_goes_to_the_head_of_the_unit_and_the_sixth_to_the_office(
    client: TestClient, as_bot: Headers, as_operator: Headers, make_move: Moves, clock: SetClock, number: str
) -> None:
    make_move(number, "dispatch", unit="咸安区生态环境局")
    for _ in range(6):
        hurry(client, as_bot, number)
        clock.forward(timedelta(minutes=11))
    events = client.get(f"/api/work-orders/{number}/events", headers=as_operator).json()
    told = [event["data"] for event in events if event["kind"] == "escalated"]
    assert [(one["to"], one["times"]) for one in told] == [("unit_head", 3), ("hotline_office", 6)]


def test_one_hurry_at_a_red_light_goes_to_the_office(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    make_move: Moves,
    sqlite: Database,
    city: City,
    clock: SetClock,
    number: str,
) -> None:
    make_move(number, "dispatch", unit="咸安区生态环境局")
    clock.forward(timedelta(days=3))
    sqlite.write_now(lambda c: Handling.of_city(city).sweep(c, clock()))
    hurry(client, as_bot, number)
    assert last(client, as_operator, number, "escalated")["to"] == "hotline_office"


def test_the_citys_rules_can_be_used_and_every_event_has_its_word(city: City) -> None:
    assert read_aftercare(city.read("aftercare.yml")).levels
    written = {"joined", "left", "rated", "recheck", "recheck_due", "replied_with", "escalated"}
    assert written <= set(words()["events"])
