"""A call for 回访 alone: what the citizen hears, and what came of it."""

import random
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from core.city import City
from core.clock import CITY_TIME
from ivr.flow import HangUp, Heard, HungUp, Keyed, Listen, Pace, Say, Silence, Started
from ivr.out.endings import Ending, ending_of, is_machine
from ivr.out.flow import OutEvent, OutState, Result, Where, advance, meaning
from ivr.out.rules import Campaign, CampaignRules
from ivr.out.words import OutWords, load_words

pytestmark = pytest.mark.unit

STORIES = yaml.safe_load((Path(__file__).parents[2] / "conversations" / "callbacks.yml").read_text("utf-8"))
WORDS = load_words()


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=CITY_TIME)


@pytest.fixture(scope="module")
def campaign(city: City) -> Campaign:
    return Campaign(city)


def begun(campaign: Campaign, line: str = "citizen") -> OutState:
    return OutState(
        city="咸宁",
        matter="生态环境方面的问题",
        unit="咸安区生态环境局",
        questions=campaign.rules.asked(line),
        slots=campaign.hours.slots(at("2026-11-24 09:30"), WORDS.slots),
    )


def event_of(step: dict[str, Any]) -> OutEvent:
    if "hear" in step:
        return Heard(step["hear"], step.get("confidence"))
    if "key" in step:
        return Keyed(step["key"])
    if "silence" in step:
        return Silence()
    return HungUp() if "hang_up" in step else Started()


@pytest.mark.parametrize("story", STORIES, ids=[story["title"] for story in STORIES])
def test_a_citizen_hears(story: dict[str, Any], campaign: Campaign) -> None:
    state = begun(campaign, story.get("line", "citizen"))
    for told in story["steps"]:
        assert state.result is None, "the call is over before the story"
        step = advance(state, event_of(told), WORDS)
        said = [each for each in step.instructions if isinstance(each, Say)]
        heard = "".join(each.text for each in said)
        for part in told.get("says", ()):
            assert part in heard
        for part in told.get("never", ()):
            assert part not in heard
        if "says" in told:
            assert all((each.pace is Pace.SLOW) == told.get("slow", False) for each in said), heard
            last = step.instructions[-1]
            assert isinstance(last, HangUp if step.state.result else Listen)
        state = step.state
    later = state.later and state.later.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")
    given = {
        "result": state.result,
        "solved": state.solved,
        "satisfied": state.content(Where.SATISFIED),
        "enterprise": state.content(Where.ENTERPRISE),
        "remark": state.remark,
        "later": later,
    }
    assert given == {**dict.fromkeys(given), **{name: story[name] for name in given if name in story}}
    if "degree" in story:
        assert (state.given or {})[Where.SATISFIED] == story["degree"]


def test_whatever_is_pressed_said_or_not_said_every_call_ends_with_a_result(campaign: Campaign) -> None:
    for seed in range(1000):
        state = a_random_call(seed, campaign)
        assert state.result is not None, seed
        assert state.where is Where.OVER, seed
        assert state.complete or state.result is not Result.REACHED, seed


def a_random_call(seed: int, campaign: Campaign) -> OutState:
    drawn = random.Random(seed)
    words = [
        "是的",
        "没有",
        "满意",
        "不满意",
        "稍后",
        "人工",
        "打错了",
        "哦",
        "再说一遍",
        "别再打了",
        "明天上午",
        "解决了",
    ]
    state = advance(begun(campaign, drawn.choice(["citizen", "enterprise"])), Started(), WORDS).state
    for _ in range(200):
        events: list[OutEvent] = [
            Keyed(drawn.choice("0123456789*#")),
            Heard(drawn.choice(words), drawn.choice([None, 0.1, 0.9])),
            Silence(),
        ]
        step = advance(state, drawn.choice(events), WORDS)
        assert step.instructions
        state = step.state
        if state.result is not None:
            return state
    return advance(state, HungUp(), WORDS).state


@pytest.mark.parametrize("where", list(Where)[:3])
def test_a_machine_or_stranger_learns_nothing_before_the_person_is_there(where: Where, campaign: Campaign) -> None:
    state = replace(begun(campaign), where=where, prompt="。", again="。")
    for event in (Started(), Silence(), Keyed("7"), Keyed("3"), Keyed("9"), Keyed("*"), Heard("喂"), Heard("打错了")):
        step = advance(state, event, WORDS)
        spoken = "".join(each.text for each in step.instructions if isinstance(each, Say))
        assert "生态环境" not in spoken


ANSWERS = [
    ("解决了，谢谢你们。", "yes"),
    ("没有解决", "no"),
    ("还没解决呢", "no"),
    ("问题还没有解决", "no"),
    ("只解决了一部分", "no"),
    ("没问题了", "yes"),
    ("解决个什么，没人管", None),
    ("未必解决", None),
    ("今天天气好", None),
]


