"""Every door has a lock, the list of doors is true, and each lock lets in whom the list names and nobody else."""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from core.access import OUTSIDERS, PEOPLE, PROVED_TO_ROUTES, UNIT_ROLES, Audience, Role, audience_of
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.access import api_tokens, people
from desk.access.api_tokens import NewToken
from desk.access.people import NewUser
from hotline.app import Parts, assemble
from tests.fakes import FakeBot, SetClock

pytestmark = pytest.mark.unit

DOCUMENT = Path(__file__).parents[2] / "docs" / "doors.md"
Door = tuple[str, str]
Headers = dict[str, str]
UNIT, OTHER_UNIT = "咸安区生态环境局", "嘉鱼县公安局"
# What stands in a path or has to be asked for; a value nobody has is enough to see whether the lock opens.
IN_PATHS = {
    "name": "chat.js",
    "login": "nobody",
    "step": "1",
    "source": "province",
    "line": "finance",
    "category": "09",
    "county": "421202",
    "sid": "RE99",
    "attempt": "a" * 22,
    "attachment_id": "a" * 32,
    "entry_id": "hotline-scope",
    "question_id": "1",
    **dict.fromkeys(
        (
            "token_id",
            "session",
            "notice_id",
            "webhook_id",
            "delivery_id",
            "task",
            "talk",
            "token",
            "proxy",
            "entry",
            "chat",
            "entry_id",
            "version",
            "question_id",
        ),
        "99",
    ),
    "call_sid": "CA0",
    "format": "json",
    "code": "09",
}
ASKED = {"purpose": "handle", "q": "噪声", "session_id": "s" * 22, "from": "2026-11-01", "to": "2026-11-24"}
BODIES: dict[Door, dict[str, Any]] = {
    ("POST", "/api/work-orders/{number}/moves"): {"move": "contact", "note": "x"},
    ("POST", "/api/work-orders/{number}/reply-check"): {"text": "已处理", "outcome": "solved"},
}
# The framework's own pages: what the API looks like is no secret.
OWN_PAGES = {"/openapi.json", "/docs", "/docs/oauth2-redirect"}


def doors(client: TestClient) -> dict[tuple[str, str], str]:
    """Each door of the application with the audience it declares."""
    found: dict[tuple[str, str], str] = {}
    for route in iter_route_contexts(client.app.routes):  # type: ignore[attr-defined]
        if route.path in OWN_PAGES:
            continue
        declared = [audience_of(d.call) for d in route.dependant.dependencies if d.call]
        audiences = {audience for audience in declared if audience}
        for method in route.methods or ["WS"]:
            door = method, str(route.path)
            assert door not in found, f"{door} stands twice: the second is never reached"
            found[door] = " ".join(sorted(audiences))
    return found


def test_every_route_names_exactly_one_audience(client: TestClient) -> None:
    for door, audience in doors(client).items():
        assert audience.partition(":")[0] in set(Audience), f"{door}: declares {audience!r}"


