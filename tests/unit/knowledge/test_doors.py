"""The doors of those who ask."""

import pytest
from fastapi.testclient import TestClient

from core.database import Database

pytestmark = pytest.mark.unit


def test_anyone_may_search_and_reads_the_source_with_its_date(shelved: Database, client: TestClient) -> None:
    found = client.get("/api/knowledge/search", params={"q": "试用期能签半年吗"}).json()
    first = found["results"][0]
    assert found["verdict"] == "answer"
    assert first["id"] == "probation"
    assert first["source"] == "《中华人民共和国社会保险法》第五十八条（2018-12-29）"
    assert "confirm" not in first


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"q": ""}, "q"), ({"q": " "}, "q"), ({"q": "x" * 4001}, "q"), ({}, "q"), ({"q": "卡", "area": "咸安"}, "area")],
)
def test_what_cannot_be_searched_is_refused_by_its_name(client: TestClient, asked: dict[str, str], field: str) -> None:
    refused = client.get("/api/knowledge/search", params=asked)
    assert refused.status_code == 422
    assert field in refused.json()["detail"]


def test_an_entry_can_be_read_while_it_answers(shelved: Database, client: TestClient) -> None:
    assert client.get("/api/knowledge/entries/probation").json()["question"] == "试用期最长多久"
    assert client.get("/api/knowledge/entries/nothing").status_code == 404


def test_who_does_not_know_how_to_begin_is_offered_questions(client: TestClient) -> None:
    offered = client.get("/api/knowledge/common").json()
    assert "单位拖欠工资怎么办" in offered
    assert len(offered) == len(set(offered))


def test_the_bot_has_its_question_noted_and_says_what_became_of_it(
    shelved: Database, client: TestClient, as_bot: dict[str, str]
) -> None:
    question = {"text": "试用期能签半年吗", "channel": "web", "conversation_id": "web:1", "message_id": "m1"}
    told = client.post("/api/knowledge/questions", json=question, headers=as_bot).json()
    assert told["verdict"] == "answer"
    settled = client.post(f"/api/knowledge/questions/{told['id']}/outcome", json={"outcome": "solved"}, headers=as_bot)
    assert settled.status_code == 204
    assert client.post("/api/knowledge/questions", json=question).status_code == 401


def test_a_matter_that_is_no_question_is_not_noted(
    shelved: Database, client: TestClient, as_bot: dict[str, str]
) -> None:
    matter = {"text": "楼下烧烤摊半夜还在吵", "channel": "web", "conversation_id": "web:1", "message_id": "m1"}
    told = client.post("/api/knowledge/questions", json={**matter, "is_question": False}, headers=as_bot).json()
    assert (told["verdict"], told["id"]) == ("unsure", None)
