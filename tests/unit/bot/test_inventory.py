"""The bot's lists are true: intents, rules, responses and actions fit together, and with the city's data."""

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.actions.follow_up import PURPOSE_OF_INTENT
from tools.corpus import sentences, too_alike

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
FEWEST_EXAMPLES, FEWEST_OF_A_CATEGORY = 30, 60


@cache
def domain() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "domain.yml").read_text("utf-8"))
    return loaded


@cache
def examples() -> dict[str, list[str]]:
    """All training sentences by intent."""
    found: dict[str, list[str]] = {}
    for sentence in sentences():
        found.setdefault(sentence.intent, []).append(sentence.text)
    return found


@cache
def rules() -> list[dict[str, Any]]:
    files = sorted((ROOT / "bot" / "data" / "rules").glob("*.yml"))
    return [rule for path in files for rule in yaml.safe_load(path.read_text("utf-8"))["rules"]]


def sources() -> str:
    """All of the actions' code."""
    return "\n".join(path.read_text("utf-8") for path in (ROOT / "bot" / "actions").glob("*.py"))


def test_the_intents_are_those_with_examples() -> None:
    assert set(domain()["intents"]) == set(examples())


def test_every_category_has_its_intent() -> None:
    categories = yaml.safe_load((ROOT / "city" / "categories.yml").read_text("utf-8"))["categories"]
    assert len(categories) == 22
    assert {category["slug"] for category in categories} <= set(domain()["intents"])


@pytest.mark.parametrize("intent", domain()["intents"])
def test_every_intent_has_enough_different_examples(intent: str) -> None:
    categories = yaml.safe_load((ROOT / "city" / "categories.yml").read_text("utf-8"))["categories"]
    fewest = FEWEST_OF_A_CATEGORY if intent in {c["slug"] for c in categories} else FEWEST_EXAMPLES
    counted = Counter(re.sub(r"\W", "", example) or example for example in examples()[intent])
    assert len(counted) >= fewest
    assert [example for example, count in counted.items() if count > 1] == []


def test_no_sentence_is_an_example_of_two_intents() -> None:
    counted = Counter(example for of_intent in examples().values() for example in set(of_intent))
    assert [example for example, count in counted.items() if count > 1] == []


def test_no_two_sentences_say_the_same() -> None:
    assert [(one.text, other.text) for one, other in too_alike(sentences())] == []


def test_every_intent_begins_a_rule() -> None:
    begun = {step["intent"] for rule in rules() for step in rule["steps"] if "intent" in step}
    assert begun == set(domain()["intents"])


def test_every_response_is_said_somewhere() -> None:
    said = set(re.findall(r"utter_\w+", sources() + yaml.safe_dump(rules())))
    said |= {f"utter_{purpose}_done" for purpose in PURPOSE_OF_INTENT.values()}
    asked = {name for name in domain()["responses"] if name.startswith("utter_ask_f")}
    assert set(domain()["responses"]) - said - asked - {"utter_default"} == set()


def test_every_response_that_is_said_exists() -> None:
    named = set(re.findall(r'"(utter_\w+)"', sources())) | set(re.findall(r"utter_\w+", yaml.safe_dump(rules())))
    assert named - set(domain()["responses"]) == set()


def test_every_action_of_the_domain_is_written() -> None:
    written = set(re.findall(r'return "((?:action|validate)_\w+)"', sources()))
    assert written == set(domain()["actions"])
