"""What the desk's tests share: people of the staff, and an order that is moved along through the API."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import UNIT_ROLES, Role

Headers = dict[str, str]
SignIn = Callable[..., Headers]
Moves = Callable[..., dict[str, Any]]

GOOD_REPLY = (
    "经执法人员到场监测，该店夜间音响超标，已责令其22时后停止使用音响，噪音问题已解决。如再发生请拨打0715-12345。"
)
UNIT = "咸安区生态环境局"
PASSWORD = "correct horse battery"


@pytest.fixture
def sign_in(client: TestClient, as_operator: Headers) -> SignIn:
    """Lets somebody in with a role, and signs them in."""

    def headers(role: Role, unit: str = UNIT) -> Headers:
        login = f"{role}@{len(client.get('/api/users', headers=as_operator).json())}"
        new = {"login": login, "name": "值班员", "role": role, "password": PASSWORD}
        new |= {"unit": unit} if role in UNIT_ROLES else {}
        added = client.post("/api/users", json=new, headers=as_operator)
        assert added.status_code == 201, added.text
        session = client.post("/api/sessions", json={"login": login, "password": PASSWORD})
        assert session.status_code == 201, session.text
        return {"Authorization": f"Bearer {session.json()['token']}"}

    return headers


@pytest.fixture
def make_move(client: TestClient, as_operator: Headers) -> Moves:
    """Makes a move of an order and returns the order; `status` is what is expected of it."""

    def make(number: str, move: str, status: int = 200, **said: Any) -> dict[str, Any]:
        body = {"move": move, **said}
        response = client.post(f"/api/work-orders/{number}/moves", json=body, headers=as_operator)
        assert response.status_code == status, response.text
        made: dict[str, Any] = response.json()
        return made

    return make


@pytest.fixture
def answered(make_move: Moves) -> Callable[..., None]:
    """Takes an order to where its citizen has to be asked."""

    def answer(number: str, again: bool = False, **said: Any) -> None:
        if not again:
            make_move(number, "dispatch", unit="咸安区生态环境局")
            make_move(number, "sign")
        reply = {"text": GOOD_REPLY, "outcome": "solved", **({"override": "再次到场"} if again else {})}
        make_move(number, "reply", **{**reply, **said})
        make_move(number, "approve_reply")

    return answer
