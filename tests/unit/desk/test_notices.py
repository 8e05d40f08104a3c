"""The rules of who is told, and what somebody of the staff, an administrator and Prometheus see of it."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import Connection, select

from core.access import UNIT_ROLES, Role
from core.calendar import WorkingCalendar
from core.city import City
from core.database import Database
from core.settings import Settings
from desk.life.handling import Handling
from desk.orders.model import Urgency
from desk.telling.carriers import Undelivered, is_public
from desk.telling.deliveries import LONGEST_WAIT, backoff, deliveries, failed, take
from desk.telling.noticeboard import notices
from desk.telling.notices import CITIZEN, Notices, Quiet, read_notices
from desk.telling.outbox import Outbox
from hotline.health import warnings
from tests.fakes import SetClock

pytestmark = pytest.mark.unit

Headers = dict[str, str]
UNIT = "咸安区生态环境局"
PASSWORD = "correct horse battery"
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def sign_in(client: TestClient, as_operator: Headers) -> Callable[[Role], Headers]:
    """Lets somebody in under the name of the role, and signs them in."""

    def headers(role: Role) -> Headers:
        new = {"login": str(role), "name": "值班员", "role": role, "password": PASSWORD, "phone": "+8613907241234"}
        new |= {"unit": UNIT} if role in UNIT_ROLES else {}
        assert client.post("/api/users", json=new, headers=as_operator).status_code == 201
        session = client.post("/api/sessions", json={"login": str(role), "password": PASSWORD})
        return {"Authorization": f"Bearer {session.json()['token']}"}

    return headers


@pytest.fixture
def hand_on(sqlite: Database, city: City, clock: SetClock) -> Callable[[], None]:
    """The worker's round, as far as it is about notices."""
    outbox = Outbox.of_city(city, Handling.of_city(city).clocks.calendar, ["sms"])

    def round_() -> None:
        sqlite.write_now(lambda c: outbox.hand_on(c, clock()))
        sqlite.write_now(lambda c: outbox.tell_due(c, clock()))

    return round_


def dispatch(client: TestClient, as_bot: Headers, as_operator: Headers, order: dict[str, Any], **move: Any) -> str:
    """A new order that is sent to the unit; returns its number."""
    number: str = client.post("/api/work-orders", json=order, headers=as_bot).json()["number"]
    wanted = {"move": "dispatch", "unit": UNIT, **move}
    sent = client.post(f"/api/work-orders/{number}/moves", json=wanted, headers=as_operator)
    assert sent.status_code == 200, sent.text
    return number


def test_a_handler_reads_the_newest_first_and_only_their_own(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    sign_in: Callable[[Role], Headers],
    hand_on: Callable[[], None],
    noise_complaint: dict[str, Any],
    clock: SetClock,
) -> None:
    handler, head = sign_in(Role.HANDLER), sign_in(Role.UNIT_HEAD)
    numbers = []
    for _ in range(3):
        numbers.append(dispatch(client, as_bot, as_operator, noise_complaint))
        hand_on()
        clock.forward(timedelta(minutes=1))

    def inbox(query: str = "") -> Any:
        return client.get(f"/api/notices{query}", headers=handler).json()

    assert inbox()["unread"] == 3
    listed = inbox()["notices"]
    assert [notice["number"] for notice in listed] == numbers[::-1]
    assert (listed[0]["kind"], listed[0]["read_at"]) == ("dispatch", None)
    assert "13871234567" not in client.get("/api/notices", headers=handler).text
    second = listed[1]["id"]
    assert [notice["number"] for notice in inbox(f"?before={second}&limit=1")["notices"]] == [numbers[0]]

    assert client.post(f"/api/notices/{second}/read", headers=handler).json() == {"read": 1}
    assert client.post(f"/api/notices/{second}/read", headers=handler).json() == {"read": 0}
    assert (inbox()["unread"], len(inbox("?unread_only=true")["notices"])) == (2, 2)
    assert client.post("/api/notices/read", headers=handler).json() == {"read": 2}
    assert inbox()["unread"] == 0

    assert client.get("/api/notices", headers=head).json() == {"unread": 0, "notices": []}
    assert client.post(f"/api/notices/{second}/read", headers=head).status_code == 404
    assert client.get(f"/api/notices?before={second}", headers=head).status_code == 404


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "before=0", "before=x", "before=9999999999", "unread_only=7"]
)
def test_a_page_nobody_can_have_is_refused(client: TestClient, as_operator: Headers, query: str) -> None:
    assert client.get(f"/api/notices?{query}", headers=as_operator).status_code == 422


