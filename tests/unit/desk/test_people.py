"""Signing in, and who of the staff may do and see what."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import OUTSIDERS, PEOPLE, Role
from desk.access.people import MOST_FAILURES
from desk.life.lifecycle import WHO, Move
from tests.fakes import SetClock
from tests.unit.desk.conftest import PASSWORD, UNIT, SignIn

pytestmark = pytest.mark.unit

Headers = dict[str, str]


@pytest.fixture
def order(client: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]) -> dict[str, Any]:
    """An order that its unit has to sign."""
    opened = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()
    move = {"move": "dispatch", "unit": UNIT, "assist_units": ["咸安区公安局"]}
    sent: dict[str, Any] = client.post(
        f"/api/work-orders/{opened['number']}/moves", json=move, headers=as_operator
    ).json()
    return sent


def test_who_signs_in_is_known_until_they_sign_out(client: TestClient, sign_in: SignIn) -> None:
    headers = sign_in(Role.DISPATCHER)
    assert client.get("/api/me", headers=headers).json()["role"] == "dispatcher"
    assert client.delete("/api/sessions", headers=headers).status_code == 204
    assert client.get("/api/me", headers=headers).status_code == 401


def test_a_session_runs_out(client: TestClient, sign_in: SignIn, clock: SetClock) -> None:
    headers = sign_in(Role.SEAT)
    clock.forward(timedelta(hours=11, minutes=59))
    assert client.get("/api/me", headers=headers).status_code == 200
    clock.forward(timedelta(minutes=1))
    assert client.get("/api/me", headers=headers).status_code == 401


def test_somebody_who_left_is_out_at_once(client: TestClient, as_operator: Headers, sign_in: SignIn) -> None:
    headers = sign_in(Role.SEAT)
    login = client.get("/api/me", headers=headers).json()["name"]
    assert client.delete(f"/api/users/{login}", headers=as_operator).json()["active"] is False
    assert client.get("/api/me", headers=headers).status_code == 401
    assert client.post("/api/sessions", json={"login": login, "password": PASSWORD}).status_code == 401
    assert client.delete("/api/users/nobody", headers=as_operator).status_code == 404


def test_wrong_passwords_are_counted_and_then_even_the_right_one_waits(
    client: TestClient, sign_in: SignIn, clock: SetClock
) -> None:
    login = client.get("/api/me", headers=sign_in(Role.SEAT)).json()["name"]
    for _ in range(MOST_FAILURES):
        wrong = client.post("/api/sessions", json={"login": login, "password": "guess"})
        assert wrong.status_code == 401
    waits = client.post("/api/sessions", json={"login": login, "password": PASSWORD})
    assert (waits.status_code, waits.headers["Retry-After"]) == (429, "900")
    clock.forward(timedelta(minutes=16))
    assert client.post("/api/sessions", json={"login": login, "password": PASSWORD}).status_code == 201


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"role": "king"}, "role"),
        ({"role": "handler"}, "unit"),
        ({"role": "seat", "unit": UNIT}, "unit"),
        ({"role": "handler", "unit": "咸安区环境局"}, UNIT),
        ({"password": "short"}, "password"),
        ({"login": "a b"}, "login"),
        ({"login": ""}, "login"),
        ({"name": " "}, "name"),
    ],
)
def test_a_user_who_does_not_fit_is_refused_with_the_field(
    client: TestClient, as_operator: Headers, change: dict[str, str], named: str
) -> None:
    new = {"login": "wang", "name": "王", "role": "seat", "password": PASSWORD, **change}
    response = client.post("/api/users", json=new, headers=as_operator)
    assert response.status_code == 422
    assert named in response.json()["detail"]


def test_nobody_signs_in_as_an_application(client: TestClient, as_operator: Headers) -> None:
    new = {"login": "robot", "name": "机", "role": "application", "password": PASSWORD}
    answer = client.post("/api/users", json=new, headers=as_operator)
    assert (answer.status_code, "is no person" in answer.json()["detail"]) == (422, True)


def test_a_login_is_given_once(client: TestClient, as_operator: Headers) -> None:
    new = {"login": "wang", "name": "王", "role": "seat", "password": PASSWORD}
    assert client.post("/api/users", json=new, headers=as_operator).status_code == 201
    assert client.post("/api/users", json=new, headers=as_operator).status_code == 409


@pytest.mark.parametrize("role", [role for role in PEOPLE if role is not Role.ADMIN])
def test_only_an_administrator_lets_people_in(client: TestClient, sign_in: SignIn, role: Role) -> None:
    new = {"login": "friend", "name": "友", "role": "admin", "password": PASSWORD}
    assert client.post("/api/users", json=new, headers=sign_in(role)).status_code == 403


def test_a_unit_sees_its_own_orders_and_no_others(client: TestClient, sign_in: SignIn, order: dict[str, Any]) -> None:
    mine, assisting = sign_in(Role.HANDLER), sign_in(Role.HANDLER, "咸安区公安局")
    other = sign_in(Role.UNIT_HEAD, "嘉鱼县公安局")
    path = f"/api/work-orders/{order['number']}"
    assert [o["number"] for o in client.get("/api/work-orders", headers=mine).json()] == [order["number"]]
    assert client.get("/api/work-orders", headers=other).json() == []
    assert client.get(path, headers=assisting).status_code == 200
    for door in ("", "/events", "/contact?purpose=verify", "/moves", "/clocks", "/suggestion"):
        assert client.get(path + door, headers=other).status_code == 404, door
    assert client.post(f"{path}/moves", json={"move": "sign"}, headers=other).status_code == 404


@pytest.mark.parametrize("role", sorted(set(Role) - OUTSIDERS))
def test_a_role_may_make_the_moves_of_the_page_and_no_others(
    client: TestClient, sign_in: SignIn, order: dict[str, Any], role: Role
) -> None:
    headers = sign_in(role)
    path = f"/api/work-orders/{order['number']}/moves"
    allowed = set(client.get(path, headers=headers).json())
    from_here = {Move.SIGN, Move.RETURN, Move.HAND_DOWN, Move.MERGE, Move.ASSIGN, Move.WITHDRAW}
    assert allowed == {move for move in from_here if role is Role.ADMIN or role in WHO[move]}
    signed = client.post(path, json={"move": "sign"}, headers=headers)
    assert signed.status_code == (200 if Move.SIGN in allowed else 403), signed.text
    accepted = client.post(path, json={"move": "callback", "reached": False}, headers=headers)
    may_call = role is Role.ADMIN or role in WHO[Move.CLOSE]
    assert accepted.status_code == (409 if may_call else 403)


def test_every_move_of_the_staff_belongs_to_somebody() -> None:
    assert set(WHO) == set(Move)
    assert all(WHO[move] for move in Move if move is not Move.WITHDRAW)
