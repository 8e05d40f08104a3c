"""The city's data against itself and against the bot."""

from pathlib import Path

import pytest
import yaml

from bot.actions import city as bot_city
from core.city import City
from desk.orders.model import State
from desk.orders.words import words

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
DOMAIN = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))


def test_there_are_22_categories_numbered_from_01(city: City) -> None:
    assert list(city.categories) == [f"{number:02d}" for number in range(1, 23)]


def test_every_category_is_an_intent_of_the_bot(city: City) -> None:
    assert {category.slug for category in city.categories.values()} <= set(DOMAIN["intents"])


def test_every_area_but_the_city_lies_in_another(city: City) -> None:
    for code in city.areas:
        assert len(code) == 6 or code[:-3] in city.areas, code


def test_an_area_is_named_from_the_county_down(city: City) -> None:
    assert city.area_path("421202001015") == "咸安区温泉街道泉塘社区"


def test_the_bot_reads_the_same_names(city: City) -> None:
    for code in ("421202", "421202001", "421281"):
        assert bot_city.City().area_name(code) == city.area_path(code)


def test_every_state_has_a_name_for_citizens() -> None:
    assert set(words()["states"]) == set(State)


def test_the_bot_calls_the_states_as_the_desk_does() -> None:
    phrases = bot_city.City().phrases["states"]
    assert phrases == words()["states"]


def test_every_refusal_names_a_way_and_its_source(city: City) -> None:
    for kind in city.read("not_accepted.yml")["kinds"]:
        assert kind["route"]
        assert kind["source"]
