"""Users who change, API tokens, and the audit log of both."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import Role
from core.database import Database
from desk.access.audit import Kind
from desk.access.people import MOST_FAILURES
from desk.orders.words import words
from tests.fakes import SetClock
from tests.unit.desk.conftest import PASSWORD, UNIT, SignIn

pytestmark = pytest.mark.unit

Headers = dict[str, str]
NEXT = "battery staple horse"


def login_of(client: TestClient, headers: Headers) -> str:
    return str(client.get("/api/me", headers=headers).json()["name"])


def session(client: TestClient, login: str, password: str) -> int:
    return client.post("/api/sessions", json={"login": login, "password": password}).status_code


def audited(client: TestClient, headers: Headers, **asked: Any) -> list[tuple[str, str, str]]:
    entries = client.get("/api/audit", params=asked, headers=headers).json()
    return [(entry["kind"], entry["subject"], entry["actor"]) for entry in entries]


@pytest.fixture
def token(client: TestClient, as_operator: Headers, clock: SetClock) -> dict[str, Any]:
    """A seat's token for another system, good for a day."""
    new = {"name": "政务网", "role": "seat", "expires_at": (clock() + timedelta(days=1)).isoformat()}
    made = client.post("/api/tokens", json=new, headers=as_operator)
    assert made.status_code == 201, made.text
    told: dict[str, Any] = made.json()
    return told


def bearing(token: dict[str, Any]) -> Headers:
    return {"Authorization": f"Bearer {token['token']}"}


def test_ones_own_password_is_changed_with_the_old_one_and_other_sessions_end(
    client: TestClient, sign_in: SignIn, as_operator: Headers
) -> None:
    headers = sign_in(Role.DEPUTY)
    login = login_of(client, headers)
    other = client.post("/api/sessions", json={"login": login, "password": PASSWORD}).json()["token"]
    wrong = client.post("/api/me/password", json={"present": "guess", "password": NEXT}, headers=headers)
    assert (wrong.status_code, "present" in wrong.json()["detail"]) == (403, True)
    short = client.post("/api/me/password", json={"present": PASSWORD, "password": "short"}, headers=headers)
    assert short.status_code == 422
    done = client.post("/api/me/password", json={"present": PASSWORD, "password": NEXT}, headers=headers)
    assert done.status_code == 204
    assert client.get("/api/me", headers=headers).status_code == 200
    assert client.get("/api/me", headers={"Authorization": f"Bearer {other}"}).status_code == 401
    assert (session(client, login, PASSWORD), session(client, login, NEXT)) == (401, 201)
    assert audited(client, as_operator, subject=login)[0] == ("password_changed", login, login)


def test_a_stolen_session_cannot_try_out_passwords(client: TestClient, sign_in: SignIn) -> None:
    headers, guess = sign_in(Role.SEAT), {"present": "guess", "password": NEXT}
    tried = [client.post("/api/me/password", json=guess, headers=headers).status_code for _ in range(MOST_FAILURES + 1)]
    assert tried == [403] * MOST_FAILURES + [429]


def test_the_operator_has_no_password_to_change(client: TestClient, as_operator: Headers) -> None:
    asked = {"present": PASSWORD, "password": NEXT}
    assert client.post("/api/me/password", json=asked, headers=as_operator).status_code == 403


def test_an_administrator_gives_another_password_and_the_sessions_end(
    client: TestClient, sign_in: SignIn, as_operator: Headers
) -> None:
    headers = sign_in(Role.SEAT)
    login = login_of(client, headers)
    for _ in range(MOST_FAILURES):
        session(client, login, "forgotten")
    reset = client.post(f"/api/users/{login}/password", json={"password": NEXT}, headers=as_operator)
    assert reset.status_code == 200
    assert client.get("/api/me", headers=headers).status_code == 401
    assert session(client, login, NEXT) == 201
    assert ("password_reset", login, "operator") in audited(client, as_operator)
    assert client.post("/api/users/nobody/password", json={"password": NEXT}, headers=as_operator).status_code == 404


def test_somebody_changes_unit_and_role_and_comes_back(
    client: TestClient, sign_in: SignIn, as_operator: Headers
) -> None:
    headers = sign_in(Role.HANDLER)
    login = login_of(client, headers)

    def change(**wanted: Any) -> Any:
        return client.patch(f"/api/users/{login}", json=wanted, headers=as_operator)

    assert change(unit="咸安区公安局").json()["unit"] == "咸安区公安局"
    assert client.get("/api/me", headers=headers).json()["unit"] == "咸安区公安局"
    assert change(role="seat").json() | {"name": ""} == {
        "login": login,
        "name": "",
        "role": "seat",
        "unit": None,
        "active": True,
        "phone": None,
        "away_until": None,
    }
    assert client.get("/api/me", headers=headers).json()["unit"] is None
    for wrong in ({"role": "handler"}, {"unit": UNIT}, {"role": "king"}, {"name": ""}, {"login": "x"}):
        assert change(**wrong).status_code == 422, wrong
    client.delete(f"/api/users/{login}", headers=as_operator)
    assert session(client, login, PASSWORD) == 401
    assert change(active=True).json()["active"] is True
    assert session(client, login, PASSWORD) == 201
    assert client.patch("/api/users/nobody", json={}, headers=as_operator).status_code == 404
    kinds = [kind for kind, *_ in audited(client, as_operator, subject=login)]
    assert kinds == ["user_reactivated", "user_deactivated", "user_changed", "user_changed", "user_added"]