@pytest.mark.parametrize(("text", "wanted"), ANSWERS, ids=[text for text, _ in ANSWERS])
def test_a_short_answer_means(text: str, wanted: str | None) -> None:
    options = {name: option.words for name, option in WORDS.questions["solved"].options.items()}
    assert meaning(text, options, WORDS) == wanted


CONTENT = [
    ("满意", "satisfied"),
    ("非常满意", "satisfied"),
    ("没什么不满意的", "satisfied"),
    ("不满意", "unsatisfied"),
    ("不太满意", "unsatisfied"),
    ("比较满意", "mostly"),
    ("满意是满意，就是慢", "satisfied"),
    ("谈不上满意", None),
]


@pytest.mark.parametrize(("text", "wanted"), CONTENT, ids=[text for text, _ in CONTENT])
def test_how_satisfied_somebody_is(text: str, wanted: str | None) -> None:
    options = {name: option.words for name, option in WORDS.questions["satisfied"].options.items()}
    assert meaning(text, options, WORDS) == wanted


# ---- the rules ------------------------------------------------------------------------------------------------------

OPEN = [
    ("2026-11-24 08:59", False),
    ("2026-11-24 09:00", True),
    ("2026-11-24 11:29", True),
    ("2026-11-24 11:30", False),
    ("2026-11-24 13:00", False),
    ("2026-11-24 15:00", True),
    ("2026-11-24 18:30", False),
    ("2026-11-24 23:00", False),
    ("2026-11-28 10:00", False),  # a Saturday
    ("2026-10-01 10:00", False),  # 国庆节
]


@pytest.mark.parametrize(("moment", "allowed"), OPEN, ids=[moment for moment, _ in OPEN])
def test_it_calls_on_working_days_and_neither_at_noon_nor_at_night(
    moment: str, allowed: bool, campaign: Campaign
) -> None:
    assert campaign.hours.are_open(at(moment)) is allowed


def test_on_a_friday_evening_it_offers_the_days_after_the_weekend(campaign: Campaign) -> None:
    slots = campaign.hours.slots(at("2026-11-27 18:00"), WORDS.slots)
    assert [slot.title for slot in slots] == ["周一上午", "周一下午", "周二上午"]


BAD_RULES = [
    ({"hours": ["08:00-11:30"]}, "outside 08:30-20:00"),
    ({"hours": ["09:00-13:00"]}, "rest at noon"),
    ({"hours": ["15:00-21:00"]}, "outside 08:30-20:00"),
    ({"retry": {"refused": "1d"}}, "nobody is called again after refused"),
    ({"questions": ["solved"]}, "solved and satisfied"),
    ({"gap": "soon"}, "soon"),
]


@pytest.mark.parametrize(("change", "told"), BAD_RULES, ids=[told for _, told in BAD_RULES])
def test_rules_that_disturb_people_are_refused(change: dict[str, Any], told: str, city: City) -> None:
    with pytest.raises(ValidationError, match=told):
        CampaignRules.model_validate({**city.read("phone.yml")["campaign"], **change})


def test_words_that_do_not_fit_the_flow_are_refused_by_name() -> None:
    told = yaml.safe_load((Path("ivr") / "out" / "words.yml").read_text("utf-8"))
    told["questions"]["solved"]["ask"] = "您反映的{text}解决了吗？"
    with pytest.raises(ValidationError, match=r"questions\.solved\.ask"):
        OutWords.model_validate(told)


def test_every_result_and_hindrance_has_its_words() -> None:
    from ivr.out.planning import Hindrance

    assert set(WORDS.results) == set(Result)
    assert set(WORDS.hindrances) == set(Hindrance)


ENDINGS = [
    ("completed", None, Ending.COMPLETED),
    ("completed", 480, Ending.COMPLETED),
    ("busy", None, Ending.BUSY),
    ("no-answer", None, Ending.NO_ANSWER),
    ("failed", None, Ending.FAILED),
    ("failed", 404, Ending.WRONG_NUMBER),
    ("failed", 480, Ending.SWITCHED_OFF),
    ("no-answer", 480, Ending.SWITCHED_OFF),
    ("canceled", None, Ending.FAILED),
    ("ringing", None, None),
    ("in-progress", None, None),
]


@pytest.mark.parametrize(("status", "sip", "ending"), ENDINGS)
def test_a_carriers_status_means(status: str, sip: int | None, ending: Ending | None) -> None:
    assert ending_of(status, sip) == ending


@pytest.mark.parametrize(
    ("answered_by", "machine"),
    [("machine_start", True), ("fax", True), ("human", False), ("unknown", False), (None, False)],
)
def test_who_answered(answered_by: str | None, machine: bool) -> None:
    assert is_machine(answered_by) is machine