def test_notices_are_for_the_staff_and_webhooks_for_administrators(
    client: TestClient, as_bot: Headers, sign_in: Callable[[Role], Headers]
) -> None:
    assert client.get("/api/notices").status_code == 401
    assert client.get("/api/notices", headers=as_bot).status_code == 403
    leader = sign_in(Role.LEADER)
    for door in ("/api/webhooks", "/api/deliveries"):
        assert client.get(door, headers=leader).status_code == 403


def test_a_phone_is_given_changed_taken_away_and_shown_masked(
    client: TestClient, as_operator: Headers, sign_in: Callable[[Role], Headers]
) -> None:
    sign_in(Role.SUPERVISOR)
    [listed] = client.get("/api/users", headers=as_operator).json()
    assert listed["phone"] == "+86139****1234"

    def put(phone: str | None, login: str = "supervisor") -> Any:
        return client.put(f"/api/users/{login}/phone", json={"phone": phone}, headers=as_operator)

    assert put("+8613871234567").json()["phone"] == "+86138****4567"
    assert put(None).json()["phone"] is None
    assert put("12").status_code == 422
    assert put(None, "nobody").status_code == 404


def test_a_webhooks_secret_is_told_once_and_its_events_wait_for_delivery(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    hand_on: Callable[[], None],
    noise_complaint: dict[str, Any],
) -> None:
    wanted = {"url": "https://example.gov.cn/hook", "kinds": ["dispatch"]}
    made = client.post("/api/webhooks", json=wanted, headers=as_operator)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    [listed] = client.get("/api/webhooks", headers=as_operator).json()
    assert "secret" not in listed
    dispatch(client, as_bot, as_operator, noise_complaint)
    hand_on()
    [delivery] = client.get(f"/api/deliveries?webhook={listed['id']}", headers=as_operator).json()
    assert (delivery["carrier"], delivery["state"], delivery["attempts"]) == ("webhook", "waiting", 0)
    assert client.post(f"/api/deliveries/{delivery['id']}/retry", headers=as_operator).status_code == 409

    stopped = client.delete(f"/api/webhooks/{listed['id']}", headers=as_operator)
    assert stopped.json()["active"] is False
    [dead] = client.get("/api/deliveries?state=dead", headers=as_operator).json()
    assert dead["last_error"] == "webhook disabled"
    assert client.post(f"/api/deliveries/{dead['id']}/retry", headers=as_operator).status_code == 409
    assert client.post(f"/api/webhooks/{listed['id']}/test", headers=as_operator).status_code == 409
    assert client.post(f"/api/webhooks/{listed['id']}/enable", headers=as_operator).json()["active"]
    again = client.post(f"/api/deliveries/{dead['id']}/retry", headers=as_operator).json()
    assert (again["state"], again["message_id"]) == ("waiting", delivery["message_id"])
    assert client.post("/api/deliveries/999/retry", headers=as_operator).status_code == 404
    assert client.post(f"/api/webhooks/{'0' * 32}/test", headers=as_operator).status_code == 404


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"url": "ftp://example.gov.cn/"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://user:pw@example.gov.cn/"}, "password"),
        ({"url": "https://example.gov.cn/#x"}, "fragment"),
        ({"url": "https://example.gov.cn:99999/"}, "url"),
        ({"url": "http://127.0.0.1:8000/"}, "not public"),
        ({"url": "http://[::1]/"}, "not public"),
        ({"url": "http://169.254.169.254/latest/meta-data"}, "not public"),
        ({"url": "http://localhost/"}, "not public"),
        ({"url": "https://example.gov.cn/" + "a" * 500}, "url"),
        ({"kinds": ["no_such"]}, "no_such"),
        ({"kinds": "dispatch"}, "kinds"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_with_the_reason(
    client: TestClient, as_operator: Headers, change: dict[str, Any], named: str
) -> None:
    wanted = {"url": "https://example.gov.cn/hook", **change}
    refused = client.post("/api/webhooks", json=wanted, headers=as_operator)
    assert refused.status_code == 422
    assert named in refused.text
    assert client.get("/api/webhooks", headers=as_operator).json() == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2400:3200::1", True),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fe80::1%eth0", False),
    ],
)
def test_an_address_that_wraps_a_private_one_is_private(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_waits_grow_to_six_hours_and_are_spread() -> None:
    assert backoff(1, 1) == timedelta(seconds=10)
    assert backoff(1, 0) == timedelta(seconds=5)
    assert backoff(3, 1) == timedelta(seconds=160)
    assert backoff(1000, 1) == LONGEST_WAIT
    assert timedelta(hours=18) < sum((backoff(tries, 1) for tries in range(1, 10)), timedelta()) < timedelta(days=2)


@pytest.mark.parametrize(
    ("from_", "until", "at", "told"),
    [
        ("21:30", "07:30", "2026-11-24 21:29", "2026-11-24 21:29"),
        ("21:30", "07:30", "2026-11-24 21:30", "2026-11-25 07:30"),
        ("21:30", "07:30", "2026-11-25 00:10", "2026-11-25 07:30"),
        ("21:30", "07:30", "2026-11-25 07:30", "2026-11-25 07:30"),
        ("12:00", "14:00", "2026-11-25 12:30", "2026-11-25 14:00"),
        ("12:00", "14:00", "2026-11-25 23:30", "2026-11-25 23:30"),
    ],
)
def test_quiet_hours_end_on_the_citys_clock(from_: str, until: str, at: str, told: str) -> None:
    quiet = Quiet.model_validate({"from": from_, "until": until, "passes": ["danger"]})
    moment, wanted = (datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC) for text in (at, told))
    assert quiet.end(moment, Urgency.ORDINARY, ZONE) == wanted
    assert quiet.end(moment, Urgency.DANGER, ZONE) == moment


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"event": ["no_such"]}, "no_such"),
        ({"until": ["no_such"]}, "no_such"),
        ({"to": ["king"]}, "to"),
        ({"to": []}, "to"),
        ({"text": "工单{phone}"}, "phone"),
        ({"sms": True, "text": "{unit}请签收"}, "unit"),
        ({"sms": True, "text": "见 https://example.gov.cn"}, "web address"),
        ({"to": ["citizen"]}, "same_way"),
        ({"after": "soon"}, "soon"),
        ({"when": {"light": ["red"], "moon": ["full"]}}, "moon"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named_at_the_start(rule: dict[str, Any], named: str) -> None:
    whole = {"event": ["dispatch"], "to": ["handler"], "text": "工单{number}", **rule}
    data = {
        "quiet": {"from": "21:30", "until": "07:30"},
        "ended": [],
        "system": dict.fromkeys(("webhook_disabled", "knowledge_expires", "knowledge_expired"), "停用"),
        "ways": {},
    }
    with pytest.raises(ValidationError, match=named):
        Notices.model_validate({**data, "notices": [whole]})


def test_a_text_message_that_could_be_too_long_is_named_at_the_start(settings: Settings, tmp_path: Path) -> None:
    folder = shutil.copytree(settings.city_dir, tmp_path / "city")
    file = folder / "notices.yml"
    file.write_text(file.read_text("utf-8").replace("您的诉求已登记", "您的诉求已登记" + "，谢谢" * 12), "utf-8")
    with pytest.raises(ValueError, match="70 characters"):
        read_notices(City(folder))


def test_a_year_without_holidays_is_a_warning_and_the_backlog_is_shown(
    client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any], city: City, clock: SetClock
) -> None:
    client.post("/api/work-orders", json=noise_complaint, headers=as_bot)
    assert client.get("/readyz").json()["warnings"] == {}
    assert client.get("/readyz").json()["backlog"]["events"] == 1
    assert "hotline_events_waiting 1.0" in client.get("/metrics").text
    clock.now = datetime(2035, 12, 31, 17, 0, tzinfo=UTC)
    found = client.get("/readyz").json()
    assert "2036" in found["warnings"]["calendar"]
    calendar = WorkingCalendar.from_data(city.read("calendar.yml"), city.timezone)
    assert set(warnings(calendar, None, clock())) == {"calendar"}


