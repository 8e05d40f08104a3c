"""How often somebody may knock: whom a count is for, and whom it never holds up."""

from typing import Any

import pytest
from pydantic import ValidationError
from starlette.requests import HTTPConnection

from core.limiting import By, Door, Limiter, LimitRules, Proxies
from core.problems import Problem

pytestmark = pytest.mark.unit

RULES = {
    "refusal": "请在 {seconds} 秒后再试。",
    "doors": {"web": {"address": "3/day", "conversation": "2/day; 100/day"}},
}
DAY = 24 * 3600


def limiter(url: str = "memory://", proxies: str = "") -> Limiter:
    return Limiter(LimitRules.model_validate(RULES), str, url, Proxies(proxies))


async def knocks(made: Limiter, times: int, door: Door = Door.WEB, **who: str) -> list[bool]:
    """Whether each of so many knocks is let in."""
    found = []
    for _ in range(times):
        try:
            await made.spend(door, {By(by): name for by, name in who.items()})
            found.append(True)
        except Problem:
            found.append(False)
    return found


async def test_who_is_refused_is_told_when_to_come_again() -> None:
    made = limiter()
    await knocks(made, 3, address="203.0.113.7")
    with pytest.raises(Problem) as refused:
        await made.spend(Door.WEB, {By.ADDRESS: "203.0.113.7"})
    seconds = refused.value.extra["retry_after"]
    assert 0 < seconds <= DAY
    assert (refused.value.status, refused.value.detail) == (429, f"请在 {seconds} 秒后再试。")


async def test_each_address_and_each_conversation_is_counted_for_itself() -> None:
    made = limiter()
    assert await knocks(made, 4, address="203.0.113.7") == [True, True, True, False]
    assert await knocks(made, 3, conversation="web:a") == [True, True, False]
    assert await knocks(made, 1, conversation="web:b") == [True]
    assert await knocks(made, 1, address="203.0.113.8") == [True]


async def test_a_door_without_a_rule_is_not_limited() -> None:
    assert all(await knocks(limiter(), 50, Door.RATING, address="203.0.113.7"))


async def test_a_store_that_does_not_answer_holds_nobody_up() -> None:
    assert all(await knocks(limiter("redis://127.0.0.1:1"), 5, address="203.0.113.7"))


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("10.2.3.4", None),
        ("127.0.0.1", None),
    ],
)
def test_who_comes_through_a_proxy_of_ours_is_not_counted_as_the_proxy(host: str, counted: str | None) -> None:
    connection = HTTPConnection({"type": "http", "client": (host, 50000)})
    assert Proxies("127.0.0.1, 10.0.0.0/8").address_of(connection) == counted


@pytest.mark.parametrize(
    ("doors", "named"),
    [({"wbe": {}}, "wbe"), ({"web": {"adress": "3/day"}}, "adress"), ({"web": {"address": "3 a day"}}, "3 a day")],
)
def test_a_rule_that_cannot_be_used_stops_the_start_and_is_named(doors: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        LimitRules.model_validate({**RULES, "doors": doors})
