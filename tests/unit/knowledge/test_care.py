"""What keepers of the knowledge base see: what is missing, what is there twice, what does not help."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from core.database import Database
from knowledge import asked, gaps, votes
from knowledge.answering import Knowledge
from knowledge.asked import Asked
from knowledge.content import Content, Entry
from knowledge.gaps import clustered, unanswered
from knowledge.likeness import Kind, alike
from knowledge.tables import Outcome
from tests.fakes import SetClock

pytestmark = pytest.mark.unit

VOTER = "a" * 22


async def ask(knowledge: Knowledge, database: Database, clock: SetClock, text: str, message: str) -> int:
    finding = await knowledge.find(text)
    heard = Asked(text, "web", "citizen", "web:somebody", message)
    return await database.write(lambda c: asked.note(c, heard, finding, clock()))


async def test_questions_that_ask_for_the_same_are_one_gap(
    knowledge: Knowledge, shelved: Database, clock: SetClock
) -> None:
    for number, text in enumerate(["游泳馆几点开门", "请问游泳馆几点开门呀", "烟花爆竹在哪里能放"]):
        await ask(knowledge, shelved, clock, text, str(number))
    await ask(knowledge, shelved, clock, "试用期能签半年吗", "answered")
    found = shelved.read_now(lambda c: unanswered(c, clock() - timedelta(days=1)))
    listed = clustered(found, await knowledge.shelf.vectors([each.text for each in found]))
    assert [gap.count for gap in listed] == [2, 1]
    assert set(listed[0].examples) == {"游泳馆几点开门", "请问游泳馆几点开门呀"}


async def test_an_answer_that_did_not_do_is_a_gap_with_its_entry(
    knowledge: Knowledge, shelved: Database, clock: SetClock
) -> None:
    number = await ask(knowledge, shelved, clock, "试用期能签半年吗", "1")
    shelved.write_now(lambda c: asked.settle(c, number, Outcome.UNSOLVED, clock(), "20261124-000012"))
    (found,) = shelved.read_now(lambda c: unanswered(c, clock() - timedelta(days=1)))
    assert found.entry_id == "probation"


async def test_a_repeated_message_is_one_question(knowledge: Knowledge, shelved: Database, clock: SetClock) -> None:
    first = await ask(knowledge, shelved, clock, "游泳馆几点开门", "1")
    assert await ask(knowledge, shelved, clock, "游泳馆几点开门", "1") == first


async def test_what_was_asked_is_forgotten_with_its_conversation(
    knowledge: Knowledge, shelved: Database, clock: SetClock
) -> None:
    await ask(knowledge, shelved, clock, "游泳馆几点开门", "1")
    shelved.write_now(lambda c: asked.forget(c, ["web:somebody"]))
    assert shelved.read_now(lambda c: unanswered(c, clock() - timedelta(days=1))) == []


def test_the_numbers_somebody_is_known_by_are_masked() -> None:
    assert gaps.masked("我电话13871234567，身份证421202199001011234，12333打不通") == (
        "我电话****，身份证****，12333打不通"
    )


def entry(content: Callable[..., Content], name: str, id_: str, **changed: Any) -> Entry:
    return Entry(id_, 1, content(name, **changed))


def test_two_entries_for_one_question_are_told(content: Callable[..., Content]) -> None:
    entries = [entry(content, "card-lost", "a"), entry(content, "card-lost", "b"), entry(content, "probation", "c")]
    same, other = np.eye(2, 4, dtype=np.float32)
    (pair,) = alike(entries, np.stack([same, same, other]))
    assert (pair.kind, pair.one.id, pair.other.id) == (Kind.DUPLICATE, "a", "b")


def test_like_entries_whose_figures_differ_may_not_agree(content: Callable[..., Content]) -> None:
    entries = [
        entry(content, "probation", "a"),
        entry(content, "probation", "b", answer="试用期不得超过3个月。"),
    ]
    (pair,) = alike(entries, np.ones((2, 1), dtype=np.float32))
    assert pair.kind is Kind.CONTRADICTION
    assert pair.figures == (("6月", "3月"),)


def test_entries_for_other_people_or_places_do_not_compete(content: Callable[..., Content]) -> None:
    entries = [
        entry(content, "probation", "a", audience="citizen"),
        entry(content, "probation", "b", audience="company"),
        entry(content, "card-lost", "c", area="421202"),
        entry(content, "card-lost", "d", area="421281"),
    ]
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)
    assert alike(entries, vectors) == []


def test_a_reader_votes_once_and_may_think_again(shelved: Database, clock: SetClock) -> None:
    for helped in (True, False):
        shelved.write_now(lambda c: votes.vote(c, "probation", 1, VOTER, helped, clock()))  # noqa: B023
    shelved.write_now(lambda c: votes.vote(c, "card-lost", 1, VOTER, True, clock()))
    worst, best = shelved.read_now(lambda c: votes.usefulness(c, clock() - timedelta(days=1)))
    assert (worst.entry_id, worst.helped, worst.not_helped) == ("probation", 0, 1)
    assert (best.entry_id, best.helped) == ("card-lost", 1)


def test_anyone_may_say_that_an_answer_did_not_help(shelved: Database, client: TestClient) -> None:
    address = "/api/knowledge/entries/probation/votes"
    assert client.post(address, json={"version": 1, "voter": VOTER, "helped": False}).status_code == 204
    assert client.post(address, json={"version": 7, "voter": VOTER, "helped": False}).status_code == 404
    refused = client.post(address, json={"version": 1, "voter": "me", "helped": False})
    assert refused.status_code == 422
    assert "voter" in refused.json()["detail"]
