"""Somebody who sends too much to the web chat is asked to wait; whoever tells of danger is heard."""

import pytest
from fastapi.testclient import TestClient

from tests.unit.channels.conftest import FakeConversation

pytestmark = pytest.mark.unit

FIRE = "三楼着火了，有人被困"
SESSION = "s" * 22
MOST = 60
"""Messages of one session in a minute, as city/limits.yml has it."""


def test_past_the_limit_a_message_waits_and_a_danger_does_not(chat: TestClient, conversation: FakeConversation) -> None:
    def post(number: int, text: str = "路灯不亮", session: str = SESSION) -> tuple[int, str]:
        body = {"session_id": session, "message_id": f"m{number}", "text": text}
        answer = chat.post("/chat/messages", json=body)
        if answer.status_code == 429:
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status_code, answer.text

    assert {post(number)[0] for number in range(MOST)} == {200}
    status, told = post(MOST)
    assert status == 429
    assert "秒后再试" in told
    assert len(conversation.handled) == MOST
    assert post(MOST + 1, FIRE)[0] == 200
    assert post(MOST + 2, session="t" * 22)[0] == 200


def test_a_frame_past_the_limit_may_be_sent_again_and_the_socket_stays_open(chat: TestClient) -> None:
    with chat.websocket_connect(f"/chat/ws?session_id={SESSION}") as socket:

        def say(number: int, text: str = "路灯不亮") -> str:
            socket.send_json({"type": "message", "message_id": f"m{number}", "text": text})
            while (frame := socket.receive_json())["type"] not in ("answer", "error"):
                pass
            assert frame["message_id"] == f"m{number}"
            if frame["type"] == "error":
                assert frame["retryable"]
                assert "秒后再试" in frame["detail"]
            return str(frame["type"])

        assert {say(number) for number in range(MOST)} == {"answer"}
        assert say(MOST) == "error"
        assert say(MOST + 1, FIRE) == "answer"
