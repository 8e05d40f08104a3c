"""What a waiting caller hears, as `tests/conversations/waiting.yml` tells it."""

from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from core.city import City
from ivr.flow import LeaveQueue, Listen, Play, Say
from ivr.people.rules import KEY_SECONDS, LONGEST_SILENCE, Rules
from ivr.people.waiting import Waiting, hear
from tests.system import ROOT

pytestmark = pytest.mark.unit

STORIES = yaml.safe_load((ROOT / "tests" / "conversations" / "waiting.yml").read_text("utf-8"))
TIMES = ("waited", "since_offer")
RULES = Rules.of_city(City(ROOT / "city"))


@pytest.mark.parametrize("story", STORIES, ids=[story["name"] for story in STORIES])
def test_a_waiting_caller_hears(story: dict[str, Any]) -> None:
    about: dict[str, Any] = dict(story["is"])
    about |= {name: timedelta(seconds=about[name]) for name in TIMES if name in about}

    heard = hear(Waiting(**about), story.get("pressed"), RULES)

    said = [each.text for each in heard.instructions if isinstance(each, Say)]
    assert "".join(said) in (story.get("hears") or "").split("|")
    assert (heard.wish and heard.wish.value) == story.get("leaves")
    assert (LeaveQueue() in heard.instructions) == ("leaves" in story)


waiting = some.builds(
    Waiting,
    place=some.integers(1, 300),
    minutes=some.none() | some.integers(0, 500),
    waited=some.timedeltas(timedelta(0), timedelta(hours=3)),
    seats=some.integers(0, 5),
    said_place=some.none() | some.integers(1, 300),
    said_minutes=some.none() | some.integers(0, 500),
    rounds=some.integers(0, 1000),
    since_offer=some.none() | some.timedeltas(timedelta(0), timedelta(hours=3)),
    connecting=some.booleans(),
    reachable=some.booleans(),
    elder=some.booleans(),
)


@given(waiting, some.none() | some.text("0123456789*#", min_size=1, max_size=3))
def test_nobody_waits_half_a_minute_without_a_word(caller: Waiting, pressed: str | None) -> None:
    heard = hear(caller, pressed, RULES).instructions

    if heard[-1] == LeaveQueue():
        return
    assert [type(each) for each in heard] == [Say, Play, Listen]
    assert isinstance(heard[0], Say)
    assert heard[0].text
    assert RULES.seats.waiting.music_seconds + KEY_SECONDS < LONGEST_SILENCE
