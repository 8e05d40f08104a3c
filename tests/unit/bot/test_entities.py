"""What sentences name, measured on sentences whose labels were written without knowing the rules."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.actions.city import City
from bot.actions.entities import Entity, entities

pytestmark = pytest.mark.unit

CITY = City()
LABELLED = Path(__file__).parents[2] / "understanding" / "entities.jsonl"

# F1 a kind must reach. A place is right only when it begins and ends with the same character as the label.
LEAST = {
    "area": 0.95,
    "place": 0.7,
    "time": 0.9,
    "phone": 0.95,
    "id_number": 1.0,
    "plate": 0.95,
    "company": 0.95,
    "credit_code": 1.0,
    "money": 0.9,
}


def told(entity: Entity) -> tuple[str, str]:
    """The entity as the labels write it."""
    if entity.type == "area":
        return "area", CITY.area_name(entity.value)
    if entity.type == "phone":
        national = entity.value.removeprefix("+86")
        return "phone", national if national.startswith("1") else f"0{national}"
    return entity.type, entity.value


def wanted(label: dict[str, str]) -> tuple[str, str]:
    return label["type"], label["value"].replace("/", "") if label["type"] == "area" else label["value"]


@cache
def counts() -> tuple[Counter[str], Counter[str]]:
    """Entities that are right, and all that are wrong or missing, by kind."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for line in LABELLED.read_text("utf-8").splitlines():
        sentence: dict[str, Any] = json.loads(line)
        found = Counter(map(told, entities(sentence["text"], CITY)))
        labels = Counter(map(wanted, sentence["entities"]))
        right.update(kind for kind, _ in (found & labels).elements())
        wrong.update(kind for kind, _ in ((found - labels) + (labels - found)).elements())
    return right, wrong


@pytest.mark.parametrize("kind", LEAST)
def test_what_is_named_is_found_as_the_labels_say(kind: str) -> None:
    right, wrong = (counted[kind] for counted in counts())
    assert 2 * right / (2 * right + wrong) >= LEAST[kind], f"{right} right, {wrong} wrong or missing"


def test_a_position_is_that_of_the_citizens_own_text() -> None:
    text = "我的车牌是　鄂Ｌ１２３４５，电话138 7123 4567"
    plate, phone = entities(text, CITY)
    assert text[plate.start : plate.end] == "鄂Ｌ１２３４５"
    assert text[phone.start : phone.end] == "138 7123 4567"


@pytest.mark.parametrize("text", ["", " ", "\n", "０" * 5000, "一" * 5000, "路" * 5000, "a(" * 2000])
def test_a_hostile_text_is_read_at_once(text: str) -> None:
    assert isinstance(entities(text, CITY), list)


@pytest.mark.parametrize("place", ["", "香城花园小区南门，"])
def test_coordinates_are_read_as_no_phone_time_or_sum(place: str) -> None:
    spoken = Path(__file__).parents[3] / "console" / "src" / "chat" / "texts" / "spoken.json"
    position = json.loads(spoken.read_text("utf-8"))["position"]
    for step in range(1000):
        latitude, longitude = f"{18 + step * 0.03713:.5f}", f"{73 + step * 0.06217:.5f}"
        said = position.format(place=place, latitude=latitude, longitude=longitude)
        assert {entity.type for entity in entities(said, CITY)} <= {"place"}, said
    assert {
        entity.type for entity in entities(position.format(place="", latitude="37.99189", longitude="101.06327"), CITY)
    } == set()