@pytest.fixture
def told(sqlite: Database, city: City, clock: SetClock) -> Callable[..., list[tuple[str, list[str]]]]:
    """A worker's round where these ways are set up; returns what citizens are told by it, and by which carriers."""
    seen = 0

    def round_(*ways: str) -> list[tuple[str, list[str]]]:
        nonlocal seen
        outbox = Outbox.of_city(city, Handling.of_city(city).clocks.calendar, ways)
        sqlite.write_now(lambda c: outbox.hand_on(c, clock()))
        sqlite.write_now(lambda c: outbox.tell_due(c, clock()))
        rows = sqlite.read_now(
            lambda c: c.execute(
                select(notices.c.id, notices.c.text).where(notices.c.recipient == CITIZEN, notices.c.id > seen)
            ).all()
        )
        sent = sqlite.read_now(lambda c: c.execute(select(deliveries.c.notice_id, deliveries.c.carrier)).all())
        seen = max((row.id for row in rows), default=seen)
        return [(row.text, [each.carrier for each in sent if each.notice_id == row.id]) for row in rows]

    return round_


def test_who_filed_in_the_web_chat_is_told_there_without_a_phone_or_a_gateway(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    noise_complaint: dict[str, Any],
    told: Callable[..., list[tuple[str, list[str]]]],
) -> None:
    order = {**noise_complaint, "contact_phone": None, "channel": "web", "conversation_id": "web:1"}
    number = dispatch(client, as_bot, as_operator, order)
    assert told() == [(f"您的诉求（工单{number}）已派到{UNIT}办理。", [])]


