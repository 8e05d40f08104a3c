"""Signing in with the organisation's own sign-in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from joserfc.jwk import RSAKey
from pydantic import SecretStr

from core.city import City
from core.database import Database
from core.settings import Settings
from hotline.app import Parts, assemble
from tests.fakes import FakeBot, FakeProvider, SetClock

pytestmark = pytest.mark.unit

Headers = dict[str, str]
ISSUER = "https://sso.example.gov.cn/realm"
OURS = "https://12345.example.gov.cn"


@pytest.fixture
def provider(clock: SetClock) -> FakeProvider:
    """The organisation's provider, where we are registered."""
    return FakeProvider(ISSUER, "hotline", "the secret+of us", f"{OURS}/api/oidc/callback", clock)


@pytest.fixture
def sso(
    settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock, provider: FakeProvider
) -> Iterator[TestClient]:
    """The application with that provider, where user `li` is let in."""
    configured = settings.model_copy(
        update={
            "oidc_issuer": ISSUER,
            "oidc_client_id": "hotline",
            "oidc_client_secret": SecretStr("the secret+of us"),
            "public_url": OURS,
        }
    )
    app = assemble(Parts(configured, sqlite, city, bot, clock, provider))
    with TestClient(app, base_url=OURS, follow_redirects=False) as made:
        yield made


@pytest.fixture
def li(sso: TestClient, as_operator: Headers) -> str:
    """A dispatcher's login."""
    new = {"login": "li", "name": "派单员", "role": "dispatcher", "password": "correct horse battery"}
    assert sso.post("/api/users", json=new, headers=as_operator).status_code == 201
    return "li"


def begin(sso: TestClient) -> str:
    begun = sso.get("/api/oidc/login")
    assert begun.status_code == 303
    return str(begun.headers["Location"])


def back(sso: TestClient, brought: dict[str, str]) -> Response:
    return sso.get("/api/oidc/callback", params=brought)


def test_somebody_who_is_a_user_comes_back_to_the_console_with_a_session(
    sso: TestClient, provider: FakeProvider, li: str
) -> None:
    answer = back(sso, provider.sign_in(begin(sso), li))
    assert answer.status_code == 303, answer.text
    console, _, told = answer.headers["Location"].partition("#")
    assert console == f"{OURS}/console"
    token = dict(part.split("=") for part in told.split("&"))["token"]
    me = sso.get("/api/me", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["name"], me["role"]) == ("li", "dispatcher")


def test_what_the_browser_keeps_tells_nothing_and_is_for_this_way_only(sso: TestClient) -> None:
    cookie = sso.get("/api/oidc/login").headers["Set-Cookie"]
    for manner in ("HttpOnly", "Secure", "SameSite=lax", "Path=/api/oidc"):
        assert manner in cookie
    assert "verifier" not in cookie


def test_nobody_becomes_a_user_by_signing_in_elsewhere(sso: TestClient, provider: FakeProvider, li: str) -> None:
    answer = back(sso, provider.sign_in(begin(sso), "stranger"))
    assert answer.status_code == 403
    assert "stranger" in answer.json()["detail"]


def test_somebody_who_left_does_not_come_back_this_way(
    sso: TestClient, provider: FakeProvider, li: str, as_operator: Headers
) -> None:
    sso.delete(f"/api/users/{li}", headers=as_operator)
    assert back(sso, provider.sign_in(begin(sso), li)).status_code == 403


def test_a_code_opens_once(sso: TestClient, provider: FakeProvider, li: str) -> None:
    begun = begin(sso)
    brought, cookie = provider.sign_in(begun, li), dict(sso.cookies)
    assert back(sso, brought).status_code == 303
    sso.cookies.update(cookie)
    again = back(sso, brought)
    assert (again.status_code, "invalid_grant" in again.text) == (403, True)


def test_another_browsers_code_opens_nothing(sso: TestClient, provider: FakeProvider, li: str) -> None:
    brought = provider.sign_in(begin(sso), li)
    sso.cookies.clear()
    assert back(sso, brought).status_code == 403
    mine = provider.sign_in(begin(sso), li)
    assert back(sso, {**brought, "state": mine["state"]}).status_code == 403, "its verifier is another's"
    begin(sso)
    assert back(sso, brought).status_code == 403


def test_a_sign_in_that_took_too_long_begins_again(
    sso: TestClient, provider: FakeProvider, li: str, clock: SetClock
) -> None:
    brought = provider.sign_in(begin(sso), li)
    clock.forward(timedelta(minutes=10, seconds=1))
    assert back(sso, brought).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"iss": "https://elsewhere.example.org"},
        {"nonce": "another"},
        {"exp": 1},
        {"preferred_username": None},
        {"aud": ["hotline", "another"], "azp": "another"},
    ],
    ids=str,
)
def test_an_id_token_for_others_is_not_believed(
    sso: TestClient, provider: FakeProvider, li: str, changes: dict[str, Any]
) -> None:
    provider.changes = changes
    assert back(sso, provider.sign_in(begin(sso), li)).status_code == 403


def test_an_id_token_signed_by_another_key_is_not_believed(sso: TestClient, provider: FakeProvider, li: str) -> None:
    provider.signing_key = RSAKey.generate_key(2048, {"kid": "current"}, private=True)
    answer = back(sso, provider.sign_in(begin(sso), li))
    assert (answer.status_code, "id_token" in answer.json()["detail"]) == (403, True)


def test_a_refusal_of_the_provider_is_told(sso: TestClient, provider: FakeProvider) -> None:
    state = provider.sign_in(begin(sso), "li")["state"]
    answer = back(sso, {"state": state, "error": "access_denied"})
    assert (answer.status_code, "access_denied" in answer.json()["detail"]) == (403, True)


def test_without_a_provider_there_is_no_such_way(client: TestClient) -> None:
    for path in ("/api/oidc/login", "/api/oidc/callback?state=x&code=y"):
        answer = client.get(path)
        assert (answer.status_code, "HOTLINE_OIDC_ISSUER" in answer.json()["detail"]) == (404, True)
