"""领导接听 by telephone: the session rings the leader's seat, and what the bot takes meanwhile is filed in it."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.database import Database
from intake.messages import Channel, InboundMessage, Line
from ivr.callers import leader_seat
from tests.fakes import FakeBot, SetClock

pytestmark = pytest.mark.unit

Headers = dict[str, str]
SESSION = {
    "starts_at": "2026-11-24T09:00:00+08:00",
    "leader": "副市长",
    "topic": "供暖供水",
    "telephone": "0715-8235678",
}


def test_a_session_rings_the_leaders_seat_while_it_is_open_and_shows_nobody_the_number(
    client: TestClient, sqlite: Database, as_operator: Headers, clock: SetClock
) -> None:
    assert sqlite.read_now(lambda c: leader_seat(c, clock())) is None
    without = {**SESSION, "leader": "副区长"}
    del without["telephone"]
    for session, shown in ((SESSION, "+8671****5678"), (without, None)):
        made = client.post("/api/leader-sessions", json=session, headers=as_operator)
        assert (made.status_code, made.json()["telephone"]) == (201, shown), made.text
    assert "8235678" not in client.get("/api/leader-sessions", headers=as_operator).text

    def seat_in(minutes: int) -> str | None:
        return sqlite.read_now(lambda c: leader_seat(c, clock() + timedelta(minutes=minutes)))

    found = [seat_in(minutes) for minutes in (-31, 0, 89, 90)]
    assert found == [None, "+867158235678", "+867158235678", None], "from 9:00 to 11:00, and it is 9:30"


@pytest.mark.parametrize(
    ("telephone", "status"), [("sip:leader@pbx.local", 201), ("12", 422), ("sip:nobody", 422), ("x" * 200, 422)]
)
def test_the_seat_is_a_telephone_number_or_a_sip_address(
    client: TestClient, as_operator: Headers, telephone: str, status: int
) -> None:
    made = client.post("/api/leader-sessions", json={**SESSION, "telephone": telephone}, headers=as_operator)
    assert made.status_code == status
    assert status == 201 or "telephone" in made.json()["detail"]


@pytest.mark.parametrize(("late", "line"), [(0, "leader"), (120, "leader"), (180, "citizen")])
def test_what_the_bot_takes_on_the_leaders_line_belongs_to_the_session_and_has_five_working_days(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    clock: SetClock,
    noise_complaint: dict[str, Any],
    late: int,
    line: str,
) -> None:
    session = client.post("/api/leader-sessions", json=SESSION, headers=as_operator).json()["id"]
    clock.forward(timedelta(minutes=late))
    body = {**noise_complaint, "line": "leader", "channel": "phone", "nature": "咨询"}
    opened = client.post("/api/work-orders", json=body, headers={**as_bot, "Idempotency-Key": "k"})
    again = client.post("/api/work-orders", json=body, headers={**as_bot, "Idempotency-Key": "k"})
    assert (opened.status_code, again.status_code) == (201, 200), opened.text
    order = opened.json()
    assert (order["line"], order["session_id"]) == (line, session if line == "leader" else None)
    move = {"move": "dispatch", "unit": "咸安区生态环境局"}
    assert client.post(f"/api/work-orders/{order['number']}/moves", json=move, headers=as_operator).status_code == 200
    steps = client.get(f"/api/work-orders/{order['number']}/clocks", headers=as_operator).json()
    [finish] = [step["due"] for step in steps if step["step"] == "finish"]
    assert finish.startswith("2026-12-01" if line == "leader" else "2026-11-26"), "a consultation has two days"
    told = client.get(f"/api/leader-sessions/{session}/bulletin", headers=as_operator).json()
    assert told["figures"]["orders"] == (1 if line == "leader" else 0)


async def test_with_the_bot_down_the_leaders_caller_is_kept_in_the_session_and_completed_there(
    client: TestClient,
    sqlite: Database,
    as_bot: Headers,
    as_operator: Headers,
    bot: FakeBot,
    city: Any,
    clock: SetClock,
    noise_complaint: dict[str, Any],
) -> None:
    from intake.conversation import Conversation

    session = client.post("/api/leader-sessions", json=SESSION, headers=as_operator).json()["id"]
    bot.down = True
    said = InboundMessage(Channel.PHONE, "phone:CA1", "1", "楼下太吵了", Line.LEADER, "+8613871234567")
    answer = await Conversation(sqlite, bot, city, clock).handle(said)
    assert answer.work_order is not None
    clock.forward(timedelta(hours=3))
    body = {**noise_complaint, "line": "leader", "channel": "phone", "conversation_id": "phone:CA1"}
    completed = client.post("/api/work-orders", json=body, headers=as_bot).json()
    assert completed["number"] == answer.work_order["number"]
    assert (completed["line"], completed["session_id"]) == ("leader", session), "it was kept in time"
