"""家人同办 as staff and the family see it through the desk's doors."""

from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.access import Role
from core.database import Database
from desk.orders import proxies, register
from desk.orders.model import ProxyAct
from tests.fakes import SetClock
from tests.unit.desk.conftest import Headers, SignIn, sign_in

pytestmark = pytest.mark.unit

__all__ = ["sign_in"]
DAUGHTER = "+8613900001111"


@pytest.fixture
def number(
    client: TestClient, sqlite: Database, as_bot: Headers, clock: SetClock, noise_complaint: dict[str, Any]
) -> str:
    """An order whose citizen shares it with a daughter."""
    opened: str = client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"]
    scope = [ProxyAct.PROGRESS, ProxyAct.SUPPLEMENT]
    sqlite.write_now(
        lambda c: proxies.add(
            c, register.row_of(c, opened), DAUGHTER, scope, date(2026, 12, 24), "按键同意", clock(), "phone"
        )
    )
    return opened


def test_a_daughter_asks_and_adds_with_her_own_phone_until_a_seat_ends_it(
    client: TestClient, sign_in: SignIn, as_bot: Headers, number: str
) -> None:
    path, seat = f"/api/work-orders/{number}", sign_in(Role.SEAT)
    asked = {"number": number, "proof": "1111"}
    assert client.post("/api/progress", json=asked).json()["state_name"] == "待派单"
    added = {"proof": "1111", "text": "我妈说昨晚又吵了"}
    assert client.post(f"{path}/supplements", json=added, headers=as_bot).status_code == 200
    refused = client.post(f"{path}/withdrawal", json={"proof": "1111"}, headers=as_bot)
    assert (refused.status_code, "covers progress, supplement" in refused.json()["detail"]) == (403, True)

    [shown] = client.get(f"{path}/proxies", headers=seat).json()
    assert (shown["phone"], shown["until"]) == ("+86139****1111", "2026-12-24")
    reached = client.get(f"{path}/contact?purpose=call_back", headers=seat).json()
    assert [proxy["phone"] for proxy in reached["proxies"]] == [DAUGHTER], "the seat may call her back"

    assert client.delete(f"{path}/proxies/{shown['id']}", headers=sign_in(Role.HANDLER)).status_code == 403
    assert client.delete(f"{path}/proxies/99", headers=seat).status_code == 404
    for _ in range(2):
        assert client.delete(f"{path}/proxies/{shown['id']}", headers=seat).status_code == 204
    assert client.get(f"{path}/proxies", headers=seat).json() == []
    assert client.post("/api/progress", json=asked).status_code == 404
    kinds = [event["kind"] for event in client.get(f"{path}/events", headers=seat).json()]
    assert kinds == ["opened", "shared", "supplemented", "contact_viewed", "share_ended"]


def test_with_the_order_the_family_is_forgotten(
    client: TestClient, sqlite: Database, as_bot: Headers, as_operator: Headers, number: str
) -> None:
    path = f"/api/work-orders/{number}"
    client.post(f"{path}/withdrawal", json={"proof": "4567"}, headers=as_bot)
    erased = client.post(f"{path}/erasure", json={"reason": "市民要求"}, headers=as_operator)
    assert erased.status_code == 200, erased.text
    stored = sqlite.read_now(lambda c: c.exec_driver_sql("SELECT phone, phone_trace, consent FROM proxies").fetchall())
    assert [tuple(row) for row in stored] == [(None, None, None)]
    assert client.get(f"{path}/proxies", headers=as_operator).json() == []
    log = client.get(f"{path}/events", headers=as_operator).json()
    [shared] = [event["data"] for event in log if event["kind"] == "shared"]
    assert shared == {"erased": True, "proxy": 1, "scope": ["progress", "supplement"], "until": "2026-12-24"} or (
        shared == {"proxy": 1, "scope": ["progress", "supplement"], "until": "2026-12-24"}
    )
