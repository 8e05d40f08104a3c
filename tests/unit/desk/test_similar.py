"""When two requests are told to be about the same matter, as docs/replies.md says."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.city import City
from desk.repeated.similar import Request, Similarity, read_similarity

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
TOWN = "421202001"
PAIRS: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "desk_data" / "pairs.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def rules() -> Similarity:
    """The rules that come with the project."""
    return read_similarity(City(ROOT / "city").read("similar.yml"))


def request_of(said: list[str]) -> Request:
    category, place, text = said
    return Request(text, category, TOWN, place)


def score(rules: Similarity, pair: dict[str, Any]) -> float:
    return rules.likeness(request_of(pair["one"]), request_of(pair["other"])).score


def measured(rules: Similarity, half: str, threshold: float) -> tuple[int, int, int]:
    """How many pairs of a half are about the same matter, how many are told to be, and how many of those rightly."""
    pairs = [(pair["same"], score(rules, pair) >= threshold) for pair in PAIRS if pair["half"] == half]
    return sum(same for same, _ in pairs), sum(told for _, told in pairs), sum(same and told for same, told in pairs)


def test_the_documented_measure_is_the_measure(rules: Similarity) -> None:
    document = (ROOT / "docs" / "replies.md").read_text("utf-8")
    rows = re.findall(r"^\| (0\.\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", document, re.MULTILINE)
    documented = {float(threshold): tuple(map(int, numbers)) for threshold, *numbers in rows}
    assert set(documented) == {rules.alike, rules.offering.score}
    for threshold, numbers in documented.items():
        assert measured(rules, "tuned", threshold) + measured(rules, "unseen", threshold) == numbers


def test_likeness_has_no_direction(rules: Similarity) -> None:
    for pair in PAIRS:
        assert score(rules, pair) == score(rules, {"one": pair["other"], "other": pair["one"]})


def test_the_same_matter_in_another_county_is_not_alike(rules: Similarity) -> None:
    here = Request("路灯不亮", "02", "421202001", "人民路88号")
    there = Request("路灯不亮", "02", "421221103", "人民路88号")
    assert rules.likeness(here, here).score == 1
    assert rules.likeness(here, there).score < rules.alike


def test_who_is_accused_is_never_shown_to_others(rules: Similarity) -> None:
    assert rules.may_be_offered("citizen", "投诉", "09")
    assert not rules.may_be_offered("citizen", "举报", "09")
    assert not rules.may_be_offered("citizen", "投诉", "22")
    assert not rules.may_be_offered("enterprise", "投诉", "09")
