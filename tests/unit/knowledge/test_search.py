"""What a citizen's words find."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core.city import City
from core.database import Database
from knowledge.answering import Knowledge
from knowledge.content import Audience, Content
from knowledge.entries import Actor, put, retire
from knowledge.search import shelf
from knowledge.search.encoder import Encoder, Vectors
from knowledge.search.index import Index
from knowledge.search.nearest import InMemory, Scores
from knowledge.search.words import Words
from knowledge.tables import Verdict
from tests.fakes import SetClock

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("社保卡不见了咋补", "card-lost"),
        ("我的社會保障卡丟失了，想補辦", "card-lost"),
        ("设保卡丢了怎么补办", "card-lost"),
        ("驾照掉了咋弄", "licence-lost"),
        ("試用期最長可以多久", "probation"),
    ],
    ids=["everyday words", "traditional characters", "a slip of the ear", "a synonym", "other words"],
)
async def test_a_question_finds_its_entry_first(knowledge: Knowledge, said: str, meant: str) -> None:
    finding = await knowledge.find(said)
    assert finding.candidates[0].entry.id == meant


async def test_what_the_entry_says_word_for_word_is_answered(knowledge: Knowledge) -> None:
    finding = await knowledge.find("试用期能签半年吗")
    assert finding.verdict is Verdict.ANSWER
    assert finding.answer is not None
    assert finding.answer.entry.id == "probation"


@pytest.mark.parametrize("said", ["今天晚上吃什么好", "楼下烧烤摊半夜还在吵", "？？？", "a", "1" * 4000])
async def test_what_no_entry_is_about_is_not_answered(knowledge: Knowledge, said: str) -> None:
    assert (await knowledge.find(said)).verdict is Verdict.UNSURE


async def test_an_expired_entry_never_answers(
    knowledge: Knowledge, shelved: Database, content: Callable[..., Content], editor: Actor, clock: SetClock
) -> None:
    last_day = clock().date()
    shelved.write_now(lambda c: put(c, [("probation", content("probation", expires=last_day))], editor, live=True))
    await knowledge.shelf.refresh()
    assert (await knowledge.find("试用期能签半年吗")).verdict is Verdict.ANSWER
    clock.now += timedelta(days=1)
    finding = await knowledge.find("试用期能签半年吗")
    assert "probation" not in [candidate.entry.id for candidate in finding.candidates]


async def test_an_entry_that_is_not_yet_in_force_does_not_answer(
    knowledge: Knowledge, shelved: Database, content: Callable[..., Content], editor: Actor, clock: SetClock
) -> None:
    first_day = clock().date() + timedelta(days=1)
    shelved.write_now(lambda c: put(c, [("probation", content("probation", effective=first_day))], editor, live=True))
    await knowledge.shelf.refresh()
    found = [candidate.entry.id for candidate in (await knowledge.find("试用期能签半年吗")).candidates]
    assert "probation" not in found


async def test_what_is_taken_down_tells_nothing_from_the_next_question_on(
    knowledge: Knowledge, shelved: Database, editor: Actor
) -> None:
    await knowledge.find("试用期能签半年吗")
    shelved.write_now(lambda c: retire(c, "probation", editor, "修法"))
    await knowledge.shelf.refresh()
    found = [candidate.entry.id for candidate in (await knowledge.find("试用期能签半年吗")).candidates]
    assert "probation" not in found


async def test_what_is_taken_down_while_the_index_is_being_made_tells_nothing(
    knowledge: Knowledge,
    shelved: Database,
    content: Callable[..., Content],
    editor: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await knowledge.shelf.refresh()
    monkeypatch.setattr(shelf, "LOOK_EVERY_SECONDS", 0.0)
    may_be_made = threading.Event()

    def slow(*made_of: Any) -> Index:
        may_be_made.wait(30)
        return Index(*made_of)

    monkeypatch.setattr(shelf, "Index", slow)
    dearer = content("card-lost", fee="20元")
    shelved.write_now(lambda c: put(c, [("card-lost", dearer)], editor, live=True))
    await knowledge.shelf.index()
    shelved.write_now(lambda c: retire(c, "probation", editor, "修法"))
    during = [candidate.entry.id for candidate in (await knowledge.find("试用期能签半年吗")).candidates]
    may_be_made.set()
    await knowledge.shelf.refresh()
    await knowledge.shelf.refresh()
    after = [candidate.entry.id for candidate in (await knowledge.find("试用期能签半年吗")).candidates]
    assert "probation" not in during + after


@pytest.mark.parametrize(("asks", "finds"), [(Audience.COMPANY, False), (Audience.CITIZEN, True), (None, True)])
async def test_what_is_meant_for_citizens_is_not_told_to_companies(
    knowledge: Knowledge,
    shelved: Database,
    content: Callable[..., Content],
    editor: Actor,
    asks: Audience | None,
    finds: bool,
) -> None:
    for_citizens = content("card-lost", audience="citizen")
    shelved.write_now(lambda c: put(c, [("card-lost", for_citizens)], editor, live=True))
    await knowledge.shelf.refresh()
    finding = await knowledge.find("社保卡丢了怎么补办", audience=asks)
    assert ("card-lost" in [candidate.entry.id for candidate in finding.candidates]) == finds


@pytest.mark.parametrize(("area", "finds"), [("421202", True), ("421202001", True), ("421281", False), (None, True)])
async def test_what_holds_for_one_county_is_not_told_in_another(
    knowledge: Knowledge,
    shelved: Database,
    content: Callable[..., Content],
    editor: Actor,
    area: str | None,
    finds: bool,
) -> None:
    local = content("card-lost", area="421202")
    shelved.write_now(lambda c: put(c, [("card-lost", local)], editor, live=True))
    await knowledge.shelf.refresh()
    finding = await knowledge.find("社保卡丢了怎么补办", area=area)
    assert ("card-lost" in [candidate.entry.id for candidate in finding.candidates]) == finds


async def test_an_empty_knowledge_base_is_sure_of_nothing(sqlite: Database, city: City, clock: SetClock) -> None:
    finding = await Knowledge(sqlite, city, clock).find("社保卡丢了怎么办")
    assert finding.verdict is Verdict.UNSURE
    assert finding.candidates == ()


async def test_a_text_is_encoded_once_however_often_the_index_is_made(
    knowledge: Knowledge, shelved: Database, city: City, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await knowledge.shelf.refresh()
    encoded: list[str] = []
    monkeypatch.setattr(Encoder, "encode", lambda self, texts: encoded.extend(texts))
    index = await Knowledge(shelved, city, clock).shelf.refresh()
    assert (len(index.entries), encoded) == (3, [])


async def test_sqlite_keeps_all_vectors_in_memory_and_says_what_is_missing_once(
    shelved: Database, city: City, clock: SetClock, editor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    knowledge = Knowledge(shelved, city, clock, most_in_memory=1)
    assert (await knowledge.find("试用期能签半年吗")).candidates[0].meaning > 0.95
    shelved.write_now(lambda c: retire(c, "card-lost", editor, "修法"))
    await knowledge.shelf.refresh()
    told = [vars(record)["missing"] for record in caplog.records]
    assert told == ["PostgreSQL with the extension vector; the database is SQLite"]


async def test_the_event_loop_is_free_while_a_question_is_searched(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched_in: list[threading.Thread] = []
    cosines = InMemory.cosines

    def noted(nearest: InMemory, vector: Vectors) -> tuple[Scores, Scores]:
        searched_in.append(threading.current_thread())
        return cosines(nearest, vector)

    monkeypatch.setattr(InMemory, "cosines", noted)
    await knowledge.find("试用期能签半年吗")
    assert len(searched_in) == 1
    assert searched_in[0] is not threading.current_thread()


def test_fillers_say_nothing_and_synonyms_say_the_same(words: Words) -> None:
    assert words.tokens("请问怎么办呢") == []
    assert set(words.content("驾照")) & set(words.content("驾驶证")) == set(words.content("驾照")) - {"驾照"}
    assert words.sounds("设保卡") == words.sounds("社保卡")
