"""Answering questions, conversation by conversation, as `tests/conversations/consulting.yml` tells them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.actions import consulting
from bot.actions.advice import Adviser
from bot.actions.answers import Answers
from bot.actions.city import City
from bot.actions.consulting import Consultation
from bot.actions.desk import Desk, DeskRefused
from bot.actions.filing import Draft, Filing, Heard
from bot.actions.large_model import LargeModel, Written

pytestmark = pytest.mark.unit

STORY = yaml.safe_load((Path(__file__).parents[2] / "conversations" / "consulting.yml").read_text("utf-8"))
CITY = City()
CALLER = "+8613907241234"
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("short", "fee", "time", "source", "category", "unit"), ""),
    **{name: [] for name in ("steps", "documents", "places", "basis", "matters")},
    "version": 3,
    "effective": "2026-01-01",
}


def entry(name: str) -> dict[str, Any]:
    return {**EMPTY, "id": name, **STORY["entries"][name]}


class Knowledge(Desk):
    """A knowledge base that finds what a scenario says; it remembers what it was told."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        super().__init__("http://desk", "token")
        self.scenario = scenario
        self.asked: dict[str, int] = {}
        self.settled: list[list[Any]] = []
        self.texted: list[list[Any]] = []

    async def _post_once(self, path: str, body: dict[str, Any], headers: Any) -> Any:
        assert headers is None
        if self.scenario.get("silent"):
            raise aiohttp.ClientConnectionError
        _, _, rest = path.partition("/api/knowledge/questions")
        question, action = (int(rest.split("/")[1]), rest.split("/")[2]) if rest else (0, "ask")
        match action:
            case "ask":
                return self._find(body)
            case "choice":
                return entry(body["entry_id"])
            case "outcome":
                self.settled.append([question, body["outcome"], body["order_number"]])
            case "text":
                self.texted.append([question, body["phone"]])
                return {"texts": 1}
        return None

    def _find(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self.scenario.get("finds", {}).get(body["text"], {})
        names = found.get("choice") or [found["answer"]] if found else []
        verdict = next(iter(found), "unsure")
        noted = body["is_question"] or verdict == "answer"
        number = self.asked.setdefault(body["message_id"], len(self.asked) + 1) if noted else None
        results = [{**entry(name), "probability": 0.9} for name in names]
        sends_texts = self.scenario.get("texts", False)
        return {"id": number, "verdict": verdict, "likely": len(names), "results": results, "sends_texts": sends_texts}


def heard(said: str | dict[str, Any], number: int, channel: str) -> Heard:
    said = {"text": said} if isinstance(said, str) else said
    category = said.get("category")
    return Heard(
        text=said["text"],
        intent=said.get("intent") or (CITY.by_id[category].slug if category else ""),
        confidence=0.9 if category or "intent" in said else 0.0,
        ranking=((category, 0.9), ("22", 0.1)) if category else (),
        nature=said.get("nature", "咨询" if number == 1 else None),
        caller=CALLER if channel == "phone" else None,
        message_id=f"m{number}",
    )


@pytest.mark.parametrize("scenario", STORY["scenarios"], ids=lambda scenario: scenario["title"])
async def test_in_a_consultation(scenario: dict[str, Any]) -> None:
    channel = scenario.get("channel", "web")
    knowledge, filing = Knowledge(scenario), Filing(CITY)
    adviser = Adviser(CITY, knowledge, f"{channel}:1", channel, spoken=channel == "phone")
    draft, asked, kept = Draft(f"{channel}:1:m1"), None, None
    for number, turn in enumerate(scenario["turns"], start=1):
        said = turn["say"]
        message = heard(said, number, channel)
        topic = Consultation.from_slot(kept) if asked in consulting.STEPS_HERE else None
        danger = isinstance(said, dict) and said.get("danger", False)
        step, told = await adviser.lead(filing, draft, asked, topic, message, danger=danger)
        tells = [*(told.say if told else ()), *step.say]
        outcome = {"ask": step.ask, "ends": step.outcome, "tells": tells}
        assert outcome == {"ask": turn.get("ask"), "ends": turn.get("ends"), "tells": turn.get("tells", [])}, said
        if told is not None and step.ask in consulting.STEPS_HERE:
            _check_told(adviser, told.consultation, step.ask, turn)
        draft, asked = step.draft, step.ask
        kept = told.consultation.to_slot() if told else None
    assert knowledge.settled == scenario.get("settled", knowledge.settled)
    assert knowledge.texted == scenario.get("texted", [])
    assert draft.text == scenario.get("text", draft.text)


def _check_told(adviser: Adviser, consultation: Consultation, asked: str | None, turn: dict[str, Any]) -> None:
    dialogue = adviser.consulting
    is_choice = asked == consulting.WHICH
    text = "" if is_choice else dialogue.told(consultation)
    assert all(part in text for part in turn.get("hears", [])), text
    assert text or turn.get("hears", ["something"]) == [] or is_choice
    offers = dialogue.choices(consultation) if is_choice else dialogue.buttons(consultation)
    assert offers == turn.get("offers", offers)
    if consultation.spoken:
        assert sum(text.count(end) for end in "。！？") <= 2, text


def test_the_quick_replies_are_understood_as_what_they_say() -> None:
    names = CITY.phrases["consulting"]["buttons"]
    lists = {
        "file": "unsolved",
        "more": "details",
        "next": "next_matter",
        "none": "none_of_these",
        "yes": "affirm",
        "no": "deny",
    }
    assert {name: title for name, title in names.items() if title not in CITY.phrases[lists.get(name, name)]} == {}


@pytest.mark.parametrize("facet", CITY.phrases["consulting"]["asked"])
def test_each_part_of_an_answer_is_found_by_the_question_on_its_button(facet: str) -> None:
    assert consulting.Consulting(CITY)._facet(Answers(CITY).asked(facet)) == facet


@pytest.mark.parametrize(
    ("said", "facet"),
    [
        ("那要带什么材料？", "documents"),
        ("需要准备哪些证件", "documents"),
        ("要带啥子", "documents"),
        ("收不收费", "fee"),
        ("大概要几天", "time"),
        ("什么时候能办好", "time"),
        ("去哪里办啊", "places"),
        ("找哪个部门", "places"),
        ("有什么法律依据吗", "basis"),
        ("那具体怎么办理", "steps"),
        ("办护照要带什么材料", None),
        ("孩子上学要多少钱", None),
        ("路灯坏了", None),
    ],
)
def test_what_is_asked_of_an_answer_is_told_from_another_matter(said: str, facet: str | None) -> None:
    assert consulting.Consulting(CITY)._facet(said) == facet


def test_a_counter_near_the_citizen_is_told_before_the_others() -> None:
    places = [
        {"name": "咸安窗口", "address": "长安大道1号", "phone": "", "hours": "", "area": "421202"},
        {"name": "嘉鱼窗口", "address": "沙阳大道2号", "phone": "0715-6320000", "hours": "", "area": "421221"},
    ]
    told = Answers(CITY).shown({**entry("passport"), "places": places}, "places", "421221103")
    assert "嘉鱼窗口，沙阳大道2号，0715-6320000" in told
    assert "咸安窗口" not in told


@pytest.mark.parametrize("trouble", [TimeoutError(), DeskRefused(404, "gone")], ids=repr)
async def test_a_knowledge_base_that_is_silent_stops_nothing(trouble: Exception) -> None:
    class Down(Desk):
        async def _post_once(self, path: str, body: dict[str, Any], headers: Any) -> Any:
            raise trouble

    desk = Down("http://desk", "token")
    assert await desk.ask({}) is None
    assert await desk.choose(1, "fee") is None
    assert await desk.send_text(1, CALLER) is False
    await desk.settle(1, "solved")


class Writer(LargeModel):
    """A large model that writes what a test says."""

    def __init__(self, written: Written | None) -> None:
        super().__init__("http://nowhere", "", "any", 1.0)
        self.written = written
        self.read: list[str] = []

    async def answer(self, question: str, entries: Mapping[str, str], city: City) -> Written | None:
        self.read += entries
        return self.written


@pytest.mark.parametrize(
    ("channel", "written", "told"),
    [
        ("web", Written("照您说的，不能签半年。", ("passport",)), "照您说的，不能签半年。"),
        ("web", Written("照您说的，不能签半年。", ("another",)), entry("passport")["answer"]),
        ("web", None, entry("passport")["answer"]),
        ("phone", Written("照您说的，不能签半年。", ("passport",)), None),
    ],
    ids=["it cites the entry", "it cites another", "it is silent", "on the telephone nobody waits for it"],
)
async def test_a_sure_answer_may_be_put_into_the_terms_of_the_question(
    channel: str, written: Written | None, told: str | None
) -> None:
    writer = Writer(written)
    knowledge = Knowledge({"finds": {"护照怎么办": {"answer": "passport"}}})
    adviser = Adviser(CITY, knowledge, f"{channel}:1", channel, spoken=channel == "phone", writer=writer)
    said = heard({"text": "护照怎么办", "category": "08"}, 1, channel)
    _, turn = await adviser.lead(Filing(CITY), Draft("1"), None, None, said, danger=False)
    assert turn is not None
    shown = adviser.consulting.told(turn.consultation)
    assert writer.read == (["passport"] if told else [])
    assert told is None or shown.startswith(told)
    assert not told or entry("passport")["source"] in shown
