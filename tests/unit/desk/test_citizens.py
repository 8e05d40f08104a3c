"""One citizen, many doors: all orders of a telephone, for whoever has it in hand."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.city import City
from core.database import Database
from core.settings import Settings
from desk.citizens import checks
from desk.telling import deliveries
from hotline.app import Parts, assemble
from tests.fakes import FakeBot, SetClock

pytestmark = pytest.mark.unit

PHONE = "138 7123 4567"


@pytest.fixture
def texting(settings: Settings, sqlite: Database, city: City, bot: FakeBot, clock: SetClock) -> Iterator[TestClient]:
    """The application with a gateway for text messages."""
    settings.sms_url = "https://sms.example"
    with TestClient(assemble(Parts(settings, sqlite, city, bot, clock))) as client:
        yield client


@pytest.fixture
def begin(texting: TestClient, sqlite: Database, clock: SetClock) -> Callable[[], tuple[str, str]]:
    """Has a code sent; returns the check and the code as the telephone shows it."""

    def begun() -> tuple[str, str]:
        answer = texting.post("/api/citizens/checks", json={"phone": PHONE})
        assert answer.status_code == 202, answer.text
        parcel = max(sqlite.write_now(lambda c: deliveries.take(c, ["sms"], clock())), key=lambda each: each.id)
        assert parcel.phone == "+8613871234567"
        return answer.json()["check"], re.findall(r"\d{6}", parcel.text or "")[0]

    return begun


def prove(client: TestClient, check: str, code: str) -> int:
    return client.post("/api/citizens/checks/code", json={"check": check, "code": code}).status_code


def orders(client: TestClient, check: str) -> Any:
    return client.post("/api/citizens/orders", json={"check": check})


def test_who_has_the_telephone_sees_all_its_orders_by_whichever_door_they_came(
    texting: TestClient,
    begin: Callable[[], tuple[str, str]],
    as_bot: dict[str, str],
    noise_complaint: dict[str, Any],
) -> None:
    for channel, phone in (("web", "+8613871234567"), ("phone", "+8613871234567"), ("web", "+8613907241234")):
        order = {**noise_complaint, "channel": channel, "contact_phone": phone}
        assert texting.post("/api/work-orders", json=order, headers=as_bot).status_code == 201
    check, code = begin()
    assert orders(texting, check).status_code == 404
    assert prove(texting, check, code) == 204
    assert [order["channel_name"] for order in orders(texting, check).json()] == ["电话", "网页"]
    assert "query_code" not in orders(texting, check).text


def test_a_code_is_guessed_three_times_at_most_and_ends(
    texting: TestClient, begin: Callable[[], tuple[str, str]], clock: SetClock
) -> None:
    check, code = begin()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert [prove(texting, check, wrong) for _ in range(3)] == [422, 422, 422]
    assert prove(texting, check, code) == 410
    check, code = begin()
    clock.forward(checks.VALID_FOR)
    assert prove(texting, check, code) == 410
    assert prove(texting, "a" * 32, code) == 404


def test_what_was_proved_does_not_last_for_ever(
    texting: TestClient, begin: Callable[[], tuple[str, str]], clock: SetClock
) -> None:
    check, code = begin()
    assert prove(texting, check, code) == 204
    assert orders(texting, check).status_code == 200
    clock.forward(checks.LASTS)
    assert orders(texting, check).status_code == 404


def test_a_telephone_is_not_flooded_with_codes(
    texting: TestClient, begin: Callable[[], tuple[str, str]], clock: SetClock
) -> None:
    for _ in range(checks.MOST_CODES_A_DAY):
        begin()
    refused = texting.post("/api/citizens/checks", json={"phone": PHONE})
    assert (refused.status_code, "明天再试" in refused.json()["detail"]) == (429, True)
    clock.forward(timedelta(days=1, seconds=1))
    begin()


def test_what_is_no_mobile_is_named_and_without_a_gateway_nothing_is_sent(
    client: TestClient, texting: TestClient
) -> None:
    refused = texting.post("/api/citizens/checks", json={"phone": "0715-8880000"})
    assert (refused.status_code, "0715-8880000" in refused.json()["detail"]) == (422, True)
    assert client.post("/api/citizens/checks", json={"phone": PHONE}).status_code == 409
