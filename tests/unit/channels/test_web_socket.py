"""The chat over a WebSocket."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse, WebSocketTestSession

from tests.unit.channels.conftest import ORDER, FakeConversation

pytestmark = pytest.mark.unit

URL = "/chat/ws?session_id=0123456789abcdef0123456789abcdef"


@pytest.fixture
def socket(chat: TestClient) -> Iterator[WebSocketTestSession]:
    with chat.websocket_connect(URL) as opened:
        yield opened


def say(socket: WebSocketTestSession, text: object, message_id: object = "m1") -> None:
    socket.send_json({"type": "message", "message_id": message_id, "text": text})


def until(socket: WebSocketTestSession, kind: str) -> dict[str, Any]:
    """The next frame of a kind."""
    while True:
        frame: dict[str, Any] = socket.receive_json()
        if frame["type"] == kind:
            return frame


def test_a_message_is_answered_by_typing_ack_and_answer(socket: WebSocketTestSession) -> None:
    say(socket, "确认")
    assert socket.receive_json() == {"type": "typing"}
    assert socket.receive_json() == {"type": "ack", "message_id": "m1"}
    assert socket.receive_json() == {
        "type": "answer",
        "message_id": "m1",
        "replies": [{"text": "「确认」", "buttons": [{"title": "是的", "payload": "对"}]}],
        "work_order": ORDER,
        "degraded": False,
    }


def test_a_slow_message_holds_up_no_ping_and_keeps_its_place(
    chat: TestClient, socket: WebSocketTestSession, conversation: FakeConversation
) -> None:
    say(socket, "慢一", "m1")
    say(socket, "二", "m2")
    socket.send_json({"type": "ping"})
    until(socket, "pong")
    assert conversation.handled == []
    assert chat.portal is not None
    chat.portal.call(conversation.release.set)
    assert [until(socket, "answer")["message_id"] for _ in range(2)] == ["m1", "m2"]
    assert [message.text for message in conversation.handled] == ["慢一", "二"]


def test_two_sockets_of_a_session_are_served_in_order(
    chat: TestClient, socket: WebSocketTestSession, conversation: FakeConversation
) -> None:
    say(socket, "慢一", "m1")
    until(socket, "typing")
    with chat.websocket_connect(URL) as other:
        say(other, "二", "m2")
        until(other, "typing")
        assert chat.portal is not None
        chat.portal.call(conversation.release.set)
        until(other, "answer")
    assert [message.text for message in conversation.handled] == ["慢一", "二"]


def test_what_was_said_before_the_connection_broke_is_handled(chat: TestClient, conversation: FakeConversation) -> None:
    with chat.websocket_connect(URL) as socket:
        say(socket, "慢一", "m1")
        say(socket, "二", "m2")
        until(socket, "typing")
        assert chat.portal is not None
        chat.portal.call(conversation.release.set)
    assert [message.text for message in conversation.handled] == ["慢一", "二"]


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        ("没有 JSON", "frame 的值"),
        ("[1]", "frame 的值"),
        ("[" * 10_000, "frame 的值"),
        ("x" * 20_000, "frame 的值"),
        ('{"type":"shout"}', "type 的值 'shout' 不可用，应为：message 或 ping"),
        ('{"type":["ping"]}', "type 的值 ['ping'] 不可用"),
        ('{"type":"message","message_id":"m9","text":""}', "text 的值 '' 不可用"),
        ('{"type":"message","message_id":"m9","text":"\\ud800"}', "text 的值 '\\ud800' 不可用"),
        ('{"type":"message","message_id":"m9","text":"好","line":"x"}', "line 的值 'x' 不可用"),
        ('{"type":"message","text":"好"}', "缺少 message_id"),
    ],
)
def test_a_bad_frame_is_told_what_is_wrong_and_the_socket_stays_open(
    socket: WebSocketTestSession, frame: str, detail: str
) -> None:
    socket.send_text(frame)
    error = until(socket, "error")
    assert error["detail"].startswith(detail)
    assert error["message_id"] == ("m9" if "m9" in frame else None)
    assert error["retryable"] is False
    say(socket, "好")
    assert until(socket, "answer")["message_id"] == "m1"


def test_a_binary_frame_is_a_bad_frame(socket: WebSocketTestSession) -> None:
    socket.send_bytes(json.dumps({"type": "ping"}).encode())
    assert until(socket, "error")["message_id"] is None


@pytest.mark.parametrize("text", ["存不下", "坏"])
def test_a_message_that_could_not_be_handled_may_be_sent_again(socket: WebSocketTestSession, text: str) -> None:
    say(socket, text)
    error = until(socket, "error")
    assert (error["message_id"], error["retryable"]) == ("m1", True)
    say(socket, "好", "m2")
    assert until(socket, "answer")["message_id"] == "m2"


def test_too_many_unanswered_messages_are_turned_away_for_now(socket: WebSocketTestSession) -> None:
    for number in range(34):
        say(socket, "慢", f"m{number}")
    error = until(socket, "error")
    assert (error["message_id"], error["retryable"]) == ("m33", True)


@pytest.mark.parametrize("origin", ["http://testserver", "https://12345.example.gov.cn", "https://testserver"])
def test_our_own_pages_may_open_a_socket(chat: TestClient, origin: str) -> None:
    with chat.websocket_connect(URL, headers={"Origin": origin}) as socket:
        socket.send_json({"type": "ping"})
        assert until(socket, "pong")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://testserver.evil.example", ""])
def test_pages_of_other_sites_may_not(chat: TestClient, origin: str) -> None:
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        chat.websocket_connect(URL, headers={"Origin": origin}),
    ):
        pass
    assert denied.value.status_code == 403
    assert "Origin 的值" in denied.value.json()["detail"]


@pytest.mark.parametrize("query", ["", "?session_id=", "?session_id=%E5%A5%BD"])
def test_a_socket_needs_a_session(chat: TestClient, query: str) -> None:
    with pytest.raises(WebSocketDenialResponse) as denied, chat.websocket_connect(f"/chat/ws{query}"):
        pass
    assert denied.value.status_code == 422
    assert denied.value.json()["detail"].startswith("session_id 的值")