def documented() -> dict[Door, str]:
    """The table of the document: who may use each door."""
    rows = re.findall(r"^\| (\w+) \| (/\S*) \| ([\w:, ]+?) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    listed = {(method, path): who for method, path, who in rows}
    assert len(listed) == len(rows), "a door is listed twice"
    return listed


def test_the_documented_doors_are_the_doors_of_the_app(client: TestClient) -> None:
    assert documented() == doors(client)


# ---- knocking at every door -----------------------------------------------------------------------------------------


@pytest.fixture
def app(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[TestClient]:
    """The application as it stands in the open: the carriers' signatures are checked."""
    secret = SecretStr("a secret")
    configured = settings.model_copy(
        update=dict.fromkeys(("twilio_auth_token", "jambonz_webhook_secret", "wechat_token"), secret)
    )
    with TestClient(assemble(Parts(configured, sqlite, city, bot, clock)), follow_redirects=False) as made:
        yield made


@pytest.fixture
def order(app: TestClient, as_bot: Headers, as_operator: Headers, noise_complaint: dict[str, Any]) -> str:
    """The number of an order that is with its unit."""
    number = str(app.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"])
    for move in ({"move": "dispatch", "unit": UNIT}, {"move": "sign"}):
        made = app.post(f"/api/work-orders/{number}/moves", json=move, headers=as_operator)
        assert made.status_code == 200, made.text
    return number


@pytest.fixture
def badge(sqlite: Database, clock: SetClock) -> Callable[[Role, str], Headers]:
    """A session of its own for each knock, since one of the doors ends it; no password is hashed for it.

    An application has a token instead.
    """

    def headers(role: Role, unit: str) -> Headers:
        if role not in PEOPLE:
            wanted = NewToken(name=secrets.token_hex(8), role=role, expires_at=clock() + timedelta(days=1))
            made = sqlite.write_now(lambda c: api_tokens.make(c, wanted, clock(), "test"))
            return {"Authorization": f"Bearer {made.token}"}
        login = f"{role}.{len(sqlite.read_now(people.list_users))}"
        given = unit if role in UNIT_ROLES else None
        new = NewUser(login=login, name="员", role=role, unit=given, password="not used here")
        sqlite.write_now(lambda c: people.add_user(c, new, "no hash", clock(), "test"))
        session = sqlite.write_now(lambda c: people.open_session(c, login, clock()))
        return {"Authorization": f"Bearer {session.token}"}

    return headers


def knock(app: TestClient, door: Door, order: str, headers: Headers) -> Response:
    """A request at a door; what it says may be nonsense, as the lock comes first."""
    method, path = door
    address = path.format(number=order, **IN_PATHS)
    body = BODIES.get(door, {}) if method in ("POST", "PATCH", "PUT") else None
    return app.request(method, address, params=ASKED, headers=headers, json=body)


def is_let_in(answer: Response) -> bool:
    """Whether the lock opened, whatever was answered behind it. A locked door is told by its sentence."""
    assert answer.status_code < 500 or "retry_after" in answer.text or answer.request.url.path == "/readyz", answer.text
    return answer.status_code != 401 and not (
        answer.status_code == 403 and re.search("this door is for|not signed|api_key", answer.text)
    )


def opens_for(who: str, role: Role | None) -> bool:
    """Whether the table means a role: None is the bot."""
    audience, _, named = who.partition(": ")
    if audience == Audience.ANYONE or audience in PROVED_TO_ROUTES:
        return audience == Audience.ANYONE
    if role is None or audience == Audience.SERVICE:
        return role is None and audience == Audience.SERVICE
    if named:
        return role in named.split(", ") or role is Role.ADMIN
    return audience == Audience.SIGNED_IN or role not in OUTSIDERS


def http_doors() -> dict[Door, str]:
    return {door: who for door, who in documented().items() if door[0] != "WS"}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_the_doors_the_table_names_it_for_and_no_others(
    app: TestClient, order: str, badge: Callable[[Role, str], Headers], role: Role
) -> None:
    for door, who in http_doors().items():
        answer = knock(app, door, order, badge(role, UNIT))
        assert is_let_in(answer) == opens_for(who, role), f"{door}: {answer.status_code} {answer.text}"
        assert answer.status_code != 401, door


def test_the_bot_opens_its_own_doors_and_no_others(app: TestClient, order: str, as_bot: Headers) -> None:
    for door, who in http_doors().items():
        answer = knock(app, door, order, as_bot)
        assert is_let_in(answer) == opens_for(who, None), f"{door}: {answer.status_code} {answer.text}"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}], ids=["no token", "a guessed one"])
def test_nobody_opens_a_door_that_is_not_for_anyone(app: TestClient, order: str, headers: Headers) -> None:
    for door, who in http_doors().items():
        status = knock(app, door, order, headers).status_code
        if who in PROVED_TO_ROUTES:
            assert status == 403, door
        else:
            assert (status == 401) == (who != Audience.ANYONE), f"{door}: {status}"


def test_the_chat_is_open_to_anyone(app: TestClient) -> None:
    with app.websocket_connect(f"/chat/ws?session_id={'s' * 22}") as socket:
        socket.close()


@pytest.mark.parametrize("role", sorted(UNIT_ROLES))
def test_an_order_of_another_unit_is_not_there_behind_any_door(
    app: TestClient, order: str, badge: Callable[[Role, str], Headers], role: Role
) -> None:
    behind = [
        door
        for door, who in http_doors().items()
        if "/work-orders/{number}" in door[1] and door[1].count("{") == 1 and opens_for(who, role)
    ]
    assert behind
    for door in behind:
        ours, theirs = (knock(app, door, order, badge(role, unit)) for unit in (UNIT, OTHER_UNIT))
        assert theirs.status_code == 404, f"{door}: {theirs.status_code} {theirs.text}"
        assert ours.status_code != 404, f"{door}: {ours.text}"
