"""An order as its citizen follows it on the page: the light, the time limit, the steps, and what they may still say."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from desk.orders.following import CitizenLight
from desk.orders.model import State
from desk.orders.words import words
from tests.fakes import SetClock
from tests.unit.desk.conftest import UNIT, Headers, Moves

pytestmark = pytest.mark.unit

TEXTS = Path(__file__).parents[3] / "console" / "src" / "chat" / "texts"


@pytest.fixture
def number(client: TestClient, as_bot: Headers, noise_complaint: dict[str, Any]) -> str:
    """The number of an open order."""
    return str(client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"])


@pytest.fixture
def follow(client: TestClient, number: str) -> Callable[[], dict[str, Any]]:
    """What the citizen sees of it now."""

    def seen() -> dict[str, Any]:
        response = client.post("/api/progress", json={"number": number, "proof": "4567"})
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    return seen


def test_the_light_changes_with_the_time_and_goes_out_while_no_time_runs(
    follow: Callable[[], dict[str, Any]], make_move: Moves, number: str, clock: SetClock
) -> None:
    assert (follow()["light"], follow()["due"]) == (None, None)
    make_move(number, "dispatch", unit=UNIT)
    make_move(number, "sign")
    first = follow()
    assert first["light"] == "green"
    assert first["due"].endswith("+08:00")
    make_move(number, "ask_citizen", question="是哪一家店？")
    assert (follow()["light"], follow()["due"]) == (None, None)
    make_move(number, "resume", answer="路口那家")
    clock.forward(timedelta(days=40))
    assert follow()["light"] == "red"


def test_the_steps_are_told_in_plain_words_and_the_offices_own_are_not(
    follow: Callable[[], dict[str, Any]], make_move: Moves, number: str
) -> None:
    make_move(number, "dispatch", unit="咸安区公安局")
    make_move(number, "sign")
    make_move(number, "return", reason="不属于本单位职责", clause="三定规定")
    make_move(number, "grant_return")
    make_move(number, "dispatch", unit=UNIT)
    make_move(number, "sign")
    make_move(number, "ask_citizen", question="是哪一家店？")
    assert [step["text"] for step in follow()["history"]] == [
        "诉求已登记",
        "已派给咸安区公安局",
        "咸安区公安局已签收",
        f"已派给{UNIT}",
        f"{UNIT}已签收",
        "承办单位请您补充：是哪一家店？",
    ]


def test_an_answer_can_be_rated_once(
    client: TestClient, follow: Callable[[], dict[str, Any]], answered: Callable[..., None], number: str
) -> None:
    assert follow()["may_rate"] is False
    answered(number)
    assert follow()["may_rate"] is True
    said = {"number": number, "proof": "4567", "solved": True, "satisfied": True}
    assert client.post("/api/rating", json=said).status_code == 200
    assert follow()["may_rate"] is False


def test_who_was_merged_follows_the_order_that_goes_on(
    client: TestClient,
    as_bot: Headers,
    noise_complaint: dict[str, Any],
    follow: Callable[[], dict[str, Any]],
    make_move: Moves,
    answered: Callable[..., None],
    number: str,
) -> None:
    other = str(client.post("/api/work-orders", json=noise_complaint, headers=as_bot).json()["number"])
    make_move(number, "merge", into=other)
    answered(other)
    seen = follow()
    assert [step["kind"] for step in seen["history"]] == ["opened", "merge", "replied_with"]
    assert other not in json.dumps(seen)
    assert seen["may_rate"] is True


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_has_words_for_every_state_and_light(language: str) -> None:
    texts = json.loads((TEXTS / f"{language}.json").read_text("utf-8"))
    assert set(texts["states"]) == set(State)
    assert set(texts["lights"]) == set(CitizenLight)
    if language == "zh":
        assert {state: told["name"] for state, told in texts["states"].items()} == words()["states"]
