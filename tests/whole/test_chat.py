"""Conversations in the web chat with the real bot, as `tests/conversations/chat.yml` tells them."""

from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.system import ROOT, System, a_dark_street

pytestmark = pytest.mark.service

SCENARIOS = yaml.safe_load((ROOT / "tests" / "conversations" / "chat.yml").read_text("utf-8"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["title"])
def test_in_the_chat(system: System, scenario: dict[str, Any]) -> None:
    citizen = system.citizen(scenario.get("line", "citizen"))
    for turn in scenario["turns"]:
        heard = citizen.say(turn["say"])
        for expected in turn["hears"]:
            assert expected in heard, f"after {turn['say']!r}"
        assert turn.get("first", "") in heard.splitlines()[0]
    orders = citizen.orders()
    wanted = scenario["order"] or []
    wanted = wanted if isinstance(wanted, list) else [wanted]
    shown = [{name: order[name] for name in fields} for order, fields in zip(reversed(orders), wanted, strict=True)]
    assert shown == wanted


def filed(system: System) -> tuple[str, str]:
    """Number and query code of an order a citizen has just filed."""
    citizen = system.citizen()
    citizen.say(a_dark_street())
    citizen.say("确认提交")
    assert citizen.work_order
    return citizen.work_order["number"], citizen.work_order["query_code"]


def test_progress_is_told_for_number_and_phone_tail(system: System) -> None:
    number, _ = filed(system)
    later = system.citizen()
    assert "工单号" in later.say("我想查进度")
    assert "后四位" in later.say(number)
    heard = later.say("4567")
    assert "待派单" in heard
    assert "市政设施" in heard


def test_an_order_is_supplemented_hurried_and_withdrawn_in_the_chat(system: System) -> None:
    number, code = filed(system)
    later = system.citizen()
    assert "催办" in later.say(f"催一下工单{number}，查询码{code}")
    assert "补充" in later.say(f"我要给工单{number}补充情况，查询码{code}")
    assert "已经加进" in later.say("对面第三盏也坏了")
    assert "确定要撤回" in later.say(f"撤回工单{number}，查询码{code}")
    assert "已经撤回" in later.say("确定")
    assert [order["state"] for order in system.orders() if order["number"] == number] == ["withdrawn"]


def test_a_message_sent_twice_is_answered_alike_and_opens_one_order(system: System) -> None:
    citizen = system.citizen()
    citizen.say(a_dark_street())
    message_id = uuid4().hex
    first = citizen.send("确认提交", message_id)
    assert citizen.send("确认提交", message_id) == first
    assert len(citizen.orders()) == 1


@pytest.mark.parametrize(
    "text", ["/restart", "/filing_form{}", "啊" * 2000, "🙂🙂🙂", "\u202e反", "'; DROP TABLE inbox;--"]
)
def test_hostile_or_odd_texts_are_answered_like_any_other(system: System, text: str) -> None:
    answer = system.citizen().send(text, uuid4().hex)
    assert answer["replies"]
    assert not answer["degraded"]
