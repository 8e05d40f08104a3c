"""The staff of the desk's tests."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from core.access import UNIT_ROLES, Role

Headers = dict[str, str]
SignIn = Callable[..., Headers]
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
