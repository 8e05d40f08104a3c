"""The trained bot on lists written without knowing it: small talk, danger, more than one matter in a message."""

import json
from functools import cache
from typing import Any

import pytest
import yaml

from core.city import City
from intake.emergency import EmergencyScreen
from tests.system import ROOT
from tests.whole.test_command_line import hotline

pytestmark = pytest.mark.service

LISTS = ROOT / "tests" / "understanding"
MOST_TALK_TAKEN_FOR_A_MATTER = 0.03
LEAST_MATTERS_COUNTED_RIGHT = 0.9


def lines(name: str) -> list[str]:
    return [line for line in (LISTS / name).read_text("utf-8").splitlines() if line.strip()]


@cache
def parsed() -> dict[str, dict[str, Any]]:
    """What the bot says of every line of the lists, by its text."""
    texts = lines("small_talk.txt")
    texts += [line.partition("\t")[2] for name in ("emergencies.tsv", "two_matters.tsv") for line in lines(name)]
    given = "".join(json.dumps({"id": text, "text": text}, ensure_ascii=False) + "\n" for text in texts)
    done = hotline("parse", given=given)
    assert done.returncode == 0, done.stderr
    return {told["id"]: told for told in map(json.loads, done.stdout.splitlines())}


def test_small_talk_is_hardly_ever_taken_for_a_matter(city: City) -> None:
    matters = {category.slug for category in city.categories.values()}
    talk = lines("small_talk.txt")
    taken = [text for text in talk if parsed()[text]["intent"] in matters]
    assert len(talk) >= 300
    assert len(taken) / len(talk) <= MOST_TALK_TAKEN_FOR_A_MATTER, taken


def test_danger_is_told_in_the_first_reply() -> None:
    screen = EmergencyScreen(yaml.safe_load((ROOT / "city" / "emergencies.yml").read_text("utf-8")))
    cases = [line.partition("\t")[2] for line in lines("emergencies.tsv")]
    missed = [text for text in cases if not screen.warning(text) and not is_told_by_the_bot(parsed()[text])]
    assert len(cases) >= 150
    assert missed == []


def is_told_by_the_bot(told: dict[str, Any]) -> bool:
    """Whether the bot's own reply begins with the warning."""
    from bot.actions.danger import is_danger

    return told["intent"] == "emergency" or is_danger(told["danger"])


def test_more_than_one_matter_is_noticed_and_one_is_left_alone() -> None:
    cases = [line.split("\t") for line in lines("two_matters.tsv")]
    right = [(int(count) > 1) == (len(parsed()[text]["matters"]) > 1) for count, text in cases]
    assert len(cases) >= 60
    assert sum(right) / len(right) >= LEAST_MATTERS_COUNTED_RIGHT