def test_a_change_that_changes_nothing_is_not_noted(client: TestClient, sign_in: SignIn, as_operator: Headers) -> None:
    login = login_of(client, sign_in(Role.SEAT))
    client.patch(f"/api/users/{login}", json={"role": "seat", "active": True}, headers=as_operator)
    assert [kind for kind, *_ in audited(client, as_operator, subject=login)] == ["user_added"]


def test_the_audit_log_is_paged_and_can_only_grow(client: TestClient, as_operator: Headers, sqlite: Database) -> None:
    for login in ("wang", "zhao"):
        new = {"login": login, "name": "员", "role": "seat", "password": PASSWORD}
        client.post("/api/users", json=new, headers=as_operator)
    [last] = client.get("/api/audit?limit=1", headers=as_operator).json()
    [first] = client.get(f"/api/audit?before={last['id']}", headers=as_operator).json()
    assert (last["subject"], first["subject"]) == ("zhao", "wang")
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"):
            sqlite.write_now(lambda c, statement=statement: c.exec_driver_sql(statement))  # type: ignore[misc]


def test_every_kind_of_entry_has_its_word() -> None:
    assert set(words()["audit"]) == set(Kind)


def test_another_system_uses_its_token_and_is_named_in_the_logs(
    client: TestClient, token: dict[str, Any], as_operator: Headers
) -> None:
    me = client.get("/api/me", headers=bearing(token)).json()
    assert (me["name"], me["role"]) == ("api:政务网", "seat")
    assert client.get("/api/users", headers=bearing(token)).status_code == 403
    listed = client.get("/api/tokens", headers=as_operator)
    assert token["token"] not in listed.text
    assert "hash" not in listed.text
    assert audited(client, as_operator)[0] == ("token_made", "政务网", "operator")


def test_a_tokens_last_use_is_noted_once_a_minute(
    client: TestClient, token: dict[str, Any], as_operator: Headers, clock: SetClock
) -> None:
    def noted_after(passed: timedelta) -> datetime:
        clock.forward(passed)
        client.get("/api/me", headers=bearing(token))
        [listed] = client.get("/api/tokens", headers=as_operator).json()
        return datetime.fromisoformat(listed["last_used_at"])

    began = clock()
    assert noted_after(timedelta()) == began
    assert noted_after(timedelta(seconds=59)) == began
    assert noted_after(timedelta(seconds=1)) == began + timedelta(minutes=1)


def test_a_token_ends_when_revoked_or_run_out(
    client: TestClient, token: dict[str, Any], as_operator: Headers, clock: SetClock
) -> None:
    path = f"/api/tokens/{token['id']}"
    clock.forward(timedelta(days=1) - timedelta(seconds=1))
    assert client.get("/api/me", headers=bearing(token)).status_code == 200
    for _ in range(2):
        assert client.delete(path, headers=as_operator).json()["revoked_at"] is not None
    assert client.get("/api/me", headers=bearing(token)).status_code == 401
    assert [kind for kind, *_ in audited(client, as_operator)] == ["token_revoked", "token_made"]
    assert client.delete("/api/tokens/99", headers=as_operator).status_code == 404
    new = {"name": "二号", "role": "handler", "unit": UNIT, "expires_at": (clock() + timedelta(hours=1)).isoformat()}
    other = client.post("/api/tokens", json=new, headers=as_operator).json()
    clock.forward(timedelta(hours=1))
    assert client.get("/api/me", headers=bearing(other)).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"name": "政务网"}, 409, "name"),
        ({"name": " "}, 422, "name"),
        ({"role": "handler"}, 422, "unit"),
        ({"unit": UNIT}, 422, "unit"),
        ({"expires_at": "2026-11-24T09:30:00+08:00"}, 422, "expires_at"),
        ({"expires_at": "2029-01-01T00:00:00Z"}, 422, "expires_at"),
        ({"expires_at": "2026-12-01T00:00:00"}, 422, "expires_at"),
        ({"role": "king"}, 422, "role"),
    ],
)
def test_a_token_that_does_not_fit_is_refused(
    client: TestClient, token: dict[str, Any], as_operator: Headers, change: dict[str, str], status: int, named: str
) -> None:
    new = {"name": "另一个", "role": "seat", "expires_at": "2026-12-01T00:00:00Z", **change}
    answer = client.post("/api/tokens", json=new, headers=as_operator)
    assert (answer.status_code, named in answer.json()["detail"]) == (status, True), answer.text
