"""A platform hands its orders over by itself, signed; whoever has not its secret hands nothing over."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from standardwebhooks import Webhook
from typer.testing import CliRunner

from core.secrets import source_secret
from core.settings import Settings, get_settings
from hotline.cli import app as commands
from tests.fakes import SetClock
from tests.unit.desk.conftest import Headers

pytestmark = pytest.mark.unit

LAMP = {"source_number": "P-1", "text": "双鹤路的路灯三天不亮", "category": "02", "contact_phone": "+8613871234567"}
Hand = Callable[..., Any]


@pytest.fixture
def hand(client: TestClient, settings: Settings, clock: SetClock) -> Hand:
    """Hands an order over as a platform's own webhook library would."""

    def send(
        order: Any = LAMP, to: str = "province", message_id: str = "msg_1", secret: str | None = None, **late: Any
    ) -> Any:
        body = order if isinstance(order, str) else json.dumps(order, ensure_ascii=False)
        sent = clock() - timedelta(**late)
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(sent.timestamp())),
            "webhook-signature": Webhook(secret or source_secret(settings, to)).sign(message_id, sent, body),
        }
        return client.post(f"/api/inbound/{to}", content=body.encode(), headers=headers)

    return send


def test_a_signed_order_is_taken_in_once_and_its_repeat_is_answered_the_same(
    hand: Hand, client: TestClient, as_operator: Headers
) -> None:
    first, again = hand(), hand(minutes=1)
    assert first.status_code == again.status_code == 201, first.text
    assert first.json() == again.json() == {"number": first.json()["number"], "outcome": "opened"}
    [order] = client.get("/api/work-orders?source=province", headers=as_operator).json()
    assert (order["number"], order["source_number"]) == (first.json()["number"], "P-1")
    log = client.get(f"/api/work-orders/{order['number']}/events", headers=as_operator).json()
    assert [(event["kind"], event["actor"]) for event in log] == [("opened", "province"), ("imported", "province")]


def test_more_about_a_known_number_is_added_by_another_message(hand: Hand) -> None:
    number = hand().json()["number"]
    more = hand({**LAMP, "text": "又坏了两盏"}, message_id="msg_2")
    assert (more.status_code, more.json()) == (200, {"number": number, "outcome": "supplemented"})
    assert hand({**LAMP, "text": "第三盏"}, message_id="msg_2").status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": "whsec_" + "b" * 40},
        {"minutes": 6},
        {"minutes": -6},
        {"message_id": ""},
        {"to": "nowhere", "secret": "whsec_" + "b" * 40},
        {"order": "no json", "secret": "whsec_" + "b" * 40},
    ],
    ids=["another secret", "too old", "from the future", "no id", "unknown platform", "unreadable"],
)
def test_what_is_not_signed_now_with_its_own_secret_is_refused(
    hand: Hand, client: TestClient, as_operator: Headers, wrong: dict[str, Any]
) -> None:
    answer = hand(**wrong)
    assert (answer.status_code, answer.json()["field"]) == (403, "webhook-signature")
    assert client.get("/api/work-orders", headers=as_operator).json() == []


def test_no_platform_hands_over_in_anothers_name(hand: Hand, settings: Settings) -> None:
    assert hand(to="police-110", secret=source_secret(settings, "province")).status_code == 403


@pytest.mark.parametrize(
    ("order", "named"),
    [("no json", "JSON"), ({**LAMP, "category": "23"}, "category"), ({"source_number": "P-1"}, "text")],
)
def test_what_cannot_be_used_of_a_signed_order_is_named(hand: Hand, order: Any, named: str) -> None:
    answer = hand(order)
    assert answer.status_code == 422
    assert named in answer.json()["detail"]
    assert hand().status_code == 201


def test_the_operator_prints_a_platforms_secret(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOTLINE_SECRET_KEY", settings.secret_key.get_secret_value())
    monkeypatch.setenv("HOTLINE_DATA_DIR", str(settings.data_dir))
    get_settings.cache_clear()
    printed = CliRunner().invoke(commands, ["sources", "secret", "province"])
    unknown = CliRunner().invoke(commands, ["sources", "secret", "nowhere"])
    get_settings.cache_clear()
    assert printed.stdout.strip() == source_secret(settings, "province")
    assert unknown.exit_code == 2