def test_a_notice_that_does_not_arrive_by_wechat_goes_as_a_text_message(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    noise_complaint: dict[str, Any],
    told: Callable[..., list[tuple[str, list[str]]]],
    sqlite: Database,
    clock: SetClock,
) -> None:
    order = {**noise_complaint, "channel": "wechat", "conversation_id": "wechat:o1"}
    number = dispatch(client, as_bot, as_operator, order)
    told("wechat", "sms")
    for move in ({"move": "sign"}, {"move": "ask_citizen", "question": "请提供门牌号。"}):
        made = client.post(f"/api/work-orders/{number}/moves", json=move, headers=as_operator)
        assert made.status_code == 200, made.text
    assert [carriers for _, carriers in told("wechat", "sms")] == [["wechat"], ["wechat"]]

    refused = Undelivered("45015", permanent=True)

    def refuse_all(connection: Connection) -> list[tuple[str, str]]:
        for parcel in take(connection, ["wechat"], clock()):
            failed(connection, parcel, refused, 5, LONGEST_WAIT, clock())
        left = select(deliveries.c.carrier, notices.c.kind).join(notices).where(deliveries.c.state == "waiting")
        return [(carrier, kind) for carrier, kind in connection.execute(left)]

    assert sqlite.write_now(refuse_all) == [("sms", "ask_citizen")]


def test_who_wants_no_notices_is_told_in_the_chat_alone(
    client: TestClient,
    as_bot: Headers,
    as_operator: Headers,
    noise_complaint: dict[str, Any],
    told: Callable[..., list[tuple[str, list[str]]]],
) -> None:
    order = {**noise_complaint, "channel": "web", "conversation_id": "web:1"}
    number = client.post("/api/work-orders", json=order, headers=as_bot).json()["number"]
    choice = {"number": number, "proof": "4567", "wanted": False}
    assert client.post("/api/notices/choice", json={**choice, "proof": "0000"}).status_code == 404
    assert client.post("/api/notices/choice", json=choice).status_code == 204
    assert told("sms") == []
    client.post("/api/notices/choice", json={**choice, "wanted": True})
    client.post("/api/work-orders", json=order, headers=as_bot)
    assert [carriers for _, carriers in told("sms")] == [["sms"]]
