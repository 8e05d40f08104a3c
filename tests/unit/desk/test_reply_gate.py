"""The check of replies, as docs/replies.md says it is."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.city import City
from desk.closing.reply_gate import Gate, Kind, read_gate
from desk.orders.model import Outcome

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
REPLIES: list[dict[str, Any]] = yaml.safe_load((ROOT / "tests" / "desk_data" / "replies.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def gate() -> Gate:
    """The rules that come with the project."""
    return read_gate(City(ROOT / "city").read("reply_gate.yml"))


def found(gate: Gate, said: dict[str, Any]) -> set[str]:
    """What the check finds missing in a reply."""
    earlier = [said["earlier"]] if "earlier" in said else []
    return {finding.kind for finding in gate.check(said["reply"], Outcome(said["outcome"]), [said["asked"]], earlier)}


def measured(gate: Gate, half: str) -> dict[str, tuple[int, int, int]]:
    """For each kind of finding how many are there, how many are found, and how many of those rightly."""
    there: Counter[str] = Counter()
    told: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for said in REPLIES:
        if said["half"] == half:
            lacking, says = set(said["lacks"]), found(gate, said)
            there.update(lacking)
            told.update(says)
            right.update(lacking & says)
    return {kind.value: (there[kind], told[kind], right[kind]) for kind in Kind}


def test_the_documented_measure_is_the_measure(gate: Gate) -> None:
    document = (ROOT / "docs" / "replies.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", document, re.MULTILINE)
    documented = {kind: tuple(map(int, numbers)) for kind, *numbers in rows}
    tuned, unseen = measured(gate, "tuned"), measured(gate, "unseen")
    assert documented == {kind: tuned[kind] + unseen[kind] for kind in tuned}


def test_what_refuses_a_reply_was_never_wrong(gate: Gate) -> None:
    hard = {kind for kind, telling in gate.findings.items() if telling.level == "hard"}
    assert hard == {"short", "copied", "date", "blame", "outcome"}
    assert [said["reply"] for said in REPLIES if (found(gate, said) & hard) - set(said["lacks"])] == []


def test_the_points_are_what_was_asked(gate: Gate) -> None:
    text = "您好，停水两天了。什么原因？什么时候来水？希望以后提前通知，谢谢"
    assert gate.points([text]) == ["什么原因?", "什么时候来水?", "希望以后提前通知"]


def test_a_reply_to_nothing_but_a_complaint_has_no_point_to_miss(gate: Gate) -> None:
    assert gate.points(["楼下太吵了"]) == []
