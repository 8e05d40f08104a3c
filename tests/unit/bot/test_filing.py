"""The filing dialogue, conversation by conversation, as `tests/conversations/filing.yml` tells them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.actions.city import City
from bot.actions.filing import Draft, Filing, Heard, Matter, Nearby

pytestmark = pytest.mark.unit

SCENARIOS = yaml.safe_load((Path(__file__).parents[2] / "conversations" / "filing.yml").read_text("utf-8"))
CITY = City()


def heard(said: str | dict[str, Any], scenario: dict[str, Any], number: int) -> Heard:
    said = {"text": said} if isinstance(said, str) else said
    category = said.get("category")
    ranking = said.get("ranking") or ({category: 0.9, "22": 0.1} if category else {})
    return Heard(
        text=said["text"],
        intent=said.get("intent") or (CITY.by_id[category].slug if category else ""),
        confidence=0.9 if category or "intent" in said else 0.0,
        ranking=tuple(ranking.items()),
        nature=said.get("nature", "投诉"),
        matters=tuple(Matter(text, ((matter, 0.9),), "投诉") for matter, text in said.get("matters", {}).items()),
        line=scenario.get("line", "citizen"),
        caller=scenario.get("caller"),
        message_id=f"m{number}",
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario["title"])
def test_in_a_filing_dialogue(scenario: dict[str, Any]) -> None:
    dialogue = Filing(CITY)
    draft, asked = Draft("web:1:m1"), None
    for number, turn in enumerate(scenario["turns"], start=1):
        stored = Draft.from_slot(draft.to_slot(), "")
        step = dialogue.hear(stored, asked, heard(turn["say"], scenario, number))
        looks = dialogue.may_look_nearby(step)
        assert looks is turn.get("looks", looks), turn["say"]
        if looks:
            nearby = scenario.get("nearby")
            step = dialogue.offer(step, Nearby(**nearby) if nearby else None)
        told = {"ask": step.ask, "ends": step.outcome, "tells": list(step.say)}
        assert told == {"ask": turn.get("ask"), "ends": turn.get("ends"), "tells": turn.get("tells", [])}, turn["say"]
        draft, asked = step.draft, step.ask
    kept = draft.to_slot()
    assert {name: kept[name] for name in scenario.get("draft", {})} == scenario.get("draft", {})


def test_two_matters_filed_apart_become_two_orders_with_their_own_place_and_one_contact() -> None:
    matters = (
        Matter("桂花路社区门口路灯不亮", (("02", 0.9), ("16", 0.1)), "求助"),
        Matter("学校旁边网吧放学生进去", (("08", 0.4), ("18", 0.35)), "举报"),
    )
    draft = Draft(
        "web:1:m1", text="两件事", matters=matters, apart=True, area_code="421202", contact_phone="+8613871234567"
    )
    one, two = Filing(CITY).parts(draft)
    assert (one.category, one.nature, one.area_code, one.needs_person) == ("02", "求助", "421202001005", False)
    assert (two.category, two.nature, two.area_code, two.needs_person) == (None, "举报", "421202", True)
    assert (one.filing_id, two.filing_id) == ("web:1:m1", "web:1:m1:2")
    assert one.contact_phone == two.contact_phone == "+8613871234567"


def test_the_read_back_shows_every_field_but_not_the_whole_phone_number() -> None:
    draft = Draft(
        "x",
        text="井盖没有了",
        category="02",
        area_code="421202001",
        place="长安大道",
        contact_phone="+8613871234567",
    )
    summary = Filing(CITY).summary(draft)
    assert summary == {
        "description": "井盖没有了",
        "category": "市政设施",
        "place": "咸安区温泉街道长安大道",
        "phone": "138****4567",
    }
