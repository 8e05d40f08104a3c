"""The chat over plain HTTP."""

import pytest
from fastapi.testclient import TestClient

from desk.orders.model import Channel, Line
from tests.unit.channels.conftest import ORDER, FakeConversation

pytestmark = pytest.mark.unit

SESSION = "0123456789abcdef0123456789abcdef"


def said(text: object = "路灯坏了", **others: object) -> dict[str, object]:
    return {"session_id": SESSION, "message_id": "m1", "text": text, **others}


def test_a_message_is_handed_over_with_its_channel_line_and_prefixed_session(
    chat: TestClient, conversation: FakeConversation
) -> None:
    chat.post("/chat/messages", json=said("  路灯坏了\n", line="enterprise"))
    (message,) = conversation.handled
    assert message.channel is Channel.WEB
    assert message.conversation_id == f"web:{SESSION}"
    assert message.line is Line.ENTERPRISE
    assert message.text == "路灯坏了"


def test_the_answer_has_replies_buttons_and_the_work_order_but_no_draft(chat: TestClient) -> None:
    response = chat.post("/chat/messages", json=said("确认"))
    assert response.json() == {
        "replies": [{"text": "「确认」", "buttons": [{"title": "是的", "payload": "对"}]}],
        "work_order": ORDER,
        "degraded": False,
    }


def test_a_repeat_of_a_message_gets_the_same_answer_and_is_handled_once(
    chat: TestClient, conversation: FakeConversation
) -> None:
    first, second = chat.post("/chat/messages", json=said()), chat.post("/chat/messages", json=said())
    assert first.json() == second.json()
    assert len(conversation.handled) == 1


def test_a_message_kept_for_a_person_says_so(chat: TestClient) -> None:
    assert chat.post("/chat/messages", json=said("机器人不在")).json()["degraded"] is True


def test_a_message_that_could_not_be_stored_may_be_sent_again(chat: TestClient) -> None:
    response = chat.post("/chat/messages", json=said("存不下"))
    assert response.status_code == 503
    assert response.headers["Retry-After"]


@pytest.mark.parametrize(
    ("bad", "field", "value"),
    [
        ({"line": "deputy"}, "line", "deputy"),
        ({"session_id": "有 空格"}, "session_id", "有 空格"),
        ({"session_id": "a" * 129}, "session_id", "aaa"),
        ({"message_id": ""}, "message_id", "''"),
        ({"message_id": 7}, "message_id", "7"),
        ({"text": " \u3000\n"}, "text", "u3000"),
        ({"text": "长" * 2001}, "text", "长长"),
        ({"text": None}, "text", "None"),
        ({"text": "一\0二"}, "text", "x00"),
    ],
)
def test_bad_input_is_refused_in_chinese_with_field_value_and_what_is_allowed(
    chat: TestClient, bad: dict[str, object], field: str, value: str
) -> None:
    response = chat.post("/chat/messages", json=said(**bad) if "text" not in bad else said(bad["text"]))
    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"].startswith(f"{field} 的值")
    assert value in problem["detail"]
    assert [found["field"] for found in problem["errors"]] == [field]
    assert "应为：" in problem["detail"]


def test_a_missing_field_is_named(chat: TestClient) -> None:
    body = said()
    del body["message_id"]
    assert chat.post("/chat/messages", json=body).json()["detail"].startswith("缺少 message_id，应为：")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b'{"session_id":"s","message_id":"m","text":"\\ud800"}'])
def test_a_body_that_is_no_message_is_refused(chat: TestClient, body: bytes) -> None:
    response = chat.post("/chat/messages", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert "应为：" in response.json()["detail"]


def test_the_longest_text_and_the_shortest_session_id_are_taken(chat: TestClient) -> None:
    assert chat.post("/chat/messages", json=said("𠮷" * 2000, session_id="s")).status_code == 200


def test_the_history_of_a_session_tells_every_turn(chat: TestClient) -> None:
    chat.post("/chat/messages", json=said("路灯坏了"))
    response = chat.get("/chat/history", params={"session_id": SESSION})
    (turn,) = response.json()
    assert (turn["message_id"], turn["text"], turn["received_at"]) == ("m1", "路灯坏了", "2026-11-24T00:00:00Z")
    assert turn["answer"]["replies"][0]["text"] == "「路灯坏了」"
    assert "draft" not in turn["answer"]
    assert response.headers["Cache-Control"] == "no-store"


def test_the_history_of_another_session_stays_closed(chat: TestClient) -> None:
    chat.post("/chat/messages", json=said())
    assert chat.get("/chat/history", params={"session_id": "f" * 32}).json() == []


def test_a_session_id_that_can_be_guessed_opens_no_history(chat: TestClient) -> None:
    chat.post("/chat/messages", json=said(session_id="a" * 21))
    response = chat.get("/chat/history", params={"session_id": "a" * 21})
    assert response.status_code == 404
    assert response.json()["detail"] == "没有这个会话。"


def test_a_history_without_session_is_refused_in_chinese(chat: TestClient) -> None:
    assert chat.get("/chat/history").json()["detail"].startswith("缺少 session_id")
